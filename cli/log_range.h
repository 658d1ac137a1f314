// Log range: the options of verbs that read the log of a service beside it: which folder, from when, until when.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/command.h"
#include "runtime/log/reader.h"
#include "runtime/model/status.h"

namespace omen::cli {

struct LogRange {
  std::string data = "omen-data", from, until;  // as given
  int64_t from_us = INT64_MIN, until_us = INT64_MAX;
  bool has(int64_t time_us) const { return time_us >= from_us && time_us < until_us; }
};
void add_log_range(Command verb, LogRange& range);
// Reads the times. An error is a call that is wrong.
Status resolve(LogRange& range);
// From the first record that there is.
Result<std::unique_ptr<LogReader>> open_log(const LogRange& range, uint64_t from = 0);

}  // namespace omen::cli
