// Share: what one of several engines works for that divide a stream among them. Each of them sees every event; together
// they raise what one engine would.
//
//   free rules    know nothing of other keys: a key belongs to one of `count` engines, by its hash
//   bound rules   depend on what other keys or rules do: those that emit or see derived events, and those with a
//                 `limit`, which all keys have together. One engine, beside the others, works for all keys of these
//
// NOT HERE: who runs the engines, and how their matches become one list (io/shards).
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/model/program.h"

namespace omen {

struct Share {
  enum class Rules : uint8_t { all, free, bound };
  Rules rules = Rules::all;
  uint32_t index = 0, count = 1;

  // By the hash's upper bits: the lower ones place a key in its table.
  uint32_t owner(uint32_t hash) const { return static_cast<uint32_t>(uint64_t{hash} * count >> 32); }
  bool owns(uint32_t hash) const { return count == 1 || owner(hash) == index; }
};

// By RuleId.
std::vector<bool> bound_rules(const Program& program);

// Where a match stands among those of one event or advance, whichever engine of a stream has raised it: first those of
// deadlines, as timers are met; then those of the event, by rule, then by the way that names the key; what comes of
// derived events is behind what has emitted them. Equal places are of one engine, which has them in order.
struct MatchPlace {
  int64_t deadline_us = INT64_MAX;  // of the timer; the event's own matches are behind all
  uint64_t start_sequence = 0;      // likewise
  bool is_derived = false;
  RuleId rule = 0;  // the timer's, or that which is raised
  uint32_t route = 0;

  bool operator<(const MatchPlace& other) const;
};

}  // namespace omen
