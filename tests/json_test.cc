// JSON as it is written.
#include "runtime/core/json.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

namespace omen {
namespace {

// Texts are looked at eight bytes at a time, so each byte at each place of one, and two of them.
TEST_CASE("json: what is written otherwise, at any place of a text") {
  const auto written = [](char c) -> std::string {
    if (c == '"' || c == '\\') return std::string("\\") + c;
    if (c == '\n') return "\\n";
    if (c == '\r') return "\\r";
    if (c == '\t') return "\\t";
    return static_cast<uint8_t>(c) < 0x20 ? fmt::format("\\u{:04x}", static_cast<int>(c)) : std::string(1, c);
  };
  for (int byte = 0; byte < 256; ++byte) {
    CAPTURE(byte);
    const char c = static_cast<char>(byte);
    for (size_t size = 1; size <= 18; ++size) {
      for (size_t at = 0; at < size; ++at) {
        std::string text(size, '!'), expected = "\"";  // the next byte behind one that is written otherwise
        text[at] = c;
        text[size - 1] = c;
        for (const char each : text) expected += written(each);
        std::string out;
        json::append_string(out, text);
        REQUIRE(out == expected + '"');
      }
    }
  }
  std::string out;
  json::append_string(out, "");
  CHECK(out == "\"\"");
}

}  // namespace
}  // namespace omen
