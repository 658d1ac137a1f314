// Csv: rows under a header (RFC 4180) -> objects whose members are the header's names.
//
//   a row ends with its line, unless that is within quotes: then it goes on over the line break
//   a cell in quotes may hold the delimiter, line breaks and, doubled, quotes; one without quotes holds no quote
//   each cell that is not empty becomes a member, its value as bare_value.h says
//
// A row whose quotes are wrong costs one line: it is rejected, and reading goes on with the line behind it, so a quote
// that nobody closed does not swallow the file. A header that is none (a name that is empty or stands twice) is an
// error of the whole input, for nothing could be told by it.
//
// NOT HERE: what a member means (decode.h, --type-field and so on).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/input/parts.h"
#include "runtime/input/pieces.h"
#include "runtime/input/records.h"
#include "runtime/model/status.h"

namespace omen {

class Csv {
 public:
  // A delimiter of 0 is told from the header.
  explicit Csv(char delimiter = 0) : delimiter_(delimiter) {}

  void read(std::string_view bytes, Records& out);
  void finish(Records& out);
  // Where in a row the cell stands that a member of its line was made of; from 1, with its quotes.
  size_t column_of(std::string_view row, MemberPlace member) const;
  Pieces& pieces() { return pieces_; }
  const Status& status() const { return status_; }  // an error of the header; then nothing is read any more

 private:
  struct Cell {
    std::string_view text;  // within its quotes
    bool has_quotes = false;
  };
  void take_rows(Records& out);
  void take_row(size_t size, Records& out);
  void take_long_row(Records& out);
  void take_bad_line(Records& out);
  void skip_line();
  void read_header(std::string_view line);
  void write_row(const Origin& row, Records& out);
  // The line's cells; where it stops being a row, or its size.
  size_t split(std::string_view line);
  std::string_view plain(const Cell& cell);

  Pieces pieces_;
  char delimiter_;
  Status status_ = Status::ok();
  std::vector<std::string> names_;  // as JSON with a colon behind; none: the header is still to come
  std::vector<Cell> cells_;
  std::string plain_;
  size_t searched_ = 0;       // of rest(): the row does not end before
  bool in_quotes_ = false;    // there
  bool is_skipping_ = false;  // of a line that is too long: its rest
};

// The delimiter of a header: the most frequent of , ; tab and | in it outside of quotes; a comma when there is none.
char delimiter_of(std::string_view header);
// The names in a header, and what is wrong with them.
Result<std::vector<std::string>> header_names(std::string_view header, char delimiter);

}  // namespace omen
