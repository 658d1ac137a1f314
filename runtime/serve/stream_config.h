// Stream config: on what it depends, beside events, ticks and rules, what an engine makes of a log: the order of the
// stream, limits, contents of tables. It stands in the log as CONFIG records, at the place from which it holds:
//
//   {"lateness_us":5000000,"dedupe_us":null,"strict_types":false,"limits":{"max_runs":10000,…},"shards":1,
//    "tables":{"vip":"9f86d0…"}}
//
// The number of shards counts among them because some limits are divided among these (io/shards). Tables are named with
// the hash of their rows, which stand in the data folder (table_store.h). A member that is not there stays as it was,
// so `{}` says nothing; one that is not known is of a later version, and refused.
//
// At the beginning of each segment of the log a config also says where the stream stood there (`place`), so that
// whoever reads from there on goes on as if he had read all of it: a pruned log, the warm-up of a rule.
//
// A record of another kind says that rules are coming (`{"coming":{…}}`, the text of a RULES record): whoever plays the
// log makes their state here, and they go into force with a later RULES record, or never. The rest stays as it was.
//
// NOT HERE: what is decided before an event stands in the log (max_ahead_us); the rules.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/model/limits.h"
#include "runtime/model/status.h"
#include "runtime/serve/pipeline.h"

namespace omen {

// A stream's order that takes more bytes is written without what is held and remembered: whoever would begin there
// begins earlier if he can.
inline constexpr size_t place_order_bytes_max = 10u << 20;

struct StreamConfig {
  std::optional<int64_t> lateness_us, dedupe_us;
  bool strict_types = false;
  Limits limits;
  uint32_t shards = 1;
  std::map<std::string, std::string> tables;  // name -> hash of its rows
  // Of snapshots alone: hashes that were in force, and the last sequence for which they were.
  std::map<std::string, uint64_t> former_tables;
};

struct StreamPlace {
  std::optional<int64_t> clock_us;  // of the engine; none: no event and no tick had come
  std::string order;                // Reorder::save()
  bool is_brief = false;            // without what was held and the ids: with them it was too large
};

struct ConfigRecord {
  StreamConfig config;
  std::optional<StreamPlace> place;
  std::optional<std::string> coming;
};

StreamConfig config_of(const PipelineOptions& options);
// The same options, but for what the config says.
PipelineOptions with_config(PipelineOptions options, const StreamConfig& config);
// Whether both make the same of a stream, tables apart.
bool is_same_order(const StreamConfig& a, const StreamConfig& b);

// Without `former_tables`.
std::string config_text(const StreamConfig& config, const StreamPlace* place = nullptr);
std::string coming_text(std::string_view rules_record);
// As a snapshot has it, all of it.
std::string snapshot_config_text(const StreamConfig& config);
// What holds after the record when `before` has held.
Result<ConfigRecord> parse_config(std::string_view text, StreamConfig before);

}  // namespace omen
