// Schema: what a declaration says of the events of one type (section 6 of docs/language.md).
//
// A field is read by its FieldId, wherever in the event that is (TypeInfo::sources). Null is missing. A whole number is
// an int however it is written (3, 3.0, 3e2); a time is what `ts` may be.
//
// NOT HERE: holding events against it (core/validate), whether a declaration makes sense (compiler/resolve_event).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/code.h"
#include "runtime/model/event.h"

namespace omen {

enum class FieldType : uint8_t { string, integer, number, boolean, time, any, list, object };
inline constexpr std::array<std::string_view, 8> field_type_names = {"string", "int", "number", "bool",
                                                                     "time",   "any", "list",   "object"};
inline constexpr std::string_view name_of(FieldType type) { return field_type_names[static_cast<size_t>(type)]; }
std::optional<FieldType> field_type_of(std::string_view name);
// Whether `in [..]` of a field of this type may name a value of this kind. Times, lists and objects list none.
bool can_list(FieldType type, Kind kind);

// What is wrong with a field, or with the whole event. The names are what `schema_violation` has as its `problem`.
enum class Problem : uint8_t {
  missing,       // absent or null, and not optional
  wrong_type,    // of another type than declared; its constraints are not asked
  not_in,        // none of the values in [..]
  no_match,      // the text does not match /../
  out_of_range,  // the number is outside of 0..100
  too_long,      // the text has more code points than max_length
  undeclared,    // the event's type has no declaration, with --strict-types
};
inline constexpr std::array<std::string_view, 7> problem_names = {"missing",      "wrong_type", "not_in",    "no_match",
                                                                  "out_of_range", "too_long",   "undeclared"};
inline constexpr std::string_view name_of(Problem problem) { return problem_names[static_cast<size_t>(problem)]; }

struct FieldSchema {
  std::string name;
  FieldId field = 0;
  FieldType type = FieldType::any;
  bool is_optional = false;
  std::vector<Constant> one_of;        // empty: any value
  std::optional<std::string> matches;  // a regular expression, found anywhere
  Constant low, high;                  // the range, inclusive; of kind missing: none
  int64_t max_length = -1;             // in code points; -1: none
  bool is_read = true;                 // by a rule, too; the value of another matters to nobody when it is right
};

struct Schema {
  TypeId type = type_unnamed;
  bool is_lenient = false;  // an event that breaks it is matched all the same
  std::vector<FieldSchema> fields;
};

// What the declaration asks for, as it is written: `int`, `in ["basic", "pro"]`, `0..100`.
std::string expected_text(const FieldSchema& field, Problem problem);
// A field as it is declared: `plan?: string in ["basic", "pro"]`.
std::string declaration_text(const FieldSchema& field);

}  // namespace omen
