// Rule shape: what the bytes of a rule's state (state_writer.h) depend on beside its version: how the compiler has laid
// out its automaton or windows. A rule of one version has another shape when another compiler, or other optimisations,
// have made it; its state means nothing then.
//
// NOT HERE: what decides a rule's matches (compiler/version).
#pragma once

#include <cstdint>

#include "runtime/model/program.h"

namespace omen {

// `is_counted`: its matches are only counted.
uint64_t shape_of(const RuleProgram& rule, bool is_counted);

}  // namespace omen
