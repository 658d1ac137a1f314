// LineFraming: a stream of bytes as lines, however it is cut into pieces. Pure.
//
// INVARIANT: what is kept between two calls is at most event_bytes_max. Of a line that is longer the beginning becomes
// a rejection, and reading goes on behind its line feed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/serve/received.h"

namespace omen {

class LineFraming {
 public:
  // Adds the lines that are whole now. Blank ones are passed over.
  void put(std::string_view bytes, Received& out);
  // The stream has ended well: its last line may lack its line feed.
  void finish(Received& out);
  // The stream has broken off: what there is of a line is dropped. Whether there was something.
  bool drop_part();

  bool has_part() const { return !part_.empty() || is_skipping_; }
  size_t part_bytes() const { return part_.size(); }
  uint64_t behind_lines() const { return begin_; }  // bytes of the stream up to the end of the last whole line

 private:
  void take(std::string_view line, Received& out);

  std::string part_;  // of a line, without its end
  bool is_skipping_ = false;
  LinePlace place_{1, 0};
  uint64_t begin_ = 0, offset_ = 0;
};

// The line as the first one of a connection that says who it is and what it wants:
//   {"omen":{"token":"omen_…","ack":true}}
// Nothing: it is an event like others.
struct Hello {
  std::string token;
  bool wants_acks = false;
};
std::optional<Hello> read_hello(std::string_view line);
// The beginning of a connection of something else: a TLS handshake, an HTTP request (which a page of a foreign site can
// make a browser send here, events and all).
bool is_other_protocol(std::string_view beginning);

}  // namespace omen
