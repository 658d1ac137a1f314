// JSON's small parts: numbers, escapes in texts, and where a line stops being UTF-8.
//
// All views lie in a line whose tokens simdjson has found, so a text's end is known and its bytes are no control
// characters; reading stops at the latest at the zero byte behind the slice.
//
// NOT HERE: objects and arrays (decode.cc).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "runtime/model/value.h"

namespace omen::json {

enum class NumberFault : uint8_t { none, grammar, range };

// Checks the number that begins at `text`: JSON's grammar, what follows it, its range. `end` is its end, or the
// place of the fault.
NumberFault check_number(const char* text, const char*& end);
// The same for the numbers that are frequent: up to 18 digits, perhaps with a point, and a comma or bracket behind.
inline bool is_plain_number(const char* text) {
  const char* p = text + (*text == '-');
  const char* const digits = p;
  while (static_cast<unsigned>(*p - '0') < 10) ++p;
  if (p == digits || p - digits > 18 || (*digits == '0' && p - digits > 1)) return false;
  if (*p == '.') {
    const char* const fraction = ++p;
    while (static_cast<unsigned>(*p - '0') < 10) ++p;
    if (p == fraction) return false;
  }
  return *p == ',' || *p == '}' || *p == ']';
}
// The value of a checked number: an integer when it is written as one. -0 is 0.
Value number_value(std::string_view text);

// The first bad escape of a text's inner bytes: unknown, or half a surrogate pair.
struct EscapeFault {
  size_t offset;
  bool is_surrogate;
};
std::optional<EscapeFault> bad_escape(std::string_view text);
// Writes a checked text's inner bytes without escapes; returns the end. `out` has room for text.size() bytes.
char* unescape(std::string_view text, char* out);

// The offset of the first byte that is no valid UTF-8; text.size() when there is none.
size_t utf8_fault(std::string_view text);

// Appends the text as a JSON string with its quotes. The text must be UTF-8.
void append_string(std::string& out, std::string_view text);

}  // namespace omen::json
