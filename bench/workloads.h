// The rules that benches run, over the events of events.h.
#pragma once

#include <cstddef>
#include <string>

#include "runtime/model/program.h"

namespace omen::bench {

// `A -> B[amount > c]` within 15 minutes by user, so many. Over the seven rarest types, a tenth of the events, or
// over all of them.
std::string rules_text(size_t count, bool all_types);
// Says what is wrong and ends the program, when something is.
Program compile_rules(const std::string& text);

}  // namespace omen::bench
