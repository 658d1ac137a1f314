// Position: how far one thread of a run has come, as a tree over the pattern: what remains of it.
//
//   fresh      the position before a node. A node that becomes reachable with an `or` in it gives one position for
//              each branch (the worlds of docs/semantics.md), in written order
//   take       the first way, furthest first, on which the event fits: the positions after it, or nothing
//   pass       the position after an event that was not taken, or nothing when the thread ends
//   leavable   everything that is needed has been taken
//
// Positions are immutable and share their parts. A finished part is a null position. What is reachable is written
// out: a sequence holds the position of its present item and a fresh one of each item that could come next; a loop
// holds its present repetition and the fresh next one where another may start.
//
// NOT HERE: runs, captures' meaning, clauses (reference.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/reference_expression.h"
#include "tests/support/reference_pattern.h"

namespace omen::reference {

struct Position;
using PositionPtr = std::shared_ptr<const Position>;

struct Position {
  const Node* node = nullptr;
  // sequence: parts[0] is the present item `index`, parts[i] the fresh item index + i
  // all, unforked any: one part a branch; forked any: parts[0] is branch `index`
  // loop: parts[0] the present repetition (or null), parts[1] the fresh next (or null); span: parts[0]
  std::vector<PositionPtr> parts;
  size_t index = 0;
  bool entered = false;   // sequence: parts[0] has taken an event; any: a branch is chosen; all: an event was taken
  uint32_t finished = 0;  // loop: finished repetitions; beyond the minimum of an unbounded loop no longer counted
  // Not part of what remains:
  int repetition = 0;                               // loop: number of the repetition in parts[0], or of the last one
  std::optional<int64_t> began;                     // span: time of its first event
  std::vector<std::optional<int64_t>> branch_last;  // all, entered: time of each branch's last event
};

// What an event meets on its way down.
struct Offer {
  const Event* event = nullptr;
  const std::vector<bool>* seen = nullptr;  // by route: the event has this key there
  const RulePattern* pattern = nullptr;
  const std::vector<Event>* events = nullptr;
  const std::vector<Capture>* captures = nullptr;  // of the thread
  std::optional<int64_t> last;                     // time of the last event taken in this sequence
  Repetitions repetitions;                         // around the place
  const Node* forced = nullptr;                    // ask of the shape alone: this step fits, no other, no limits
};

struct Taken {
  std::vector<PositionPtr> worlds;              // null: everything is done; empty: the thread ends
  std::vector<std::pair<int, size_t>> decided;  // `or` (node id) and the branch that finished it
  const Node* step = nullptr;
  Repetitions repetitions;
  bool can_go_on = false;  // a loop around the step can start another repetition
};

std::vector<PositionPtr> fresh(const Node& node);
bool leavable(const PositionPtr& position);
std::optional<Taken> take(const PositionPtr& position, const Offer& offer);

struct Passed {
  PositionPtr position;  // null: done
  bool ends = false;
};
Passed pass(const PositionPtr& position, const Offer& offer);

// Whether the event breaks one of these absences, of which each counts only up to its own `for`.
bool breaks(const std::vector<Absence>& absences, const Names& names, const Offer& offer);
bool fits(const StepDefinition& step, const Names& names, const Offer& offer);

// The last moment at which a way on could be taken; nothing when there is none.
std::optional<int64_t> last_moment(const PositionPtr& position, std::optional<int64_t> last, int64_t bound);
// Whether there is a way on at all.
bool has_way(const PositionPtr& position);
// Whether the `or` is entered and not finished in the position.
bool is_open(const PositionPtr& position, int any);
// Equal texts: the same remains.
void append_key(std::string& out, const PositionPtr& position);
// Finds the `or`s that need no worlds because every branch is done with its first event.
void mark_single(Node& node);

}  // namespace omen::reference
