// How rules change in a running service (service.h).
//
//   compile                                        in a thread of its own, as all but what the writer is said to do
//   a pipeline of the new program plays the log    from where the horizon of what is new or has changed begins
//                                                  (horizon.h), or all of it: as if the rules had been there; nothing
//                                                  is raised
//   the writer saves the state, a large one by a snapshot, and notes in the log that these rules are coming
//   another pipeline goes on from there            with the state of kept rules from what was saved, of the others from
//                                                  what was played; it catches up with the writer until a few records
//                                                  are left
//   the writer plays these; the rules become a record of the log, and the pipeline takes over: at one place of the
//   stream
//
// Where few rules change, the pipeline in force takes them on itself, without a save: service_part.cc.
//
// The writer never waits for a large state to be copied. Recovery, which meets the note first, makes the same state
// there, so that rules that emit for one another have had the same events in both. Another snapshot follows.
#include <algorithm>
#include <memory>
#include <utility>

#include "runtime/io/clock.h"
#include "runtime/model/link.h"
#include "runtime/serve/service_warming.h"

namespace omen {

Service::~Service() {
  if (retiring_.joinable()) retiring_.join();
}

void Service::plan_rules(RuleSet rules, RulesDone done) { start_warming(std::move(rules), true, std::move(done)); }

void Service::change_rules(RuleSet rules, RulesDone done) { start_warming(std::move(rules), false, std::move(done)); }

void Service::start_warming(RuleSet rules, bool is_plan, RulesDone done) {
  if (warming_ != nullptr)
    return done(Status::error("another change of rules is under way; try again when it is done"));
  auto warming = std::make_unique<Warming>();
  warming->rules = std::move(rules);
  warming->is_plan = is_plan;
  warming->done = std::move(done);
  warming->is_whole = options_.compile_change == nullptr;
  start_warming(std::move(warming));
}

void Service::start_warming(std::unique_ptr<Warming> begun) {
  warming_ = std::move(begun);
  Warming& warming = *warming_;
  if (!warming.is_whole) warming.before = rules_.files;
  warming.paused = rules_.paused;
  warming.head = log_->last();
  warming.config = config_;
  warming.clock_us = pipeline_->shards().clock_us();
  warming.log_first = log_->first();
  warming.thread = std::thread([this, &warming, before = pipeline_->rules()] {
    if (warming.is_whole || !warm_part(warming, before->program)) warming.status = warm(warming, before->program);
    warming.set(Stage::ready);
    intake_.wake();
  });
}

// Between two rounds.
Status Service::check_warming() {
  if (warming_ == nullptr) return Status::ok();
  warming_->head = log_->last();
  const Stage stage = warming_->stage;
  if (stage == Stage::wants_state) return begin_state(*warming_);
  if (stage == Stage::saving && !aside_.is_under_way()) {
    const bool is_saved = snapshot_sequence_ == warming_->coming_at - 1;
    give_state(*warming_, is_saved ? Status::ok() : Status::error("the state cannot be saved: " + snapshot_problem_));
  }
  if (stage != Stage::ready) return Status::ok();
  warming_->thread.join();
  const std::shared_ptr<Warming> warming = std::exchange(warming_, nullptr);
  if (!warming->status || warming->is_plan) {
    warming->done(warming->status ? Result(warming->changes) : warming->status);
    return Status::ok();
  }
  return warming->part ? put_part_in_force(*warming) : put_in_force(*warming);
}

// What the thread may go on with, or why it may not.
void Service::give_state(Warming& warming, const Status& state) {
  warming.status = state;
  warming.set(Stage::has_state);
}

// The state of this place; the record behind it says what is coming.
Status Service::begin_state(Warming& warming) {
  if (aside_.is_under_way()) return Status::ok();  // one of before: it comes first
  keeps_state_ = false;                            // one that has not begun comes later
  if (Status settled = settle(true); !settled) return settled;
  Status refused = Status::ok();
  if (Status begun = begin_saving(warming, refused); !begun) return begun;
  if (!refused) {
    give_state(warming, refused);
    return Status::ok();
  }
  const std::string text = coming_text(rules_record_text(record_of(warming)));
  if (Status put = put_rules(RecordKind::config, text, warming.coming_at, refused); !put) return put;
  if (!refused || !aside_.is_under_way()) {
    give_state(warming, refused);
  } else {
    warming.set(Stage::saving);
  }
  return Status::ok();
}

// A small state, and that of a service which does not take events yet, is saved in memory; a large one by a snapshot.
Status Service::begin_saving(Warming& warming, Status& refused) {
  if (!counters_.is_ready || pipeline_->shards().state_bytes() < options_.aside_from_bytes) {
    warming.saved = snapshot_bytes(rules_, *pipeline_, config_);
    return Status::ok();
  }
  const Status taken = take_snapshot();
  if (taken) return taken;
  if (store_->fault() == StoreFault::broken) return taken;
  refused = store_is_full_ ? no_room_for_command(taken.message()) : taken;
  return Status::ok();
}

// Before there are rounds.
Status Service::finish_warming() {
  while (warming_ != nullptr) {
    const Stage stage = warming_->stage;
    if (stage == Stage::making || stage == Stage::has_state) warming_->stage.wait(stage);
    if (Status written = finish_snapshot(); !written) return written;
    if (Status checked = check_warming(); !checked) return checked;
  }
  return Status::ok();
}

Status Service::put_in_force(Warming& warming) {
  if (Status played = play(*warming.player, warming.next, log_->last(), nullptr); !played) {
    warming.done(played);
    return Status::ok();
  }
  std::unique_ptr<Pipeline> pipeline = warming.player->give();
  if (rules_.paused != warming.paused) warming.rules.paused = rules_.paused;  // meanwhile
  // Before it stands in the log: what cannot be in force here, for want of a secret, must not be there for ever.
  if (Status ready = set_destinations(pipeline->program()); !ready) {
    warming.done(ready);
    return set_destinations(pipeline_->program());
  }
  StreamConfig config = config_;
  config.tables = tables_with(warming);
  uint64_t sequence = 0;
  Status refused = Status::ok();
  const std::string text = rules_record_text(record_of(warming), &rules_);
  if (Status put = put_rules(RecordKind::rules, text, sequence, refused); !put) return put;
  if (!refused) {
    warming.done(refused);
    return set_destinations(pipeline_->program());
  }
  adopt(std::move(warming.rules), std::move(pipeline));
  hold_config(std::move(config), sequence);
  if (Status settled = settle(true); !settled) return settled;
  snapshot_wanted_ = sequence;
  warming.done(warming.changes);
  return Status::ok();
}

// Those that the new rules have, when they are in force.
std::map<std::string, std::string> Service::tables_with(const Warming& warming) const {
  std::map<std::string, std::string> tables = warming.tables;
  for (const TableProgram& table : warming.compiled->program.tables) {
    if (const auto kept = config_.tables.find(table.name); kept != config_.tables.end()) tables.insert(*kept);
  }
  return tables;
}

RulesRecord Service::record_of(const Warming& warming) const {
  RulesRecord record{warming.rules, warming.from, warming.coming_at, std::nullopt};
  if (std::map<std::string, std::string> tables = tables_with(warming); tables != config_.tables) {
    record.tables = std::move(tables);
  }
  return record;
}

// `refused`: the log has no room, and nothing has come of it. An error is the end of the service.
Status Service::put_rules(RecordKind kind, const std::string& text, uint64_t& sequence, Status& refused) {
  const int64_t now_us = wall_clock_us();
  const LogRecord record{kind, now_us, text};
  const Appended appended = log_->append({&record, 1}, now_us);
  if (appended.outcome == Appended::Outcome::dead) return Status::error(appended.problem);
  sequence = appended.first;
  if (appended.outcome == Appended::Outcome::full) {
    refused = no_room_for_command(appended.problem);
  } else if (appended.outcome != Appended::Outcome::done) {
    refused = Status::error("the rules could not be put into force: " + appended.problem);
  }
  return Status::ok();
}

Status Service::set_destinations(const Program& program) {
  if (Status committed = await_commit(); !committed) return committed;
  if (Status set = delivery_->set_destinations(program.destinations); !set) return set;
  return outbox_->load(program);
}

Status Service::use(RuleSet rules, std::unique_ptr<Pipeline> pipeline) {
  if (Status set = set_destinations(pipeline->program()); !set) return set;
  adopt(std::move(rules), std::move(pipeline));
  return Status::ok();
}

void Service::adopt(RuleSet rules, std::unique_ptr<Pipeline> pipeline) {
  const Program& program = pipeline->program();
  mappings_ = nullptr;
  if (!program.mappings.empty()) {
    auto mappings = std::make_shared<Program>();
    mappings->types = program.types;
    mappings->fields = program.fields;
    mappings->schemas = program.schemas;
    mappings->code = program.code;
    mappings->tables = program.tables;
    mappings->mappings = program.mappings;
    mappings_ = std::move(mappings);
  }
  auto messages = std::make_unique<Messages>(pipeline->program(), pipeline->shards());
  messages->set_paused(rules);
  messages_ = std::move(messages);
  retire(std::exchange(pipeline_, std::move(pipeline)));
  rules_ = std::move(rules);
  labels_.clear();
  for (RuleId rule = 0; rule < this->program().rules.size(); ++rule) label(rule);
}

// What views say of a rule that has come to its place, or another one has.
void Service::label(RuleId id) {
  const CompiledRules& compiled = *pipeline_->rules();
  const RuleProgram& rule = compiled.program.rules[id];
  labels_.resize(compiled.program.rules.size());
  labels_[id] = nullptr;
  if (is_place_empty(rule)) return;
  const auto file = compiled.file_of_rule.find(rule.name);
  labels_[id] = std::make_shared<const RuleLabel>(
      RuleLabel{rule.name, std::string(severity_text(rule.severity)),
                file != compiled.file_of_rule.end() ? file->second : std::string(), rule.version});
}

// To free a large state takes as long as to write it.
void Service::retire(std::unique_ptr<Pipeline> pipeline) {
  if (pipeline == nullptr || pipeline->shards().state_bytes() < options_.aside_from_bytes) return;
  if (retiring_.joinable()) retiring_.join();
  retiring_ = std::thread([old = std::move(pipeline)]() mutable { old.reset(); });
}

Status Service::pause(const std::string& rule, bool is_paused) {
  const auto& rules = pipeline_->program().rules;
  if (rule.empty() || std::ranges::find(rules, rule, &RuleProgram::name) == rules.end()) {
    return Status::error("there is no rule `" + rule + "`");
  }
  if (rules_.is_paused(rule) == is_paused) return Status::ok();
  RuleSet next = rules_;
  if (is_paused) {
    next.paused.push_back(rule);
  } else {
    std::erase(next.paused, rule);
  }
  const std::string text = rule_set_text(next, &rules_);
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
