// Stretches: of a rule state where many runs wait, those that follow one another at one place, as one (matcher.h).
//
// Under `overlap none` each event that can begin a run begins one, and all wait: an hour of them may be thousands, most
// at one or two places. An event is offered to each place once
//
//   nothing that waits there can take it, or minds it     the whole stretch is passed over, whatever its length
//   otherwise                                             run by run, as always; what they become is put into
//                                                         stretches again
//
// so that an event costs what it moves. A run of several threads is a stretch of its own, and looked at each time. A
// run whose time is over stays in its stretch until that is looked at, or there are as many runs as there may be.
//
// A stretch that is passed over is counted (stretches_passed), and its memory is the state's.
#include <algorithm>

#include "runtime/core/matcher.h"

namespace omen {

namespace {

constexpr size_t spare_max = 64;  // of nodes that are kept for other rule states

}  // namespace

bool Matcher::goes_by_stretches(const RuleProgram& rule, const RuleState& state) const {
  return rule.overlap == Overlap::none && program_.stretch_runs_from > 0 &&
         state.run_count >= program_.stretch_runs_from && funnel_ == nullptr;
}

Matcher::Stretches& Matcher::stretches_of(const RuleProgram& rule, RuleState& state) {
  if (state.has_stretches != 0) return stretches_.find(&state)->second;
  state.has_stretches = 1;
  if (spare_.empty()) spare_.push_back(stretches_.extract(stretches_.try_emplace(&state).first));
  auto node = std::move(spare_.back());
  spare_.pop_back();
  node.key() = &state;
  Stretches& out = stretches_.insert(std::move(node)).position->second;
  out.all.clear();
  out.none_over_until_us = time_unbounded;
  for (RunId id = state.first; id != index_none; id = run(id).next) add_to_stretches(rule, out, id);
  return out;
}

void Matcher::forget_stretches(RuleState& state) {
  if (state.has_stretches == 0) return;
  state.has_stretches = 0;
  auto node = stretches_.extract(&state);
  stretch_count_ -= node.mapped().all.size();
  if (spare_.size() < spare_max) spare_.push_back(std::move(node));
}

void Matcher::join(std::vector<Stretch>& all, const Stretch& next) {
  if (next.place != state_dead && !all.empty() && all.back().place == next.place) {
    all.back().last = next.last;
  } else {
    all.push_back(next);
    ++stretch_count_;
  }
}

// Behind all others.
void Matcher::add_to_stretches(const RuleProgram& rule, Stretches& stretches, RunId id) {
  join(stretches.all, {id, id, run(id).thread == index_none ? run(id).state : state_dead});
  stretches.none_over_until_us = std::min(stretches.none_over_until_us, run_alive_until(rule, id));
}

// Whether the present event can do anything to a run that waits there. No run is asked: what it has taken, and its
// limits of time, may still say no.
bool Matcher::may_touch(const RuleProgram& rule, StateId place, uint32_t routes) {
  const State& state = rule.states[place];
  const bool counts = !present_.event().is_derived;
  if (!state.breaks.empty() || (counts && (state.strict || state.on_pass != place))) return true;
  const auto may_fit = [&](const StepProgram& step) {
    return present_.sees(step, routes) && (!step.is_shared || present_.fits(step, routes, capture_none, 0));
  };
  for (const Transition& way : state.transitions) {
    if (present_.sees(way, rule.steps[way.step], routes) && may_fit(rule.steps[way.step])) return true;
  }
  const auto any_may_fit = [&](const std::vector<StepId>& steps) {
    return std::ranges::any_of(steps, [&](StepId step) { return may_fit(rule.steps[step]); });
  };
  return any_may_fit(rule.unless) ||
         std::ranges::any_of(state.absences, [&](const AbsenceProgram& absence) { return any_may_fit(absence.steps); });
}

uint64_t Matcher::bytes() const {
  return stretches_.size() * sizeof(decltype(stretches_)::value_type) + stretch_count_ * sizeof(Stretch);
}

// True when a match has ended all runs.
bool Matcher::step_stretches(const RuleProgram& rule, RuleState& state, PartitionId partition, uint32_t routes,
                             std::vector<Completion>& out) {
  const int64_t time_us = present_.event().time_us;
  if (state.run_count >= limits_.max_runs && time_us > stretches_of(rule, state).none_over_until_us) {
    drop_over(rule, state, time_us);
  }
  Stretches& stretches = stretches_of(rule, state);
  before_.swap(stretches.all);
  stretches.all.clear();
  stretch_count_ -= before_.size();
  RunId previous = index_none;
  for (const Stretch& stretch : before_) {
    if (stretch.place != state_dead && !may_touch(rule, stretch.place, routes)) {
      join(stretches.all, stretch);
      ++counters_[state.rule].stretches_passed;
      previous = stretch.last;
      continue;
    }
    const RunId behind = run(stretch.last).next;
    for (RunId id = stretch.first; id != behind;) {
      const RunId before = previous;
      if (step_one(rule, state, partition, routes, previous, id, out)) return true;
      if (previous != before) add_to_stretches(rule, stretches, previous);
    }
  }
  return false;
}

}  // namespace omen
