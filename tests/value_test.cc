// Values: equality, order and text, over every pair of kinds and at the edges of integers and floats.

#include "runtime/model/value.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace omen {
namespace {

constexpr int64_t int64_min = std::numeric_limits<int64_t>::min();
constexpr int64_t int64_max = std::numeric_limits<int64_t>::max();

std::string text_of(const Value& value) {
  std::string out;
  append_text(out, value);
  return out;
}

Value integer(int64_t value) { return Value::of_integer(value); }
Value number(double value) { return Value::of_number(value); }

TEST_CASE("values of each kind equal themselves and nothing of another kind") {
  const Value values[] = {Value::of_bool(true),         integer(1),
                          Value::of_text("1"),          Value::of_time(1),
                          Value::of_duration(1),        Value::of_list("[1]"),
                          Value::of_object("{\"a\":1}")};
  for (const Value& a : values) {
    for (const Value& b : values) {
      CAPTURE(text_of(a));
      CAPTURE(text_of(b));
      CHECK(equals(a, b) == (&a == &b ? Truth::yes : Truth::no));
      if (&a != &b) CHECK(compare(a, b) == Order::none);
    }
    CHECK(equals(a, Value::missing()) == Truth::unknown);
    CHECK(equals(Value::missing(), a) == Truth::unknown);
    CHECK(compare(a, Value::missing()) == Order::none);
  }
  CHECK(equals(Value::missing(), Value::missing()) == Truth::unknown);
}

TEST_CASE("booleans, lists and objects have no order") {
  CHECK(compare(Value::of_bool(false), Value::of_bool(true)) == Order::none);
  CHECK(compare(Value::of_list("[1]"), Value::of_list("[2]")) == Order::none);
  CHECK(compare(Value::of_object("{}"), Value::of_object("{}")) == Order::none);
}

TEST_CASE("integers are exact") {
  CHECK(compare(integer(int64_max), integer(int64_max - 1)) == Order::greater);
  CHECK(compare(integer(int64_min), integer(int64_max)) == Order::less);
  CHECK(equals(integer(9007199254740993), integer(9007199254740992)) == Truth::no);
}

TEST_CASE("an integer and a float compare by value, without rounding the integer") {
  CHECK(equals(integer(42), number(42.0)) == Truth::yes);
  CHECK(equals(integer(0), number(-0.0)) == Truth::yes);
  CHECK(equals(integer(9007199254740993), number(9007199254740992.0)) == Truth::no);
  CHECK(compare(integer(9007199254740993), number(9007199254740992.0)) == Order::greater);
  CHECK(compare(number(9007199254740992.0), integer(9007199254740993)) == Order::less);
  CHECK(compare(integer(3), number(3.5)) == Order::less);
  CHECK(compare(integer(-3), number(-3.5)) == Order::greater);
  CHECK(compare(number(3.5), integer(3)) == Order::greater);
  CHECK(compare(integer(int64_max), number(9223372036854775808.0)) == Order::less);
  CHECK(compare(integer(int64_min), number(-9223372036854775808.0)) == Order::equal);
  CHECK(compare(integer(int64_min), number(-9223372036854777856.0)) == Order::greater);
  CHECK(compare(integer(int64_max), number(1e300)) == Order::less);
  CHECK(compare(integer(int64_min), number(-1e300)) == Order::greater);
}

TEST_CASE("text compares by code point") {
  CHECK(compare(Value::of_text("a"), Value::of_text("b")) == Order::less);
  CHECK(compare(Value::of_text("a"), Value::of_text("ab")) == Order::less);
  CHECK(compare(Value::of_text(""), Value::of_text("")) == Order::equal);
  CHECK(compare(Value::of_text("Z"), Value::of_text("a")) == Order::less);
  CHECK(compare(Value::of_text("\xC3\xA9"), Value::of_text("z")) == Order::greater);
  // U+FF5E before U+1F600, which is the other way round in UTF-16
  CHECK(compare(Value::of_text("\xEF\xBD\x9E"), Value::of_text("\xF0\x9F\x98\x80")) == Order::less);
}

TEST_CASE("numbers are written in their shortest form") {
  CHECK(text_of(integer(0)) == "0");
  CHECK(text_of(integer(-17)) == "-17");
  CHECK(text_of(integer(int64_min)) == "-9223372036854775808");
  CHECK(text_of(number(42.0)) == "42");
  CHECK(text_of(number(-0.0)) == "0");
  CHECK(text_of(number(0.1)) == "0.1");
  CHECK(text_of(number(0.1 + 0.2)) == "0.30000000000000004");
  CHECK(text_of(number(100000.0)) == "100000");
  CHECK(text_of(number(1e20)) == "100000000000000000000");
  CHECK(text_of(number(1e21)) == "1e+21");
  CHECK(text_of(number(1.5e300)) == "1.5e+300");
  CHECK(text_of(number(0.0001)) == "0.0001");
  CHECK(text_of(number(1e-7)) == "0.0000001");
  CHECK(text_of(number(1e-8)) == "1e-08");
  CHECK(text_of(number(-1234.5)) == "-1234.5");
}

TEST_CASE("other kinds are written as people and JSON read them") {
  CHECK(text_of(Value::missing()).empty());
  CHECK(text_of(Value::of_bool(true)) == "true");
  CHECK(text_of(Value::of_bool(false)) == "false");
  CHECK(text_of(Value::of_text("caf\xC3\xA9")) == "caf\xC3\xA9");
  CHECK(text_of(Value::of_time(1767607200000000)) == "2026-01-05T10:00:00Z");
  CHECK(text_of(Value::of_duration(5400000000)) == "1h30m");
  CHECK(text_of(Value::of_list("[1, \"a\"]")) == "[1, \"a\"]");
  CHECK(text_of(Value::of_object("{\"a\": null}")) == "{\"a\": null}");
}

}  // namespace
}  // namespace omen
