#include "runtime/serve/configured.h"

#include <algorithm>

#include "runtime/io/tables.h"

namespace omen {
namespace {

bool is_same_table(const TableProgram& a, const TableProgram& b) {
  return a.kind == b.kind && a.key == b.key && a.options == b.options && a.folder == b.folder;
}

}  // namespace

std::set<std::string> new_tables(const Program& program, const Program* before) {
  std::set<std::string> names;
  for (const TableProgram& table : program.tables) {
    const bool was_there = before != nullptr && std::ranges::any_of(before->tables, [&](const TableProgram& old) {
                             return old.name == table.name && is_same_table(old, table);
                           });
    if (!was_there) names.insert(table.name);
  }
  return names;
}

Result<std::unique_ptr<Pipeline>> Pipelines::make(const SharedRules& rules, const StreamConfig& config) const {
  auto pipeline = std::make_unique<Pipeline>(rules, with_config(options, config));
  for (uint32_t id = 0; id < rules->program.tables.size(); ++id) {
    const TableProgram& table = rules->program.tables[id];
    const auto hash = config.tables.find(table.name);
    Result<std::shared_ptr<const LookupTable>> rows = Status::error("");
    if (hash != config.tables.end()) {
      rows = tables.load(table, hash->second);
    } else {
      const auto text = read_table_rows(table, table_rows_bytes_max);
      rows = text ? make_table(table, text.value()) : Status::error(text.message());
    }
    if (!rows) return Status::error(rows.message());
    pipeline->set_table(id, rows.value());
  }
  return pipeline;
}

Result<std::unique_ptr<Pipeline>> Pipelines::go_on(Pipeline& pipeline, const StreamConfig& before,
                                                   const StreamConfig& after) const {
  if (!is_same_order(before, after)) {
    auto next = make(pipeline.rules(), after);
    if (!next) return Status::error(next.message());
    std::string order, engine;
    pipeline.save(order, engine);
    if (Status loaded = next.value()->load(order, engine); !loaded) return loaded;
    return next;
  }
  const std::vector<TableProgram>& programs = pipeline.program().tables;
  for (uint32_t id = 0; id < programs.size(); ++id) {
    const auto hash = after.tables.find(programs[id].name);
    if (hash == after.tables.end()) continue;
    const auto old = before.tables.find(programs[id].name);
    if (old != before.tables.end() && old->second == hash->second) continue;
    auto rows = tables.load(programs[id], hash->second);
    if (!rows) return Status::error(rows.message());
    pipeline.set_table(id, rows.value());
  }
  return std::unique_ptr<Pipeline>();
}

void release_held(Pipeline& pipeline, const StreamConfig& before, const StreamConfig& after, uint64_t sequence) {
  if (before.lateness_us && !after.lateness_us) pipeline.release_held(sequence);
}

// ---- Player ----

StreamConfig Player::fixed(StreamConfig config) const {
  for (const auto& [name, hash] : fixed_) config.tables[name] = hash;
  return config;
}

Status Player::begin() {
  config_ = fixed(std::move(config_));
  auto made = pipelines_.make(rules_, config_);
  if (!made) return Status::error(made.message());
  pipeline_ = std::move(made.value());
  return Status::ok();
}

Status Player::take_config(std::string_view text, uint64_t sequence, const Playback::Note& note) {
  auto record = parse_config(text, config_);
  if (!record) return Status::error(record.message());
  const StreamConfig next = fixed(std::move(record.value().config));
  const bool has_seen_nothing = pipeline_->reorder().sequence() == 0 && pipeline_->reorder().held() == 0 &&
                                pipeline_->shards().clock_us() == INT64_MIN;
  release_held(*pipeline_, config_, next, sequence);
  if (!pipeline_->matches().empty()) note(*pipeline_);
  auto gone_on = pipelines_.go_on(*pipeline_, config_, next);
  if (!gone_on) return Status::error(gone_on.message());
  if (gone_on.value() != nullptr) pipeline_ = std::move(gone_on.value());
  config_ = next;
  if (!has_seen_nothing || !record.value().place) return Status::ok();
  return pipeline_->load_order(record.value().place->order);
}

}  // namespace omen
