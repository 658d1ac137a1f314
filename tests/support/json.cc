#include "tests/support/json.h"

#include <fmt/format.h>
#include <simdjson.h>

namespace omen::reference {

namespace {

Json convert(simdjson::dom::element element) {
  Json out;
  simdjson::dom::array array;
  simdjson::dom::object object;
  std::string_view text;
  bool boolean = false;
  if (element.get(array) == simdjson::SUCCESS) {
    out.kind = Json::Kind::list;
    for (simdjson::dom::element item : array) out.items.push_back(convert(item));
  } else if (element.get(object) == simdjson::SUCCESS) {
    out.kind = Json::Kind::object;
    for (simdjson::dom::key_value_pair member : object)
      out.members.emplace_back(std::string(member.key), convert(member.value));
  } else if (element.get(out.integer) == simdjson::SUCCESS) {
    out.kind = Json::Kind::integer;
  } else if (element.get(out.number) == simdjson::SUCCESS) {
    out.kind = Json::Kind::number;
  } else if (element.get(text) == simdjson::SUCCESS) {
    return Json::of_text(std::string(text));
  } else if (element.get(boolean) == simdjson::SUCCESS) {
    return Json::of_bool(boolean);
  }
  return out;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

void append(std::string& out, const Json& json) {
  switch (json.kind) {
    case Json::Kind::null:
      out += "null";
      break;
    case Json::Kind::boolean:
      out += json.integer != 0 ? "true" : "false";
      break;
    case Json::Kind::integer:
      out += std::to_string(json.integer);
      break;
    case Json::Kind::number:
      out += fmt::format("{}", json.number);
      break;
    case Json::Kind::text:
      append_quoted(out, json.text);
      break;
    case Json::Kind::list: {
      out += '[';
      for (size_t i = 0; i < json.items.size(); i++) {
        if (i > 0) out += ',';
        append(out, json.items[i]);
      }
      out += ']';
      break;
    }
    case Json::Kind::object: {
      out += '{';
      for (size_t i = 0; i < json.members.size(); i++) {
        if (i > 0) out += ',';
        append_quoted(out, json.members[i].name);
        out += ':';
        append(out, json.members[i].value);
      }
      out += '}';
      break;
    }
  }
}

}  // namespace

Json Json::of_integer(int64_t value) {
  Json out;
  out.kind = Kind::integer;
  out.integer = value;
  return out;
}

Json Json::of_text(std::string value) {
  Json out;
  out.kind = Kind::text;
  out.text = std::move(value);
  return out;
}

Json Json::of_bool(bool value) {
  Json out;
  out.kind = Kind::boolean;
  out.integer = value ? 1 : 0;
  return out;
}

const Json* Json::find(std::string_view member) const {
  for (const auto& [name, value] : members) {
    if (name == member) return &value;
  }
  return nullptr;
}

std::string Json::print() const {
  std::string out;
  append(out, *this);
  return out;
}

Json parse_json(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(simdjson::padded_string(text)).get(root) != simdjson::SUCCESS) return {};
  return convert(root);
}

}  // namespace omen::reference
