#include "runtime/core/functions.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "runtime/core/elements.h"
#include "runtime/core/operators.h"
#include "runtime/core/text.h"
#include "runtime/model/time.h"
#include "runtime/model/zones.h"

namespace omen {
namespace {

using Arguments = std::span<const Value>;

Value of_size(size_t size) { return Value::of_integer(static_cast<int64_t>(size)); }

// A place in a text: an integer, also one written as 2.0.
std::optional<int64_t> place_of(const Value& value) {
  const Value place =
      value.kind == Kind::number && value.number == std::floor(value.number) ? whole(value.number) : value;
  if (place.kind != Kind::integer) return {};
  return place.integer;
}

Value length(const Value& value, Scratch& scratch) {
  if (value.kind == Kind::text) return of_size(code_points(value.bytes()));
  if (value.kind != Kind::list) return {};
  Elements elements(value.bytes(), scratch);
  int64_t count = 0;
  for (Value element; elements.next(element);) ++count;
  return Value::of_integer(count);
}

Value part_of(Arguments arguments) {
  constexpr int64_t end = std::numeric_limits<int64_t>::max();
  const auto from = place_of(arguments[1]);
  const auto to = arguments.size() > 2 ? place_of(arguments[2]) : std::optional<int64_t>(end);
  if (arguments[0].kind != Kind::text || !from || !to) return {};
  return Value::of_text(substring(arguments[0].bytes(), *from, *to));
}

Value place_of_part(Arguments arguments) {
  const auto from = arguments.size() > 2 ? place_of(arguments[2]) : std::optional<int64_t>(0);
  if (arguments[0].kind != Kind::text || arguments[1].kind != Kind::text || !from) return {};
  const auto found = index_of(arguments[0].bytes(), arguments[1].bytes(), *from);
  return found ? of_size(*found) : Value();
}

// The texts of all of them, one behind the other.
Value texts_of(Arguments arguments, Scratch& scratch) {
  if (arguments.size() == 1 && arguments[0].kind == Kind::text) return arguments[0];
  scratch.text.clear();
  for (const Value& argument : arguments) append_text(scratch.text, argument);
  return Value::of_text(scratch.keep(scratch.text));
}

Value number_of(const Value& value) {
  if (value.kind == Kind::integer || value.kind == Kind::number) return value;
  if (value.kind != Kind::text) return {};
  const std::string_view text = value.bytes();
  const char* const end = text.data() + text.size();
  int64_t integer = 0;
  auto result = std::from_chars(text.data(), end, integer);
  if (result.ec == std::errc() && result.ptr == end) return Value::of_integer(integer);
  double number = 0;
  result = std::from_chars(text.data(), end, number);
  return result.ec == std::errc() && result.ptr == end ? finite(number) : Value();
}

Value magnitude(const Value& value) {
  const bool is_number = value.kind == Kind::integer || value.kind == Kind::number || value.kind == Kind::duration;
  if (!is_number) return {};
  const bool is_negative = value.kind == Kind::number ? std::signbit(value.number) : value.integer < 0;
  return is_negative ? negate(value) : value;
}

// Halves are rounded away from zero.
Value rounded(Function function, const Value& value) {
  if (value.kind == Kind::integer) return value;
  if (value.kind != Kind::number) return {};
  switch (function) {
    case Function::floor:
      return whole(std::floor(value.number));
    case Function::ceil:
      return whole(std::ceil(value.number));
    default:
      return whole(std::round(value.number));
  }
}

}  // namespace

std::optional<int64_t> time_of(const Value& value) {
  switch (value.kind) {
    case Kind::time:
      return value.integer;
    case Kind::text:
      return parse_rfc3339(value.bytes());
    case Kind::integer:
      return time_of_integer(value.integer);
    case Kind::number:
      return time_of_number(value.number);
    default:
      return {};
  }
}

namespace {

Value calendar(Function function, int64_t local_us, Scratch& scratch) {
  using namespace std::chrono;
  const sys_time<microseconds> time{microseconds(local_us)};
  const sys_days day = floor<days>(time);
  if (function == Function::hour) return Value::of_integer(floor<hours>(time - day).count());
  if (function == Function::weekday) return Value::of_integer(weekday(day).iso_encoding());
  const year_month_day date(day);
  char text[32];
  const int size = std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return Value::of_text(scratch.keep({text, static_cast<size_t>(size)}));
}

// An address as 4 or 16 bytes. An IPv4 address written as an IPv6 one (::ffff:10.0.0.1) is the IPv4 one.
struct Address {
  std::array<unsigned char, 16> bytes;
  uint32_t bits;  // 32 or 128
};

std::optional<Address> parse_address(std::string_view text) {
  char buffer[INET6_ADDRSTRLEN + 1] = {};
  if (text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) return {};
  std::copy(text.begin(), text.end(), buffer);
  Address address = {};
  address.bits = 32;
  if (inet_pton(AF_INET, buffer, address.bytes.data()) == 1) return address;
  if (inet_pton(AF_INET6, buffer, address.bytes.data()) != 1) return {};
  address.bits = 128;
  constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(std::begin(mapped), std::end(mapped), address.bytes.begin())) {
    std::copy_n(address.bytes.begin() + 12, 4, address.bytes.begin());
    address.bits = 32;
  }
  return address;
}

// Nothing when the network is none.
std::optional<bool> is_in_network(const Address& address, std::string_view network) {
  const size_t slash = network.find('/');
  const auto base = parse_address(network.substr(0, slash));
  if (!base) return {};
  const bool is_mapped = base->bits == 32 && network.find(':') != std::string_view::npos;
  uint32_t prefix = base->bits;
  if (slash != std::string_view::npos) {
    const std::string_view digits = network.substr(slash + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), prefix);
    if (error != std::errc() || end != digits.data() + digits.size()) return {};
    if (is_mapped) {
      if (prefix < 96) return {};
      prefix -= 96;
    }
    if (prefix > base->bits) return {};
  }
  if (base->bits != address.bits) return false;
  const uint32_t whole_bytes = prefix / 8, rest = prefix % 8;
  if (std::memcmp(address.bytes.data(), base->bytes.data(), whole_bytes) != 0) return false;
  if (rest == 0) return true;
  const int difference = address.bytes[whole_bytes] ^ base->bytes[whole_bytes];
  return difference >> (8 - rest) == 0;
}

