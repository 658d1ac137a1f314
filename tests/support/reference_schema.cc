#include "tests/support/reference_schema.h"

#include <re2/re2.h>

#include <algorithm>
#include <cmath>

#include "runtime/model/time.h"

namespace omen::reference {

namespace {

const Json* at(const Json& event, const ast::Path& path) {
  const Json* json = &event;
  for (const ast::Path::Part& part : path.parts) {
    if (part.index < 0) {
      json = json->find(part.member);
    } else {
      const auto index = static_cast<size_t>(part.index);
      json = json->kind == Json::Kind::list && index < json->items.size() ? &json->items[index] : nullptr;
    }
    if (json == nullptr) return nullptr;
  }
  return json;
}

bool is_number(const Json& value) { return value.kind == Json::Kind::integer || value.kind == Json::Kind::number; }

bool is_time(const Json& value) {
  if (value.kind == Json::Kind::text) return parse_rfc3339(value.text).has_value();
  if (value.kind == Json::Kind::integer) return time_of_integer(value.integer).has_value();
  return value.kind == Json::Kind::number && time_of_number(value.number).has_value();
}

bool is_of_type(const std::string& type, const Json& value) {
  if (type == "string") return value.kind == Json::Kind::text;
  if (type == "int") {
    return value.kind == Json::Kind::integer ||
           (value.kind == Json::Kind::number && std::trunc(value.number) == value.number);
  }
  if (type == "number") return is_number(value);
  if (type == "bool") return value.kind == Json::Kind::boolean;
  if (type == "time") return is_time(value);
  if (type == "list") return value.kind == Json::Kind::list;
  if (type == "object") return value.kind == Json::Kind::object;
  return true;
}

double number(const Json& value) {
  return value.kind == Json::Kind::integer ? static_cast<double>(value.integer) : value.number;
}

double number(const ast::Expr& literal) {
  if (literal.kind == ast::Expr::Kind::unary) return -number(literal.children[0]);
  return literal.kind == ast::Expr::Kind::integer ? static_cast<double>(literal.integer) : literal.number;
}

bool is_value(const std::vector<ast::File>& files, const ast::Expr& literal, const Json& value) {
  switch (literal.kind) {
    case ast::Expr::Kind::text:
      return value.kind == Json::Kind::text && value.text == literal.text;
    case ast::Expr::Kind::boolean:
      return value.kind == Json::Kind::boolean && value.integer == literal.integer;
    case ast::Expr::Kind::name:
      for (const ast::File& file : files) {
        for (const ast::Let& let : file.lets) {
          if (let.name.text == literal.text) return is_value(files, let.value, value);
        }
      }
      return false;
    default:
      return is_number(value) && number(value) == number(literal);
  }
}

size_t code_points(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

const ast::EventDeclaration* declaration_of(const std::vector<ast::File>& files, const std::string& type) {
  for (const ast::File& file : files) {
    for (const ast::EventDeclaration& event : file.events) {
      if (event.name.text == type) return &event;
    }
  }
  return nullptr;
}

Json as_declared(const ast::EventDeclaration& declaration, const Json& event) {
  Json out = event;
  for (const ast::FieldDeclaration& field : declaration.fields) {
    if (!field.from) continue;
    std::erase_if(out.members, [&](const JsonMember& member) { return member.name == field.name.text; });
    if (const Json* value = at(event, *field.from)) out.members.emplace_back(field.name.text, *value);
  }
  return out;
}

std::vector<Violation> violations(const std::vector<ast::File>& files, const ast::EventDeclaration& declaration,
                                  const Json& event) {
  std::vector<Violation> out;
  for (const ast::FieldDeclaration& field : declaration.fields) {
    const auto violation = [&](const char* problem) { out.push_back({field.name.text, problem}); };
    const Json* value = event.find(field.name.text);
    if (value == nullptr || value->kind == Json::Kind::null) {
      if (!field.optional) violation("missing");
      continue;
    }
    if (!is_of_type(field.type->text, *value)) {
      violation("wrong_type");
      continue;
    }
    const auto is_this = [&](const ast::Expr& literal) { return is_value(files, literal, *value); };
    if (!field.one_of.empty() && std::none_of(field.one_of.begin(), field.one_of.end(), is_this)) violation("not_in");
    if (field.matches && !re2::RE2::PartialMatch(value->text, *field.matches)) violation("no_match");
    if (field.range_low && (number(*value) < number(*field.range_low) || number(*value) > number(*field.range_high))) {
      violation("out_of_range");
    }
    if (field.max_length && code_points(value->text) > static_cast<size_t>(*field.max_length)) violation("too_long");
  }
  return out;
}

}  // namespace omen::reference
