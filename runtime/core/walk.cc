#include "runtime/core/walk.h"

#include <cstring>

namespace omen {
namespace {

bool is_word(const char* at, std::string_view word) {
  if (memcmp(at, word.data(), word.size()) != 0) return false;
  switch (at[word.size()]) {
    case ',':
    case '}':
    case ']':
    case ':':
    case '{':
    case '[':
    case ' ':
    case '\t':
    case '\r':
    case '\n':
      return true;
    default:
      return false;
  }
}

}  // namespace

Walk::Walk(const std::vector<std::string>& head_names, Heads& heads) : shapes_(head_names), heads_(heads) {}

bool Walk::fail(Reason reason, const char* at) {
  fault_ = reason;
  fault_at_ = fault_reach_ = at;
  return false;
}

bool Walk::line(const char* base, Token token, const char* line_end, bool has_escapes, PlainTexts& plain) {
  heads_.next_line();
  char* const mark = plain.mark();
  const bool is_container = base[*token] == '{' || base[*token] == '[';
  const bool is_good = is_container ? walk(base, token, has_escapes, plain) : fail_root(base, token, line_end);
  plain.release(mark);  // the names: interned by now, or of no more use
  if (!is_good) {
    // What was found behind the line's end is the next line's: this one is not finished.
    return fault_reach_ < line_end ? false : fail(Reason::not_json, line_end);
  }
  if (base + behind_[-1] >= line_end) return fail(Reason::not_json, line_end);
  if (base + *behind_ < line_end) {
    const bool is_value = strchr("{[\"-0123456789tfn", base[*behind_]) != nullptr && base[*behind_] != 0;
    return fail(is_value ? Reason::not_object : Reason::not_json, base + *behind_);
  }
  return base[*token] == '{' ? true : fail(Reason::not_object, base + *token);
}

// A line that is a single value without containers. Behind it may stand the line's end, where the slice ends too.
bool Walk::fail_root(const char* base, Token token, const char* line_end) {
  const char* const at = base + *token;
  const auto is = [&](std::string_view word) {
    return is_word(at, word) || (at + word.size() == line_end && memcmp(at, word.data(), word.size()) == 0);
  };
  const char* end = nullptr;
  const bool is_number =
      (*at == '-' || (*at >= '0' && *at <= '9')) &&
      (json::check_number(at, end) != json::NumberFault::grammar || (end == line_end && line_end[-1] >= '0'));
  const bool is_value = *at == '"' || is_number || is("true") || is("false") || is("null");
  return fail(is_value ? Reason::not_object : Reason::not_json, at);
}

bool Walk::text(const char* base, Token token) {
  const std::string_view text = text_at(base, token);
  const auto bad = json::bad_escape(text);
  return bad ? fail(bad->is_surrogate ? Reason::not_utf8 : Reason::not_json, text.data() + bad->offset) : true;
}

bool Walk::new_member(const char* base, Token token, bool has_escapes, PlainTexts& plain, Shapes::Object& object,
                      HeadId& head) {
  std::string_view name = text_at(base, token);
  if (has_escapes) {
    if (!text(base, token)) return false;
    if (memchr(name.data(), '\\', name.size()) != nullptr) name = plain.add(name);
  }
  Reason reason{};
  if (!shapes_.add(object, name, head, reason)) return fail(reason, base + *token);
  return true;
}

// One function, not cut: the labels are the states of the grammar. `object` is the open object, without a node in an
// array; it stays where it is on the stack of open ones, for a copy of what was just written would have to wait.
bool Walk::walk(const char* base, Token token, bool has_escapes, PlainTexts& plain) {
  uint32_t depth = 0;
  Shapes::Object* object = open_.data();

value:
  switch (base[*token]) {
    case '"':
      if (has_escapes && !text(base, token)) return false;
      ++token;
      goto behind_value;
    case '{':
      if (depth == event_depth_max) return fail(Reason::too_deep, base + *token);
      ++depth;
      shapes_.open(*++object, depth == 1);
      ++token;
      if (base[*token] == '}') goto close;
      goto member;
    case '[':
      if (depth == event_depth_max) return fail(Reason::too_deep, base + *token);
      ++depth;
      (++object)->node = nullptr;
      object->is_loose = false;
      ++token;
      if (base[*token] == ']') goto close;
      goto value;
    case 't':
      if (!is_word(base + *token, "true")) return fail(Reason::not_json, base + *token);
      ++token;
      goto behind_value;
    case 'f':
      if (!is_word(base + *token, "false")) return fail(Reason::not_json, base + *token);
      ++token;
      goto behind_value;
    case 'n':
      if (!is_word(base + *token, "null")) return fail(Reason::not_json, base + *token);
      ++token;
      goto behind_value;
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': {
      if (!json::is_plain_number(base + *token)) [[unlikely]] {
        const char* end = nullptr;
        const json::NumberFault fault = json::check_number(base + *token, end);
        if (fault == json::NumberFault::grammar) return fail(Reason::not_json, end);
        if (fault == json::NumberFault::range) return fail(Reason::number_range, end);
      }
      ++token;
      goto behind_value;
    }
    default:
      return fail(Reason::not_json, base + *token);
  }

member : {
  if (base[*token] != '"') return fail(Reason::not_json, base + *token);
  if (base[token[1]] != ':') return fail(Reason::not_json, base + token[1]);
  HeadId head = head_none;
  const ShapeNode* const known = Shapes::known(*object, base + *token);
  if (known != nullptr) [[likely]] {
    object->node = known;
    head = known->head;
  } else if (!new_member(base, token, has_escapes, plain, *object, head)) {
    fault_reach_ = base + token[1];  // a member only with its colon
    return false;
  }
  token += 2;
  if (head != head_none) heads_.set(head, token);
  if (base[*token] != '"' || has_escapes) goto value;
  ++token;
}

behind_value:
  if (base[*token] == ',') {
    ++token;
    if (object->node != nullptr) goto member;
    goto value;
  }
  if (base[*token] != (object->node != nullptr ? '}' : ']')) return fail(Reason::not_json, base + *token);

close:
  shapes_.close(*object--);
  ++token;
  if (--depth > 0) goto behind_value;
  behind_ = token;
  return true;
}

}  // namespace omen
