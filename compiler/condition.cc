#include "compiler/condition.h"

#include <algorithm>

#include "compiler/constant.h"

namespace omen {

namespace {

using Op = ast::Op;
using ExprKind = TypedExpr::Kind;

bool is_constant(const TypedExpr& expr) { return expr.kind == ExprKind::constant; }

bool is_path(const TypedExpr& expr) {
  return expr.kind == ExprKind::field || expr.kind == ExprKind::attribute || expr.kind == ExprKind::bound;
}

// `path op constant`, the constant always on the right.
struct Bound {
  const TypedExpr* path = nullptr;
  Op op = Op::equal;
  std::vector<const TypedExpr*> values;  // `in`: any of them
  Span span;
};

Op mirrored(Op op) {
  switch (op) {
    case Op::less:
      return Op::greater;
    case Op::less_equal:
      return Op::greater_equal;
    case Op::greater:
      return Op::less;
    case Op::greater_equal:
      return Op::less_equal;
    default:
      return op;
  }
}

std::optional<Bound> as_bound(const TypedExpr& expr) {
  if (expr.kind != ExprKind::binary || expr.fold) return std::nullopt;
  const TypedExpr& left = expr.children[0];
  const TypedExpr& right = expr.children[1];
  if (expr.op >= Op::equal && expr.op <= Op::greater_equal) {
    if (is_path(left) && is_constant(right)) return Bound{&left, expr.op, {&right}, expr.span};
    if (is_constant(left) && is_path(right)) return Bound{&right, mirrored(expr.op), {&left}, expr.span};
  }
  if (expr.op == Op::in && is_path(left) && right.kind == ExprKind::list &&
      std::ranges::all_of(right.children, is_constant)) {
    Bound bound{&left, Op::in, {}, expr.span};
    for (const TypedExpr& value : right.children) bound.values.push_back(&value);
    return bound;
  }
  return std::nullopt;
}

bool satisfies(const TypedExpr& value, Op op, const TypedExpr& limit) {
  TypedExpr comparison;
  comparison.kind = ExprKind::binary;
  comparison.op = op;
  comparison.children = {value, limit};
  return constant_truth(comparison) == Truth::yes;
}

bool is_lower(Op op) { return op == Op::greater || op == Op::greater_equal; }
bool is_upper(Op op) { return op == Op::less || op == Op::less_equal; }

// Whether no value satisfies both.
bool excludes(const Bound& a, const Bound& b) {
  const bool a_is_values = a.op == Op::equal || a.op == Op::in;
  const bool b_is_values = b.op == Op::equal || b.op == Op::in;
  if (!a_is_values && b_is_values) return excludes(b, a);
  if (a_is_values) {
    return std::ranges::none_of(a.values, [&](const TypedExpr* value) {
      return b.op == Op::in
                 ? std::ranges::any_of(b.values,
                                       [&](const TypedExpr* other) { return satisfies(*value, Op::equal, *other); })
                 : satisfies(*value, b.op, *b.values[0]);
    });
  }
  if (is_upper(a.op) && is_lower(b.op)) return excludes(b, a);
  if (!is_lower(a.op) || !is_upper(b.op)) return false;
  const bool both_inclusive = a.op == Op::greater_equal && b.op == Op::less_equal;
  return !satisfies(*a.values[0], both_inclusive ? Op::less_equal : Op::less, *b.values[0]);
}

void collect_conjuncts(const TypedExpr& expr, std::vector<const TypedExpr*>& out) {
  if (expr.kind == ExprKind::binary && expr.op == Op::logical_and) {
    collect_conjuncts(expr.children[0], out);
    collect_conjuncts(expr.children[1], out);
  } else {
    out.push_back(&expr);
  }
}

}  // namespace

bool is_same(const TypedExpr& a, const TypedExpr& b) {
  const bool values_equal =
      a.value.kind == b.value.kind &&
      (a.value.kind == Kind::text || a.value.kind == Kind::missing || equals(a.value, b.value) == Truth::yes);
  return a.kind == b.kind && a.op == b.op && a.fold == b.fold && a.text == b.text && values_equal &&
         a.field == b.field && a.attribute == b.attribute && a.name == b.name && a.selector == b.selector &&
         a.index == b.index && a.aggregate == b.aggregate && a.repetition == b.repetition &&
         a.match_value == b.match_value && a.members == b.members &&
         std::ranges::equal(a.children, b.children, is_same);
}

std::optional<Contradiction> find_contradiction(const TypedExpr& condition) {
  if (condition.kind == ExprKind::binary && condition.op == Op::logical_or) {  // both sides must be impossible
    const auto left = find_contradiction(condition.children[0]);
    return left && find_contradiction(condition.children[1]) ? left : std::nullopt;
  }
  std::vector<const TypedExpr*> conjuncts;
  collect_conjuncts(condition, conjuncts);
  std::vector<Bound> bounds;
  for (const TypedExpr* conjunct : conjuncts) {
    const std::optional<Bound> bound = as_bound(*conjunct);
    if (!bound) continue;
    for (const Bound& earlier : bounds) {
      if (is_same(*earlier.path, *bound->path) && excludes(earlier, *bound))
        return Contradiction{earlier.span, bound->span};
    }
    bounds.push_back(*bound);
  }
  return std::nullopt;
}

std::optional<ConstantPart> find_constant_part(const TypedExpr& condition) {
  if (const std::optional<Truth> truth = constant_truth(condition))
    return ConstantPart{condition.span, *truth == Truth::yes};
  const bool is_logic =
      (condition.kind == ExprKind::binary && (condition.op == Op::logical_and || condition.op == Op::logical_or)) ||
      (condition.kind == ExprKind::unary && condition.op == Op::logical_not);
  if (!is_logic) return std::nullopt;
  for (const TypedExpr& child : condition.children) {
    if (const auto part = find_constant_part(child)) return part;
  }
  return std::nullopt;
}

bool covers(const TypedStep& wide, const TypedStep& narrow) {
  if (wide.by != narrow.by) return false;
  if (!wide.types.empty()) {
    if (narrow.types.empty()) return false;
    for (const TypeId type : narrow.types) {
      if (std::ranges::find(wide.types, type) == wide.types.end()) return false;
    }
  }
  if (!wide.condition) return true;
  return narrow.condition && is_same(*wide.condition, *narrow.condition);
}

}  // namespace omen
