// Control text: what control routes answer, as JSON.
#pragma once

#include <span>
#include <string>

#include "runtime/outbox/store.h"
#include "runtime/serve/service.h"

namespace omen {

std::string status_text(const ServiceView& view);
// {"rules":[{"name":…,"file":…,"severity":…,"state":"active","keys":0,"matches":0,"version":…}]}
std::string rules_text(const ServiceView& view);
void append_rule(std::string& out, const RuleStatus& rule);
// {"in_force":true,"rules":[{"rule":"churn_risk","fate":"kept"}]}; of a plan nothing is in force. What is changed or
// added has "horizon_us" too: how far back in the log its state is made from; null: all of it, nothing bounds it.
std::string changes_text(std::span<const RuleChange> changes, bool is_plan);
// One row of the outbox, with its body when asked.
void append_row(std::string& out, const OutboxRow& row, bool with_body);
void append_attempt(std::string& out, const Attempt& attempt);

}  // namespace omen