Value in_any_network(Arguments arguments) {
  if (arguments[0].kind != Kind::text) return {};
  const auto address = parse_address(arguments[0].bytes());
  if (!address) return {};
  Truth any = Truth::no;
  for (const Value& network : arguments.subspan(1)) {
    const auto inside = network.kind == Kind::text ? is_in_network(*address, network.bytes()) : std::nullopt;
    any = disjunction(any, !inside ? Truth::unknown : *inside ? Truth::yes : Truth::no);
  }
  return value_of(any);
}

Value recased(Case letters, const Value& value, Scratch& scratch) {
  return value.kind == Kind::text ? Value::of_text(with_case(letters, value.bytes(), scratch)) : Value();
}

}  // namespace

Value call(Function function, Arguments arguments, Scratch& scratch) {
  const Value& first = arguments[0];
  const auto is_missing = [](const Value& value) { return value.is_missing(); };
  if (function == Function::exists) return Value::of_bool(!first.is_missing());
  if (function == Function::missing) return Value::of_bool(first.is_missing());
  if (function == Function::coalesce) {
    const auto found = std::find_if_not(arguments.begin(), arguments.end(), is_missing);
    return found == arguments.end() ? Value() : *found;
  }
  if (std::any_of(arguments.begin(), arguments.end(), is_missing)) return {};
  switch (function) {
    case Function::lower:
      return recased(Case::lower, first, scratch);
    case Function::upper:
      return recased(Case::upper, first, scratch);
    case Function::len:
      return length(first, scratch);
    case Function::substring:
      return part_of(arguments);
    case Function::index_of:
      return place_of_part(arguments);
    case Function::concat:
    case Function::string:
      return texts_of(arguments, scratch);
    case Function::number:
      return number_of(first);
    case Function::abs:
      return magnitude(first);
    case Function::round:
    case Function::floor:
    case Function::ceil:
      return rounded(function, first);
    case Function::hour:
    case Function::weekday:
    case Function::date: {
      const auto time = time_of(first);
      return time ? calendar(function, *time, scratch) : Value();
    }
    case Function::cidr_match:
      return in_any_network(arguments);
    default:
      return {};
  }
}

Value call_in_zone(Function function, const Value& value, const date::time_zone& zone, Scratch& scratch) {
  const auto time = time_of(value);
  return time ? calendar(function, *time + offset_us(zone, *time), scratch) : Value();
}

}  // namespace omen
