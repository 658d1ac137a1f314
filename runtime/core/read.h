// Read: what is read of the events bound to a name, by walking the run's captures from the newest to the oldest.
//
// count and last stop early; the others look at every event of the name, of which a loop has at most
// max_loop_events.
#pragma once

#include "runtime/core/evaluate.h"

namespace omen {

Value read_bound(const Read& read, const Evaluation& evaluation);
// `value` stands in the relation to any of what a Read with Select::all gives.
Truth relate_any_bound(Relation relation, bool fold, const Value& value, const Read& read,
                       const Evaluation& evaluation);

}  // namespace omen
