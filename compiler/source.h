// Source: the rule files of one compilation, and places in them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace omen {

// A range of bytes of one file. file indexes Sources.
struct Span {
  uint32_t file = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
};

struct SourceFile {
  std::string name;  // as messages show it
  std::string text;  // UTF-8
};

struct Place {
  uint32_t line = 1;    // from 1
  uint32_t column = 1;  // from 1, in code points
};

struct Sources {
  std::vector<SourceFile> files;
  Place place(uint32_t file, uint32_t offset) const;
  std::string_view text(Span span) const;
  std::string_view line(uint32_t file, uint32_t line) const;  // without its end
};

}  // namespace omen
