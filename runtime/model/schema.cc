#include "runtime/model/schema.h"

#include <algorithm>

namespace omen {

std::optional<FieldType> field_type_of(std::string_view name) {
  const auto found = std::ranges::find(field_type_names, name);
  if (found == field_type_names.end()) return std::nullopt;
  return static_cast<FieldType>(found - field_type_names.begin());
}

bool can_list(FieldType type, Kind kind) {
  const bool is_number = kind == Kind::integer || kind == Kind::number;
  switch (type) {
    case FieldType::string:
      return kind == Kind::text;
    case FieldType::integer:
      return kind == Kind::integer;
    case FieldType::number:
      return is_number;
    case FieldType::boolean:
      return kind == Kind::boolean;
    case FieldType::any:
      return is_number || kind == Kind::text || kind == Kind::boolean;
    default:
      return false;
  }
}

std::string expected_text(const FieldSchema& field, Problem problem) {
  switch (problem) {
    case Problem::missing:
    case Problem::wrong_type:
      return std::string(name_of(field.type));
    case Problem::not_in: {
      std::string out = "in [";
      for (const Constant& value : field.one_of) out += (&value == &field.one_of[0] ? "" : ", ") + constant_text(value);
      return out + "]";
    }
    case Problem::no_match:
      return "matches /" + *field.matches + "/";
    case Problem::out_of_range:
      return constant_text(field.low) + ".." + constant_text(field.high);
    case Problem::too_long:
      return "max_length " + std::to_string(field.max_length);
    case Problem::undeclared:
      break;
  }
  return {};
}

std::string declaration_text(const FieldSchema& field) {
  std::string out = field.name + (field.is_optional ? "?: " : ": ") + std::string(name_of(field.type));
  if (!field.one_of.empty()) out += ' ' + expected_text(field, Problem::not_in);
  if (field.matches) out += ' ' + expected_text(field, Problem::no_match);
  if (field.low.kind != Kind::missing) out += ' ' + expected_text(field, Problem::out_of_range);
  if (field.max_length >= 0) out += ' ' + expected_text(field, Problem::too_long);
  return out;
}

}  // namespace omen
