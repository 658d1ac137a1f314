// A change of a few rules, in place (rules_part.h). The thread compiles them and plays the log for them alone; the
// writer plays the few records that are left, the rules become a record of the log, and the pipeline in force takes
// them on at that place of the stream. There is no record that says they are coming: recovery makes their state right
// there.
//
// The writer takes over the state that was made: a microsecond or more for each key. Where these are many, the whole
// way is gone, on which it does not wait for that.
#include <utility>

#include "runtime/serve/configured.h"
#include "runtime/serve/service_warming.h"

namespace omen {
namespace {

constexpr uint64_t keys_max = 20'000;

}  // namespace

// False: the whole way has to be gone. `warming.status` says what went wrong on this one.
bool Service::warm_part(Warming& warming, const Program& before) {
  const auto changed = options_.compile_change(warming.before, warming.rules.files);
  if (!changed) return false;
  warming.part = part_of(before, *changed, warming.config.shards);
  if (!warming.part) return false;
  warming.changes = std::move(warming.part->changes);
  if (warming.is_plan || !needs_log(warming.changes)) return true;
  warming.player = std::make_unique<Player>(pipelines_, changed->rules, warming.config, warming.tables);
  warming.status = warming.player->begin();
  if (!warming.status) return true;
  warming.from = warm_from(horizon_of(warming.changes), warming.clock_us, warming.log_first, warming.head);
  warming.next = warming.from;
  warming.status = catch_up(*warming.player, warming);
  const bool is_small = warming.player->pipeline().shards().partitions() <= keys_max;
  if (!warming.status || warming.is_given_up || is_small) return true;
  warming.part.reset();
  warming.player.reset();  // here, for it takes its time
  return false;
}

Status Service::put_part_in_force(Warming& warming) {
  const RulesPart& part = *warming.part;
  if (rules_.paused != warming.paused) warming.rules.paused = rules_.paused;  // meanwhile
  if (!can_change(pipeline_->program(), part, config_.shards)) {              // there are other options since
    auto whole = std::make_unique<Warming>();
    whole->rules = std::move(warming.rules);
    whole->done = std::move(warming.done);
    whole->is_whole = true;
    start_warming(std::move(whole));
    return Status::ok();
  }
  std::string order, rebuilt;
  if (warming.player != nullptr) {
    if (Status played = play(*warming.player, warming.next, log_->last(), nullptr); !played) {
      warming.done(played);
      return Status::ok();
    }
    const int64_t clock_us = warming.player->pipeline().shards().clock_us();
    if (clock_us != INT64_MIN && clock_us != pipeline_->shards().clock_us()) {
      warming.done(Status::error("the log does not lead to where the stream is: the rules stay as they are"));
      return Status::ok();
    }
    warming.player->pipeline().save(order, rebuilt);
  }
  RulesRecord record{std::move(warming.rules), warming.from, 0, std::nullopt};
  if (rules_record_bytes_max(record.rules) > record_text_bytes_max &&
      rules_record_text(record).size() > record_text_bytes_max) {  // each segment begins with all of them
    warming.done(
        Status::error("all rule files together are larger than a record of the log; the rules stay as they are"));
    return Status::ok();
  }
  uint64_t sequence = 0;
  Status refused = Status::ok();
  const std::string text = rules_record_text(record, &rules_);
  if (Status put = put_rules(RecordKind::rules, text, sequence, refused); !put) return put;
  if (!refused) {
    warming.done(refused);
    return Status::ok();
  }
  if (retiring_.joinable()) retiring_.join();  // a pipeline of before may have the same program
  if (Status changed = pipeline_->change(part, rebuilt); !changed) return changed;
  std::vector<RuleId> places = part.emptied;
  for (const RuleId place : part.emptied) label(place);
  for (const RulePlace& place : part.places) {
    label(place.id);
    if (!place.goes_on) places.push_back(place.id);  // what goes on has its count
  }
  messages_->take_on(places);
  messages_->set_paused(record.rules);
  if (Status committed = await_commit(); !committed) return committed;              // who commits has the outbox
  if (Status loaded = outbox_->load(pipeline_->program()); !loaded) return loaded;  // hours of quiet
  rules_ = std::move(record.rules);
  if (Status settled = settle(true); !settled) return settled;
  snapshot_wanted_ = sequence;
  warming.done(warming.changes);
  return Status::ok();
}

}  // namespace omen
