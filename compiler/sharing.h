// Sharing: whether the matches of a rule under `overlap all` can be kept in shared form (core/forest).
//
// They can when what may be taken next depends on the place in the pattern alone, and one assignment is one way through
// the automaton. So no condition may read what the match has taken, no limit may measure from it but `within`, and
// what may not be passed over must hold for all ways on alike.
#pragma once

#include <string>

#include "compiler/compile.h"
#include "compiler/typed.h"
#include "runtime/model/program.h"

namespace omen {

// Why the rule needs a run for each partial match; empty when they can be shared.
std::string reason_for_runs(const RuleProgram& rule);

// Gives a rule under `overlap all` its machine, and warns where a loop's subsets have to be runs.
void choose_machine(const TypedRule& typed, const OptimizeOptions& options, RuleProgram& rule,
                    Diagnostics& diagnostics);

}  // namespace omen
