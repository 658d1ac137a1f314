// How rules change in a running service (service.h).
//
//   compile                                        in a thread of its own, as all but the last two
//   a pipeline of the new program plays the log    from where the horizon of what is new or has changed begins
//                                                  (horizon.h), or all of it: as if the rules had been there; nothing
//                                                  is raised
//   it catches up with the writer                  until a few records are left, which the writer plays
//   state of rules that are kept                   is what it is, from the engine in service
//   the rules become a record of the log, and the pipeline takes over: at one place of the stream
//
// A snapshot follows, so that recovery need not do it again.
#include <algorithm>
#include <thread>
#include <utility>

#include "runtime/io/clock.h"
#include "runtime/log/reader.h"
#include "runtime/serve/playback.h"
#include "runtime/serve/service.h"
#include "runtime/serve/stream_place.h"

namespace omen {
namespace {

constexpr uint64_t close_enough_records = 2'000;  // left to the writer: less than a batch

}  // namespace

// What a thread makes; the writer joins it.
struct Service::Warming {
  RuleSet rules;
  bool is_plan = false;
  std::vector<RuleChange> changes;
  RulesDone done;
  StreamConfig config;     // in force when it began
  int64_t clock_us = 0;    // of the engine then
  uint64_t log_first = 0;  // of the log then
  SharedRules compiled;
  std::map<std::string, std::string> tables;  // those that are new, with the hash of their rows
  std::unique_ptr<Player> player;             // when a state has to be made
  uint64_t from = 0;                          // where it began; 0: with the log
  uint64_t played = 0;                        // the last sequence
  Status status = Status::ok();
  std::atomic<uint64_t> head = 0;  // the last durable sequence, as the writer tells
  std::atomic<bool> is_ready = false, is_given_up = false;
  std::thread thread;

