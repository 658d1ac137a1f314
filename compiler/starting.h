// Starting: which rules keep the events that may begin their runs together (core/shared_starts).
//
// Those whose runs may be put off, and that have a key and a first step in common with enough others. One rule alone
// gains, too: an event that waits in a list takes less memory than a run.
#pragma once

#include "compiler/compile.h"
#include "runtime/model/program.h"

namespace omen {

void share_starts(const OptimizeOptions& options, Program& program);

}  // namespace omen
