#include "compiler/sharing.h"

#include <algorithm>
#include <vector>

#include "runtime/model/limits.h"

namespace omen {

namespace {

// Bars that an event passed over in this state can lower.
uint64_t lowered_in(const RuleProgram& rule, const State& state) {
  uint64_t bars = rule.strict_bars;
  for (const AbsenceProgram& absence : state.absences) bars |= absence.bar;
  for (const Break& closing : state.breaks) bars |= closing.bar;
  return bars;
}

// Per state the bars that matter before they are lifted.
std::vector<uint64_t> mentioned(const RuleProgram& rule) {
  std::vector<uint64_t> out(rule.states.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < out.size(); ++i) {
      uint64_t bars = out[i];
      for (const Transition& way : rule.states[i].transitions) {
        bars |= way.barred_by | (out[way.targets[0]] & ~way.lifts);
      }
      changed = changed || bars != out[i];
      out[i] = bars;
    }
  }
  return out;
}

bool bars_differ(const RuleProgram& rule) {
  const std::vector<uint64_t> mention = mentioned(rule);
  for (const State& state : rule.states) {
    const uint64_t lowered = lowered_in(rule, state);
    for (const Transition& way : state.transitions) {
      if ((way.barred_by & lowered) != (state.transitions[0].barred_by & lowered)) return true;
      const uint64_t left_down = (lowered & ~way.barred_by & ~way.lifts) | way.lowers;
      if ((left_down & mention[way.targets[0]]) != 0) return true;
    }
  }
  return false;
}

bool has_limits(const RuleProgram& rule) {
  auto measures = [](const State& state) {
    return std::ranges::any_of(state.absences, [](const AbsenceProgram& absence) { return absence.for_us >= 0; }) ||
           std::ranges::any_of(state.transitions, [](const Transition& way) { return !way.guards.empty(); });
  };
  return std::ranges::any_of(rule.states, measures);
}

bool is_ambiguous(const RuleProgram& rule) {
  for (const State& state : rule.states) {
    for (size_t i = 0; i < state.transitions.size(); ++i) {
      for (size_t k = 0; k < i; ++k) {
        if (state.transitions[i].step == state.transitions[k].step) return true;
      }
    }
  }
  return false;
}

const TypedPattern* find_unbounded(const TypedPattern& node) {
  if (node.max == ast::repeat_unbounded) return &node;
  for (const TypedPattern& item : node.items) {
    if (const TypedPattern* loop = find_unbounded(item)) return loop;
  }
  return nullptr;
}

}  // namespace

std::string reason_for_runs(const RuleProgram& rule) {
  for (const StepProgram& step : rule.steps) {
    if (step.predicate != predicate_none && !step.is_shared) {
      return "the condition of `" + step.label + "` reads what the match has taken, or the key";
    }
  }
  if (rule.where != code_none) return "`where` is asked of each match";
  size_t transitions = 0;
  for (const State& state : rule.states) {
    if (state.waits) return "each match waits for its own final absence";
    transitions += state.transitions.size();
  }
  if (has_limits(rule)) return "a limit of an arrow, a `for` or a group's `within` measures from an event taken";
  if (is_ambiguous(rule)) return "one assignment can part into repetitions in several ways";
  if (bars_differ(rule)) return "what may not be passed over holds for some of the steps that can come next only";
  if (rule.states.size() > shared_states_max || transitions > shared_transitions_max) {
    return "it has more than " + std::to_string(shared_states_max) + " places";
  }
  return "";
}

void choose_machine(const TypedRule& typed, const OptimizeOptions& options, RuleProgram& rule,
                    Diagnostics& diagnostics) {
  const std::string reason = reason_for_runs(rule);
  if (reason.empty() && options.share_matches) rule.machine = Machine::forest;
  const TypedPattern* loop = find_unbounded(typed.pattern);
  if (reason.empty() || loop == nullptr) return;
  diagnostics.warning("W0411", loop->span, "each subset of this loop's events is a run of its own, up to 10,000 a key",
                      "they are not shared: " + reason);
}

}  // namespace omen
