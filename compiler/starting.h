// Starting: which rules keep the events that may begin their runs together (core/shared_starts).
//
// Those that have a key and a first step in common with enough others, and whose runs may be put off. A few rules begin
// their runs at once: that costs less than looking for what is to be begun.
#pragma once

#include "compiler/compile.h"
#include "runtime/model/program.h"

namespace omen {

void share_starts(const OptimizeOptions& options, Program& program);

}  // namespace omen
