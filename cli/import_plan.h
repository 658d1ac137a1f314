// Import: what other tools say of events, as event types that declare() writes.
//
//   json-schema         a JSON Schema (draft-07, 2020-12): one event type, or one for each of its definitions
//   tracking-plan-json  a tracking plan with rules or events, each with a JSON Schema (Segment, and what exports like
//   it) tracking-plan-csv   one row a property: event, property, type, required, description, values, …
//
// What has no word in the rule language is left out and noted, a sentence each; a declaration asks for less then, never
// for more.
//
// NOT HERE: how declarations are written (declarations.h); files (import.cc).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/declarations.h"
#include "runtime/model/status.h"

namespace omen::cli {

enum class PlanForm : uint8_t { json_schema, tracking_plan_json, tracking_plan_csv };
inline constexpr std::array<std::string_view, 3> plan_form_names = {"json-schema", "tracking-plan-json",
                                                                    "tracking-plan-csv"};

struct Imported {
  std::vector<FoundEvent> events;
  std::vector<std::string> notes;
};

// `name` is that of an event whose schema has none. An error when the text is nothing of the kind.
Result<Imported> import_plan(PlanForm form, std::string_view text, const std::string& name);
// Told from the text's beginning and, of JSON, its members.
PlanForm plan_form_of(std::string_view text);

// The parts, a file each.
Result<Imported> import_json_schema(std::string_view text, const std::string& name);
Result<Imported> import_tracking_plan_json(std::string_view text);
Result<Imported> import_tracking_plan_csv(std::string_view text);

inline constexpr size_t import_fields_max = 10'000;  // of all events: further ones are left out and noted
inline constexpr size_t import_depth_max = 8;        // members deep, and `$ref`s one behind the other

}  // namespace omen::cli