  ~Warming() {
    is_given_up = true;
    if (thread.joinable()) thread.join();
  }
};

Service::~Service() = default;

void Service::plan_rules(RuleSet rules, RulesDone done) { start_warming(std::move(rules), true, std::move(done)); }

void Service::change_rules(RuleSet rules, RulesDone done) { start_warming(std::move(rules), false, std::move(done)); }

void Service::start_warming(RuleSet rules, bool is_plan, RulesDone done) {
  if (warming_ != nullptr)
    return done(Status::error("another change of rules is under way; try again when it is done"));
  warming_ = std::make_shared<Warming>();
  Warming& warming = *warming_;
  warming.rules = std::move(rules);
  warming.is_plan = is_plan;
  warming.done = std::move(done);
  warming.head = log_->last();
  warming.config = config_;
  warming.clock_us = pipeline_->shards().clock_us();
  warming.log_first = log_->first();
  warming.thread = std::thread([this, &warming, before = pipeline_->rules()] {
    warming.status = warm(warming, before->program);
    warming.is_ready = true;
    warming.is_ready.notify_all();
    intake_.wake();
  });
}

// Not the writer's thread: of the service it reads what does not change.
Status Service::warm(Warming& warming, const Program& before) const {
  auto compiled = compile_(warming.rules.files);
  if (!compiled) return Status::error(compiled.message());
  warming.changes = compare_rules(before, compiled.value()->program);
  if (warming.is_plan) return Status::ok();
  warming.compiled = compiled.value();
  auto tables = read_tables(warming.compiled->program, &before);
  if (!tables) return Status::error(tables.message());
  warming.tables = std::move(tables.value());
  if (!needs_log(warming.changes)) return Status::ok();
  warming.player = std::make_unique<Player>(pipelines_, warming.compiled, warming.config, warming.tables);
  if (Status begun = warming.player->begin(); !begun) return begun;
  warming.from = warm_from(horizon_of(warming.changes), warming.clock_us, warming.log_first, warming.head);
  uint64_t from = warming.from;
  do {
    const uint64_t head = warming.head;
    if (Status played = play(*warming.player, from, head, &warming.is_given_up); !played) return played;
    warming.played = head;
    from = head + 1;
  } while (!warming.is_given_up && warming.head - warming.played > close_enough_records);
  return Status::ok();
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

// Between two rounds.
Status Service::check_warming() {
  if (warming_ == nullptr) return Status::ok();
  warming_->head = log_->last();
  if (!warming_->is_ready) return Status::ok();
  warming_->thread.join();
  const std::shared_ptr<Warming> warming = std::exchange(warming_, nullptr);
  if (!warming->status || warming->is_plan) {
    warming->done(warming->status ? Result(warming->changes) : warming->status);
    return Status::ok();
  }
  return put_in_force(*warming);
}

// Before there are rounds.
Status Service::finish_warming() {
  while (warming_ != nullptr) {
    warming_->is_ready.wait(false);
    if (Status checked = check_warming(); !checked) return checked;
  }
  return Status::ok();
}

Status Service::put_in_force(Warming& warming) {
  if (warming.player != nullptr) {
    if (Status played = play(*warming.player, warming.played + 1, log_->last(), nullptr); !played) {
      warming.done(played);
      return Status::ok();
    }
  }
  StreamConfig config = config_;
  config.tables = warming.tables;
  for (const TableProgram& table : warming.compiled->program.tables) {
    if (const auto kept = config_.tables.find(table.name); kept != config_.tables.end()) config.tables.insert(*kept);
  }
  auto pipeline = follow(warming.compiled, config, warming.player == nullptr ? nullptr : &warming.player->pipeline());
  if (!pipeline) {
    warming.done(Status::error(pipeline.message()));
    return Status::ok();
  }
  // Before it stands in the log: what cannot be in force here, for want of a secret, must not be there for ever.
  if (Status ready = set_destinations(pipeline.value()->program()); !ready) {
    warming.done(ready);
    return set_destinations(pipeline_->program());
  }
  RulesRecord change{warming.rules, warming.from, std::nullopt};
  if (config.tables != config_.tables) change.tables = config.tables;
  const std::string text = rules_record_text(change);
  const int64_t now_us = wall_clock_us();
  const LogRecord record{RecordKind::rules, now_us, text};
  const Appended appended = log_->append({&record, 1}, now_us);
  if (appended.outcome == Appended::Outcome::dead) return Status::error(appended.problem);
  if (appended.outcome != Appended::Outcome::done) {
    warming.done(appended.outcome == Appended::Outcome::full
                     ? no_room_for_command(appended.problem)
                     : Status::error("the rules could not be put into force: " + appended.problem));
    return set_destinations(pipeline_->program());
  }
  adopt(std::move(warming.rules), std::move(pipeline.value()));
  hold_config(std::move(config), appended.first);
  if (Status settled = settle(true); !settled) return settled;
  bool is_taken = false;
  Status tried = try_snapshot(is_taken);
  warming.done(warming.changes);
  return tried;
}

// The pipeline that goes on where the present one is: state of rules that are kept from it, of the others from
// `rebuilt`, if there are others.
Result<std::unique_ptr<Pipeline>> Service::follow(const SharedRules& rules, const StreamConfig& config,
                                                  const Pipeline* rebuilt) const {
  auto next = pipelines_.make(rules, config);
  if (!next || pipeline_ == nullptr) return next;
  std::string order, engine, rebuilt_order, rebuilt_engine;
  pipeline_->save(order, engine);
  if (rebuilt != nullptr) rebuilt->save(rebuilt_order, rebuilt_engine);
  if (Status loaded = next.value()->load(order, engine, rebuilt_engine); !loaded) return loaded;
  return next;
}

Status Service::set_destinations(const Program& program) {
  if (Status set = delivery_->set_destinations(program.destinations); !set) return set;
  return outbox_->load(program);
}

Status Service::use(RuleSet rules, std::unique_ptr<Pipeline> pipeline) {
  if (Status set = set_destinations(pipeline->program()); !set) return set;
  adopt(std::move(rules), std::move(pipeline));
  return Status::ok();
}

void Service::adopt(RuleSet rules, std::unique_ptr<Pipeline> pipeline) {
  auto messages = std::make_unique<Messages>(pipeline->program(), pipeline->shards());
  messages->set_paused(rules);
  messages_ = std::move(messages);
  pipeline_ = std::move(pipeline);
  rules_ = std::move(rules);
}

Status Service::pause(const std::string& rule, bool is_paused) {
  const auto& rules = pipeline_->program().rules;
  if (std::ranges::find(rules, rule, &RuleProgram::name) == rules.end()) {
    return Status::error("there is no rule `" + rule + "`");
  }
  if (rules_.is_paused(rule) == is_paused) return Status::ok();
  RuleSet next = rules_;
  if (is_paused) {
    next.paused.push_back(rule);
  } else {
    std::erase(next.paused, rule);
  }
  const std::string text = rule_set_text(next);
  const int64_t now_us = wall_clock_us();
  const LogRecord record{RecordKind::rules, now_us, text};
  const Appended appended = log_->append({&record, 1}, now_us);
  if (appended.outcome == Appended::Outcome::full) return no_room_for_command(appended.problem);
  if (appended.outcome != Appended::Outcome::done) return Status::error(appended.problem);
  rules_ = std::move(next);
  messages_->set_paused(rules_);
  return Status::ok();
}

}  // namespace omen
