#include "runtime/serve/horizon.h"

#include <algorithm>
#include <vector>

namespace omen {
namespace {

using Span = std::optional<int64_t>;  // nothing: without bound

Span plus(Span a, Span b) {
  int64_t sum = 0;
  if (!a || !b || __builtin_add_overflow(*a, *b, &sum)) return std::nullopt;
  return sum;
}
Span longer(Span a, Span b) { return a && b ? Span(std::max(*a, *b)) : std::nullopt; }

// How long a run can go on from each place on, when `within` does not say.
class Paths {
 public:
  explicit Paths(const RuleProgram& rule) : rule_(rule), marks_(rule.states.size()), spans_(rule.states.size()) {}

  Span from(StateId id) {
    if (id == state_dead) return 0;
    if (marks_[id] == Mark::done) return spans_[id];
    if (marks_[id] == Mark::under_way) return std::nullopt;  // it can be come back to
    marks_[id] = Mark::under_way;
    const State& state = rule_.states[id];
    Span span = state.waits ? state.wait_us : 0;
    if (!state.accepts || state.waits) {
      for (const Transition& way : state.transitions) {
        Span step = std::nullopt;
        for (const Guard& guard : way.guards) {
          if (guard.max_us != time_unbounded) step = step ? std::min(*step, guard.max_us) : guard.max_us;
        }
        for (const StateId target : way.targets) step = plus(step, from(target));
        span = longer(span, step);
      }
      if (state.on_pass != id) span = longer(span, from(state.on_pass));
      for (const Break& way : state.breaks) {
        if (way.to != id) span = longer(span, from(way.to));
      }
    }
    marks_[id] = Mark::done;
    return spans_[id] = span;
  }

 private:
  enum class Mark : uint8_t { unseen, under_way, done };
  const RuleProgram& rule_;
  std::vector<Mark> marks_;
  std::vector<Span> spans_;
};

Span of_runs(const RuleProgram& rule) {
  Span span = 0;
  if (rule.within_us != time_unbounded) {
    int64_t wait_us = 0;  // a final absence may outlast it
    for (const State& state : rule.states) wait_us = std::max(wait_us, state.waits ? state.wait_us : 0);
    span = plus(rule.within_us, wait_us);
  } else {
    // The first event begins the run: what counts is how it goes on.
    Paths paths(rule);
    for (const StateId initial : rule.initial) {
      for (const Transition& way : rule.states[initial].transitions) {
        for (const StateId target : way.targets) span = longer(span, paths.from(target));
      }
    }
  }
  for (const AbsenceProgram& absence : rule.leading) span = plus(span, absence.for_us);
  return span;
}

Span of_measures(const Measures& measures) {
  int64_t window_us = 0;
  for (const SeriesProgram& series : measures.series) window_us = std::max(window_us, series.span_us);
  return plus(plus(window_us, measures.every_us), measures.for_us);
}

bool takes(const RuleProgram& rule, TypeId type) {
  return std::ranges::any_of(
      rule.steps, [&](const StepProgram& step) { return std::ranges::find(step.types, type) != step.types.end(); });
}

bool emits_for(const RuleProgram& from, const RuleProgram& to) {
  return std::ranges::any_of(from.actions, [&](const ActionProgram& action) {
    return action.kind == ActionProgram::Kind::emit && takes(to, action.emit_type);
  });
}

// `left`: of rules that can still emit for one another; that they do so in a circle does not compile.
Span reach(const Program& program, RuleId id, size_t left) {
  const RuleProgram& rule = program.rules[id];
  Span span = rule.measures ? of_measures(*rule.measures) : of_runs(rule);
  span = plus(span, std::max(rule.cooldown_us, rule.limit_count > 0 ? rule.limit_per_us : 0));
  if (!rule.histories.empty()) span = longer(span, kept_history_us(program, id));
  if (left == 0) return std::nullopt;
  Span before = 0;
  for (RuleId other = 0; other < program.rules.size(); ++other) {
    if (other != id && emits_for(program.rules[other], rule)) before = longer(before, reach(program, other, left - 1));
  }
  return plus(span, before);
}

}  // namespace

int64_t asked_history_us(const Program& program, RuleId rule) {
  int64_t longest_us = 0;
  for (const uint32_t history : program.rules[rule].histories) {
    longest_us = std::max(longest_us, program.code.histories_us[history]);
  }
  return longest_us;
}

int64_t kept_history_us(const Program& program, RuleId rule) {
  int64_t longest_us = 0;
  for (RuleId other = 0; other < program.rules.size(); ++other) {
    if (program.rules[other].routes[0].key != program.rules[rule].routes[0].key) continue;
    longest_us = std::max(longest_us, asked_history_us(program, other));
  }
  return longest_us;
}

std::optional<int64_t> horizon_us(const Program& program, RuleId rule) {
  constexpr size_t emitters_deep_max = 64;  // beyond it nobody has looked how far back it reaches
  return reach(program, rule, std::min(program.rules.size(), emitters_deep_max));
}

}  // namespace omen
