// How long runs live: deadlines, limits of time, memory (matcher.h).
#include <algorithm>
#include <limits>
#include <new>

#include "runtime/core/matcher.h"

namespace omen {

namespace {

int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? time_unbounded : sum;
}

}  // namespace

// ---- deadlines ----

int64_t Matcher::deadline_of(const RuleProgram& rule, const Run& thread) const {
  const State& state = rule.states[thread.state];
  int64_t deadline_us = saturating_add(thread.registers()[0], state.wait_us);
  if (state.ends_with_within) deadline_us = std::max(deadline_us, saturating_add(thread.start_us, rule.within_us));
  return deadline_us;
}

void Matcher::arm(const RuleProgram& rule, const RuleState& state, PartitionId partition, RunId id) {
  if (run(id).is_armed) return;
  int64_t earliest_us = time_unbounded;
  for (RunId thread = id; thread != index_none; thread = run(thread).thread) {
    if (rule.states[run(thread).state].waits) earliest_us = std::min(earliest_us, deadline_of(rule, run(thread)));
  }
  if (earliest_us == time_unbounded) return;
  run(id).is_armed = 1;
  const uint32_t hash = static_cast<const Partition*>(words_.at(partition))->hash;
  timers_.set({earliest_us, run(id).start_sequence, state.rule, partition, hash, static_cast<uint32_t>(run(id).route)});
}

void Matcher::meet_deadline(RuleState& state, PartitionId partition, const Timer& timer, std::vector<Completion>& out) {
  const RuleProgram& rule = program_.rules[state.rule];
  if (rule.overlap == Overlap::all) return meet_deadline_all(rule, state, timer, out);
  forget_stretches(state);
  RunId previous = index_none;
  RunId id = state.first;
  while (id != index_none && run(id).start_sequence != timer.start_sequence) {
    previous = id;
    id = run(id).next;
  }
  if (id == index_none) return;
  const RunId next = run(id).next;
  const uint8_t slot = funnel_ == nullptr ? uint8_t{0} : captures_.at(run(id).captures).slot;
  threads_.clear();
  std::ranges::fill(decided_branch_, int8_t{-1});
  bool completed = false;
  for (RunId thread = id; thread != index_none;) {
    const RunId following = run(thread).thread;
    const Run& waiting = run(thread);
    const bool is_due = rule.states[waiting.state].waits && deadline_of(rule, waiting) == timer.deadline_us;
    if (is_due && !completed && where_agrees(rule, waiting.captures, waiting.start_us, timer.deadline_us, false)) {
      completed = true;
      captures_.retain(waiting.captures);
      const Completion completion{waiting.captures, waiting.start_us, timer.deadline_us, true};
      out.push_back(completion);
    }
    if (is_due || completed) {
      free_thread(rule, thread);
    } else {
      threads_.push_back({thread, 0, 0, nullptr});
    }
    thread = following;
  }
  RunId after = index_none;
  if (completed) {
    for (const Thread& kept : threads_) free_thread(rule, kept.id);
  } else {
    after = link_threads(rule);
  }
  if (after == index_none) {
    (previous == index_none ? state.first : run(previous).next) = next;
    if (state.last == id) state.last = previous;
    --state.run_count;
    --live_runs_;
    if (funnel_ != nullptr) funnel_->ended(state.rule, slot, completed ? RunEnd::completed : RunEnd::refused);
    if (completed && rule.overlap == Overlap::none) drop_runs(state, RunEnd::used);
    return;
  }
  (previous == index_none ? state.first : run(previous).next) = after;
  if (state.last == id) state.last = after;
  run(after).next = next;
  run(after).is_armed = 0;
  arm(rule, state, partition, after);
}

// ---- how long things live ----

