// Pattern bounds: what a pattern needs at least, and what keeps its runs from growing and waiting for ever.
#pragma once

#include <string>
#include <vector>

#include "compiler/typed.h"

namespace omen {

// Whether a pattern can be passed without an event.
bool is_nullable(const TypedPattern& node);

// A pattern has at least so many places: an `and` of n steps has one for each set of them that is still missing. Above
// `enough` no more is counted.
uint64_t least_places(const TypedPattern& node, uint64_t enough);

// An unbounded loop (`+`, `*`, `{n,}`) that goes on as long as events come: neither `within`, nor a limit of the arrow
// behind it, nor a final absence with `for` ends it in time. A loop that ends the pattern stops at its minimum.
struct OpenLoop {
  const TypedPattern* loop = nullptr;
  bool is_first = false;  // it takes the first event of the match
};
std::vector<OpenLoop> open_loops(const TypedRule& rule);

// Whether a run can wait for its next event without any limit in time.
bool waits_for_ever(const TypedRule& rule);

// What the state of one key of a rule is bounded by: "at most 10,000 runs a key, each up to 3 events, for 5 days".
std::string state_bound(const TypedRule& rule);
// The same of a rule that shares its partial matches.
std::string shared_bound(const TypedRule& rule);

}  // namespace omen
