// Tracking plans as tables: one row a property, columns by their names in the header.
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "cli/import_plan.h"
#include "runtime/input/csv.h"

namespace omen::cli {
namespace {

using Row = std::map<std::string, std::string>;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

// What the columns of known plans are called.
std::string column_of(std::string_view header) {
  static const std::map<std::string, std::string> columns = {
      {"event", "event"},
      {"event name", "event"},
      {"event_name", "event"},
      {"property", "property"},
      {"property name", "property"},
      {"property_name", "property"},
      {"field", "property"},
      {"type", "type"},
      {"property type", "type"},
      {"property_type", "type"},
      {"data type", "type"},
      {"data_type", "type"},
      {"required", "required"},
      {"presence", "required"},
      {"description", "description"},
      {"property description", "description"},
      {"property_description", "description"},
      {"event description", "event_description"},
      {"event_description", "event_description"},
      {"enum", "enum"},
      {"values", "enum"},
      {"allowed values", "enum"},
      {"allowed_values", "enum"},
      {"pattern", "pattern"},
      {"regex", "pattern"},
      {"min", "min"},
      {"minimum", "min"},
      {"max", "max"},
      {"maximum", "max"},
      {"max_length", "max_length"},
      {"max length", "max_length"},
  };
  const auto found = columns.find(lower(trimmed(header)));
  return found == columns.end() ? std::string() : found->second;
}

std::optional<FieldType> type_of(const std::string& written) {
  const std::string name = lower(written);
  if (name == "string" || name == "text" || name == "enum" || name == "uuid") return FieldType::string;
  if (name == "int" || name == "integer" || name == "long") return FieldType::integer;
  if (name == "number" || name == "float" || name == "double" || name == "decimal") return FieldType::number;
  if (name == "bool" || name == "boolean") return FieldType::boolean;
  if (name == "time" || name == "datetime" || name == "date-time" || name == "timestamp") return FieldType::time;
  if (name == "list" || name == "array" || name.ends_with("[]")) return FieldType::list;
  if (name == "object" || name == "map" || name == "json") return FieldType::object;
  if (name == "any" || name.empty()) return FieldType::any;
  return std::nullopt;
}

std::optional<Constant> number_of(const std::string& text) {
  Constant out;
  out.kind = Kind::integer;
  const char* const end = text.data() + text.size();
  if (auto read = std::from_chars(text.data(), end, out.integer); read.ec == std::errc() && read.ptr == end) return out;
  out = {Kind::number, 0, 0, {}};
  if (auto read = std::from_chars(text.data(), end, out.number); read.ec == std::errc() && read.ptr == end) return out;
  return std::nullopt;
}

std::vector<std::string> parts_of(const std::string& text, std::string_view separators) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find_first_of(separators, begin), text.size());
    if (std::string part = trimmed(std::string_view(text).substr(begin, end - begin)); !part.empty()) {
      out.push_back(std::move(part));
    }
    begin = end + 1;
  }
  return out;
}

class PlanTable {
 public:
  explicit PlanTable(Imported& out) : out_(out) {}

  void add(const Row& row) {
    const std::string name = cell(row, "event");
    if (name.empty()) return;
    const auto [place, is_new] = places_.try_emplace(name, out_.events.size());
    if (is_new) out_.events.push_back({name, {}, {}});
    FoundEvent& event = out_.events[place->second];
    const std::string property = cell(row, "property");
    if (event.description.empty()) {
      event.description = cell(row, property.empty() ? "description" : "event_description");
    }
    if (property.empty()) return;
    if (++fields_ > import_fields_max) {
      if (fields_ == import_fields_max + 1) out_.notes.push_back("there are too many fields; the rest is left out");
      return;
    }
    note_place_ = name + "." + property;
    FoundField field;
    field.path = parts_of(property, ".");
    if (field.path.empty() || field.path.size() > import_depth_max) return note("this is no path; it is left out");
    if (property.find("[") != std::string::npos || property.find('$') != std::string::npos) {
      return note("members of a list's elements cannot be declared");
    }
    const bool is_known = std::ranges::any_of(event.fields, [&](const FoundField& f) { return f.path == field.path; });
    if (is_known) return note("it stands there twice; the first one is taken");
    const std::string required = lower(cell(row, "required"));
    field.is_optional = !(required == "true" || required == "yes" || required == "y" || required == "1" ||
                          required == "required" || required == "always" || required == "x");
    field.description = cell(row, "description");
    const std::string written = cell(row, "type");
    const std::optional<FieldType> type = type_of(written);
    if (!type) note("there is no type `" + written + "`: `any` is asked for");
    field.type = type.value_or(FieldType::any);
    read_constraints(row, field);
    event.fields.push_back(std::move(field));
  }

