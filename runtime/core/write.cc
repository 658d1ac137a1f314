#include "runtime/core/write.h"

#include <charconv>
#include <cmath>

#include "runtime/core/elements.h"
#include "runtime/core/json.h"
#include "runtime/core/operators.h"

namespace omen {

void append_json(std::string& out, const Value& value) {
  switch (value.kind) {
    case Kind::missing:
      out += "null";
      return;
    case Kind::text:
      json::append_string(out, value.bytes());
      return;
    case Kind::time:
    case Kind::duration:  // their texts need no escape
      out += '"';
      append_text(out, value);
      out += '"';
      return;
    default:
      append_text(out, value);
      return;
  }
}

void append_json_list(std::string& out, const Value* values, size_t count) {
  out += '[';
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) out += ',';
    append_json(out, values[i]);
  }
  out += ']';
}

namespace {

// Commas between the thousands of the number that begins at `from`.
void group_digits(std::string& out, size_t from) {
  if (from < out.size() && out[from] == '-') ++from;
  size_t at = out.find_first_not_of("0123456789", from);
  if (at == std::string::npos) at = out.size();
  while (at > from + 3) {
    at -= 3;
    out.insert(at, 1, ',');
  }
}

void append_formatted(std::string& out, const Value& value, const NumberFormat& format) {
  const double number = value.kind == Kind::integer ? static_cast<double>(value.integer) : value.number;
  const bool is_percent = format.style == NumberFormat::Style::percent;
  const size_t from = out.size();
  if (format.style == NumberFormat::Style::plain) {
    append_text(out, value);
  } else if (format.style == NumberFormat::Style::integer) {
    append_text(out, value.kind == Kind::integer ? value : whole(std::round(value.number)));
  } else {
    char buffer[400];  // the longest double has 309 digits before the point
    const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, is_percent ? number * 100 : number,
                                            std::chars_format::fixed, format.digits);
    if (error == std::errc()) out.append(buffer, end);
    if (is_percent) out += '%';
  }
  if (format.grouped) group_digits(out, from);
}

}  // namespace

void append_shown(std::string& out, const Value& value, const NumberFormat& format, Scratch& scratch) {
  const bool is_formatted = format.grouped || format.style != NumberFormat::Style::plain;
  if (value.kind == Kind::list) {
    Elements elements(value.bytes(), scratch);
    bool is_first = true;
    for (Value element; elements.next(element); is_first = false) {
      if (!is_first) out += ", ";
      if (element.kind == Kind::list) {
        append_text(out, element);  // a list within a list stays JSON
      } else {
        append_shown(out, element, format, scratch);
      }
    }
  } else if (is_formatted && (value.kind == Kind::integer || value.kind == Kind::number)) {
    append_formatted(out, value, format);
  } else {
    append_text(out, value);
  }
}

}  // namespace omen