int64_t Matcher::thread_alive_until(const RuleProgram& rule, const Run& thread) const {
  const State& state = rule.states[thread.state];
  const int64_t span_end_us = saturating_add(thread.start_us, rule.within_us);
  int64_t until_us = std::numeric_limits<int64_t>::min();
  const uint64_t bars = rule.overlap == Overlap::all ? bars_of(rule, thread) : 0;
  if (state.waits && (bars & state.wait_bars) == 0) until_us = deadline_of(rule, thread);
  for (const Transition& way : state.transitions) {
    if ((way.barred_by & bars) != 0) continue;
    int64_t begin_us = std::numeric_limits<int64_t>::min(), end_us = span_end_us;
    for (const Guard& guard : way.guards) {
      const int64_t mark_us = thread.registers()[guard.anchor];
      begin_us = std::max(begin_us, saturating_add(mark_us, guard.min_us));
      end_us = std::min(end_us, saturating_add(mark_us, guard.max_us));
    }
    if (begin_us > end_us) continue;  // a step that must come later than the limits allow can never be taken
    until_us = std::max(until_us, end_us);
  }
  return until_us;
}

bool Matcher::is_alive(const RuleProgram& rule, const Run& head, int64_t time_us) const {
  for (const Run* thread = &head;; thread = &run(thread->thread)) {
    if (thread_alive_until(rule, *thread) >= time_us) return true;
    if (thread->thread == index_none) return false;
  }
}

int64_t Matcher::alive_until(const RuleState& state) const {
  const RuleProgram& rule = program_.rules[state.rule];
  int64_t until_us = std::numeric_limits<int64_t>::min();
  for (RunId id = state.first; id != index_none && until_us < time_unbounded; id = run(id).next) {
    until_us = std::max(until_us, run_alive_until(rule, id));
  }
  return until_us;
}

int64_t Matcher::run_alive_until(const RuleProgram& rule, RunId id) const {
  int64_t until_us = std::numeric_limits<int64_t>::min();
  for (; id != index_none; id = run(id).thread) until_us = std::max(until_us, thread_alive_until(rule, run(id)));
  return until_us;
}

// ---- for a backtest ----

// The first event of this step that the run takes; its threads count once.
void Matcher::note_taken(const RuleProgram& rule, CaptureId before, uint8_t slot) {
  if ((noted_slots_ >> slot & 1) != 0 || captures_.count(before, slot) > 0) return;
  noted_slots_ |= uint64_t{1} << slot;
  const bool is_first = before == capture_none;
  const int64_t since_us = is_first ? 0 : present_.event().time_us - captures_.at(before).event->time_us;
  funnel_->taken(static_cast<RuleId>(&rule - program_.rules.data()), slot, is_first, since_us);
}

// ---- memory ----

RunId Matcher::new_run(const RuleProgram& rule) {
  const RunId id = words_.take(run_words(rule));
  Run* out = new (words_.at(id)) Run{index_none, index_none, 0, capture_none, 0, 0, 0, 0};
  std::fill_n(out->registers(), rule.registers, int64_t{0});
  return id;
}

void Matcher::free_thread(const RuleProgram& rule, RunId id) {
  captures_.release(run(id).captures);
  words_.give(id, run_words(rule));
}

void Matcher::free_run(const RuleProgram& rule, RunId id) {
  while (id != index_none) {
    const RunId following = run(id).thread;
    free_thread(rule, id);
    id = following;
  }
}

// Runs that had nothing to come at that time.
void Matcher::drop_over(const RuleProgram& rule, RuleState& state, int64_t time_us) {
  forget_stretches(state);
  RunId previous = index_none;
  for (RunId id = state.first; id != index_none;) {
    const RunId next = run(id).next;
    if (is_alive(rule, run(id), time_us)) {
      previous = id;
    } else {
      (previous == index_none ? state.first : run(previous).next) = next;
      if (state.last == id) state.last = previous;
      free_run(rule, id);
      --state.run_count;
      --live_runs_;
    }
    id = next;
  }
}

void Matcher::drop_runs(RuleState& state, RunEnd why) {
  forget_stretches(state);
  const RuleProgram& rule = program_.rules[state.rule];
  for (RunId id = state.first; id != index_none;) {
    const RunId next = run(id).next;
    if (funnel_ != nullptr) funnel_->ended(state.rule, captures_.at(run(id).captures).slot, why);
    free_run(rule, id);
    id = next;
  }
  live_runs_ -= state.run_count;
  state.first = state.last = index_none;
  state.run_count = 0;
}

}  // namespace omen
