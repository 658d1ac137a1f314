#include "cli/profile.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>

#include "runtime/core/text.h"
#include "runtime/core/write.h"
#include "runtime/model/time.h"
#include "runtime/model/value.h"

namespace omen::cli {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

// A text has few values when it had two to this many, each of them this often on average.
constexpr size_t few_values_max = 12;
constexpr uint64_t few_values_often = 10;

void count_number(FieldProfile& field, double number, bool is_whole) {
  const bool is_first = field.numbers++ == 0;
  field.fractions += is_whole ? 0 : 1;
  if (is_first || number < field.low) field.low = number, field.is_low_whole = is_whole;
  if (is_first || number > field.high) field.high = number, field.is_high_whole = is_whole;
}

void count_value(FieldProfile& field, const Value& value) {
  if (value.kind == Kind::text && value.size > Profile::value_bytes_max) {
    field.has_more_values = true;
    return;
  }
  std::string json;
  append_json(json, value);
  const auto known = field.values.find(json);
  if (known != field.values.end()) {
    ++known->second;
  } else if (field.values.size() < Profile::values_max) {
    field.values.emplace(std::move(json), 1);
  } else {
    field.has_more_values = true;
  }
}

}  // namespace

FieldType FieldProfile::type() const {
  if (present == 0) return FieldType::any;
  if (texts == present) return times == texts ? FieldType::time : FieldType::string;
  if (numbers == present) return fractions == 0 ? FieldType::integer : FieldType::number;
  if (booleans == present) return FieldType::boolean;
  if (lists == present) return FieldType::list;
  return objects == present ? FieldType::object : FieldType::any;
}

std::vector<std::string> FieldProfile::most_frequent() const {
  std::vector<std::string> out;
  for (const auto& [value, _] : values) out.push_back(value);
  std::ranges::stable_sort(out, [&](const auto& a, const auto& b) { return values.at(a) > values.at(b); });
  return out;
}

Profile::Profile(const Envelope& envelope) : envelope_(envelope), parser_(std::make_unique<simdjson::dom::parser>()) {}
Profile::~Profile() = default;

void Profile::add(const Event& event) {
  ++events_;
  auto found = types_.find(event.type_name);
  if (found == types_.end()) {
    if (types_.size() == types_max) {
      ++events_left_out_;
      return;
    }
    found = types_.emplace(event.type_name, std::make_unique<TypeProfile>()).first;
    found->second->name = event.type_name;
    found->second->first_us = found->second->last_us = event.ts_us;
  }
  TypeProfile& type = *found->second;
  ++type.events;
  type.first_us = std::min(type.first_us, event.ts_us);
  type.last_us = std::max(type.last_us, event.ts_us);
  simdjson::dom::object members;
  if (parser_->parse(event.raw.data(), event.raw.size()).get(members) != simdjson::SUCCESS) return;
  for (auto [name, value] : members) {
    const bool is_envelope = name == envelope_.type_field || name == envelope_.time_field || name == envelope_.id_field;
    path_.clear();
    if (!is_envelope) add_member(type, name, value, 1);
  }
}

void Profile::add_member(TypeProfile& type, std::string_view name, element& value, size_t depth) {
  const size_t path_size = path_.size();
  if (depth > 1) path_ += '\0';
  path_ += name;
  auto found = type.by_path.find(path_);
  if (found == type.by_path.end() && type.fields.size() < fields_max) {
    found = type.by_path.emplace(path_, type.fields.size()).first;
    FieldProfile& made = type.fields.emplace_back();
    for (size_t begin = 0; begin <= path_.size();) {
      const size_t end = std::min(path_.find('\0', begin), path_.size());
      made.path.push_back(path_.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  if (found == type.by_path.end()) {
    ++type.fields_left_out;
    path_.resize(path_size);
    return;
  }
  FieldProfile& field = type.fields[found->second];
  if (!value.is_null()) ++field.present;
  switch (value.type()) {
    case element_type::NULL_VALUE:
      ++field.nulls;
      break;
    case element_type::BOOL:
      ++field.booleans;
      count_value(field, Value::of_bool(value.get_bool().value_unsafe()));
      break;
    case element_type::INT64: {
      const int64_t number = value.get_int64().value_unsafe();
      count_number(field, static_cast<double>(number), true);
      count_value(field, Value::of_integer(number));
      break;
    }
    case element_type::UINT64:
    case element_type::DOUBLE: {
      const double number = value.get_double().value_unsafe();
      count_number(field, number, number == std::floor(number));
      count_value(field, Value::of_number(number));
      break;
    }
    case element_type::STRING: {
      const std::string_view text = value.get_string().value_unsafe();
      ++field.texts;
      field.times += parse_rfc3339(text) ? 1 : 0;
      field.longest = std::max<uint64_t>(field.longest, code_points(text));
      count_value(field, Value::of_text(text));
      break;
    }
    case element_type::ARRAY:
      ++field.lists;
      break;
    case element_type::OBJECT: {
      ++field.objects;
      if (depth == depth_max) break;
      const simdjson::dom::object members = value;
      for (auto [member, inner] : members) add_member(type, member, inner, depth + 1);
      break;
    }
  }
  path_.resize(path_size);
}

std::vector<const TypeProfile*> Profile::types() const {
  std::vector<const TypeProfile*> out;
  for (const auto& [_, type] : types_) out.push_back(type.get());
  std::ranges::stable_sort(out, [](const auto* a, const auto* b) { return a->events > b->events; });
  return out;
}

std::vector<FoundEvent> found_events(const Profile& profile) {
  std::vector<FoundEvent> out;
  for (const TypeProfile* type : profile.types()) {
    FoundEvent& event = out.emplace_back();
    event.name = type->name;
    for (const FieldProfile& seen : type->fields) {
      FoundField& field = event.fields.emplace_back();
      field.path = seen.path;
      field.type = seen.type();
      field.is_optional = seen.present < type->events;
      const bool has_few_values = field.type == FieldType::string && !seen.has_more_values && seen.values.size() >= 2 &&
                                  seen.values.size() <= few_values_max &&
                                  seen.present >= few_values_often * seen.values.size();
      if (!has_few_values) continue;
      simdjson::dom::parser parser;
      for (const auto& [json, _] : seen.values) {
        Constant value;
        value.kind = Kind::text;
        value.text = parser.parse(json).get_string().value_unsafe();
        field.one_of.push_back(std::move(value));
      }
    }
  }
  return out;
}

}  // namespace omen::cli
