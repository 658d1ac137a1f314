// Constant: expressions whose value is known without an event.
//
// Only what is certain to be what the machine would give: literals, comparisons and logic of them, and arithmetic of
// integers that does not overflow. Everything else stays as it is.
#pragma once

#include "compiler/kinds.h"
#include "compiler/typed.h"

namespace omen {

// Replaces an operation of constants by its value.
void fold_constant(TypedExpr& expr);

// What a condition is on every event: yes, no, unknown; nothing when it depends on the event.
std::optional<Truth> constant_truth(const TypedExpr& condition);

// The kinds of an element of a list: exact for a constant.
Kinds constant_kinds(const TypedExpr& expr);

}  // namespace omen
