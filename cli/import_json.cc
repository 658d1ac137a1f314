// JSON Schemas, and the tracking plans that are made of them.
#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cli/import_plan.h"

namespace omen::cli {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

std::optional<element> member(element json, std::string_view name) {
  element found;
  if (!json.is_object() || json.at_key(name).get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

std::string text_of(element json, std::string_view name) {
  const auto found = member(json, name);
  std::string_view text;
  if (!found || found->get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

std::optional<Constant> constant_of(element json) {
  Constant out;
  std::string_view text;
  if (json.is_null()) return std::nullopt;
  if (json.get(text) == simdjson::SUCCESS) {
    out.kind = Kind::text;
    out.text = text;
  } else if (json.is_bool()) {
    out.kind = Kind::boolean;
    out.integer = json.get_bool().value_unsafe() ? 1 : 0;
  } else if (json.get(out.integer) == simdjson::SUCCESS) {
    out.kind = Kind::integer;
  } else if (json.get(out.number) == simdjson::SUCCESS) {
    out.kind = Kind::number;
    const bool is_whole = out.number == std::floor(out.number) && std::fabs(out.number) < 9e15;
    if (is_whole) out = {Kind::integer, static_cast<int64_t>(out.number), 0, {}};
  } else {
    return std::nullopt;
  }
  return out;
}

// Reads schemas of events. `root`: where their `$ref`s lead.
class SchemaReader {
 public:
  SchemaReader(element root, Imported& out) : root_(root), out_(out) {}

  // The members of `expected` are taken to be there whenever something in them is required.
  void event(std::string name, element schema, std::string_view expected = {}) {
    FoundEvent event;
    event.name = std::move(name);
    event.description = text_of(schema, "description");
    name_ = event.name;
    expected_ = expected;
    std::vector<std::string> path;
    fields(event, path, schema, false);
    out_.events.push_back(std::move(event));
  }

  // The schema itself, or what its `$ref` means.
  element followed(element schema) {
    for (size_t i = 0; i < import_depth_max; ++i) {
      const std::string reference = text_of(schema, "$ref");
      if (reference.empty()) return schema;
      element target;
      if (reference[0] != '#' || root_.at_pointer(reference.substr(1)).get(target) != simdjson::SUCCESS) {
        note("`" + reference + "` leads out of the file; nothing is asked of it");
        return schema;
      }
      schema = target;
    }
    return schema;
  }

 private:
  void note(std::string sentence) {
    const std::string place = path_text(path_);
    sentence = name_ + (place.empty() || name_.empty() ? "" : ".") + place + ": " + sentence;
    if (std::ranges::find(out_.notes, sentence) == out_.notes.end()) out_.notes.push_back(std::move(sentence));
  }

  void note_unused(element schema, std::initializer_list<const char*> keywords) {
    for (const char* keyword : keywords) {
      if (member(schema, keyword)) note(std::string("`") + keyword + "` cannot be said");
    }
  }

  static bool is_required(element schema, std::string_view name) {
    const auto required = member(schema, "required");
    array names;
    if (!required || required->get(names) != simdjson::SUCCESS) return false;
    return std::any_of(names.begin(), names.end(), [&](element each) {
      std::string_view text;
      return each.get(text) == simdjson::SUCCESS && text == name;
    });
  }

  void fields(FoundEvent& event, std::vector<std::string>& path, element written, bool is_optional) {
    if (out_of_room()) return;  // each `allOf` may lead to several more
    const element schema = followed(written);
    array parts;
    if (const auto all = member(schema, "allOf"); all && all->get(parts) == simdjson::SUCCESS) {
      for (element part : parts) {
        if (++all_of_depth_ <= import_depth_max) fields(event, path, part, is_optional);
        --all_of_depth_;
      }
    }
    path_ = path;
    note_unused(schema, {"oneOf", "anyOf", "not", "if", "patternProperties", "dependentRequired", "dependentSchemas",
                         "dependencies", "propertyNames", "minProperties", "maxProperties"});
    if (const auto more = member(schema, "additionalProperties");
        more && more->is_bool() && !more->get_bool().value_unsafe()) {
      note("`additionalProperties: false` cannot be said: further members are always fine");
    }
    object properties;
    const auto found = member(schema, "properties");
    if (!found || found->get(properties) != simdjson::SUCCESS) return;
    for (auto [name, property] : properties) {
      if (out_of_room()) return;
      path.emplace_back(name);
      field(event, path, property, is_optional || !is_required(schema, name));
      path.pop_back();
    }
  }

  bool out_of_room() {
    if (++fields_ <= import_fields_max) return false;
    note("there are more than " + std::to_string(import_fields_max) + " fields; the rest is left out");
    return true;
  }

  void field(FoundEvent& event, std::vector<std::string>& path, element written, bool is_optional) {
    path_ = path;
    const element schema = followed(written);
    object members;
    const bool says_nothing = schema.get(members) == simdjson::SUCCESS && members.size() == 0;
    if (says_nothing && is_optional) return;
    FoundField field;
    field.path = path;
    field.description = text_of(schema, "description");
    field.is_optional = is_optional;
    if (path.size() == 1 && path[0] == expected_) field.is_optional = !has_required(schema);
    read_type(schema, field);
    read_constraints(schema, field);
    const bool is_object = field.type == FieldType::object;
    is_optional = field.is_optional;
    event.fields.push_back(std::move(field));
    if (!is_object) return;
    if (path.size() < import_depth_max) return fields(event, path, schema, is_optional);
    if (member(schema, "properties")) note("its members lie too deep; they are left out");
  }

  static bool has_required(element schema) {
    array names;
    const auto required = member(schema, "required");
    return required && required->get(names) == simdjson::SUCCESS && names.size() > 0;
  }

  void read_type(element schema, FoundField& field) {
    std::vector<std::string> types;
    array several;
    if (const auto type = member(schema, "type"); type && type->get(several) == simdjson::SUCCESS) {
      for (element each : several) {
        std::string_view name;
        if (each.get(name) == simdjson::SUCCESS) types.emplace_back(name);
      }
    } else if (type) {
      types.push_back(text_of(schema, "type"));
    }
    if (std::erase(types, "null") > 0) field.is_optional = true;
    if (types.size() == 2 && std::ranges::count(types, "integer") + std::ranges::count(types, "number") == 2) {
      types = {"number"};
    }
    if (types.empty()) {
      field.type = member(schema, "properties") ? FieldType::object
                   : member(schema, "items")    ? FieldType::list
                   : member(schema, "pattern")  ? FieldType::string
                                                : FieldType::any;
      return;
    }
    if (types.size() > 1) return note("several types: `any` is asked for");
    const std::string& type = types[0];
    if (type == "string") {
      field.type = text_of(schema, "format") == "date-time" ? FieldType::time : FieldType::string;
    } else if (type == "integer") {
      field.type = FieldType::integer;
    } else if (type == "number") {
      field.type = FieldType::number;
    } else if (type == "boolean") {
      field.type = FieldType::boolean;
    } else if (type == "array") {
      field.type = FieldType::list;
    } else if (type == "object") {
      field.type = FieldType::object;
    } else {
      note("there is no type `" + type + "` in JSON Schema: `any` is asked for");
    }
  }

  void read_constraints(element schema, FoundField& field) {
    read_values(schema, field);
    const auto pattern = member(schema, "pattern");
    if (pattern && field.type == FieldType::string) field.matches = text_of(schema, "pattern");
    if (pattern && field.type != FieldType::string) note_unused(schema, {"pattern"});
    if (const auto length = member(schema, "maxLength")) {
      int64_t max = 0;
      if (field.type == FieldType::string && length->get(max) == simdjson::SUCCESS && max >= 0) {
        field.max_length = max;
      } else {
        note_unused(schema, {"maxLength"});
      }
    }
    if (field.type == FieldType::integer || field.type == FieldType::number) {
      read_range(schema, field);
    } else {
      note_unused(schema, {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"});
    }
    note_unused(schema, {"minLength", "multipleOf", "minItems", "maxItems", "uniqueItems", "contains"});
    const std::string form = text_of(schema, "format");
    if (!form.empty() && field.type != FieldType::time) note("the format `" + form + "` cannot be said");
    if (field.type != FieldType::object) note_unused(schema, {"oneOf", "anyOf", "allOf", "not"});
  }

  void read_values(element schema, FoundField& field) {
    array values;
    std::vector<element> all;
    if (const auto only = member(schema, "const")) all.push_back(*only);
    if (const auto list = member(schema, "enum"); list && list->get(values) == simdjson::SUCCESS) {
      for (element value : values) all.push_back(value);
    }
    for (element json : all) {
      if (json.is_null()) {
        field.is_optional = true;
        continue;
      }
      std::optional<Constant> value = constant_of(json);
      if (!value || !can_list(field.type, value->kind)) {
        note("not all of its values can be listed");
        field.one_of.clear();
        return;
      }
      if (std::ranges::find(field.one_of, *value) == field.one_of.end()) field.one_of.push_back(std::move(*value));
    }
    const auto is_text = [](const Constant& value) { return value.kind == Kind::text; };
    const bool are_texts = !field.one_of.empty() && std::ranges::all_of(field.one_of, is_text);
    if (field.type == FieldType::any && are_texts) field.type = FieldType::string;
  }

  // The language's ranges have both ends: where one is not given it is as far out as numbers go.
  void read_range(element schema, FoundField& field) {
    const bool is_integer = field.type == FieldType::integer;
    const auto end = [&](const char* inclusive, const char* exclusive, int64_t step) -> std::optional<Constant> {
      if (const auto given = member(schema, inclusive)) return constant_of(*given);
      const auto given = member(schema, exclusive);
      if (!given || given->is_bool()) return std::nullopt;
      std::optional<Constant> out = constant_of(*given);
      if (!out) return out;
      if (is_integer && out->kind == Kind::integer && std::abs(out->integer) < INT64_MAX / 2) {
        out->integer += step;
      } else {
        note(std::string("`") + exclusive + "` is taken with its end");
      }
      return out;
    };
    std::optional<Constant> low = end("minimum", "exclusiveMinimum", 1);
    std::optional<Constant> high = end("maximum", "exclusiveMaximum", -1);
    const auto is_number = [](const Constant& value) {
      return value.kind == Kind::integer || value.kind == Kind::number;
    };
    if (low && !is_number(*low)) low.reset();
    if (high && !is_number(*high)) high.reset();
    if (!low && !high) return;
    constexpr int64_t far_integer = std::numeric_limits<int64_t>::max();
    const Constant far =
        is_integer ? Constant{Kind::integer, far_integer, 0, {}} : Constant{Kind::number, 0, 1e300, {}};
    const Constant far_below =
        is_integer ? Constant{Kind::integer, -far_integer, 0, {}} : Constant{Kind::number, 0, -1e300, {}};
    const Constant from = low.value_or(far_below), to = high.value_or(far);
    if (compare(from.value(), to.value()) == Order::greater) return note("no number is in its range");
    field.range = {from, to};
  }

  element root_;
  Imported& out_;
  std::string name_;               // of the event in hand
  std::vector<std::string> path_;  // of the field in hand
  std::string_view expected_;
  size_t fields_ = 0, all_of_depth_ = 0;
};

// The value that the schema fixes for its own member `type`: the name that its events have.
std::string own_type(SchemaReader& reader, element schema) {
  const auto properties = member(reader.followed(schema), "properties");
  const auto type = properties ? member(*properties, "type") : std::nullopt;
  return type ? text_of(*type, "const") : std::string();
}

std::optional<element> rules_of(element plan) {
  for (const char* around : {"", "data", "trackingPlan", "tracking_plan"}) {
    const auto inner = *around == 0 ? plan : member(plan, around);
    if (!inner) continue;
    for (const char* name : {"rules", "events"}) {
      auto rules = member(*inner, name);
      if (rules && rules->is_object()) rules = member(*rules, "events");
      if (rules && rules->is_array()) return rules;
    }
  }
  return std::nullopt;
}

}  // namespace

PlanForm plan_form_of(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first == std::string_view::npos || text[first] != '{') return PlanForm::tracking_plan_csv;
  simdjson::dom::parser parser;
  element json;
  if (parser.parse(text.data(), text.size()).get(json) != simdjson::SUCCESS) return PlanForm::json_schema;
  return rules_of(json) ? PlanForm::tracking_plan_json : PlanForm::json_schema;
}

Result<Imported> import_json_schema(std::string_view text, const std::string& name) {
  simdjson::dom::parser parser;
  element root;
  if (const auto error = parser.parse(text.data(), text.size()).get(root)) {
    return Status::error(std::string("this is no JSON: ") + simdjson::error_message(error));
  }
  if (!root.is_object()) return Status::error("a JSON Schema is an object");
  Imported out;
  SchemaReader reader(root, out);
  const bool has_own = member(root, "properties") || member(root, "allOf") || member(root, "$ref");
  if (has_own) {
    std::string own = own_type(reader, root);
    if (own.empty()) own = text_of(root, "title");
    reader.event(own.empty() ? name : own, root);
    return out;
  }
  for (const char* place : {"$defs", "definitions"}) {
    object definitions;
    const auto found = member(root, place);
    if (!found || found->get(definitions) != simdjson::SUCCESS) continue;
    for (auto [key, schema] : definitions) {
      const element followed = reader.followed(schema);
      if (!member(followed, "properties") && !member(followed, "allOf")) continue;  // a part of others
      const std::string own = own_type(reader, schema);
      reader.event(own.empty() ? std::string(key) : own, schema);
    }
  }
  if (out.events.empty()) return Status::error("the schema has no properties, and no definitions with properties");
  return out;
}

Result<Imported> import_tracking_plan_json(std::string_view text) {
  simdjson::dom::parser parser;
  element root;
  if (const auto error = parser.parse(text.data(), text.size()).get(root)) {
    return Status::error(std::string("this is no JSON: ") + simdjson::error_message(error));
  }
  const auto found = rules_of(root);
  array rules;
  if (!found || found->get(rules) != simdjson::SUCCESS)
    return Status::error("a tracking plan has a list of `rules` or `events`");
  Imported out;
  for (element rule : rules) {
    std::string type = text_of(rule, "type");
    std::ranges::transform(type, type.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    std::string name = text_of(rule, "key");
    if (name.empty()) name = text_of(rule, "name");
    const bool is_track = type.empty() || type == "track";
    if (!is_track || name.empty()) name = type;  // the formats name other messages by their kind
    std::optional<element> schema = member(rule, "jsonSchema");
    if (!schema) schema = member(rule, "rules");
    if (!schema) schema = member(rule, "schema");
    if (name.empty() || !schema) {
      out.notes.push_back("a rule without a name or a schema is left out");
      continue;
    }
    const bool has_traits = type == "identify" || type == "group";
    SchemaReader(*schema, out).event(name, *schema, has_traits ? "traits" : "properties");
    if (out.events.back().description.empty()) out.events.back().description = text_of(rule, "description");
  }
  if (out.events.empty()) return Status::error("the plan has no rule with a name and a schema");
  return out;
}

}  // namespace omen::cli
