// Emit measures: the windows of a measure rule and the series that they share.
#pragma once

#include "compiler/emit_code.h"
#include "compiler/typed.h"
#include "runtime/model/program.h"

namespace omen {

// The steps of `rule` have their predicates already.
void emit_measures(const TypedRule& typed, CodeEmitter& code, RuleProgram& rule);

}  // namespace omen
