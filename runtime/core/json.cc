#include "runtime/core/json.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string>

namespace omen::json {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What may stand behind a number. The zero behind the slice may not: there the object is not closed.
constexpr std::array<bool, 256> make_ends() {
  std::array<bool, 256> ends{};
  for (char c : {',', '}', ']', ':', '{', '[', ' ', '\t', '\r', '\n'}) ends[static_cast<uint8_t>(c)] = true;
  return ends;
}
constexpr auto ends_scalar = make_ends();

// Whether a float's text overflows. from_chars says "out of range" for numbers that are too small as well, which
// are zero here.
bool overflows(const char* begin, const char* end) {
  double value = 0;
  if (std::from_chars(begin, end, value).ec == std::errc()) return false;
  return std::isinf(std::strtod(begin, nullptr));  // the grammar is checked, so it stops at `end`
}

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The four hexadecimal digits at `p`, or -1.
int32_t hex_unit(const char* p, const char* end) {
  if (end - p < 4) return -1;
  int32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_digit(p[i]);
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

constexpr bool is_high_surrogate(int32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
constexpr bool is_low_surrogate(int32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

char* append_utf8(char* out, uint32_t code) {
  if (code < 0x80) {
    *out++ = static_cast<char>(code);
  } else if (code < 0x800) {
    *out++ = static_cast<char>(0xC0 | code >> 6);
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    *out++ = static_cast<char>(0xE0 | code >> 12);
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  } else {
    *out++ = static_cast<char>(0xF0 | code >> 18);
    *out++ = static_cast<char>(0x80 | (code >> 12 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code >> 6 & 0x3F));
    *out++ = static_cast<char>(0x80 | (code & 0x3F));
  }
  return out;
}

constexpr char simple_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

}  // namespace

NumberFault check_number(const char* text, const char*& end) {
  const char* p = text;
  const bool negative = *p == '-';
  p += negative;
  const char* const digits = p;
  if (*p == '0') {
    ++p;
  } else {
    while (is_digit(*p)) ++p;
  }
  const auto count = p - digits;
  const char* const integer_end = p;
  if (*p == '.' && count > 0) {
    ++p;
    const char* const fraction = p;
    while (is_digit(*p)) ++p;
    if (p == fraction) return end = p, NumberFault::grammar;
  }
  bool has_exponent = false;
  if ((*p == 'e' || *p == 'E') && count > 0) {
    has_exponent = true;
    ++p;
    if (*p == '+' || *p == '-') ++p;
    const char* const exponent = p;
    while (is_digit(*p)) ++p;
    if (p == exponent) return end = p, NumberFault::grammar;
  }
  end = p;
  if (count == 0 || !ends_scalar[static_cast<uint8_t>(*p)]) return NumberFault::grammar;
  if (p == integer_end) {
    if (count < 19) return NumberFault::none;
    int64_t value = 0;
    if (std::from_chars(text, p, value).ec == std::errc()) return NumberFault::none;
    return end = text, NumberFault::range;
  }
  if ((has_exponent || count > 300) && overflows(text, p)) return end = text, NumberFault::range;
  return NumberFault::none;
}

Value number_value(std::string_view text) {
  // Up to 15 digits, perhaps with a point among them: integer and power of ten are exact floats, so their quotient is
  // the nearest float to the number.
  static constexpr double powers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  if (text.size() <= 16) {
    const bool negative = text[0] == '-';
    int64_t digits = 0;
    size_t count = 0, i = negative, point = text.size();
    for (; i < text.size(); ++i) {
      if (const auto digit = static_cast<unsigned>(text[i] - '0'); digit < 10) {
        digits = digits * 10 + digit;
        ++count;
      } else if (text[i] == '.') {
        point = i + 1;
      } else {
        break;
      }
    }
    if (i == text.size() && count <= 15) {
      if (point == text.size()) return Value::of_integer(negative ? -digits : digits);
      const double number = static_cast<double>(digits) / powers[text.size() - point];
      return Value::of_number(negative && digits != 0 ? -number : number);
    }
  }
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  int64_t integer = 0;
  const auto [stop, error] = std::from_chars(begin, end, integer);
  if (error == std::errc() && stop == end) return Value::of_integer(integer);
  double number = 0;
  if (std::from_chars(begin, end, number).ec != std::errc()) number = 0;  // too small: an overflow was rejected
  return Value::of_number(number + 0.0);                                  // -0.0 + 0.0 is 0.0
}

std::optional<EscapeFault> bad_escape(std::string_view text) {
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  for (const char* p = begin; (p = static_cast<const char*>(memchr(p, '\\', end - p))) != nullptr;) {
    const EscapeFault here{static_cast<size_t>(p - begin), false};
    if (end - p < 2) return here;
    if (p[1] != 'u') {
      if (simple_escape(p[1]) == 0) return here;
      p += 2;
      continue;
    }
    const int32_t unit = hex_unit(p + 2, end);
    if (unit < 0) return here;
    if (is_low_surrogate(unit)) return EscapeFault{here.offset, true};
    p += 6;
    if (is_high_surrogate(unit)) {
      const bool follows = end - p >= 6 && p[0] == '\\' && p[1] == 'u' && is_low_surrogate(hex_unit(p + 2, end));
      if (!follows) return EscapeFault{here.offset, true};
      p += 6;
    }
  }
  return std::nullopt;
}

char* unescape(std::string_view text, char* out) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p < end) {
    const auto* const escape = static_cast<const char*>(memchr(p, '\\', end - p));
    const size_t plain = (escape != nullptr ? escape : end) - p;
    memcpy(out, p, plain);
    out += plain;
    if (escape == nullptr) break;
    p = escape + 2;
    if (escape[1] != 'u') {
      *out++ = simple_escape(escape[1]);
      continue;
    }
    auto code = static_cast<uint32_t>(hex_unit(p, end));
    p += 4;
    if (is_high_surrogate(static_cast<int32_t>(code))) {
      code = 0x10000 + ((code - 0xD800) << 10) + (static_cast<uint32_t>(hex_unit(p + 2, end)) - 0xDC00);
      p += 6;
    }
    out = append_utf8(out, code);
  }
  return out;
}

size_t utf8_fault(std::string_view text) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  size_t i = 0;
  while (i < text.size()) {
    const uint32_t lead = byte(i);
    const size_t length = lead < 0x80                   ? 1
                          : lead >= 0xC2 && lead < 0xE0 ? 2
                          : lead >= 0xE0 && lead < 0xF0 ? 3
                          : lead >= 0xF0 && lead < 0xF5 ? 4
                                                        : 0;
    if (length == 0) return i;
    uint32_t code = length == 1 ? lead : lead & (0x7Fu >> length);
    for (size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return i;
      code = code << 6 | (byte(i + k) & 0x3F);
    }
    const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
    if (overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return i;
    i += length;
  }
  return i;
}

namespace {

bool is_plain(char c) { return static_cast<uint8_t>(c) >= 0x20 && c != '"' && c != '\\'; }

// Whether one of eight bytes is not: each comparison leaves a bit in those that it holds of (and perhaps in one above).
bool has_special(uint64_t bytes) {
  constexpr uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
  const auto has_zero = [](uint64_t word) { return (word - ones) & ~word; };
  const uint64_t controls = (bytes - ones * 0x20) & ~bytes;
  return ((controls | has_zero(bytes ^ ones * '"') | has_zero(bytes ^ ones * '\\')) & tops) != 0;
}

size_t plain_prefix(std::string_view text) {
  size_t size = 0;
  for (uint64_t word = 0; size + sizeof(word) <= text.size(); size += sizeof(word)) {
    std::memcpy(&word, text.data() + size, sizeof(word));
    if (has_special(word)) break;
  }
  while (size < text.size() && is_plain(text[size])) ++size;
  return size;
}

}  // namespace

void append_string(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  for (;;) {
    const size_t plain = plain_prefix(text);
    out.append(text, 0, plain);
    if (plain == text.size()) break;
    const char c = text[plain];
    const auto byte = static_cast<uint8_t>(c);
    text.remove_prefix(plain + 1);
    out += '\\';
    if (c == '"' || c == '\\') {
      out += c;
    } else if (c == '\n') {
      out += 'n';
    } else if (c == '\r') {
      out += 'r';
    } else if (c == '\t') {
      out += 't';
    } else {
      out += "u00";
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
  out += '"';
}

}  // namespace omen::json
