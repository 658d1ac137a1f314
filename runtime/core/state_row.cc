#include "runtime/core/state_row.h"

namespace omen {

namespace {

constexpr uint32_t capacity_min = 16;

}  // namespace

void StateRow::add(BytePool& pool, RuleId rule, uint32_t state) {
  if ((count + 1) * 4 > capacity * 3) {
    StateRow larger = *this;
    larger.capacity = capacity == 0 ? capacity_min : capacity * 2;
    larger.places = reinterpret_cast<Place*>(pool.take(larger.capacity * sizeof(Place)));
    for (uint32_t at = 0; at < larger.capacity; ++at) larger.places[at] = {};
    for (uint32_t at = 0; at < capacity; ++at) {
      if (places[at].inverse != 0) larger.places[larger.place_of(places[at].rule)] = places[at];
    }
    release(pool);
    *this = larger;
  }
  places[place_of(rule)] = {rule, ~state};
  ++count;
}

// What follows is moved up where its own place allows.
void StateRow::remove(RuleId rule) {
  const uint32_t mask = capacity - 1;
  uint32_t hole = place_of(rule);
  for (uint32_t at = (hole + 1) & mask; places[at].inverse != 0; at = (at + 1) & mask) {
    if (((at - home(places[at].rule)) & mask) < ((at - hole) & mask)) continue;
    places[hole] = places[at];
    hole = at;
  }
  places[hole] = {};
  --count;
}

void StateRow::release(BytePool& pool) {
  if (places != nullptr) pool.give(reinterpret_cast<std::byte*>(places), capacity * sizeof(Place));
  *this = {};
}

}  // namespace omen
