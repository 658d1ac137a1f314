#include "runtime/core/validate.h"

#include <re2/re2.h>

#include <cmath>

#include "runtime/core/functions.h"
#include "runtime/core/json.h"
#include "runtime/core/text.h"
#include "runtime/model/status.h"

namespace omen {
namespace {

constexpr uint8_t bit(Problem problem) { return static_cast<uint8_t>(1u << static_cast<unsigned>(problem)); }

bool is_of_type(FieldType type, const Value& value) {
  switch (type) {
    case FieldType::string:
      return value.kind == Kind::text;
    case FieldType::integer:
      return value.kind == Kind::integer || (value.kind == Kind::number && value.number == std::floor(value.number));
    case FieldType::number:
      return value.kind == Kind::integer || value.kind == Kind::number;
    case FieldType::boolean:
      return value.kind == Kind::boolean;
    case FieldType::time:
      return time_of(value).has_value();
    case FieldType::any:
      return true;
    case FieldType::list:
      return value.kind == Kind::list;
    case FieldType::object:
      return value.kind == Kind::object;
  }
  return false;
}

bool is_longer(std::string_view text, int64_t code_points_max) {
  const auto max = static_cast<size_t>(code_points_max);
  return text.size() > max && code_points(text) > max;
}

std::string_view shortened(std::string_view text) { return text.substr(0, offset_of(text, violation_value_max)); }

}  // namespace

Validator::Validator(const Program& program) : types_(program.types.size()) {
  for (const Schema& schema : program.schemas) {
    Type& type = types_[schema.type];
    type.schema = &schema;
    for (const FieldSchema& field : schema.fields) {
      Check& check = type.checks.emplace_back();
      check.field = field.field;
      check.type = field.type;
      check.is_optional = field.is_optional;
      check.source = &field;
      check.glance = glance_at(field, program.types[schema.type].path(field.field, program.fields));
      for (const Constant& value : field.one_of) check.one_of.values.push_back(value.value());
      check.one_of.sort();
      if (field.matches) {
        check.matches = std::make_unique<re2::RE2>(*field.matches, re2::RE2::Quiet);
        OMEN_ASSERT(check.matches->ok());  // the compiler has tried it
      }
      check.low = field.low.value();
      check.high = field.high.value();
      check.has_constraints =
          !field.one_of.empty() || field.matches || field.low.kind != Kind::missing || field.max_length >= 0;
    }
  }
}

Validator::~Validator() = default;

std::optional<Glance> Validator::glance_at(const FieldSchema& field, const FieldPath& path) {
  const bool is_envelope =
      path.parts[0].member == "type" || path.parts[0].member == "ts" || path.parts[0].member == "id";
  const bool is_constrained = !field.one_of.empty() || field.matches || field.low.kind != Kind::missing;
  if (field.is_read || path.parts.size() > 1 || is_envelope || is_constrained) return std::nullopt;
  Glance out;
  if (field.is_optional) out.sorts = Glance::null;
  switch (field.type) {
    case FieldType::string:
      out.sorts |= Glance::text;
      if (field.max_length >= 0 && field.max_length < UINT32_MAX)
        out.bytes_max = static_cast<uint32_t>(field.max_length);
      return out;
    case FieldType::integer:
      out.is_whole = true;
      [[fallthrough]];
    case FieldType::number:
      out.sorts |= Glance::number;
      return out;
    case FieldType::boolean:
      out.sorts |= Glance::boolean;
      return out;
    case FieldType::list:
      out.sorts |= Glance::list;
      return out;
    case FieldType::object:
      out.sorts |= Glance::object;
      return out;
    case FieldType::any:
      out.sorts |= Glance::text | Glance::number | Glance::boolean | Glance::list | Glance::object;
      return out;
    case FieldType::time:
      break;
  }
  return std::nullopt;
}

std::optional<Glance> Validator::glance(TypeId type, FieldId field) const {
  for (const Check& check : types_[type].checks) {
    if (check.field == field) return check.glance;
  }
  return std::nullopt;
}

bool Validator::accepts(TypeId type, const Value* fields, bool glanced) const {
  for (const Check& check : types_[type].checks) {
    if (glanced && check.glance) continue;
    if (problems(check, fields[check.field]) != 0) return false;
  }
  return true;
}

void Validator::list(const Event& event, std::vector<Violation>& out) const {
  if (!is_declared(event.type)) {
    out.push_back({Problem::undeclared, nullptr, {}});
    return;
  }
  for (const Check& check : types_[event.type].checks) {
    const Value& value = event.fields[check.field];
    const Problems found = problems(check, value);
    for (size_t i = 0; i < problem_names.size(); ++i) {
      if ((found >> i & 1) != 0) out.push_back({static_cast<Problem>(i), check.source, value});
    }
  }
}

Validator::Problems Validator::problems(const Check& check, const Value& value) {
  if (value.is_missing()) return check.is_optional ? 0 : bit(Problem::missing);
  if (!is_of_type(check.type, value)) return bit(Problem::wrong_type);
  return check.has_constraints ? broken_constraints(check, value) : 0;
}

Validator::Problems Validator::broken_constraints(const Check& check, const Value& value) {
  Problems out = 0;
  if (!check.one_of.values.empty() && check.one_of.contains(value) != Truth::yes) out |= bit(Problem::not_in);
  if (check.matches != nullptr) {
    const std::string_view text = value.bytes();
    if (!re2::RE2::PartialMatch({text.data(), text.size()}, *check.matches)) out |= bit(Problem::no_match);
  }
  if (!check.low.is_missing() &&
      (compare(value, check.low) == Order::less || compare(value, check.high) == Order::greater)) {
    out |= bit(Problem::out_of_range);
  }
  if (check.source->max_length >= 0 && is_longer(value.bytes(), check.source->max_length)) {
    out |= bit(Problem::too_long);
  }
  return out;
}

void append_violation(std::string& out, const Violation& violation) {
  if (violation.field != nullptr) {
    out += R"("field":)";
    json::append_string(out, violation.field->name);
    out += ',';
  }
  out += R"("problem":")";
  out += name_of(violation.problem);
  out += '"';
  if (violation.field == nullptr) return;
  std::string text = expected_text(*violation.field, violation.problem);
  const auto append_text_member = [&](std::string_view name) {
    out += R"(,")";
    out += name;
    out += R"(":)";
    const std::string_view shown = shortened(text);
    if (shown.size() == text.size()) return json::append_string(out, text);
    json::append_string(out, std::string(shown) + "…");
  };
  append_text_member("expected");
  if (violation.problem == Problem::missing) return;
  text.clear();
  append_text(text, violation.value);
  append_text_member("value");
}

}  // namespace omen
