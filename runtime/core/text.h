// Text: what section 5 of docs/language.md does with texts: places counted in code points, wildcards, and letters
// without regard to case (Unicode simple case folding, one code point to one).
//
// All texts are UTF-8; the decoder and the compiler let nothing else in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/core/scratch.h"

namespace omen {

enum class Case : uint8_t { fold, lower, upper };

// The text with each letter in that case. It lives in the scratch, or is the text itself when nothing changes.
std::string_view with_case(Case letters, std::string_view text, Scratch& scratch);

size_t code_points(std::string_view text);
// The byte at which the code point number `place` begins; text.size() when there are fewer.
size_t offset_of(std::string_view text, size_t place);

// Code points from `from` up to but not with `to`; negative places count from the end.
std::string_view substring(std::string_view text, int64_t from, int64_t to);
// The place of the first `part` at or behind `from`.
std::optional<size_t> index_of(std::string_view text, std::string_view part, int64_t from);

// The byte at which the first `part` begins; npos when there is none. Linear, whatever the texts are.
size_t find(std::string_view text, std::string_view part);

// The whole text fits the pattern: `*` is any text, `?` one code point.
bool is_like(std::string_view text, std::string_view pattern);

}  // namespace omen
