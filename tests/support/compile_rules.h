// Rule files -> program, for services in tests; what is wrong with them as one text.
#pragma once

#include <vector>

#include "runtime/model/status.h"
#include "runtime/serve/rule_set.h"

namespace omen {

Result<SharedRules> compile_rules(const std::vector<RuleFile>& files);

}  // namespace omen
