#include "runtime/model/value.h"

#include <charconv>
#include <cmath>

#include "runtime/model/time.h"

namespace omen {
namespace {

bool is_numeric(Kind kind) { return kind == Kind::integer || kind == Kind::number; }

Order order_of(int comparison) {
  if (comparison < 0) return Order::less;
  return comparison > 0 ? Order::greater : Order::equal;
}

template <typename T>
Order order_numbers(T a, T b) {
  if (a < b) return Order::less;
  return a > b ? Order::greater : Order::equal;
}

// By value, without rounding the integer to a float first.
Order order_mixed(int64_t a, double b) {
  constexpr double limit = 9223372036854775808.0;  // 2^63
  if (b >= limit) return Order::less;
  if (b < -limit) return Order::greater;
  const double whole = std::trunc(b);
  const Order order = order_numbers(a, static_cast<int64_t>(whole));
  return order == Order::equal ? order_numbers(whole, b) : order;
}

Order reversed(Order order) {
  if (order == Order::less) return Order::greater;
  return order == Order::greater ? Order::less : order;
}

}  // namespace

Truth equals(const Value& a, const Value& b) {
  if (a.is_missing() || b.is_missing()) return Truth::unknown;
  bool same = false;
  if (a.kind != b.kind) {
    same = is_numeric(a.kind) && is_numeric(b.kind) && compare(a, b) == Order::equal;
  } else if (a.has_bytes()) {
    same = a.bytes() == b.bytes();
  } else if (a.kind == Kind::boolean) {
    same = a.boolean == b.boolean;
  } else if (a.kind == Kind::number) {
    same = a.number == b.number;
  } else {
    same = a.integer == b.integer;
  }
  return same ? Truth::yes : Truth::no;
}

Order compare(const Value& a, const Value& b) {
  if (a.kind != b.kind) {
    if (a.kind == Kind::integer && b.kind == Kind::number) return order_mixed(a.integer, b.number);
    if (a.kind == Kind::number && b.kind == Kind::integer) return reversed(order_mixed(b.integer, a.number));
    return Order::none;
  }
  switch (a.kind) {
    case Kind::integer:
    case Kind::time:
    case Kind::duration:
      return order_numbers(a.integer, b.integer);
    case Kind::number:
      return order_numbers(a.number, b.number);
    case Kind::text:
      return order_of(a.bytes().compare(b.bytes()));  // UTF-8 keeps the order of code points
    default:
      return Order::none;
  }
}

namespace {

// Plain digits between 1e-7 and 1e21, as JSON's own language writes them; beyond, with an exponent.
void append_number(std::string& out, double number) {
  if (number == 0) number = 0;  // -0 is 0
  const double size = std::fabs(number);
  const bool is_plain = size == 0 || (size >= 1e-7 && size < 1e21);
  char buffer[64];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, number,
                                          is_plain ? std::chars_format::fixed : std::chars_format::scientific);
  out.append(buffer, end);
}

}  // namespace

void append_text(std::string& out, const Value& value) {
  switch (value.kind) {
    case Kind::missing:
      return;
    case Kind::boolean:
      out += value.boolean ? "true" : "false";
      return;
    case Kind::integer: {
      char buffer[24];
      out.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value.integer).ptr);
      return;
    }
    case Kind::number:
      append_number(out, value.number);
      return;
    case Kind::time:
      append_rfc3339(out, value.integer);
      return;
    case Kind::duration:
      append_duration(out, value.integer);
      return;
    case Kind::text:
    case Kind::list:
    case Kind::object:
      out += value.bytes();
      return;
  }
}

}  // namespace omen
