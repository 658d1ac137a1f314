// Round: what a stream does next, some thousand steps of it, and which of them has raised what match of which engine.
//
// Each of several engines goes over those tasks that mean something to it (io/shards), and over the last one, so that
// all clocks are alike behind a round. It notes its matches in the order in which it raises them; merge() is the order
// that one engine alone would have raised them in, by task and MatchPlace. A deadline that an engine has met late,
// because the events behind it were not for that engine, belongs to the first task that was behind it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/core/engine.h"

namespace omen {

struct Round {
  struct Task {
    const Event* event;  // nullptr: the clock advances
    int64_t time_us;     // of the clock; INT64_MAX: until nothing can come any more
    uint64_t cause;      // the owner's number for it
    uint64_t derived;    // events before it
    int64_t met_us;      // deadlines up to here are met before it, or by it
  };
  struct Made {  // a match
    uint32_t task;
    MatchPlace place;
  };

  explicit Round(size_t engines) : of(engines), made(engines) {}

  // The event stays where it is until all engines are done. `engines`: a bit for each of the first 64 that shall see
  // it.
  void step(const Event& event, uint64_t cause, uint64_t engines) {
    add({&event, event.time_us, cause, 0, event.time_us - 1}, engines);
  }
  void advance(int64_t time_us, uint64_t cause) { add({nullptr, time_us, cause, 0, time_us}, ~uint64_t{0}); }
  // The last one is for all.
  void close();
  // Of the tasks in [from, to] the first one that meets the deadline.
  uint32_t first_to_meet(int64_t deadline_us, uint32_t from, uint32_t to) const;

  // Calls visit(engine, match, cause) for all matches: the engine's `match`th since the beginning of the round.
  template <typename Visit>
  void merge(const Visit& visit);
  void clear();

  std::vector<Task> tasks;
  std::vector<std::vector<uint32_t>> of;  // by engine: its tasks
  std::vector<std::vector<Made>> made;    // by engine

 private:
  void add(Task task, uint64_t engines);

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

inline void Round::add(Task task, uint64_t engines) {
  if (!tasks.empty()) task.met_us = std::max(task.met_us, tasks.back().met_us);
  const auto number = static_cast<uint32_t>(tasks.size());
  tasks.push_back(task);
  for (size_t i = 0; i < of.size(); ++i) {
    if (i >= 64 || (engines >> i & 1) != 0) of[i].push_back(number);
  }
}

inline void Round::close() {
  if (tasks.empty()) return;
  const auto last = static_cast<uint32_t>(tasks.size() - 1);
  for (std::vector<uint32_t>& of_engine : of) {
    if (of_engine.empty() || of_engine.back() != last) of_engine.push_back(last);
  }
}

inline uint32_t Round::first_to_meet(int64_t deadline_us, uint32_t from, uint32_t to) const {
  const auto begin = tasks.begin() + from;
  const auto first =
      std::partition_point(begin, tasks.begin() + to, [&](const Task& task) { return task.met_us < deadline_us; });
  return static_cast<uint32_t>(first - tasks.begin());
}

inline void Round::clear() {
  tasks.clear();
  for (std::vector<uint32_t>& of_engine : of) of_engine.clear();
  for (std::vector<Made>& of_engine : made) of_engine.clear();
}

}  // namespace omen
