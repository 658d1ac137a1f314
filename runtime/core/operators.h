// Operators of section 5 of docs/language.md on values: relations, logic, arithmetic.
#pragma once

#include "runtime/core/scratch.h"
#include "runtime/model/code.h"
#include "runtime/model/value.h"

namespace omen {

inline Value value_of(Truth truth) { return truth == Truth::unknown ? Value() : Value::of_bool(truth == Truth::yes); }
// What is no boolean is unknown.
inline Truth truth_of(const Value& value) {
  if (value.kind != Kind::boolean) return Truth::unknown;
  return value.boolean ? Truth::yes : Truth::no;
}
inline Truth negation(Truth truth) {
  if (truth == Truth::unknown) return truth;
  return truth == Truth::yes ? Truth::no : Truth::yes;
}
inline Truth conjunction(Truth a, Truth b) {
  if (a == Truth::no || b == Truth::no) return Truth::no;
  return a == Truth::yes && b == Truth::yes ? Truth::yes : Truth::unknown;
}
inline Truth disjunction(Truth a, Truth b) {
  if (a == Truth::yes || b == Truth::yes) return Truth::yes;
  return a == Truth::no && b == Truth::no ? Truth::no : Truth::unknown;
}

// a stands in the relation to b. Texts are folded first when `fold` is set.
Truth relate(Relation relation, bool fold, const Value& a, const Value& b, Scratch& scratch);
// a stands in the relation to an element of the JSON array b.
Truth relate_any(Relation relation, bool fold, const Value& a, const Value& b, Scratch& scratch);

// A total order for sorting: by kind (numbers are of one kind), then by value. Equal values are neither before the
// other.
bool is_before(const Value& a, const Value& b);

// A float that is not finite is a missing value, as JSON cannot write it.
Value finite(double number);
// The value as an integer when it fits 64 bits.
Value whole(double number);

Value add(const Value& a, const Value& b, Scratch& scratch);
Value subtract(const Value& a, const Value& b);
Value multiply(const Value& a, const Value& b);
Value divide(const Value& a, const Value& b);
Value modulo(const Value& a, const Value& b);
Value negate(const Value& a);

}  // namespace omen
