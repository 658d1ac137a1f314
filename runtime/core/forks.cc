// Runs under `overlap all` (matcher.h): a run takes an event along every transition that fits, each time in a copy of
// itself, and passes it over as well. What passing over forbids is kept in bars, see model/program.h.
//
// This is the machine of the rules that cannot share their partial matches: its work grows with them, up to max_runs.
#include <cstring>

#include "runtime/core/matcher.h"

namespace omen {

uint64_t Matcher::bars_of(const RuleProgram& rule, const Run& run) {
  return static_cast<uint64_t>(run.registers()[rule.bars_register]);
}

bool Matcher::is_open(const RuleProgram& rule, const Run& run, const Transition& way, uint32_t routes) {
  if ((way.barred_by & bars_of(rule, run)) != 0 || !present_.sees(way, rule.steps[way.step], routes)) return false;
  for (const Guard& guard : way.guards) {
    const int64_t passed_us = present_.event().time_us - run.registers()[guard.anchor];
    if (passed_us < guard.min_us || passed_us > guard.max_us) return false;
  }
  if (!fits(rule, way.step, routes, run.captures, way.opens)) return false;
  if (way.loop == 0 || captures_.count(run.captures, way.slot) < limits_.max_loop_events) return true;
  ++counters_[&rule - program_.rules.data()].loops_full;
  return false;
}

// A copy of the run that has taken the event; it stands behind `after`, or begins the list. index_none when it has
// nothing to wait for, or when there are too many runs.
RunId Matcher::fork(const RuleProgram& rule, RuleState& state, PartitionId partition, RunId id, const Transition& way,
                    RunId after) {
  const State& target = rule.states[way.targets[0]];
  const uint32_t count = way.loop == 0 ? 1 : captures_.count(run(id).captures, way.slot) + 1;
  captures_.retain(run(id).captures);
  const CaptureId captures = captures_.add(run(id).captures, present_.kept(), way.slot, way.opens, count);
  if (target.accepts && where_agrees(rule, captures, run(id).start_us, present_.event().time_us, true)) {
    captures_.retain(captures);
    order_.add({captures, run(id).start_us, present_.event().time_us, false});
  }
  const bool is_full = state.run_count >= limits_.max_runs;
  if (is_full || (!target.waits && target.transitions.empty())) {
    captures_.release(captures);
    if (is_full) ++counters_[state.rule].runs_refused;
    return index_none;
  }
  const RunId copy = new_run(rule);
  Run& moved = run(copy);
  std::memcpy(&moved, &run(id), run_words(rule) * sizeof(uint64_t));
  moved.captures = captures;
  moved.state = way.targets[0];
  moved.is_armed = 0;
  int64_t* registers = moved.registers();
  for (const auto& [from, to] : way.copies) registers[to] = registers[from];
  registers[0] = present_.event().time_us;
  for (uint8_t mark : way.marks) registers[mark] = present_.event().time_us;
  registers[rule.bars_register] = static_cast<int64_t>((bars_of(rule, moved) & ~way.lifts) | way.lowers);
  moved.next = after == index_none ? state.first : run(after).next;
  (after == index_none ? state.first : run(after).next) = copy;
  if (state.last == after) state.last = copy;
  ++state.run_count;
  ++live_runs_;
  arm(rule, state, partition, copy);
  return copy;
}

// False: nothing can come of the run any more.
bool Matcher::pass_over_all(const RuleProgram& rule, Run& run, uint32_t routes) {
  for (StepId step : rule.unless) {
    if (fits(rule, step, routes, run.captures, 0)) return false;
  }
  const State& state = rule.states[run.state];
  const Event& event = present_.event();
  uint64_t bars = bars_of(rule, run);
  if (!event.is_derived) bars |= rule.strict_bars;
  for (const AbsenceProgram& absence : state.absences) {
    if ((bars & absence.bar) != 0) continue;
    if (absence.for_us >= 0 && event.time_us - run.registers()[0] > absence.for_us) continue;
    if (absence.ends_with_within && event.time_us - run.start_us > rule.within_us) continue;
    for (StepId step : absence.steps) {
      if (fits(rule, step, routes, run.captures, 0)) bars |= absence.bar;
    }
  }
  for (const Break& closing : state.breaks) {
    if ((bars & closing.bar) != 0 || !present_.sees(rule.steps[closing.step], routes)) continue;
    if (fits(rule, closing.step, routes, run.captures, 0)) continue;
    if (closing.to == state_dead) return false;
    bars |= closing.bar;
  }
  run.registers()[rule.bars_register] = static_cast<int64_t>(bars);
  return (bars & state.fatal_bars) == 0;
}

void Matcher::remove_run(const RuleProgram& rule, RuleState& state, RunId id, RunId previous) {
  (previous == index_none ? state.first : run(previous).next) = run(id).next;
  if (state.last == id) state.last = previous;
  free_thread(rule, id);
  --state.run_count;
  --live_runs_;
}

void Matcher::step_all(const RuleProgram& rule, RuleState& state, PartitionId partition, uint32_t routes,
                       std::vector<Completion>& out) {
  order_.clear();
  RunId previous = index_none;
  for (RunId id = state.first; id != index_none;) {
    const RunId next = run(id).next;
    RunId last = id;
    const bool is_alive = thread_alive_until(rule, run(id)) >= present_.event().time_us;
    if (is_alive && present_.event().time_us - run(id).start_us <= rule.within_us) {
      for (const Transition& way : rule.states[run(id).state].transitions) {
        if (!is_open(rule, run(id), way, routes)) continue;
        const RunId copy = fork(rule, state, partition, id, way, last);
        if (copy != index_none) last = copy;
      }
    }
    if (is_alive && pass_over_all(rule, run(id), routes)) {
      previous = last;
    } else {
      remove_run(rule, state, id, previous);
      if (last != id) previous = last;
    }
    id = next;
  }
  if (may_start(state.rule, routes) && memory_.leading_holds(state, present_.event().time_us))
    start_all(rule, state, partition, routes);
  order_.sort_into(out);
}

void Matcher::start_all(const RuleProgram& rule, RuleState& state, PartitionId partition, uint32_t routes) {
  const RunId blank = new_run(rule);
  run(blank).state = rule.initial[0];
  run(blank).start_us = present_.event().time_us;
  run(blank).start_sequence = present_.event().sequence;
  run(blank).route = first_route(routes);
  for (const Transition& way : rule.states[rule.initial[0]].transitions) {
    if (!is_open(rule, run(blank), way, routes)) continue;
    const uint32_t before = state.run_count;
    fork(rule, state, partition, blank, way, state.last);
    counters_[state.rule].runs_started += state.run_count - before;
  }
  free_thread(rule, blank);
}

// All runs of one start whose final absences have lasted; a loop before them may go on.
void Matcher::meet_deadline_all(const RuleProgram& rule, RuleState& state, const Timer& timer,
                                std::vector<Completion>& out) {
  order_.clear();
  RunId previous = index_none;
  for (RunId id = state.first; id != index_none;) {
    const RunId next = run(id).next;
    const Run& waiting = run(id);
    const State& place = rule.states[waiting.state];
    const bool is_due = waiting.start_sequence == timer.start_sequence && waiting.is_armed &&
                        deadline_of(rule, waiting) == timer.deadline_us;
    if (is_due && (bars_of(rule, waiting) & place.wait_bars) == 0 &&
        where_agrees(rule, waiting.captures, waiting.start_us, timer.deadline_us, false)) {
      captures_.retain(waiting.captures);
      order_.add({waiting.captures, waiting.start_us, timer.deadline_us, true});
    }
    if (is_due) run(id).is_armed = 0;
    if (is_due && place.transitions.empty()) {
      remove_run(rule, state, id, previous);
    } else {
      previous = id;
    }
    id = next;
  }
  order_.sort_into(out);
}

}  // namespace omen
