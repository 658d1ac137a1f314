// Declarations: event types that were found in a stream or in another tool's plan, as rule text in canonical layout.
//
// A field is known by its path in the event. One at the top keeps its name; one below (`properties.price`) is declared
// with `from` under its last name (`price`), or, where that is taken, under all of them (`properties_price`).
//
// What the rule language cannot write (a name with a backtick in it, a regular expression that RE2 does not take) is
// left out, and said.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/code.h"
#include "runtime/model/schema.h"

namespace omen::cli {

struct FoundField {
  std::vector<std::string> path;  // members from the top; the name stands last
  FieldType type = FieldType::any;
  bool is_optional = false;
  std::vector<Constant> one_of;
  std::optional<std::string> matches;
  std::optional<std::pair<Constant, Constant>> range;
  int64_t max_length = -1;
  std::string description;
};

struct FoundEvent {
  std::string name;
  std::string description;
  std::vector<FoundField> fields;
};

struct DeclarationText {
  std::string text;                // rule text; compiles
  std::vector<std::string> notes;  // what was left out, a sentence each
};
DeclarationText declare(const std::vector<FoundEvent>& events);

// A name as rule text has it, in backticks where it needs them; nothing when it cannot be written.
std::optional<std::string> spelt_name(std::string_view name);
// "properties.order id" as people read it.
std::string path_text(const std::vector<std::string>& path);

}  // namespace omen::cli
