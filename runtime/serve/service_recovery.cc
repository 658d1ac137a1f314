// How a service comes back (service.h): files, the newest snapshot with S <= W, then the records of the log behind it.
//
// The records up to W are played without raising anything: their matches are committed. What the ones behind W complete
// is raised as if they had just come; rows that are there already stay as they are, so nothing is doubled.
#include <utility>

#include "runtime/io/clock.h"
#include "runtime/log/reader.h"
#include "runtime/log/snapshot_file.h"
#include "runtime/serve/playback.h"
#include "runtime/serve/seeded_defects.h"
#include "runtime/serve/service.h"

namespace omen {
namespace {

constexpr uint64_t segment_grace_part = 4;  // of a segment: until the commit behind which it ends best

// Where nobody waits for the disk, the writer does not either.
Beside::Manner manner_of(const ServiceOptions& options) {
  if (options.log.durability.mode != Durability::Mode::off) return Beside::Manner::at_once;
  return options.disk == nullptr ? Beside::Manner::thread : Beside::Manner::later;
}

}  // namespace

Result<std::unique_ptr<Service>> Service::open(ServiceOptions options, Compile compile, const RuleSet& rules) {
  std::unique_ptr<Service> service(new Service(std::move(options), std::move(compile)));
  if (Status opened = service->open_files(); !opened) return opened;
  if (Status recovered = service->recover(rules); !recovered) return recovered;
  return service;
}

Service::Service(ServiceOptions options, Compile compile)
    : options_(std::move(options)),
      compile_(std::move(compile)),
      disk_(options_.disk != nullptr ? *options_.disk : real_disk()),
      pipelines_{options_.pipeline, TableStore(disk_, options_.data)},
      config_(config_of(options_.pipeline)),
      view_(std::make_shared<ServiceView>()),
      beside_(manner_of(options_), [this] { intake_.wake(); }) {}

Status Service::open_files() {
  if (disk_.make_folder(options_.data).code() != 0) return Status::error("cannot make the folder " + options_.data);
  if (options_.disk == nullptr) {
    auto lock = FolderLock::take(options_.data);
    if (!lock) return Status::error(lock.message());
    lock_ = std::move(lock.value());
  }
  if (Status made = make_data_folder(disk_, options_.data); !made) return made;
  auto store = Store::open(state_path(options_.data), options_.store);
  if (!store) return Status::error(store.message());
  store_ = std::move(store.value());
  if (const auto synced = disk_.sync_folder(options_.data); !synced) {
    return synced.status("sync the folder", options_.data);
  }
  LogOptions log_options = options_.log;
  log_options.durable_through = store_->watermark();
  if (runs_ahead()) log_options.segment_grace_bytes = log_options.segment_bytes / segment_grace_part;
  auto log = Log::open(disk_, log_folder(options_.data), log_options, wall_clock_us());
  if (!log) return Status::error(log.message());
  log_ = std::move(log.value());
  if (const auto& cut = log_->recovery().cut) say("the log's torn end was cut: " + damage_text(*cut), true);
  if (options_.disk == nullptr) {
    const QuarantineOptions bounded{options_.quarantine_bytes_max, true};
    if (Status opened = quarantine_.open(options_.data + "/quarantine.ndjson", bounded); !opened) return opened;
  }
  DeliveryOptions delivery = options_.delivery;
  delivery.wake = [this] {
    has_attempts_ = true;
    intake_.wake();
  };
  delivery_ = std::make_unique<Delivery>(std::move(delivery));
  outbox_ = std::make_unique<Outbox>(*store_, *delivery_, log_->epoch() * 0x9E3779B97F4A7C15u);
  return Status::ok();
}

Status Service::recover(const RuleSet& rules) {
  const auto loaded = load_snapshot();
  if (!loaded) return Status::error(loaded.message());
  if (Status replayed = replay(loaded.value()); !replayed) return replayed;
  if (pipeline_ == nullptr) {
    if (Status begun = begin(rules); !begun) return begun;
  } else {
    drop_tables(0);
    if (Status taken = take_options(); !taken) return taken;
    if (Status refreshed = refresh_tables(); !refreshed) return refreshed;
    if (RuleSet next = started_with(rules, rules_); !(next == rules_)) {
      Status changed = Status::ok();
      change_rules(std::move(next),
                   [&](const auto& done) { changed = done ? Status::ok() : Status::error(done.message()); });
      if (Status finished = finish_warming(); !finished) return finished;
      if (!changed) return changed;
    }
  }
  if (Status started = delivery_->start(); !started) return started;
  if (Status settled = settle(true); !settled) return settled;
  publish_view();
  return Status::ok();
}

// The sequence that the state is of; 0: there is no snapshot.
Result<uint64_t> Service::load_snapshot() {
  const uint64_t newest = seeded.accepts_newer_snapshot ? UINT64_MAX : store_->watermark();
  auto found = omen::load_snapshot(disk_, snapshot_folder(options_.data), newest);
  if (!found) return Status::error(found.message());
  for (const std::string& problem : found.value().skipped) say("a snapshot is passed over: " + problem, true);
  if (!found.value().snapshot) return uint64_t{0};
  const Snapshot& snapshot = *found.value().snapshot;
  auto parts = parse_snapshot_parts(snapshot.state);
  if (!parts) return Status::error(parts.message());
  if (parts.value().config) config_ = std::move(*parts.value().config);
  auto rules = parse_rule_set(parts.value().rules);
  if (!rules) return Status::error(rules.message());
  auto program = compile_(rules.value().files);
  if (!program) return Status::error("the rules of the snapshot do not compile any more:\n" + program.message());
  auto made = pipelines_.make(program.value(), config_);
  if (!made) return Status::error(made.message());
  std::unique_ptr<Pipeline> pipeline = std::move(made.value());
  if (Status loaded = pipeline->load(parts.value().order, parts.value().engine); !loaded) return loaded;
  if (Status used = use(std::move(rules.value()), std::move(pipeline)); !used) return used;
  snapshot_sequence_ = snapshot.sequence;
  return snapshot.sequence;
}

Status Service::replay(uint64_t after) {
  if (log_->last() <= after) return Status::ok();
  if (log_->first() > after + 1) {
    return Status::error("the log begins at " + std::to_string(log_->first()) +
                         " and the newest snapshot that can be read is of " + std::to_string(after) +
                         ": what lies between is gone. `omen repair` shows what can be done");
  }
  auto reader = LogReader::open(disk_, log_folder(options_.data), after + 1);
  if (!reader) return Status::error(reader.message());
  const uint64_t watermark = seeded.raises_nothing_again ? UINT64_MAX : store_->watermark();
  Playback playback(*reader.value());
  const auto note = [&](Pipeline&) { note_matches(watermark); };
  for (;;) {
    const Playback::Step step = playback.next(pipeline_.get(), note);
    if (step.kind == Playback::Step::Kind::end) break;
    Status taken = Status::ok();
    if (step.kind == Playback::Step::Kind::rules) taken = replay_rules(step, reader.value()->records_lost() > 0);
    if (step.kind == Playback::Step::Kind::config) taken = replay_config(step, note);
    if (!taken) return taken;
  }
  coming_.reset();
  return reader.value()->status();
}

// Rules that come into force make up their state in the record that says they are coming; in logs of the first version,
// which have none, right where they are in force. `has_gaps`: a repair has given up records, perhaps the rules that
// these build on.
Status Service::replay_rules(const Playback::Step& step, bool has_gaps) {
  auto record = parse_rules_record(step.text, &rules_);
  if (!record && has_gaps) {
    say("the rules of record " + std::to_string(step.sequence) + " are not known: " + record.message() +
            (pipeline_ != nullptr ? "; those of before stay" : "; events count from where a segment has all of them"),
        true);
    return Status::ok();
  }
  if (!record) return Status::error(record.message());
  RuleSet& rules = record.value().rules;
  if (pipeline_ != nullptr && rules.files == rules_.files) {  // they stand in each segment once more
    rules_ = std::move(rules);
    messages_->set_paused(rules_);
    return Status::ok();
  }
  std::optional<Coming> coming = std::exchange(coming_, std::nullopt);
  if (!coming || coming->sequence != record.value().coming_at) {
    coming = Coming{step.sequence - 1, make_coming(record.value(), step.sequence - 1)};
  }
  if (!coming->player) return Status::error(coming->player.message());
  Player& player = *coming->player.value();
  if (Status played = play(player, coming->sequence + 1, step.sequence - 1, nullptr); !played) return played;
  StreamConfig next = config_;
  if (record.value().tables) next.tables = *record.value().tables;
  if (Status used = use(std::move(rules), player.give()); !used) return used;
  hold_config(std::move(next), step.sequence);
  return Status::ok();
}

// What `record` asks for, with its state at `through`, where this pipeline is.
Result<std::unique_ptr<Player>> Service::make_coming(const RulesRecord& record, uint64_t through) const {
  auto program = compile_(record.rules.files);
  if (!program) return Status::error("the rules of the log do not compile any more:\n" + program.message());
  if (pipeline_ == nullptr) {
    StreamConfig config = config_;
    if (record.tables) config.tables = *record.tables;
    auto player = std::make_unique<Player>(pipelines_, program.value(), config, std::map<std::string, std::string>());
    if (Status begun = player->begin(); !begun) return begun;
    return player;
  }
  const std::map<std::string, std::string>& tables = record.tables ? *record.tables : config_.tables;
  std::map<std::string, std::string> fresh;
  for (const std::string& name : new_tables(program.value()->program, &pipeline_->program())) {
    if (const auto at = tables.find(name); at != tables.end()) fresh.insert(*at);
  }
  const std::vector<RuleChange> changes = compare_rules(pipeline_->program(), program.value()->program);
  std::unique_ptr<Player> rebuilt;
  if (needs_log(changes)) {
    rebuilt = std::make_unique<Player>(pipelines_, program.value(), config_, fresh);
    if (Status begun = rebuilt->begin(); !begun) return begun;
    uint64_t from = record.warmed_from;
    if (from < log_->first() && log_->first() > 1) {
      say("the log that rules were made warm with is pruned in part: their state is made of what is left", true);
      from = warm_from(std::nullopt, INT64_MIN, log_->first(), through);
    }
    if (Status played = play(*rebuilt, from, through, nullptr); !played) return played;
  }
  std::string order, engine;
  pipeline_->save(order, engine);
  return follow(program.value(), config_, std::move(fresh), changes, {{}, order, engine, std::nullopt},
                std::move(rebuilt), nullptr);
}

Status Service::replay_config(const Playback::Step& step, const Playback::Note& note) {
  auto record = parse_config(step.text, config_);
  if (!record) return Status::error(record.message());
  if (record.value().coming) {
    auto rules = parse_rules_record(*record.value().coming);
    if (!rules) return Status::error(rules.message());
    coming_ = Coming{step.sequence, make_coming(rules.value(), step.sequence - 1)};
    return Status::ok();
  }
  StreamConfig& next = record.value().config;
  if (pipeline_ != nullptr) {
    release_held(*pipeline_, config_, next, step.sequence);
    if (!pipeline_->matches().empty()) note(*pipeline_);
    auto gone_on = pipelines_.go_on(*pipeline_, config_, next);
    if (!gone_on) return Status::error(gone_on.message());
    if (gone_on.value() != nullptr) adopt(rules_, std::move(gone_on.value()));
  }
  hold_config(std::move(next), step.sequence);
  return Status::ok();
}

// The first rules of a new folder.
Status Service::begin(const RuleSet& rules) {
  auto program = compile_(rules.files);
  if (!program) return Status::error(program.message());
  config_ = config_of(options_.pipeline);
  auto tables = read_tables(program.value()->program, nullptr);
  if (!tables) return Status::error(tables.message());
  config_.tables = std::move(tables.value());
  auto pipeline = pipelines_.make(program.value(), config_);
  if (!pipeline) return Status::error(pipeline.message());
  if (Status used = use(rules, std::move(pipeline.value())); !used) return used;  // before it stands in the log
  if (Status marked = mark_place(); !marked) return marked;
  return marked_segment_ != 0 ? Status::ok() : Status::error("the disk has no room for the first rules");
}

}  // namespace omen
