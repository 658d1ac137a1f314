// Condition: what can be said of a condition without an event.
#pragma once

#include <optional>

#include "compiler/typed.h"

namespace omen {

// Two parts of a conjunction that cannot both be true: `amount > 5 and amount < 3`.
struct Contradiction {
  Span first, second;
};
std::optional<Contradiction> find_contradiction(const TypedExpr& condition);

// A part that is the same on every event: the whole, or an operand of and, or, not. Where it stands and what it is.
struct ConstantPart {
  Span span;
  bool is_true = false;
};
std::optional<ConstantPart> find_constant_part(const TypedExpr& condition);

// Whether two expressions are written alike, places aside.
bool is_same(const TypedExpr& a, const TypedExpr& b);

// Whether every event that fits `narrow` fits `wide`. False when it cannot be told.
bool covers(const TypedStep& wide, const TypedStep& narrow);

}  // namespace omen
