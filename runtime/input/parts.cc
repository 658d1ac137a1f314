#include "runtime/input/parts.h"

#include <algorithm>

namespace omen {
namespace {

constexpr std::string_view blanks = " \t\n\r";

size_t text_end(std::string_view text) {
  for (size_t at = 1; at < text.size();) {
    at = text.find_first_of("\"\\", at);
    if (at == text.npos) break;
    if (text[at] == '"') return at + 1;
    at += 2;
  }
  return text.npos;
}

size_t group_end(std::string_view text) {
  size_t depth = 0;
  for (size_t at = 0; at < text.size();) {
    at = text.find_first_of("\"{}[]", at);
    if (at == text.npos) break;
    if (text[at] == '"') {
      const size_t size = text_end(text.substr(at));
      if (size == text.npos) break;
      at += size;
      continue;
    }
    depth += text[at] == '{' || text[at] == '[' ? 1 : -1;
    ++at;
    if (depth == 0) return at;
  }
  return text.npos;
}

}  // namespace

size_t value_end(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == '"') return text_end(text);
  if (text[0] == '{' || text[0] == '[') return group_end(text);
  return std::min(text.find_first_of(" \t\n\r,}]"), text.size());
}

Parts::Parts(std::string_view text) : rest_(text), is_object_(text.starts_with('{')) {
  if (!rest_.empty()) rest_.remove_prefix(1);
}

void Parts::skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks), rest_.size())); }

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
