// Memory: the option of a verb that asks the system for memory before events come (core/reserve).
#pragma once

#include <cstdint>

#include "cli/command.h"
#include "runtime/model/status.h"

namespace omen::cli {

void add_reserve_option(Command verb, uint64_t& bytes);
// Touches so much, with a word on how far it is where standard error is a terminal. 0: nothing to do. An error says
// what to change.
Status reserve_memory(uint64_t bytes);

}  // namespace omen::cli
