#include "runtime/core/operators.h"

#include <cmath>
#include <cstring>

#include "runtime/core/elements.h"
#include "runtime/core/text.h"

namespace omen {
namespace {

bool is_numeric(const Value& value) { return value.kind == Kind::integer || value.kind == Kind::number; }
bool are(const Value& a, Kind first, const Value& b, Kind second) { return a.kind == first && b.kind == second; }
double as_number(const Value& value) {
  return value.kind == Kind::integer ? static_cast<double>(value.integer) : value.number;
}

// Times stay within the years 0001 to 9999, so that each can be written.
Value time_at(int64_t us) {
  constexpr int64_t first = -62'135'596'800'000'000, last = 253'402'300'799'999'999;
  return us < first || us > last ? Value() : Value::of_time(us);
}

Value duration_of(double us) {
  constexpr double limit = 9.2e18;
  return std::fabs(us) < limit ? Value::of_duration(std::llround(us)) : Value();
}

Truth ordered(Relation relation, Order order) {
  if (order == Order::none) return Truth::unknown;
  bool holds = false;
  switch (relation) {
    case Relation::less:
      holds = order == Order::less;
      break;
    case Relation::less_equal:
      holds = order != Order::greater;
      break;
    case Relation::greater:
      holds = order == Order::greater;
      break;
    default:
      holds = order != Order::less;
      break;
  }
  return holds ? Truth::yes : Truth::no;
}

bool text_relates(Relation relation, std::string_view a, std::string_view b) {
  switch (relation) {
    case Relation::contains:
      return find(a, b) != std::string_view::npos;
    case Relation::starts_with:
      return a.starts_with(b);
    case Relation::ends_with:
      return a.ends_with(b);
    default:
      return is_like(a, b);
  }
}

}  // namespace

Truth relate(Relation relation, bool fold, const Value& a, const Value& b, Scratch& scratch) {
  if (a.is_missing() || b.is_missing()) return Truth::unknown;
  if (fold && are(a, Kind::text, b, Kind::text)) {
    const Value left = Value::of_text(with_case(Case::fold, a.bytes(), scratch));
    const Value right = Value::of_text(with_case(Case::fold, b.bytes(), scratch));
    return relate(relation, false, left, right, scratch);
  }
  if (relation == Relation::contains && a.kind == Kind::list) {
    return relate_any(Relation::equal, fold, b, a, scratch);  // one of its elements
  }
  switch (relation) {
    case Relation::equal:
      return equals(a, b);
    case Relation::not_equal:
      return negation(equals(a, b));
    case Relation::less:
    case Relation::less_equal:
    case Relation::greater:
    case Relation::greater_equal:
      return ordered(relation, compare(a, b));
    default:
      break;
  }
  if (!are(a, Kind::text, b, Kind::text)) return Truth::unknown;
  return text_relates(relation, a.bytes(), b.bytes()) ? Truth::yes : Truth::no;
}

Truth relate_any(Relation relation, bool fold, const Value& a, const Value& b, Scratch& scratch) {
  if (a.is_missing() || b.kind != Kind::list) return Truth::unknown;
  const Scratch::Mark mark = scratch.mark();
  Truth any = Truth::no;
  Elements elements(b.bytes(), scratch);
  for (Value element; any != Truth::yes && elements.next(element);) {
    any = disjunction(any, relate(relation, fold, a, element, scratch));
    scratch.rewind(mark);
  }
  return any;
}

bool is_before(const Value& a, const Value& b) {
  const auto rank = [](const Value& value) { return value.kind == Kind::number ? Kind::integer : value.kind; };
  if (rank(a) != rank(b)) return rank(a) < rank(b);
  if (a.kind == Kind::boolean) return !a.boolean && b.boolean;
  if (a.kind == Kind::list || a.kind == Kind::object) return a.bytes() < b.bytes();
  return compare(a, b) == Order::less;
}

Value finite(double number) { return std::isfinite(number) ? Value::of_number(number) : Value(); }

Value whole(double number) {
  constexpr double limit = 9223372036854775808.0;  // 2^63
  if (number >= -limit && number < limit) return Value::of_integer(static_cast<int64_t>(number));
  return finite(number);
}

Value add(const Value& a, const Value& b, Scratch& scratch) {
  int64_t sum = 0;
  if (is_numeric(a) && is_numeric(b)) {
    if (are(a, Kind::integer, b, Kind::integer) && !__builtin_add_overflow(a.integer, b.integer, &sum)) {
      return Value::of_integer(sum);
    }
    return finite(as_number(a) + as_number(b));
  }
  if (are(a, Kind::text, b, Kind::text)) {
    char* const text = scratch.allocate(a.size + size_t{b.size});
    if (a.size > 0) std::memcpy(text, a.data, a.size);
    if (b.size > 0) std::memcpy(text + a.size, b.data, b.size);
    return Value::of_text({text, a.size + size_t{b.size}});
  }
  const bool has_time = are(a, Kind::time, b, Kind::duration) || are(a, Kind::duration, b, Kind::time);
  if (!has_time && !are(a, Kind::duration, b, Kind::duration)) return {};
  if (__builtin_add_overflow(a.integer, b.integer, &sum)) return {};
  return has_time ? time_at(sum) : Value::of_duration(sum);
}

Value subtract(const Value& a, const Value& b) {
  int64_t difference = 0;
  if (is_numeric(a) && is_numeric(b)) {
    if (are(a, Kind::integer, b, Kind::integer) && !__builtin_sub_overflow(a.integer, b.integer, &difference)) {
      return Value::of_integer(difference);
    }
    return finite(as_number(a) - as_number(b));
  }
  const bool is_time = are(a, Kind::time, b, Kind::duration);
  const bool is_duration = are(a, Kind::time, b, Kind::time) || are(a, Kind::duration, b, Kind::duration);
  if (!is_time && !is_duration) return {};
  if (__builtin_sub_overflow(a.integer, b.integer, &difference)) return {};
  return is_time ? time_at(difference) : Value::of_duration(difference);
}

Value multiply(const Value& a, const Value& b) {
  int64_t product = 0;
  const bool is_exact = a.kind != Kind::number && b.kind != Kind::number;
  if (is_numeric(a) && is_numeric(b)) {
    if (is_exact && !__builtin_mul_overflow(a.integer, b.integer, &product)) return Value::of_integer(product);
    return finite(as_number(a) * as_number(b));
  }
  const bool is_first = a.kind == Kind::duration;
  const Value& duration = is_first ? a : b;
  const Value& factor = is_first ? b : a;
  if (duration.kind != Kind::duration || !is_numeric(factor)) return {};
  if (is_exact) {
    return __builtin_mul_overflow(a.integer, b.integer, &product) ? Value() : Value::of_duration(product);
  }
  return duration_of(static_cast<double>(duration.integer) * factor.number);
}

namespace {

// An integer where the quotient is one, else a float.
Value quotient(int64_t a, int64_t b) {
  if (b == 0) return {};
  if (b == -1) return negate(Value::of_integer(a));
  if (a % b == 0) return Value::of_integer(a / b);
  return finite(static_cast<double>(a) / static_cast<double>(b));
}

}  // namespace

Value divide(const Value& a, const Value& b) {
  if (are(a, Kind::integer, b, Kind::integer) || are(a, Kind::duration, b, Kind::duration)) {
    return quotient(a.integer, b.integer);
  }
  if (!is_numeric(b) || as_number(b) == 0) return {};
  if (is_numeric(a)) return finite(as_number(a) / as_number(b));
  if (a.kind == Kind::duration) return duration_of(static_cast<double>(a.integer) / as_number(b));
  return {};
}

Value modulo(const Value& a, const Value& b) {
  const bool is_duration = are(a, Kind::duration, b, Kind::duration);
  if (is_duration || are(a, Kind::integer, b, Kind::integer)) {
    if (b.integer == 0) return {};
    const int64_t rest = b.integer == -1 ? 0 : a.integer % b.integer;
    return is_duration ? Value::of_duration(rest) : Value::of_integer(rest);
  }
  if (!is_numeric(a) || !is_numeric(b)) return {};
  return finite(std::fmod(as_number(a), as_number(b)));
}

Value negate(const Value& a) {
  int64_t result = 0;
  if (a.kind == Kind::number) return Value::of_number(-a.number);
  if (a.kind != Kind::integer && a.kind != Kind::duration) return {};
  const bool is_duration = a.kind == Kind::duration;
  if (__builtin_sub_overflow(int64_t{0}, a.integer, &result)) {
    return is_duration ? Value() : Value::of_number(-static_cast<double>(a.integer));
  }
  return is_duration ? Value::of_duration(result) : Value::of_integer(result);
}

}  // namespace omen
