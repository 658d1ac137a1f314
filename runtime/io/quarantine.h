// Quarantine: rejected lines, one JSON object a line, so that they can be looked at, mended and fed again.
//
//   {"reason":"not_json","input":"events.ndjson","line":7,"offset":1311,"column":17,"text":"…"}
//
// `offset` counts the bytes before the line (unpacked), `column` the bytes up to the place of the fault, from 1. A
// line of an event that does not keep to its declaration has "violations" before its text, each with field, problem,
// what is expected and (shortened) the value:
//
//   {"reason":"schema_violation",…,"violations":[{"field":"amount","problem":"wrong_type",…}],"text":"…"}
//
// A line that is not UTF-8 stands under "base64" in place of "text"; of one that is too long the beginning is kept.
//
// A service's has two more things. Each line says when it came ("at":"2026-…"), and lines about lines say that one is
// dealt with: {"done":"ID"}, where an ID is what the lines that it means are known by (cli/quarantine_entries.h). And
// it has a bound: a file that has half of it becomes PATH.1, and the one that was PATH.1 goes; the newest lines stay,
// those that go are counted.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "runtime/core/validate.h"
#include "runtime/io/output.h"
#include "runtime/model/rejection.h"

namespace omen {

struct QuarantineOptions {
  uint64_t bytes_max = UINT64_MAX;  // of both files
  bool notes_time = false;
};

class Quarantine {
 public:
  // Counts only, until a file is given.
  Quarantine() = default;
  Status open(const std::string& path, const QuarantineOptions& options = {});

  void add(const Rejection& rejection, const std::string& input, std::span<const Violation> violations = {});
  // The lines that are known by it are dealt with.
  void note_done(std::string_view id);
  Status flush();
  uint64_t count(Reason reason) const { return counts_[static_cast<size_t>(reason)]; }
  uint64_t given_up() const { return given_up_; }  // bytes of lines that went for want of room

 private:
  std::array<uint64_t, reason_names.size()> counts_{};
  std::unique_ptr<Output> output_;
  QuarantineOptions options_;
  std::string path_;
  uint64_t bytes_ = 0;  // of the file
  uint64_t given_up_ = 0;
};

// Appends the bytes as base64 (RFC 4648, padded).
void append_base64(std::string& out, std::string_view bytes);

}  // namespace omen
