#include "runtime/core/share.h"

#include <algorithm>
#include <tuple>

namespace omen {

std::vector<bool> bound_rules(const Program& program) {
  const auto is_emit = [](const ActionProgram& action) { return action.kind == ActionProgram::Kind::emit; };
  std::vector<bool> is_derived(program.types.size());
  for (TypeId type = 0; type < program.types.size(); ++type)
    is_derived[type] = program.types[type].name == "schema_violation";
  for (const RuleProgram& rule : program.rules) {
    for (const ActionProgram& action : rule.actions) {
      if (is_emit(action)) is_derived[action.emit_type] = true;
    }
  }
  std::vector<bool> bound;
  for (const RuleProgram& rule : program.rules) {
    const auto sees_derived = [&](const StepProgram& step) {
      return std::ranges::any_of(step.types, [&](TypeId type) { return is_derived[type]; });
    };
    bound.push_back(rule.limit_count > 0 || std::ranges::any_of(rule.actions, is_emit) ||
                    std::ranges::any_of(rule.steps, sees_derived));
  }
  return bound;
}

bool MatchPlace::operator<(const MatchPlace& other) const {
  const bool is_of_event = deadline_us == INT64_MAX, is_other_of_event = other.deadline_us == INT64_MAX;
  if (!is_of_event || !is_other_of_event) {
    return std::tie(deadline_us, start_sequence, rule, route) <
           std::tie(other.deadline_us, other.start_sequence, other.rule, other.route);
  }
  if (is_derived || other.is_derived) return is_derived < other.is_derived;  // all derived ones are of one engine
  return std::tie(rule, route) < std::tie(other.rule, other.route);
}

}  // namespace omen
