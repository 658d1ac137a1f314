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
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "runtime/core/validate.h"
#include "runtime/io/output.h"
#include "runtime/model/rejection.h"

namespace omen {

class Quarantine {
 public:
  // Counts only, until a file is given.
  Quarantine() = default;
  Status open(const std::string& path);

  void add(const Rejection& rejection, const std::string& input, std::span<const Violation> violations = {});
  Status flush() { return output_ != nullptr ? output_->flush() : Status::ok(); }
  uint64_t count(Reason reason) const { return counts_[static_cast<size_t>(reason)]; }

 private:
  std::array<uint64_t, reason_names.size()> counts_{};
  std::unique_ptr<Output> output_;
};

// Appends the bytes as base64 (RFC 4648, padded).
void append_base64(std::string& out, std::string_view bytes);

}  // namespace omen
