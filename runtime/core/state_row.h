// StateRow: the rule states of a key that has many, each found by its rule.
//
// The states of a key are a chain, for most keys have one or two (partition.h). Where a hundred rules look at the same
// busy key it is long, each of its links lies somewhere else, and an event that concerns two of them would read all.
// So a key with many states has a row instead:
//
//   partition ---> row ---> places: {rule, state} {} {rule, state} ...
//
// by open addressing, at most three quarters full. An event reads eight bytes of each state, and only those that it
// concerns as a whole.
//
// All zero is empty. It owns nothing by itself: release() gives the memory back.
//
// NOT HERE: which keys have one (partition.h), in what order states step (engine).
#pragma once

#include <cstdint>

#include "runtime/core/pool.h"
#include "runtime/model/program.h"

namespace omen {

struct StateRow {
  struct Place {
    RuleId rule;
    uint32_t inverse;  // of the state's id; 0: free
    uint32_t state() const { return ~inverse; }
  };
  Place* places;
  uint32_t capacity, count;  // a power of two; taken places

  // WordPool::none when there is none.
  uint32_t find(RuleId rule) const {
    const Place& place = places[place_of(rule)];
    return place.inverse == 0 ? WordPool::none : place.state();
  }
  // A rule that is not there; one that is.
  void add(BytePool& pool, RuleId rule, uint32_t state);
  void remove(BytePool& pool, RuleId rule);
  // visit(rule, state), in no order that means anything.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (const Place* place = places; place != places + capacity; ++place) {
      if (place->inverse != 0) visit(place->rule, place->state());
    }
  }
  void release(BytePool& pool);
  // Ask for the memory that find() and for_each() read. Inlined: GCC takes a call for one without effect.
  [[gnu::always_inline]] void prefetch(RuleId rule) const { __builtin_prefetch(&places[home(rule)]); }
  [[gnu::always_inline]] void prefetch_all() const {
    constexpr uint32_t places_of_line = 64 / sizeof(Place), lines_max = 8;
    for (uint32_t at = 0; at < capacity && at < lines_max * places_of_line; at += places_of_line) {
      __builtin_prefetch(&places[at]);
    }
  }

 private:
  uint32_t home(RuleId rule) const { return (rule * 0x9E3779B1u >> 12) & (capacity - 1); }
  // Where the rule is, or would be.
  uint32_t place_of(RuleId rule) const {
    uint32_t at = home(rule);
    while (places[at].inverse != 0 && places[at].rule != rule) at = (at + 1) & (capacity - 1);
    return at;
  }
  void resize(BytePool& pool, uint32_t places_count);
};
static_assert(sizeof(StateRow) == 16);

}  // namespace omen
