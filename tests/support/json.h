// Json: a plain tree of an event for the reference interpreter and the builders of tests. Members keep their order.
//
// NOT HERE: anything fast. The machine's own decoder is what this is compared with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace omen::reference {

struct JsonMember;

struct Json {
  enum class Kind : uint8_t { null, boolean, integer, number, text, list, object };
  Kind kind = Kind::null;
  int64_t integer = 0;  // boolean too
  double number = 0;
  std::string text;
  std::vector<Json> items;          // list
  std::vector<JsonMember> members;  // object

  static Json of_integer(int64_t value);
  static Json of_text(std::string value);
  static Json of_bool(bool value);
  const Json* find(std::string_view member) const;  // nothing when absent or no object
  std::string print() const;
};

struct JsonMember {
  JsonMember(std::string n, Json v) : name(std::move(n)), value(std::move(v)) {}
  std::string name;
  Json value;
};

// One JSON document; null when it is none (tests hand in only what they know to be right).
Json parse_json(std::string_view text);

}  // namespace omen::reference
