// One line through decode and through simdjson's DOM: both take it for an object or neither does, but for the limits
// that only decode has, and the fields have the values that the DOM gives. The first byte says whether the others are
// the line, or members of an object that has a type.
#include <simdjson.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/model/status.h"

namespace {

using namespace omen;
namespace dom = simdjson::dom;

const std::vector<std::vector<std::string>> paths = {{"a"},      {"b"},           {"a", "a"}, {"a", "b"},
                                                     {"b", "0"}, {"b", "1", "a"}, {"x\"\\"}};

Program make_program() {
  Program program;
  program.types.resize(2);
  program.types[1].name = "t";
  for (const auto& path : paths) {
    FieldPath field;
    for (const std::string& part : path) {
      const bool is_index = part == "0" || part == "1";
      field.parts.push_back({is_index ? "" : part, is_index ? part[0] - '0' : -1});
    }
    program.types[1].fields.push_back(static_cast<FieldId>(program.fields.size()));
    program.fields.push_back(field);
  }
  return program;
}

// Which of the limits that only decode has the DOM shows to be passed.
struct Beyond {
  bool has_duplicate = false, has_large_integer = false, is_deep = false, is_broad = false;
};

void look(const dom::element& element, uint32_t depth, Beyond& beyond) {
  if (element.is<uint64_t>() && !element.is<int64_t>()) beyond.has_large_integer = true;
  if (dom::object object; element.get(object) == simdjson::SUCCESS) {
    if (depth >= event_depth_max) beyond.is_deep = true;
    std::set<std::string_view> names;
    size_t members = 0;
    for (const auto& [name, value] : object) {
      ++members;
      if (!names.insert(name).second) beyond.has_duplicate = true;
      look(value, depth + 1, beyond);
    }
    if (members > event_members_max) beyond.is_broad = true;
  } else if (dom::array array; element.get(array) == simdjson::SUCCESS) {
    if (depth >= event_depth_max) beyond.is_deep = true;
    for (const dom::element child : array) look(child, depth + 1, beyond);
  }
}

bool find(dom::element element, const std::vector<std::string>& path, dom::element& out) {
  for (const std::string& part : path) {
    dom::array array;
    if (part == "0" || part == "1") {
      if (element.get(array) != simdjson::SUCCESS || array.at(part[0] - '0').get(element) != simdjson::SUCCESS)
        return false;
    } else if (element[part].get(element) != simdjson::SUCCESS) {
      return false;
    }
  }
  out = element;
  return true;
}

std::string minified(std::string_view json) {
  dom::parser parser;
  return simdjson::minify(parser.parse(simdjson::padded_string(json)).value());
}

bool is_same(const Value& value, const dom::element& element) {
  switch (element.type()) {
    case dom::element_type::NULL_VALUE:
      return value.is_missing();
    case dom::element_type::BOOL:
      return value.kind == Kind::boolean && value.boolean == bool(element);
    case dom::element_type::INT64:
      return value.kind == Kind::integer && value.integer == int64_t(element);
    case dom::element_type::DOUBLE:
      return value.kind == Kind::number && value.number == double(element);
    case dom::element_type::STRING:
      return value.kind == Kind::text && value.bytes() == std::string_view(element);
    case dom::element_type::ARRAY:
      return value.kind == Kind::list && minified(value.bytes()) == simdjson::minify(element);
    case dom::element_type::OBJECT:
      return value.kind == Kind::object && minified(value.bytes()) == simdjson::minify(element);
    default:
      return false;
  }
}

void check_rejection(Reason reason, bool is_object, simdjson::error_code error, const Beyond& beyond) {
  switch (reason) {
    case Reason::duplicate_member:
      OMEN_ASSERT(error != simdjson::SUCCESS || beyond.has_duplicate);
      break;
    case Reason::too_deep:
      OMEN_ASSERT(error != simdjson::SUCCESS || beyond.is_deep);
      break;
    case Reason::too_many_members:
      OMEN_ASSERT(error != simdjson::SUCCESS || beyond.is_broad);
      break;
    case Reason::number_range:
      OMEN_ASSERT(error != simdjson::SUCCESS || beyond.has_large_integer);
      break;
    case Reason::not_json:
    case Reason::not_utf8:
      OMEN_ASSERT(error != simdjson::SUCCESS);
      break;
    case Reason::not_object:
      OMEN_ASSERT(!is_object);
      break;
    default:
      OMEN_ASSERT(is_object);
      break;  // the envelope's
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Program program = make_program();
  static Decoder decoder(program);
  if (size == 0) return 0;
  std::string line(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) line = "{\"type\":\"t\"," + line + "}";
  std::replace(line.begin(), line.end(), '\n', ' ');

  dom::parser parser;
  dom::element root;
  dom::object object;
  const simdjson::error_code error = parser.parse(line).get(root);
  const bool is_object = error == simdjson::SUCCESS && root.get(object) == simdjson::SUCCESS;
  Beyond beyond;
  if (error == simdjson::SUCCESS) look(root, 0, beyond);

  const size_t line_size = line.size();
  line.append(slice_padding, '\0');
  decoder.open({line.data(), line_size}, {1, 0}, 0);
  const Decoder::Batch batch = decoder.next();
  OMEN_ASSERT(batch.events.size() + batch.rejections.size() <= 1);
  if (!batch.rejections.empty()) {
    check_rejection(batch.rejections[0].reason, is_object, error, beyond);
  } else if (batch.events.empty()) {
    OMEN_ASSERT(error == simdjson::EMPTY);
  } else {
    OMEN_ASSERT(is_object && !beyond.has_duplicate && !beyond.is_deep && !beyond.is_broad && !beyond.has_large_integer);
    const Event& event = batch.events[0];
    OMEN_ASSERT(event.type_name == std::string_view(root["type"]));
    for (FieldId field = 0; event.type == 1 && field < paths.size(); ++field) {
      dom::element element;
      const bool is_there = find(root, paths[field], element);
      OMEN_ASSERT(is_there ? is_same(event.fields[field], element) : event.fields[field].is_missing());
    }
  }
  return 0;
}
