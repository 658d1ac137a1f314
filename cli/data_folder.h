// The data folder as verbs see it that work while no engine runs on it: what its parts rely on, and how sizes and
// sequences are shown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/log/check.h"
#include "runtime/model/status.h"

namespace omen::cli {

struct SnapshotList {
  std::vector<uint64_t> intact;       // sequences, in order
  std::vector<std::string> damaged;   // names in the folder
  std::vector<std::string> problems;  // of each of those, a sentence
};
Result<SnapshotList> read_snapshots(const std::string& data);

// The last sequence whose matches are in state.db. Nothing when there is no such file. To be called with the lock held.
Result<std::optional<uint64_t>> read_watermark(const std::string& data);

// What is in a log, as one line for people: "3 segments, 1,234 records, sequences 1..1234, …".
std::string contents_text(const LogCheck& check);
// [{"file":…,"begin":…,"end":…,…}]
void append_damages(std::string& out, const std::vector<Damage>& damages);
void append_text(std::string& out, std::string_view text);  // as JSON

}  // namespace omen::cli
