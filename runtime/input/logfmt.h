// Logfmt: lines of `key=value` -> objects.
//
//   time=2026-01-05T10:00:00Z type=login user_id=ann msg="signed in from \"work\"" sso
//
// Pairs are parted by blanks. A value is bare, up to the next blank, or in quotes with the escapes of JSON; a key by
// itself is true; a key with nothing behind its `=` is missing. What a value is without quotes, and with them:
// bare_value.h. A line that has no pair is blank.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/input/parts.h"
#include "runtime/input/pieces.h"
#include "runtime/input/records.h"

namespace omen {

struct LogfmtPair {
  std::string_view key;
  std::string_view value;  // within its quotes, escapes as they stand
  bool has_value = false;
  bool has_quotes = false;
  bool is_missing() const { return has_value && value.empty(); }
};
// The pairs of a line; where it stops being logfmt, or its size.
size_t parse_logfmt(std::string_view line, std::vector<LogfmtPair>& pairs);

class Logfmt {
 public:
  void read(std::string_view bytes, Records& out);
  void finish(Records& out);
  // Where in a line of logfmt the key or the value stands that a member was made of; from 1, with its quotes.
  static size_t column_of(std::string_view line, MemberPlace member);
  Pieces& pieces() { return pieces_; }

 private:
  void take_line(size_t size, Records& out);
  void write_line(const Origin& line, Records& out);

  Pieces pieces_;
  size_t searched_ = 0;  // of rest(): no line end before
  bool is_too_long_ = false;
  std::vector<LogfmtPair> pairs_;
  std::string plain_;
};

}  // namespace omen
