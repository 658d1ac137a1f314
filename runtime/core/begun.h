// Begun: of the rules that share a start and have no run under a key, up to which event each has begun its runs.
//
// A row of places in a BytePool, by open addressing, at most three quarters full: what an event asks of it are the
// rules that it may move, one place each, and not all that have ever begun. All zero is empty; release() gives the
// memory back.
//
// NOT HERE: which events these are (shared_starts.h), rules with runs (their state knows it: RuleState::touched).
#pragma once

#include <cstdint>

#include "runtime/core/pool.h"
#include "runtime/model/program.h"

namespace omen {

struct Begun {
  struct Place {
    uint64_t sequence;  // of the event; 0: nothing is known
    uint32_t taken;     // 1 + the rule; 0: free
    uint32_t unused;
  };
  Place* places;
  uint32_t capacity, count;  // a power of two; taken places

  // Asks for the memory that of() will read. Inlined: GCC takes a call for one without effect.
  [[gnu::always_inline]] void prefetch(RuleId rule) const {
    if (capacity > 0) __builtin_prefetch(&places[home(rule)]);
  }
  // 0 when nothing is known of the rule.
  uint64_t of(RuleId rule) const {
    if (capacity == 0) return 0;
    const Place& place = places[place_of(rule)];
    return place.taken == 0 ? 0 : place.sequence;
  }
  void set(BytePool& pool, RuleId rule, uint64_t sequence) {
    if ((count + 1) * 4 > capacity * 3) grow(pool);
    Place& place = places[place_of(rule)];
    count += place.taken == 0 ? 1 : 0;
    place = {sequence, rule + 1, 0};
  }
  // Its place stays: it will be set again.
  void forget(RuleId rule) {
    if (capacity > 0) places[place_of(rule)].sequence = 0;
  }
  // In no order that means anything.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (uint32_t at = 0; at < capacity; ++at) {
      if (places[at].sequence != 0) visit(RuleId{places[at].taken - 1}, places[at].sequence);
    }
  }
  void release(BytePool& pool) {
    if (places != nullptr) pool.give(reinterpret_cast<std::byte*>(places), capacity * sizeof(Place));
    *this = {};
  }

 private:
  uint32_t home(RuleId rule) const { return (rule * 0x9E3779B1u >> 12) & (capacity - 1); }
  // Where the rule is, or would be.
  uint32_t place_of(RuleId rule) const {
    const uint32_t mask = capacity - 1;
    uint32_t at = home(rule);
    while (places[at].taken != 0 && places[at].taken != rule + 1) at = (at + 1) & mask;
    return at;
  }
  void grow(BytePool& pool) {
    Begun larger{};
    larger.capacity = capacity == 0 ? 4 : capacity * 2;
    larger.places = reinterpret_cast<Place*>(pool.take(larger.capacity * sizeof(Place)));
    for (uint32_t i = 0; i < larger.capacity; ++i) larger.places[i] = {};
    for (uint32_t i = 0; i < capacity; ++i) {
      if (places[i].sequence == 0) continue;
      larger.places[larger.place_of(places[i].taken - 1)] = places[i];
      ++larger.count;
    }
    release(pool);
    *this = larger;
  }
};

}  // namespace omen
