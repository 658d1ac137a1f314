#include "runtime/core/elements.h"

#include <algorithm>

#include "runtime/core/json.h"

namespace omen {

Elements::Elements(std::string_view array, Scratch& scratch)
    : rest_(array.size() < 2 ? std::string_view() : array.substr(1, array.size() - 2)), scratch_(scratch) {}

void Elements::skip_space() {
  const size_t at = rest_.find_first_not_of(" \t\n\r,");
  rest_.remove_prefix(std::min(at, rest_.size()));
}

size_t Elements::text_end() const {
  size_t at = 1;
  while (at < rest_.size() && rest_[at] != '"') at += rest_[at] == '\\' ? 2 : 1;
  return std::min(at + 1, rest_.size());
}

size_t Elements::group_end() const {
  size_t depth = 0;
  bool in_text = false;
  for (size_t at = 0; at < rest_.size(); ++at) {
    const char c = rest_[at];
    if (in_text) {
      if (c == '\\') ++at;
      if (c == '"') in_text = false;
    } else if (c == '"') {
      in_text = true;
    } else if (c == '[' || c == '{') {
      ++depth;
    } else if ((c == ']' || c == '}') && --depth == 0) {
      return at + 1;
    }
  }
  return rest_.size();
}

bool Elements::next(Value& value) {
  skip_space();
  if (rest_.empty()) return false;
  size_t size = 0;
  switch (rest_[0]) {
    case '"': {
      size = text_end();
      std::string_view text = rest_.substr(1, size - 2);
      if (text.find('\\') != std::string_view::npos) {
        char* const plain = scratch_.allocate(text.size());
        text = {plain, static_cast<size_t>(json::unescape(text, plain) - plain)};
      }
      value = Value::of_text(text);
      break;
    }
    case '[':
    case '{':
      size = group_end();
      value = rest_[0] == '[' ? Value::of_list(rest_.substr(0, size)) : Value::of_object(rest_.substr(0, size));
      break;
    case 't':
    case 'f':
      size = rest_[0] == 't' ? 4 : 5;
      value = Value::of_bool(rest_[0] == 't');
      break;
    case 'n':
      size = 4;
      value = Value::missing();
      break;
    default:
      size = std::min(rest_.find_first_of(" \t\n\r,"), rest_.size());
      value = json::number_value(rest_.substr(0, size));
  }
  rest_.remove_prefix(std::min(size, rest_.size()));
  return true;
}

}  // namespace omen
