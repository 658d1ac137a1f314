#include "compiler/kinds.h"

#include <array>
#include <utility>

namespace omen {

namespace {

constexpr std::array<std::pair<Kinds, std::string_view>, 8> kind_names = {{
    {kind_text, "a text"},
    {kind_number, "a number"},
    {kind_boolean, "true or false"},
    {kind_time, "a time"},
    {kind_duration, "a duration"},
    {kind_list, "a list"},
    {kind_object, "an object"},
    {kind_regex, "a regular expression"},
}};

constexpr std::array<std::pair<std::string_view, Kinds>, 8> type_kinds = {{
    {"string", kind_text},
    {"int", kind_number},
    {"number", kind_number},
    {"bool", kind_boolean},
    {"time", kind_time | kind_text | kind_number},
    {"any", kinds_any},
    {"list", kind_list},
    {"object", kind_object},
}};

}  // namespace

std::string describe_kinds(Kinds kinds) {
  std::string out;
  for (const auto& [kind, name] : kind_names) {
    if ((kinds & kind) == 0) continue;
    if (!out.empty()) out += " or ";
    out += name;
  }
  return out;
}

Kinds kinds_of_type(std::string_view schema_type) {
  for (const auto& [name, kinds] : type_kinds) {
    if (name == schema_type) return kinds;
  }
  return 0;
}

}  // namespace omen
