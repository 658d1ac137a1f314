#include "compiler/constant.h"

namespace omen {

namespace {

using Op = ast::Op;

bool is_constant(const TypedExpr& expr) { return expr.kind == TypedExpr::Kind::constant; }

Value value_of(const TypedExpr& expr) { return expr.value.kind == Kind::text ? Value::of_text(expr.text) : expr.value; }

Truth opposite(Truth truth) {
  return truth == Truth::yes ? Truth::no : truth == Truth::no ? Truth::yes : Truth::unknown;
}

std::optional<Truth> compared(const TypedExpr& expr) {
  if (expr.fold || !is_constant(expr.children[0]) || !is_constant(expr.children[1])) return std::nullopt;
  const Value left = value_of(expr.children[0]), right = value_of(expr.children[1]);
  if (expr.op == Op::equal) return equals(left, right);
  if (expr.op == Op::not_equal) return opposite(equals(left, right));
  const Order order = compare(left, right);
  if (order == Order::none) return Truth::unknown;
  const bool holds = expr.op == Op::less         ? order == Order::less
                     : expr.op == Op::less_equal ? order != Order::greater
                     : expr.op == Op::greater    ? order == Order::greater
                                                 : order != Order::less;
  return holds ? Truth::yes : Truth::no;
}

std::optional<int64_t> integer_result(Op op, int64_t a, int64_t b) {
  int64_t out = 0;
  bool overflows = true;
  if (op == Op::add) overflows = __builtin_add_overflow(a, b, &out);
  if (op == Op::subtract) overflows = __builtin_sub_overflow(a, b, &out);
  if (op == Op::multiply) overflows = __builtin_mul_overflow(a, b, &out);
  if (overflows) return std::nullopt;
  return out;
}

void become(TypedExpr& expr, Value value) {
  expr.kind = TypedExpr::Kind::constant;
  expr.value = value;
  expr.text.clear();
  expr.children.clear();
}

}  // namespace

std::optional<Truth> constant_truth(const TypedExpr& condition) {
  if (is_constant(condition)) {
    if (condition.value.kind == Kind::boolean) return condition.value.boolean ? Truth::yes : Truth::no;
    return Truth::unknown;
  }
  if (condition.kind == TypedExpr::Kind::unary && condition.op == Op::logical_not) {
    const std::optional<Truth> operand = constant_truth(condition.children[0]);
    if (operand) return opposite(*operand);
  }
  if (condition.kind != TypedExpr::Kind::binary) return std::nullopt;
  if (condition.op == Op::logical_and || condition.op == Op::logical_or) {
    const std::optional<Truth> left = constant_truth(condition.children[0]);
    const std::optional<Truth> right = constant_truth(condition.children[1]);
    const Truth decides = condition.op == Op::logical_or ? Truth::yes : Truth::no;
    if (left == decides || right == decides) return decides;
    if (!left || !right) return std::nullopt;
    if (*left == Truth::unknown || *right == Truth::unknown) return Truth::unknown;
    return opposite(decides);
  }
  if (condition.op >= Op::equal && condition.op <= Op::greater_equal) return compared(condition);
  return std::nullopt;
}

void fold_constant(TypedExpr& expr) {
  if (expr.kind == TypedExpr::Kind::unary && is_constant(expr.children[0])) {
    const Value operand = expr.children[0].value;
    if (expr.op == Op::negate && operand.kind == Kind::integer && operand.integer != INT64_MIN) {
      become(expr, Value::of_integer(-operand.integer));
    } else if (expr.op == Op::negate && operand.kind == Kind::number) {
      become(expr, Value::of_number(-operand.number));
    } else if (expr.op == Op::negate && operand.kind == Kind::duration) {
      become(expr, Value::of_duration(-operand.integer));
    } else if (expr.op == Op::logical_not && operand.kind == Kind::boolean) {
      become(expr, Value::of_bool(!operand.boolean));
    }
    return;
  }
  if (expr.kind != TypedExpr::Kind::binary) return;
  const TypedExpr& left = expr.children[0];
  const TypedExpr& right = expr.children[1];
  if (is_constant(left) && is_constant(right) && left.value.kind == Kind::integer &&
      right.value.kind == Kind::integer) {
    if (const auto result = integer_result(expr.op, left.value.integer, right.value.integer)) {
      become(expr, Value::of_integer(*result));
      return;
    }
  }
  const std::optional<Truth> truth = constant_truth(expr);
  if (truth == Truth::yes || truth == Truth::no) become(expr, Value::of_bool(truth == Truth::yes));
}

Kinds constant_kinds(const TypedExpr& expr) {
  if (expr.kind == TypedExpr::Kind::regex) return kind_regex;
  if (expr.kind == TypedExpr::Kind::list) return kind_list;
  if (expr.kind == TypedExpr::Kind::object) return kind_object;
  if (!is_constant(expr)) return kinds_any;
  switch (expr.value.kind) {
    case Kind::boolean:
      return kind_boolean;
    case Kind::integer:
    case Kind::number:
      return kind_number;
    case Kind::text:
      return kind_text;
    case Kind::time:
      return kind_time;
    case Kind::duration:
      return kind_duration;
    case Kind::list:
      return kind_list;
    case Kind::object:
      return kind_object;
    case Kind::missing:
      return kinds_any;
  }
  return kinds_any;
}

}  // namespace omen
