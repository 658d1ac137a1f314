// Kinds: what is known of an expression's value before any event has come.
//
// A set of bits: the kinds that the value may have. A field of an event without a schema may be of any kind; missing
// is always possible and not among them. Two sets without a common kind can never be equal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace omen {

using Kinds = uint16_t;
inline constexpr Kinds kind_text = 1;
inline constexpr Kinds kind_number = 2;  // integers and floats: they compare by value
inline constexpr Kinds kind_boolean = 4;
inline constexpr Kinds kind_time = 8;
inline constexpr Kinds kind_duration = 16;
inline constexpr Kinds kind_list = 32;
inline constexpr Kinds kind_object = 64;
inline constexpr Kinds kind_regex = 128;  // a literal, only on the right of `matches`
inline constexpr Kinds kinds_any = 127;
inline constexpr Kinds kinds_ordered = kind_text | kind_number | kind_time | kind_duration;

// "a text", "a number or a text", "an object".
std::string describe_kinds(Kinds kinds);

// The kinds of a schema's type; a `time` field comes as text or number. 0 for an unknown word.
Kinds kinds_of_type(std::string_view schema_type);

}  // namespace omen
