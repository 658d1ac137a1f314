#include "runtime/outbox/markup.h"

namespace omen {

std::string escaped_markup(std::string_view text, bool with_quotes) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (with_quotes && c == '"') {
      out += "&quot;";
    } else if (with_quotes && c == '\'') {
      out += "&#39;";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace omen
