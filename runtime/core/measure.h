// Measure: the measure rules at work, each for each of its keys (section 4 of docs/language.md).
//
// An event that a measure counts goes into its windows and makes an evaluation due: at the next multiple of `every`, or
// without it at the event's own time. An evaluation at t comes after all events up to t, so it is a deadline like that
// of an absence and waits in the timers; those of one time go by the place in the stream of the event by which the key
// became known, then by rule.
//
//   evaluate at t
//     the windows become what they are at t, `when` is asked
//     it became true, and has been so for `for`: a completion; it was raised and is no longer true: it is resolved
//     all windows are empty and it is not true: the key is forgotten
//     else the next time is found at which the answer can change: something enters or leaves a window, `for` is over
//
// Multiples of `every` in between are left out, as nothing could come of them; a key of which nothing can come without
// an event waits for none. A `when` that names `end` is asked at each.
//
// Without `every`, a condition that is true is looked at once more when the last of what was counted has left all
// windows: if it is no longer true then, it resolves and the key is forgotten. That is no evaluation: it raises
// nothing.
//
// INVARIANTS
//   1. A key has at most two timers: `soon` for what an event made due, `late` for the rest.
//   2. A key that is not known has empty windows, and its condition is not true.
//
// NOT HERE: what windows hold (windows), whether a completion is held back (engine), which key (engine).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "runtime/core/counters.h"
#include "runtime/core/evaluate.h"
#include "runtime/core/matcher.h"
#include "runtime/core/present.h"
#include "runtime/core/timers.h"
#include "runtime/core/windows.h"
#include "runtime/model/limits.h"
#include "runtime/model/program.h"

namespace omen {

class StateReader;
class StateWriter;

class MeasureMachine {
 public:
  MeasureMachine(const Program& program, const Prepared& prepared, const Limits& limits, CaptureStore& captures,
                 const WordPool& words, Timers& timers, std::vector<RuleCounters>& counters, Present& present);

  // Whether the present event is one that a measure of the rule counts.
  bool counts(RuleId rule, uint32_t routes);
  void init(RuleState& state);
  void drop(RuleState& state);
  // The present event, seen under the state's key by `routes`.
  void step(RuleState& state, PartitionId partition, uint32_t routes);
  // A rule without a key is known from the beginning of the stream on, when it has `every`.
  void begin(RuleState& state, PartitionId partition, int64_t time_us);
  // `key` has the key's parts, for conditions that read them.
  void meet_deadline(RuleState& state, PartitionId partition, const Timer& timer, std::span<const Value> key,
                     std::vector<Completion>& out);
  // The completion has been raised, and not held back.
  void note_raised(RuleState& state);
  // What the measures were at the last evaluation, in the order of writing.
  std::span<const Value> values() const { return values_; }
  // The stream has ended: only what can still change by itself is evaluated, not what might with the time of day.
  void end_stream() { is_ended_ = true; }
  bool is_ended() const { return is_ended_; }

  // What is remembered of a key, as bytes, and back into a state that init() has seen (state_writer.h).
  void save(StateWriter& out, const RuleState& state) const;
  void load(StateReader& in, RuleState& state);

  bool is_idle(const RuleState& state) const;
  int64_t alive_until(const RuleState& state) const;
  bool is_true(const RuleState& state) const;
  uint64_t panes(const RuleState& state) const;
  void grow();
  void take_on(RuleId rule);  // which has no state
  uint64_t bytes() const { return pool_.bytes(); }

 private:
  static constexpr int64_t never = INT64_MAX;

  // What is remembered of a key; its windows follow. Times are `never` when there is none.
  struct Key {
    uint64_t known_since;      // the event, by its place in the stream
    int64_t true_since_us;     // the evaluation; never: the condition is not true
    int64_t evaluated_us;      // last
    int64_t soon_us, late_us;  // timers that are set
    uint8_t route;             // by which that event was seen, the first of several
    bool is_known;
    bool is_complete;  // has been true for `for`
    bool is_raised;    // and was not held back
    std::byte* windows() { return reinterpret_cast<std::byte*>(this + 1); }
    const std::byte* windows() const { return reinterpret_cast<const std::byte*>(this + 1); }
  };

  struct At {  // whose key
    RuleId rule;
    PartitionId partition;
  };

  Key& key_of(const RuleState& state) const { return *reinterpret_cast<Key*>(keys_[state.first]); }
  const Measures& measures(RuleId rule) const { return *program_.rules[rule].measures; }
  // Calls with each series that counts the present event, and the value that it takes of it.
  template <typename Take>
  void each_counted(RuleId rule, uint32_t routes, Take take);
  void forget(RuleId rule, Key& key);
  Truth ask(RuleId rule, Key& key, int64_t time_us, std::span<const Value> key_values);
  void evaluate(const At& at, Key& key, int64_t time_us, Truth answer, std::vector<Completion>& out);
  void look_when_empty(const At& at, Key& key, int64_t time_us, Truth answer, std::vector<Completion>& out);
  void end_truth(RuleId rule, Key& key, int64_t time_us, std::vector<Completion>& out);
  bool is_empty(RuleId rule, const Key& key, int64_t time_us) const;
  int64_t late_us(RuleId rule, Key& key, int64_t after_us);
  int64_t multiple_from(RuleId rule, int64_t time_us);
  void set_soon(const At& at, Key& key, int64_t time_us);
  void set_late(const At& at, Key& key, int64_t after_us);
  void set_timer(const At& at, const Key& key, int64_t time_us);

  const Program& program_;
  const Prepared& prepared_;
  const CaptureStore& captures_;
  const WordPool& words_;
  Timers& timers_;
  std::vector<RuleCounters>& counters_;
  Present& present_;
  const uint32_t entries_max_;  // of a window
  BytePool pool_;
  std::vector<std::unique_ptr<Windows>> windows_;  // by RuleId; of measure rules only
  std::vector<std::byte*> keys_;                   // by RuleState::first
  std::vector<uint32_t> free_keys_;
  Scratch scratch_;
  std::vector<Value> values_;
  bool is_ended_ = false;
  struct Multiple {
    int64_t after_us = never, at_us = never;  // the first from any time in (after, at] on
  };
  std::vector<Multiple> multiples_;  // by RuleId: the newest found by a calendar
};

}  // namespace omen
