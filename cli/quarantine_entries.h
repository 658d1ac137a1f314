// Quarantine entries: what a service's quarantine holds, read from its two files (runtime/io/quarantine.h), oldest
// first.
//
// An entry is known by 16 hexadecimal digits of the SHA-256 of its line; the second one of the same line in a file by
// those of the line and its number among them, and so on. Files are only appended to and renamed as a whole, so that an
// entry keeps its id. It is there until a line behind it says that
// it is dealt with. Files are read without the service, which may be writing to them; a last line without its end is
// left out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/status.h"

namespace omen::cli {

struct QuarantineEntry {
  std::string id, line;           // the line as it stands there
  std::string at, reason, input;  // when it came, why, from where
  std::string bytes;              // what was rejected
  bool can_be_retried = false;    // it is whole, and was not matched
};

// Which entries: all that is given must hold.
struct QuarantineFilter {
  std::string id;  // or how it begins
  std::string reason;
  std::string since;  // "2026-…", compared as text
  bool fits(const QuarantineEntry& entry) const;
};

// Those that are not dealt with. No file: none.
Result<std::vector<QuarantineEntry>> read_quarantine(const std::string& path, const QuarantineFilter& filter);

}  // namespace omen::cli
