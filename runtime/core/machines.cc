#include "runtime/core/machines.h"

#include <algorithm>

namespace omen {

Machines::Machines(const Program& program, const Prepared& prepared, const Limits& limits, CaptureStore& captures,
                   WordPool& words, Timers& timers, std::vector<RuleCounters>& counters, bool only_counts)
    : program_(program),
      present_(program, prepared, captures),
      memory_(program, words),
      matcher_(program, limits, captures, words, timers, counters, present_, memory_),
      forest_(program, limits, captures, words, counters, present_, memory_, only_counts),
      measures_(program, prepared, limits, captures, words, timers, counters, present_) {}

void Machines::grow() {
  present_.grow();
  forest_.grow();
  measures_.grow();
}

void Machines::take_on(RuleId rule) {
  forest_.take_on(rule);
  measures_.take_on(rule);
}

bool Machines::may_begin(RuleId rule, uint32_t routes) {
  if (program_.rules[rule].machine == Machine::measure) return measures_.counts(rule, routes);
  return matcher_.may_start(rule, routes) || breaks_leading(program_.rules[rule], routes);
}

void Machines::init(RuleState& state) {
  memory_.init(state);
  if (is_measure(state)) measures_.init(state);
}

void Machines::step(RuleState& state, PartitionId partition, uint32_t routes, std::vector<Completion>& out) {
  const RuleProgram& rule = program_.rules[state.rule];
  switch (rule.machine) {
    case Machine::runs:
      matcher_.step(state, partition, routes, out);
      break;
    case Machine::forest:
      forest_.step(state, routes, out);
      break;
    case Machine::measure:
      measures_.step(state, partition, routes);
      break;
  }
  remember_leading(rule, state, routes);
}

bool Machines::begins_with_stream(const RuleProgram& rule) {
  return rule.machine == Machine::measure && rule.measures->every_us > 0 && rule.routes[0].key.empty();
}

void Machines::begin(RuleState& state, PartitionId partition, int64_t time_us) {
  measures_.begin(state, partition, time_us);
}

void Machines::meet_deadline(RuleState& state, PartitionId partition, const Timer& timer,
                             std::vector<Completion>& out) {
  if (is_measure(state)) {
    measures_.meet_deadline(state, partition, timer, present_.key(), out);
  } else {
    matcher_.meet_deadline(state, partition, timer, out);
  }
}

void Machines::note_raised(RuleState& state, int64_t end_us) {
  memory_.start_cooldown(state, end_us);
  if (is_measure(state)) measures_.note_raised(state);
}

// ---- leading absences ----

bool Machines::breaks(const RuleProgram& rule, const AbsenceProgram& absence, uint32_t routes) {
  return std::ranges::any_of(absence.steps,
                             [&](StepId step) { return present_.fits(rule.steps[step], routes, capture_none, 0); });
}

bool Machines::breaks_leading(const RuleProgram& rule, uint32_t routes) {
  return std::ranges::any_of(rule.leading,
                             [&](const AbsenceProgram& absence) { return breaks(rule, absence, routes); });
}

void Machines::remember_leading(const RuleProgram& rule, const RuleState& state, uint32_t routes) {
  for (size_t i = 0; i < rule.leading.size(); ++i) {
    if (breaks(rule, rule.leading[i], routes)) memory_.set_broken(state, i, present_.event().time_us);
  }
}

// ---- how long it lives ----

bool Machines::is_idle(const RuleState& state) const {
  const bool is_empty = is_measure(state) ? measures_.is_idle(state) : state.first == index_none;
  return is_empty && (state.memory == index_none || memory_.alive_until(state) == RuleMemory::never);
}

int64_t Machines::alive_until(const RuleState& state) const {
  return std::max(machine_alive_until(state), memory_.alive_until(state));
}

int64_t Machines::machine_alive_until(const RuleState& state) const {
  switch (program_.rules[state.rule].machine) {
    case Machine::runs:
      return matcher_.alive_until(state);
    case Machine::forest:
      return forest_.alive_until(state);
    case Machine::measure:
      return measures_.alive_until(state);
  }
  return time_unbounded;
}

// ---- as bytes ----

void Machines::save(StateWriter& out, const RuleState& state) const {
  memory_.save(out, state);
  switch (program_.rules[state.rule].machine) {
    case Machine::runs:
      return matcher_.save(out, state);
    case Machine::forest:
      return forest_.save(out, state);
    case Machine::measure:
      return measures_.save(out, state);
  }
}

void Machines::load(StateReader& in, RuleState& state, int64_t clock_us) {
  memory_.load(in, state);
  switch (program_.rules[state.rule].machine) {
    case Machine::runs:
      return matcher_.load(in, state);
    case Machine::forest:
      return forest_.load(in, state, clock_us);
    case Machine::measure:
      return measures_.load(in, state);
  }
}

void Machines::drop(RuleState& state, RunEnd why) {
  switch (program_.rules[state.rule].machine) {
    case Machine::runs:
      matcher_.drop_runs(state, why);
      break;
    case Machine::forest:
      forest_.drop(state);
      break;
    case Machine::measure:
      measures_.drop(state);
      break;
  }
  memory_.drop(state);
}

}  // namespace omen
