// Horizon: how far back the state of a rule can reach: what a rule that is made warm has to read of the log.
//
//   sequence rule   a run lives as long as `within` and a final absence last; without `within` as long as its arrows'
//                   limits together, if each place of the pattern has one and none is come back to (a loop)
//                   before its first event: a leading absence; behind its end: a cooldown, the window of a limit
//   measure rule    the longest window with its `ago`, one `every`, `for`
//   both            history(D), that of other rules of the same key too, for they share it; and what the rules that
//                   emit its events reach back
//
// A rule is made as one that was started at that place. What an earlier match of it would have decided (a run that it
// would have ended, a cooldown begun earlier still) is not known then: docs/durability.md says what that means.
//
// NOT HERE: where in the log that time is (stream_place.h).
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/model/program.h"

namespace omen {

// Nothing when it has no bound: then all of the log is read.
std::optional<int64_t> horizon_us(const Program& program, RuleId rule);

// How far back the events of its key are kept for history(D), by all rules of the key; 0: no rule asks for them.
int64_t kept_history_us(const Program& program, RuleId rule);
// What the rule itself asks for; 0: nothing.
int64_t asked_history_us(const Program& program, RuleId rule);

}  // namespace omen
