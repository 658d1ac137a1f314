// Round: what a stream does next, some thousand steps of it, and which of them has raised what match of which engine.
//
// Each of several engines goes over the same tasks (io/shards) and notes its matches in the order in which it raises
// them; merge() is the order that one engine alone would have raised them in, by task and MatchPlace.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/core/engine.h"

namespace omen {

struct Round {
  struct Task {
    const Event* event;  // nullptr: the clock advances
    int64_t time_us;
    uint64_t cause;
    uint64_t derived;  // events before it
    bool is_end;
  };
  struct Made {  // a match
    uint32_t task;
    MatchPlace place;
  };

  explicit Round(size_t engines) : made(engines) {}

  // `cause`: the owner's number for it. The event stays where it is until all engines are done.
  void step(const Event& event, uint64_t cause) { tasks.push_back({&event, 0, cause, 0, false}); }
  void advance(int64_t time_us, uint64_t cause) { tasks.push_back({nullptr, time_us, cause, 0, false}); }
  void end_stream(uint64_t cause) { tasks.push_back({nullptr, 0, cause, 0, true}); }

  // Calls visit(engine, match, cause) for all matches: the engine's `match`th since the beginning of the round.
  template <typename Visit>
  void merge(const Visit& visit);
  void clear();

  std::vector<Task> tasks;
  std::vector<std::vector<Made>> made;  // by engine

 private:
  std::vector<uint32_t> next_;  // by engine: the match that merge() takes next
};

// Each engine has its matches in order: the least of their next ones is the next of all.
template <typename Visit>
void Round::merge(const Visit& visit) {
  next_.assign(made.size(), 0);
  const auto is_before = [&](size_t a, size_t b) {
    const Made &of_a = made[a][next_[a]], &of_b = made[b][next_[b]];
    return of_a.task != of_b.task ? of_a.task < of_b.task : of_a.place < of_b.place;
  };
  for (;;) {
    size_t first = made.size();
    for (size_t i = 0; i < made.size(); ++i) {
      if (next_[i] < made[i].size() && (first == made.size() || is_before(i, first))) first = i;
    }
    if (first == made.size()) return;
    const uint32_t match = next_[first]++;
    visit(static_cast<uint32_t>(first), match, tasks[made[first][match].task].cause);
  }
}

inline void Round::clear() {
  tasks.clear();
  for (std::vector<Made>& of_engine : made) of_engine.clear();
}

}  // namespace omen