 private:
  static std::string cell(const Row& row, const char* column) {
    const auto found = row.find(column);
    return found == row.end() ? std::string() : trimmed(found->second);
  }
  void note(const std::string& sentence) { out_.notes.push_back(note_place_ + ": " + sentence); }

  void read_constraints(const Row& row, FoundField& field) {
    const bool is_number = field.type == FieldType::integer || field.type == FieldType::number;
    for (const std::string& text : parts_of(cell(row, "enum"), ",|;")) {
      Constant value;
      value.kind = Kind::text;
      value.text = text;
      if (is_number) value = number_of(text).value_or(value);
      const bool fits =
          is_number ? value.kind == Kind::integer || (value.kind == Kind::number && field.type == FieldType::number)
                    : field.type == FieldType::string || field.type == FieldType::any;
      if (!fits) {
        note("its values do not go with its type; they are left out");
        field.one_of.clear();
        break;
      }
      if (std::ranges::find(field.one_of, value) == field.one_of.end()) field.one_of.push_back(std::move(value));
    }
    const std::string pattern = cell(row, "pattern");
    if (!pattern.empty() && field.type == FieldType::string) field.matches = pattern;
    if (!pattern.empty() && field.type != FieldType::string) note("its pattern does not go with its type");
    const auto low = number_of(cell(row, "min")), high = number_of(cell(row, "max"));
    if (low && high && is_number && compare(low->value(), high->value()) != Order::greater) field.range = {*low, *high};
    if ((low || high) && !field.range) note("a range has both ends, and is one of numbers; it is left out");
    const auto length = number_of(cell(row, "max_length"));
    if (!length) return;
    if (field.type == FieldType::string && length->kind == Kind::integer && length->integer >= 0) {
      field.max_length = length->integer;
    } else {
      note("its max_length is left out");
    }
  }

  Imported& out_;
  std::map<std::string, size_t> places_;
  std::string note_place_;
  size_t fields_ = 0;
};

std::string text_of(simdjson::dom::element cell) {
  std::string_view text;
  return cell.get(text) == simdjson::SUCCESS ? std::string(text) : simdjson::to_string(cell);
}

}  // namespace

Result<Imported> import_tracking_plan_csv(std::string_view text) {
  Csv csv;
  Records records;
  csv.read(text, records);
  csv.finish(records);
  if (!csv.status()) return csv.status();
  Imported out;
  PlanTable table(out);
  simdjson::dom::parser parser;
  bool has_event = false;
  for (size_t begin = 0; begin < records.lines.size();) {
    const size_t end = records.lines.find('\n', begin);
    simdjson::dom::object cells;
    Row row;
    if (parser.parse(records.lines.data() + begin, end - begin).get(cells) == simdjson::SUCCESS) {
      for (auto [header, value] : cells) {
        const std::string column = column_of(header);
        if (!column.empty()) row.try_emplace(column, text_of(value));
      }
    }
    has_event = has_event || row.contains("event");
    table.add(row);
    begin = end + 1;
  }
  for (const Rejection& rejection : records.rejections) {
    out.notes.push_back("line " + std::to_string(rejection.place.line) +
                        " is left out: " + std::string(name_of(rejection.reason)));
  }
  if (!has_event) return Status::error("the table has no column `event`, or nothing in it");
  return out;
}

Result<Imported> import_plan(PlanForm form, std::string_view text, const std::string& name) {
  switch (form) {
    case PlanForm::json_schema:
      return import_json_schema(text, name);
    case PlanForm::tracking_plan_json:
      return import_tracking_plan_json(text);
    case PlanForm::tracking_plan_csv:
      return import_tracking_plan_csv(text);
  }
  return Status::error("there is no such form");
}

}  // namespace omen::cli
