#include "cli/log_range.h"

#include "cli/command.h"
#include "runtime/log/data_folder.h"
#include "runtime/model/time.h"

namespace omen::cli {

void add_log_range(Command verb, LogRange& range) {
  verb.add_option("--data", range.data, "The service's data folder").capture_default_str().type_name("DIR");
  verb.add_option("--from", range.from, "Only what is at this time or later").type_name("TIME");
  verb.add_option("--until", range.until, "Only what is before this time").type_name("TIME");
}

Status resolve(LogRange& range) {
  for (const auto& [text, out] : {std::pair(&range.from, &range.from_us), std::pair(&range.until, &range.until_us)}) {
    if (text->empty()) continue;
    const auto time_us = parse_rfc3339(*text);
    if (!time_us) return Status::error("`" + *text + "` is no time; write 2026-01-05T10:00:00Z");
    *out = *time_us;
  }
  return Status::ok();
}

Result<std::unique_ptr<LogReader>> open_log(const LogRange& range, uint64_t from) {
  if (Status known = check_format(real_disk(), range.data); !known) return known;
  return LogReader::open(real_disk(), log_folder(range.data), from);
}

}  // namespace omen::cli
