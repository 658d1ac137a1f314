// What the log says of options and tables (service.h, stream_config.h): they stand in it before they are in force.
#include <algorithm>
#include <set>

#include "runtime/io/clock.h"
#include "runtime/log/data_folder.h"
#include "runtime/serve/service.h"
#include "runtime/serve/stream_place.h"

namespace omen {
namespace {

constexpr int64_t tables_every_us = 1'000'000;

}  // namespace

// At the start: the options that the service is called with hold for what comes.
Status Service::take_options() {
  if (const auto place = place_in(disk_, log_folder(options_.data), {{}, log_->segment_first()})) {
    marked_segment_ = log_->segment_first();
  }
  StreamConfig next = config_of(options_.pipeline);
  if (is_same_order(next, config_)) return Status::ok();
  next.tables = config_.tables;
  next.former_tables = config_.former_tables;
  bool is_done = false;
  if (Status put = put_config(std::move(next), is_done); !put) return put;
  say(is_done ? "other options than before hold from here on: they stand in the log"
              : "there is no room to note other options in the log: those of before hold",
      !is_done);
  return Status::ok();
}

// Into the log, then into force. Nothing of it when the log has no room.
Status Service::put_config(StreamConfig next, bool& is_done) {
  const std::string text = config_text(next);
  const int64_t now_us = wall_clock_us();
  const LogRecord record{RecordKind::config, now_us, text};
  const Appended appended = log_->append({&record, 1}, now_us);
  is_done = appended.outcome == Appended::Outcome::done;
  if (appended.outcome == Appended::Outcome::dead) return Status::error(appended.problem);
  if (!is_done) return Status::ok();
  release_held(*pipeline_, config_, next, appended.first);
  if (!pipeline_->matches().empty()) note_matches(0);
  auto gone_on = pipelines_.go_on(*pipeline_, config_, next);
  if (!gone_on) return Status::error(gone_on.message());
  if (gone_on.value() != nullptr) adopt(rules_, std::move(gone_on.value()));
  hold_config(std::move(next), appended.first);
  return Status::ok();
}

// `sequence`: of the record that says so.
void Service::hold_config(StreamConfig next, uint64_t sequence) {
  next.former_tables = std::move(config_.former_tables);
  for (const auto& [name, hash] : config_.tables) next.former_tables[hash] = sequence;
  for (const auto& [name, hash] : next.tables) next.former_tables.erase(hash);
  config_ = std::move(next);
}

// ---- tables ----

// Reads those that `before` did not have, and puts their rows where the log finds them.
Result<std::map<std::string, std::string>> Service::read_tables(const Program& program, const Program* before) const {
  std::map<std::string, std::string> out;
  const std::set<std::string> names = new_tables(program, before);
  for (const TableProgram& table : program.tables) {
    if (!names.contains(table.name)) continue;
    const auto rows = read_table_rows(table, table_rows_bytes_max);
    if (!rows) return Status::error(rows.message());
    const auto hash = pipelines_.tables.put(rows.value());
    if (!hash) return Status::error(hash.message());
    out.emplace(table.name, hash.value());
  }
  return out;
}

// Whose file has changed is read again. One that cannot be read leaves the rows that are there.
Status Service::refresh_tables() {
  const std::vector<TableProgram>& tables = pipeline_->program().tables;
  if (tables.empty() || (tables_looked_us_ != 0 && steady_clock_us() - tables_looked_us_ < tables_every_us)) {
    return Status::ok();
  }
  tables_looked_us_ = steady_clock_us();
  for (const TableProgram& table : tables) {
    const FileVersion version = table_file_version(table);
    const auto known = table_files_.find(table.name);
    if (known != table_files_.end() && known->second == version) continue;
    table_files_[table.name] = version;
    const auto wrong = [&](const std::string& problem) { say(problem + "; the rows of before stay", true); };
    const auto rows = read_table_rows(table, table_rows_bytes_max);
    if (!rows) {
      wrong(rows.message());
      continue;
    }
    if (const auto made = make_table(table, rows.value()); !made) {  // before it stands in the log
      wrong(made.message());
      continue;
    }
    const auto hash = pipelines_.tables.put(rows.value());
    if (!hash) {
      wrong(hash.message());
      table_files_.erase(table.name);  // once more when there is room
      continue;
    }
    StreamConfig next = config_;
    next.tables[table.name] = hash.value();
    if (next.tables == config_.tables) continue;
    bool is_done = false;
    if (Status put = put_config(std::move(next), is_done); !put) return put;
    if (!is_done) table_files_.erase(table.name);
    return Status::ok();  // the pipeline may be another one; the others come with the next look
  }
  return Status::ok();
}

// Files of rows that neither the log from there on nor a snapshot names. `log_first` 0: at the start, those that
// never came to stand in the log.
void Service::drop_tables(uint64_t log_first) {
  std::erase_if(config_.former_tables, [&](const auto& former) { return former.second < log_first; });
  const auto hashes = pipelines_.tables.hashes();
  if (!hashes) return say(hashes.message(), true);
  for (const std::string& hash : hashes.value()) {
    const bool is_in_force = std::ranges::any_of(config_.tables, [&](const auto& one) { return one.second == hash; });
    if (is_in_force || config_.former_tables.contains(hash)) continue;
    if (Status removed = pipelines_.tables.remove(hash); !removed) say(removed.message(), true);
  }
}

// ---- places ----

// Each segment says near its beginning where the stream stood, and which rules were in force.
Status Service::mark_place() {
  if (log_->segment_first() == marked_segment_ || counters_.is_full) return Status::ok();
  StreamPlace place;
  if (pipeline_->shards().clock_us() != INT64_MIN) place.clock_us = pipeline_->shards().clock_us();
  pipeline_->save_order(place.order, false);
  if (place.order.size() > place_order_bytes_max) {
    place.order.clear();
    place.is_brief = true;
    pipeline_->save_order(place.order, true);
  }
  const std::string config = config_text(config_, &place);
  const std::string rules = rules_record_text({rules_, 0, 0, std::nullopt});
  const int64_t now_us = wall_clock_us();
  const LogRecord records[] = {{RecordKind::config, now_us, config}, {RecordKind::rules, now_us, rules}};
  const Appended appended = log_->append(records, now_us);
  if (appended.outcome == Appended::Outcome::dead) return Status::error(appended.problem);
  if (appended.outcome == Appended::Outcome::refused) {
    say("the place of segment " + std::to_string(log_->segment_first()) + " is left out: " + appended.problem, true);
  }
  const bool is_settled = appended.outcome == Appended::Outcome::done || appended.outcome == Appended::Outcome::refused;
  if (is_settled) marked_segment_ = log_->segment_first();
  return Status::ok();
}

}  // namespace omen
