#include "runtime/core/measure.h"

#include <algorithm>
#include <bit>
#include <new>

#include "runtime/core/operators.h"
#include "runtime/model/time.h"
#include "runtime/model/zones.h"

namespace omen {

MeasureMachine::MeasureMachine(const Program& program, const Prepared& prepared, const Limits& limits,
                               CaptureStore& captures, const WordPool& words, Timers& timers,
                               std::vector<RuleCounters>& counters, Present& present)
    : program_(program),
      prepared_(prepared),
      captures_(captures),
      words_(words),
      timers_(timers),
      counters_(counters),
      present_(present),
      entries_max_(limits.max_window_entries) {
  grow();
  for (RuleId rule = 0; rule < program.rules.size(); ++rule) take_on(rule);
}

void MeasureMachine::grow() {
  windows_.resize(program_.rules.size());
  multiples_.resize(program_.rules.size());
}

void MeasureMachine::take_on(RuleId id) {
  const RuleProgram& rule = program_.rules[id];
  const bool is_ours = rule.machine == Machine::measure;
  windows_[id] = is_ours ? std::make_unique<Windows>(*rule.measures, pool_, entries_max_) : nullptr;
  multiples_[id] = {};
}

// ---- keys ----

void MeasureMachine::init(RuleState& state) {
  const Windows& windows = *windows_[state.rule];
  std::byte* const block = pool_.take(sizeof(Key) + windows.bytes());
  Key& key = *new (block) Key{0, never, never, never, never, 0, false, false, false};
  windows.init(key.windows());
  if (free_keys_.empty()) {
    state.first = static_cast<uint32_t>(keys_.size());
    keys_.push_back(block);
  } else {
    state.first = free_keys_.back();
    free_keys_.pop_back();
    keys_[state.first] = block;
  }
}

void MeasureMachine::drop(RuleState& state) {
  Windows& windows = *windows_[state.rule];
  windows.release(key_of(state).windows());
  pool_.give(keys_[state.first], sizeof(Key) + windows.bytes());
  free_keys_.push_back(state.first);
}

void MeasureMachine::forget(RuleId rule, Key& key) {
  windows_[rule]->release(key.windows());
  key.is_known = false;
}

bool MeasureMachine::is_empty(RuleId rule, const Key& key, int64_t time_us) const {
  const int64_t from_us = windows_[rule]->empty_from_us(key.windows());
  return from_us == Windows::never || from_us <= time_us;
}

bool MeasureMachine::is_idle(const RuleState& state) const { return !key_of(state).is_known; }

int64_t MeasureMachine::alive_until(const RuleState& state) const {
  const Key& key = key_of(state);
  if (!key.is_known) return std::numeric_limits<int64_t>::min();
  if (measures(state.rule).every_us > 0 || key.true_since_us != never) return time_unbounded;
  const int64_t empty_us = windows_[state.rule]->empty_from_us(key.windows());
  const int64_t due_us = key.soon_us == never ? std::numeric_limits<int64_t>::min() : key.soon_us;
  return empty_us == Windows::never ? due_us : std::max(empty_us, due_us);
}

bool MeasureMachine::is_true(const RuleState& state) const { return key_of(state).true_since_us != never; }

uint64_t MeasureMachine::panes(const RuleState& state) const {
  return windows_[state.rule]->panes(key_of(state).windows());
}

// ---- events ----

template <typename Take>
void MeasureMachine::each_counted(RuleId id, uint32_t routes, Take take) {
  const RuleProgram& rule = program_.rules[id];
  for (uint32_t series = 0; series < rule.measures->series.size(); ++series) {
    const SeriesProgram& program = rule.measures->series[series];
    if (!present_.fits(rule.steps[program.step], routes, capture_none, 0)) continue;
    Value value;
    if (program.argument != code_none) value = omen::evaluate(program.argument, present_.evaluation());
    if (windows_[id]->takes(series, value) && !take(series, value)) return;
  }
}

bool MeasureMachine::counts(RuleId rule, uint32_t routes) {
  bool is_counted = false;
  each_counted(rule, routes, [&](uint32_t, const Value&) {
    is_counted = true;
    return false;
  });
  return is_counted;
}

void MeasureMachine::step(RuleState& state, PartitionId partition, uint32_t routes) {
  Key& key = key_of(state);
  const Event& event = present_.event();
  bool is_counted = false;
  each_counted(state.rule, routes, [&](uint32_t series, const Value& value) {
    if (!is_counted && key.is_known && key.true_since_us == never && measures(state.rule).every_us == 0) {
      const int64_t empty_us = windows_[state.rule]->empty_from_us(key.windows());
      if (empty_us != Windows::never && empty_us < event.time_us) forget(state.rule, key);
    }
    if (!key.is_known) {
      key.is_known = true;
      key.known_since = event.sequence;
      key.route = static_cast<uint8_t>(std::countr_zero(routes));
    }
    is_counted = true;
    counters_[state.rule].panes_given_up += windows_[state.rule]->add(key.windows(), series, event.time_us, value);
    return true;
  });
  if (!is_counted) return;
  state.touched = event.sequence;
  key.evaluated_us = never;  // what comes at the time of an evaluation is evaluated again
  const At at{state.rule, partition};
  set_soon(at, key, measures(state.rule).every_us > 0 ? multiple_from(state.rule, event.time_us) : event.time_us);
}

void MeasureMachine::begin(RuleState& state, PartitionId partition, int64_t time_us) {
  Key& key = key_of(state);
  key.is_known = true;
  set_soon({state.rule, partition}, key, multiple_from(state.rule, time_us));
}

void MeasureMachine::note_raised(RuleState& state) { key_of(state).is_raised = true; }

// ---- evaluations ----

void MeasureMachine::meet_deadline(RuleState& state, PartitionId partition, const Timer& timer,
                                   std::span<const Value> key_values, std::vector<Completion>& out) {
  Key& key = key_of(state);
  const int64_t time_us = timer.deadline_us;
  const bool is_soon = key.soon_us == time_us, is_late = key.late_us == time_us;
  if (is_soon) key.soon_us = never;
  if (is_late) key.late_us = never;
  if (!key.is_known || !(is_soon || is_late) || key.evaluated_us == time_us) return;
  const At at{state.rule, partition};
  const Measures& program = measures(state.rule);
  const bool is_for_over =
      key.true_since_us != never && !key.is_complete && time_us >= key.true_since_us + program.for_us;
  if (is_soon || program.every_us > 0 || (is_for_over && !is_empty(state.rule, key, time_us))) {
    evaluate(at, key, time_us, ask(state.rule, key, time_us, key_values), out);
  } else if (key.true_since_us != never && is_empty(state.rule, key, time_us)) {
    look_when_empty(at, key, time_us, ask(state.rule, key, time_us, key_values), out);
    if (key.is_known && is_for_over) evaluate(at, key, time_us, Truth::yes, out);
  }
  if (key.is_known) set_late(at, key, time_us);
}

Truth MeasureMachine::ask(RuleId rule, Key& key, int64_t time_us, std::span<const Value> key_values) {
  const Measures& program = measures(rule);
  Windows& windows = *windows_[rule];
  windows.move_to(key.windows(), time_us);
  values_.clear();
  for (const MeasureProgram& measure : program.measures) {
    values_.push_back(windows.read(key.windows(), measure, time_us));
  }
  scratch_.clear();
  Evaluation evaluation{program_, prepared_, scratch_, captures_};
  evaluation.end_us = time_us;
  evaluation.key = key_values;
  evaluation.measures = values_;
  return truth_of(omen::evaluate(program.when, evaluation));
}

void MeasureMachine::evaluate(const At& at, Key& key, int64_t time_us, Truth answer, std::vector<Completion>& out) {
  const RuleProgram& rule = program_.rules[at.rule];
  key.evaluated_us = time_us;
  if (answer == Truth::yes) {
    if (key.true_since_us == never) {
      key.true_since_us = time_us;
      key.is_complete = key.is_raised = false;
    }
    if (!key.is_complete && time_us - key.true_since_us >= rule.measures->for_us) {
      key.is_complete = true;
      out.push_back({capture_none, key.true_since_us, time_us, true, 1, false});
    }
    return;
  }
  end_truth(at.rule, key, time_us, out);
  const bool has_key = !rule.routes[0].key.empty() || rule.measures->every_us == 0;
  if (has_key && is_empty(at.rule, key, time_us)) forget(at.rule, key);
}

void MeasureMachine::look_when_empty(const At& at, Key& key, int64_t time_us, Truth answer,
                                     std::vector<Completion>& out) {
  if (answer == Truth::yes) return;
  end_truth(at.rule, key, time_us, out);
  forget(at.rule, key);
}

void MeasureMachine::end_truth(RuleId rule, Key& key, int64_t time_us, std::vector<Completion>& out) {
  if (key.true_since_us != never && key.is_raised && program_.rules[rule].resolves) {
    out.push_back({capture_none, key.true_since_us, time_us, true, 1, true});
  }
  key.true_since_us = never;
  key.is_complete = key.is_raised = false;
}

// ---- time ----

// The next time after `after_us` at which something can come of the key without an event.
int64_t MeasureMachine::late_us(RuleId rule, Key& key, int64_t after_us) {
  const Measures& program = measures(rule);
  const bool waits = key.true_since_us != never && !key.is_complete;
  int64_t for_over_us = waits ? key.true_since_us + program.for_us : never;
  if (program.every_us == 0) {
    if (key.true_since_us == never) return never;
    const int64_t empty_us = windows_[rule]->empty_from_us(key.windows());
    const int64_t next_us =
        empty_us == Windows::never || empty_us <= after_us ? for_over_us : std::min(empty_us, for_over_us);
    return next_us > after_us ? next_us : never;
  }
  int64_t next_us = std::min(for_over_us, windows_[rule]->next_change_us(key.windows(), after_us));
  if (program.reads_time && !is_ended_) next_us = after_us + 1;
  return next_us == never ? never : multiple_from(rule, std::max(next_us, after_us + 1));
}

// The first multiple of `every` from the time on.
int64_t MeasureMachine::multiple_from(RuleId rule, int64_t time_us) {
  const Measures& program = measures(rule);
  if (program.at_minute < 0) {
    const int64_t rest = time_us % program.every_us;
    return rest == 0 ? time_us : time_us - rest + (rest > 0 ? program.every_us : 0);
  }
  Multiple& known = multiples_[rule];
  if (known.at_us == never || time_us <= known.after_us || time_us > known.at_us) {
    const int64_t days = program.every_us / us_per_day;
    known = {time_us - 1, next_time_of_day_us(prepared_.zone(program.zone), time_us, program.at_minute, days)};
  }
  return known.at_us;
}

void MeasureMachine::set_soon(const At& at, Key& key, int64_t time_us) {
  if (key.soon_us <= time_us) return;
  key.soon_us = time_us;
  set_timer(at, key, time_us);
}

// A timer that is set for an earlier time stays: who it wakes sets the next one.
void MeasureMachine::set_late(const At& at, Key& key, int64_t after_us) {
  const int64_t time_us = late_us(at.rule, key, after_us);
  if (time_us == never || time_us >= key.late_us) return;
  key.late_us = time_us;
  set_timer(at, key, time_us);
}

void MeasureMachine::set_timer(const At& at, const Key& key, int64_t time_us) {
  const uint32_t hash = static_cast<const Partition*>(words_.at(at.partition))->hash;
  timers_.set({time_us, key.known_since, at.rule, at.partition, hash, key.route});
}

}  // namespace omen
