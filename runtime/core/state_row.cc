#include "runtime/core/state_row.h"

namespace omen {

namespace {

constexpr uint32_t capacity_min = 16;

}  // namespace

void StateRow::resize(BytePool& pool, uint32_t places_count) {
  StateRow other = *this;
  other.capacity = places_count;
  other.places = reinterpret_cast<Place*>(pool.take(places_count * sizeof(Place)));
  for (uint32_t at = 0; at < places_count; ++at) other.places[at] = {};
  for_each([&](RuleId rule, uint32_t state) { other.places[other.place_of(rule)] = {rule, ~state}; });
  release(pool);
  *this = other;
}

void StateRow::add(BytePool& pool, RuleId rule, uint32_t state) {
  if ((count + 1) * 4 > capacity * 3) resize(pool, capacity == 0 ? capacity_min : capacity * 2);
  places[place_of(rule)] = {rule, ~state};
  ++count;
}

// What follows is moved up where its own place allows. Who visits all places does not for long visit empty ones.
void StateRow::remove(BytePool& pool, RuleId rule) {
  const uint32_t mask = capacity - 1;
  uint32_t hole = place_of(rule);
  for (uint32_t at = (hole + 1) & mask; places[at].inverse != 0; at = (at + 1) & mask) {
    if (((at - home(places[at].rule)) & mask) < ((at - hole) & mask)) continue;
    places[hole] = places[at];
    hole = at;
  }
  places[hole] = {};
  --count;
  if (capacity > capacity_min && count * 8 < capacity) resize(pool, capacity / 2);
}

void StateRow::release(BytePool& pool) {
  if (places != nullptr) pool.give(reinterpret_cast<std::byte*>(places), capacity * sizeof(Place));
  *this = {};
}

}  // namespace omen
