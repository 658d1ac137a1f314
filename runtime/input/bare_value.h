// Bare value: what a cell of CSV or a value of logfmt is, which have texts only.
//
//   number           what JSON would read as a number within its range: 12, -0.5, 1e3; not 007, +1, 1. or 0x1F
//   true, false      these two words
//   missing          nothing: an empty cell, `key=`; its member is left out
//   text             all else
//
// Quotes protect what is between them and change nothing else. Where a number is meant as text (a code, an id that
// rules compare), `string(…)` in a mapping or a rule makes it one; key values are compared by their text anyway.
#pragma once

#include <string>
#include <string_view>

namespace omen {

// Appends the value as JSON. The text is not empty and is UTF-8.
void append_bare_value(std::string& out, std::string_view text);

}  // namespace omen
