// The state of new and changed rules, made from the log (service_warming.h). Nothing here is the writer's thread but
// where recovery calls it: of the service it reads what does not change.
#include "runtime/serve/service_warming.h"

#include "runtime/log/reader.h"
#include "runtime/log/snapshot_file.h"
#include "runtime/serve/playback.h"
#include "runtime/serve/snapshot_parts.h"
#include "runtime/serve/stream_place.h"

namespace omen {
namespace {

constexpr uint64_t close_enough_records = 2'000;  // left to the writer: less than a batch

}  // namespace

// What is to be in force stands behind the record `coming_at`, or nothing is and `status` says why.
Status Service::warm(Warming& warming, const Program& before) {
  auto compiled = compile_(warming.rules.files);
  if (!compiled) return Status::error(compiled.message());
  warming.changes = compare_rules(before, compiled.value()->program);
  if (warming.is_plan) return Status::ok();
  warming.compiled = compiled.value();
  auto tables = read_tables(warming.compiled->program, &before);
  if (!tables) return Status::error(tables.message());
  warming.tables = std::move(tables.value());
  std::unique_ptr<Player> rebuilt;
  if (needs_log(warming.changes)) {
    rebuilt = std::make_unique<Player>(pipelines_, warming.compiled, warming.config, warming.tables);
    if (Status begun = rebuilt->begin(); !begun) return begun;
    warming.from = warm_from(horizon_of(warming.changes), warming.clock_us, warming.log_first, warming.head);
    warming.next = warming.from;
    if (Status caught = catch_up(*rebuilt, warming); !caught) return caught;
  }
  warming.set(Stage::wants_state);
  intake_.wake();
  warming.wait_for_state();
  if (!warming.status || warming.is_given_up) return warming.status;
  return join_state(warming, std::move(rebuilt));
}

// From the saved state on all rules are one pipeline.
Status Service::join_state(Warming& warming, std::unique_ptr<Player> rebuilt) {
  const uint64_t snapshot = warming.coming_at - 1;
  if (rebuilt != nullptr) {
    if (Status played = play(*rebuilt, warming.next, snapshot, &warming.is_given_up); !played) return played;
  }
  if (warming.is_given_up) return Status::ok();
  if (warming.saved.empty()) {
    auto found = omen::load_snapshot(disk_, snapshot_folder(options_.data), snapshot, &warming.is_given_up);
    if (!found) return Status::error(found.message());
    if (!found.value().snapshot || found.value().snapshot->sequence != snapshot) {
      return Status::error("the snapshot that the rules were to go on from cannot be read; try again");
    }
    warming.saved = std::move(found.value().snapshot->state);
  }
  if (warming.is_given_up) return Status::ok();
  auto parts = parse_snapshot_parts(warming.saved);
  if (!parts) return Status::error(parts.message());
  auto player = follow(warming.compiled, *parts.value().config, warming.tables, warming.changes, parts.value(),
                       std::move(rebuilt), &warming.is_given_up);
  if (!player) return Status::error(player.message());
  warming.saved = {};
  warming.player = std::move(player.value());
  warming.next = warming.coming_at + 1;
  return catch_up(*warming.player, warming);
}

// Until what is left is little, whatever comes meanwhile.
Status Service::catch_up(Player& player, Warming& warming) const {
  do {
    const uint64_t head = warming.head;
    if (Status played = play(player, warming.next, head, &warming.is_given_up); !played) return played;
    warming.next = std::max(warming.next, head + 1);
  } while (!warming.is_given_up && warming.head > warming.next + close_enough_records);
  return Status::ok();
}

// The pipeline of `rules` that goes on where another was saved, under `config` and the new `tables`: the state of rules
// that are kept from there, what has to be made anew from `rebuilt`, which is at the same place.
Result<std::unique_ptr<Player>> Service::follow(const SharedRules& rules, const StreamConfig& config,
                                                std::map<std::string, std::string> tables,
                                                const std::vector<RuleChange>& changes, const SnapshotParts& saved,
                                                std::unique_ptr<Player> rebuilt,
                                                const std::atomic<bool>* is_given_up) const {
  Rebuilt made;
  std::string order, engine;
  if (rebuilt != nullptr) {
    rebuilt->pipeline().save(order, engine);
    rebuilt.reset();
    made = {engine, with_longer_histories(changes)};
  }
  auto player = std::make_unique<Player>(pipelines_, rules, config, std::move(tables));
  if (Status begun = player->begin(); !begun) return begun;
  if (Status loaded = player->pipeline().load(saved.order, saved.engine, made, is_given_up); !loaded) return loaded;
  return player;
}

// Where in the log to begin for states that reach so far back from the clock; 0: with it.
uint64_t Service::warm_from(std::optional<int64_t> horizon_us, int64_t clock_us, uint64_t log_first,
                            uint64_t through) const {
  int64_t begin_us = INT64_MIN;
  if (horizon_us && clock_us != INT64_MIN && __builtin_sub_overflow(clock_us, *horizon_us, &begin_us))
    begin_us = INT64_MIN;
  const auto place = find_place(disk_, log_folder(options_.data), begin_us, through);
  return !place || (!place->is_far_enough && log_first == 1) ? 0 : place->sequence;
}

// The records in [from, through], raising nothing. `from` 0: from the first that there is.
Status Service::play(Player& player, uint64_t from, uint64_t through, const std::atomic<bool>* is_given_up) const {
  if (through < from) return Status::ok();
  auto reader = LogReader::open(disk_, log_folder(options_.data), from, through);
  if (!reader) return Status::error(reader.message());
  Playback playback(*reader.value());
  const auto forget = [](Pipeline& played) { played.clear_matches(); };
  while (is_given_up == nullptr || !*is_given_up) {
    const Playback::Step step = playback.next(&player.pipeline(), forget);
    if (step.kind == Playback::Step::Kind::end) break;
    if (step.kind != Playback::Step::Kind::config) continue;
    if (Status taken = player.take_config(step.text, step.sequence, forget); !taken) return taken;
  }
  return reader.value()->status();
}

}  // namespace omen
