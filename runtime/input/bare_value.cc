#include "runtime/input/bare_value.h"

#include "runtime/core/json.h"

namespace omen {
namespace {

bool begins_number(char c) { return c == '-' || (c >= '0' && c <= '9'); }

}  // namespace

void append_bare_value(std::string& out, std::string_view text) {
  if (text == "true" || text == "false") {
    out += text;
    return;
  }
  if (begins_number(text[0])) {
    const size_t begin = out.size();
    out += text;
    out += ',';  // a number is checked up to what ends it
    const char* end = nullptr;
    const bool is_number = json::check_number(out.data() + begin, end) == json::NumberFault::none &&
                           end == out.data() + begin + text.size();
    out.pop_back();
    if (is_number) return;
    out.resize(begin);
  }
  json::append_string(out, text);
}

}  // namespace omen
