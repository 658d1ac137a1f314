// Layout: the words and comments of a file that parses, and how each joins the one before: what `omen fmt` needs to
// know of the grammar. Nothing is said here of widths and lines as they come out: that is format.cc.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "compiler/diagnostic.h"
#include "compiler/source.h"

namespace omen {

struct Piece {
  enum class Joint : uint8_t {
    glued,
    space,
    soft,  // a space, or a line break if the group does not fit on its line
    line,  // begins a declaration, clause, field or line of a test, or closes their block
  };
  // Lines that stand below one another and have the same kind are aligned at their aligned pieces.
  enum class Column : uint8_t { none, field, measure, let, pattern, destination, table, event };

  uint32_t begin = 0;
  uint32_t end = 0;
  Joint joint = Joint::space;
  uint8_t indent = 0;  // of the line that it begins, in columns; soft: from the indent of the line that is broken
  uint32_t group = 0;  // soft pieces of one group break together
  uint8_t level = 0;   // of the group: how many others it stands in
  Column column = Column::none;
  bool is_comment = false;
  bool is_trailing = false;   // comment: behind something on its line
  bool begins_block = false;  // of a declaration that takes several lines
  bool closes_block = false;
};

// Nothing when the file does not parse; the diagnostics say why.
std::optional<std::vector<Piece>> layout(const Sources& sources, uint32_t file, Diagnostics& diagnostics);

}  // namespace omen
