// Pieces: bytes that come as they come, kept until the records in them are whole.
//
//   add(bytes)     more of the input; what was taken before is gone now
//   rest()         what has not been taken yet
//   take(size)     the next record: its bytes stay until add(), and its place is known
//
// How records end is the forms' business (csv, json_text, logfmt), each of which looks at a byte of rest() once.
// INVARIANT: of a record longer than event_bytes_max only the beginning is kept: the form drops the rest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "runtime/input/records.h"
#include "runtime/model/limits.h"

namespace omen {

class Pieces {
 public:
  void add(std::string_view bytes) {
    bytes_.erase(0, std::exchange(begin_, 0));
    bytes_ += bytes;
  }
  std::string_view rest() const { return std::string_view(bytes_).substr(begin_); }
  const LinePlace& place() const { return place_; }
  void begin_at(uint64_t offset) { place_.offset = offset; }

  // Blanks and separators between records are taken as well.
  Origin take(size_t size) {
    const Origin origin{place_, rest().substr(0, size)};
    begin_ += size;
    place_.offset += size;
    place_.line += static_cast<uint64_t>(std::count(origin.bytes.begin(), origin.bytes.end(), '\n'));
    return origin;
  }

 private:
  std::string bytes_;
  size_t begin_ = 0;
  LinePlace place_{1, 0};
};

// A record beyond event_bytes_max; quarantine shows the beginning.
inline void reject_too_long(const Origin& record, Records& out) {
  constexpr size_t shown = 1024;
  out.reject(Reason::too_long, {record.place, record.bytes.substr(0, shown)}, event_bytes_max + 1);
}

}  // namespace omen
