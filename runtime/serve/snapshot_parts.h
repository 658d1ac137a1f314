// Snapshot parts: what a snapshot's bytes (log/snapshot_file.h) are in a service: the rules in force, the stream's
// order, the engine, the options; each with its size before it.
//
// NOT HERE: what order and engine look like as bytes (core/reorder, core/engine).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/model/status.h"
#include "runtime/serve/pipeline.h"
#include "runtime/serve/rule_set.h"
#include "runtime/serve/stream_config.h"

namespace omen {

std::string snapshot_bytes(const RuleSet& rules, const Pipeline& pipeline, const StreamConfig& config);

struct SnapshotParts {
  std::string_view rules, order, engine;  // of the bytes
  std::optional<StreamConfig> config;     // none: an early version has written it
};
Result<SnapshotParts> parse_snapshot_parts(std::string_view bytes);

}  // namespace omen
