#include "compiler/starting.h"

#include <map>
#include <tuple>
#include <vector>

namespace omen {

void share_starts(const OptimizeOptions& options, Program& program) {
  if (options.share_starts_from == 0) return;
  std::map<std::tuple<std::vector<FieldId>, std::vector<TypeId>, PredicateId>, std::vector<RuleProgram*>> alike;
  for (RuleProgram& rule : program.rules) {
    const Transition* const way = only_start(rule);
    if (way == nullptr) continue;
    const StepProgram& step = rule.steps[way->step];
    alike[{rule.routes[0].key, step.types, step.predicate}].push_back(&rule);
  }
  for (const auto& [start, rules] : alike) {
    if (rules.size() < options.share_starts_from) continue;
    for (RuleProgram* rule : rules) rule->shares_start = true;
  }
}

}  // namespace omen
