#include "runtime/input/parts.h"

namespace omen {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

size_t text_end(std::string_view text) {
  for (size_t at = 1; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      return at + 1;
    }
  }
  return text.npos;
}

size_t group_end(std::string_view text) {
  size_t depth = 0;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') {
      const size_t size = text_end(text.substr(at));
      if (size == text.npos) break;
      at += size - 1;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return at + 1;
    }
  }
  return text.npos;
}

size_t word_end(std::string_view text) {
  size_t at = 0;
  while (at < text.size() && !is_blank(text[at]) && text[at] != ',' && text[at] != '}' && text[at] != ']') ++at;
  return at;
}

}  // namespace

size_t value_end(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == '"') return text_end(text);
  if (text[0] == '{' || text[0] == '[') return group_end(text);
  return word_end(text);
}

Parts::Parts(std::string_view text) : rest_(text), is_object_(text.starts_with('{')) {
  if (!rest_.empty()) rest_.remove_prefix(1);
}

void Parts::skip_blanks() {
  size_t at = 0;
  while (at < rest_.size() && is_blank(rest_[at])) ++at;
  rest_.remove_prefix(at);
}

std::string_view Parts::take_value() {
  skip_blanks();
  const std::string_view value = rest_.substr(0, value_end(rest_));  // all of it when it is not closed
  rest_.remove_prefix(value.size());
  skip_blanks();
  return value;
}

bool Parts::next() {
  skip_blanks();
  if (rest_.starts_with(',')) {
    rest_.remove_prefix(1);
    skip_blanks();
  }
  if (rest_.empty() || rest_[0] == '}' || rest_[0] == ']') return false;
  if (is_object_) {
    const std::string_view name = take_value();
    if (name.size() < 2 || name[0] != '"' || !rest_.starts_with(':')) return false;
    name_ = name.substr(1, name.size() - 2);
    rest_.remove_prefix(1);
  }
  value_ = take_value();
  return !value_.empty();
}

std::optional<MemberPlace> member_at(std::string_view object, size_t at) {
  const char* const byte = object.data() + at;
  Parts members(object);
  for (size_t index = 0; members.next(); ++index) {
    const std::string_view value = members.value();
    if (byte >= value.data() + value.size()) continue;
    if (byte < members.name().data() - 1) return std::nullopt;  // what is between members
    return MemberPlace{index, byte < value.data()};
  }
  return std::nullopt;
}

void append_member(std::string& object, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!object.ends_with('{')) object += ',';
  object += '"';
  object += name;
  object += "\":";
  object += value;
}

std::string_view Parts::text() const { return is_text() ? value_.substr(1, value_.size() - 2) : std::string_view(); }

}  // namespace omen
