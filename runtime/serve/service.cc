#include "runtime/serve/service.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/io/clock.h"
#include "runtime/io/turns.h"

namespace omen {
namespace {

constexpr int64_t view_every_us = 200'000;
constexpr int64_t pause_us = 20'000;            // while nothing may be taken
constexpr int64_t look_every_us = 100'000;      // at commands, clocks, files
constexpr int64_t repeat_said_us = 60'000'000;  // the same trouble is said once a minute
constexpr size_t published_after_events = 512;  // what is found in a long round does not wait for its end

}  // namespace

void Service::say(const std::string& line, bool is_problem) const {
  if (options_.say) options_.say(line, is_problem);
}

void Service::stop() { intake_.close(); }

void Service::ask(std::function<void(Service&)> command) {
  {
    const std::scoped_lock lock(commands_mutex_);
    commands_.push_back(std::move(command));
  }
  intake_.wake();
}

std::shared_ptr<const ServiceView> Service::view() const {
  const std::scoped_lock lock(view_mutex_);
  return view_;
}

void Service::note_full(const std::string& line) {
  const int64_t now_us = steady_clock_us();
  if (!counters_.is_full || now_us - full_said_us_ > repeat_said_us) {
    say(line, true);
    full_said_us_ = now_us;
  }
  if (std::exchange(counters_.is_full, true)) return;
  publish_view();
}

void Service::note_room() {
  if (counters_.is_full) say("there is room again: events are taken");
  counters_.is_full = false;
}

// Senders may have turned away from a full disk, so that none of them finds out that there is room again.
Status Service::look_for_room() {
  const int64_t now_us = steady_clock_us();
  if (!counters_.is_full || now_us - room_looked_us_ < options_.room_every_us) return Status::ok();
  room_looked_us_ = now_us;
  const LogRecord probe{RecordKind::config, wall_clock_us(), "{}"};
  const Appended appended = log_->append({&probe, 1}, wall_clock_us());
  if (appended.outcome == Appended::Outcome::dead) return Status::error(appended.problem);
  if (appended.outcome == Appended::Outcome::done) note_room();
  return Status::ok();
}

// ---- the loop ----

Status Service::run() {
  if (options_.takes_short_turns) take_short_turns();
  Status ended = rounds();
  if (ended) ended = finish();
  counters_.is_ready = false;
  publish_view();
  intake_.close();
  has_ended_ = true;
  // Whoever still waits for an answer is told by the end of the process; commands are answered here.
  if (Status run = run_commands(); ended && !run) ended = std::move(run);
  return ended;
}

Status Service::rounds() {
  counters_.is_ready = true;
  publish_view();
  for (bool is_open = true; is_open;) {
    batches_.clear();
    // Without room, or while a receiver is behind and nothing of it may be dropped, senders wait.
    if (!beside_.is_under_way()) outbox_is_full_ = outbox_->is_full();
    if (store_is_full_ || outbox_is_full_) {
      std::this_thread::sleep_for(std::chrono::microseconds(std::min(pause_us, options_.room_every_us)));
      is_open = !intake_.is_closing();
    } else {
      is_open = intake_.take(batches_, next_look());
    }
    if (!store_is_full_) {
      if (Status advanced = advance(); !advanced) return advanced;
    }
    if (Status settled = settle(!is_open); !settled) return settled;
    if (Status run = run_commands(); !run) return run;
    if (Status checked = check_warming(); !checked) return checked;
    if (Status kept = housekeeping(); !kept) return kept;
    if (steady_clock_us() - view_us_ > view_every_us) publish_view();
  }
  return Status::ok();
}

// What lets the log grow, and the engine see it.
Status Service::advance() {
  if (Status refreshed = refresh_tables(); !refreshed) return refreshed;
  for (Batch& batch : batches_) {
    if (Status written = write(batch); !written) return written;
  }
  if (Status looked = look_for_room(); !looked) return looked;
  if (Status ticked = tick_if_due(); !ticked) return ticked;
  return mark_place();
}

// All that was taken is durable, and committed if the store has room; what is on its way is waited for a moment.
Status Service::finish() {
  warming_.reset();
  if (Status committed = await_commit(); !committed) return committed;
  aside_.stop();
  keeps_state_ = false;
  delivery_->stop();
  if (Status settled = settle(true); !settled) return settled;
  pipeline_->free_what_is_over();
  if (pipeline_->shards().state_bytes() > options_.last_snapshot_bytes) {
    say("the state is too large for a snapshot at the end: the next start plays the log from " +
        std::to_string(snapshot_sequence_ + 1) + " on");
  } else {
    if (Status taken = go_on_without_snapshot(take_snapshot()); !taken) return taken;
    if (Status written = finish_snapshot(); !written) return written;
  }
  return log_->seal(wall_clock_us());
}

Intake::TimePoint Service::next_look() const {
  int64_t wait_us = counters_.is_full ? std::min(look_every_us, options_.room_every_us) : look_every_us;
  const int64_t now_us = wall_clock_us();
  const auto sooner = [&](std::optional<int64_t> at_us) {
    if (at_us) wait_us = *at_us <= now_us ? 0 : std::min(wait_us, *at_us - now_us);  // a deadline may be INT64_MIN
  };
  sooner(pipeline_->next_tick_us());
  if (!beside_.is_under_way()) {  // the end of a commit wakes
    sooner(outbox_->next_us());
    if (runs_ahead() && has_to_commit()) sooner(now_us + next_commit_us_ - steady_clock_us());
  }
  sooner(log_->due_us());
  return std::chrono::steady_clock::now() + std::chrono::microseconds(wait_us);
}

Status Service::run_commands() {
  std::vector<std::function<void(Service&)>> commands;
  {
    const std::scoped_lock lock(commands_mutex_);
    commands.swap(commands_);
  }
  if (commands.empty()) return Status::ok();
  // They ask the store, which is to have what subscribers have seen. Behind an error nothing is committed any more.
  Status settled = runs_ahead() && counters_.is_ready ? settle(true) : await_commit();
  for (auto& command : commands) command(*this);
  return settled;
}

// ---- write: a batch into the log and through the engine ----

Status Service::write(Batch& batch) {
  lines_.assign(batch.events);
  lines_.append(slice_padding, '\0');
  std::vector<EventOutcome> outcomes(batch.count);
  pipeline_->open(std::string_view(lines_).substr(0, batch.events.size()), batch.arrival_us);
  bool is_refused = false;
  for (;;) {
    const Decoder::Batch decoded = pipeline_->next();
    if (decoded.is_empty()) break;
    for (const Rejection& rejection : decoded.rejections) {
      quarantine_.add(rejection, batch.source);
      ++counters_.rejected;
      if (rejection.place.line >= outcomes.size()) continue;
      EventOutcome& outcome = outcomes[rejection.place.line];
      outcome.reason = rejection.reason;
      outcome.column = rejection.column;
    }
    if (!is_refused) {
      if (Status appended = append(decoded, outcomes, batch.source, is_refused); !appended) return appended;
    }
    if (is_refused) counters_.refused += decoded.events.size();  // none may overtake one that was refused
  }
  for (const RejectedPiece& piece : batch.rejected) {
    quarantine_.add({piece.reason, piece.place, piece.column, piece.bytes}, batch.source);
    ++counters_.rejected;
  }
  unacknowledged_.push_back({std::move(batch.done), std::move(outcomes)});
  return Status::ok();
}

// `is_refused`: the log has no room, and nothing of these events has happened.
Status Service::append(const Decoder::Batch& decoded, std::vector<EventOutcome>& outcomes, std::string_view source,
                       bool& is_refused) {
  records_.clear();
  record_events_.clear();
  for (size_t i = 0; i < decoded.events.size(); ++i) {
    const Event& event = decoded.events[i];
    if (pipeline_->is_ahead(event)) {
      quarantine_.add({Reason::ahead, decoded.places[i], 1, event.raw}, std::string(source));
      outcomes[decoded.places[i].line].reason = Reason::ahead;
      ++counters_.rejected;
      continue;
    }
    records_.push_back({RecordKind::event, pipeline_->arrival_us(), event.raw});
    record_events_.push_back(i);
  }
  if (records_.empty()) return Status::ok();
  const Appended appended = log_->append(records_, wall_clock_us());
  if (appended.outcome == Appended::Outcome::dead) return Status::error(appended.problem);
  if (appended.outcome != Appended::Outcome::done) {
    is_refused = true;
    note_full("events are refused: " + appended.problem);
    return Status::ok();
  }
  note_room();
  for (size_t r = 0; r < records_.size(); ++r) {
    const size_t i = record_events_[r];
    Event& event = decoded.events[i];
    EventOutcome& outcome = outcomes[decoded.places[i].line];
    outcome.sequence = appended.first + r;
    const bool is_broken = event.is_broken;
    if (is_broken) {
      note_broken(event, source);
      outcome.reason =
          pipeline_->decoder().validator().is_lenient(event.type) ? Reason::let_through : Reason::schema_violation;
      if (outcome.reason == Reason::schema_violation) outcome.sequence = 0;
    }
    switch (pipeline_->take(event, appended.first + r)) {
      case Reorder::Verdict::late:
        quarantine_.add({Reason::late, decoded.places[i], 1, event.raw}, std::string(source));
        outcome.sequence = 0;
        outcome.reason = Reason::late;
        ++counters_.late;
        break;
      case Reorder::Verdict::duplicate:
        outcome.sequence = 0;
        outcome.reason.reset();
        outcome.is_duplicate = true;
        ++counters_.duplicates;
        break;
      default:
        ++counters_.events;
    }
  }
  pipeline_->run();
  if (!pipeline_->matches().empty()) note_matches(0);
  stepped_events_ += records_.size();
  if (stepped_events_ >= published_after_events) publish_found();
  return Status::ok();
}

void Service::note_broken(const Event& event, std::string_view source) {
  violations_.clear();
  const Validator& validator = pipeline_->decoder().validator();
  validator.list(event, violations_);
  const Reason reason = !validator.is_declared(event.type) ? Reason::undeclared_type
                        : validator.is_lenient(event.type) ? Reason::let_through
                                                           : Reason::schema_violation;
  quarantine_.add({reason, {0, 0}, 1, event.raw}, std::string(source), violations_);
}

// On a silent stream the clock goes on: only when something may come true, and never while events come.
Status Service::tick_if_due() {
  if (!batches_.empty()) return Status::ok();
  const std::optional<int64_t> due_us = pipeline_->next_tick_us();
  const int64_t now_us = wall_clock_us();
  if (!due_us || *due_us > now_us) return Status::ok();
  const LogRecord tick{RecordKind::tick, pipeline_->clock_at(now_us), {}};
  const Appended appended = log_->append({&tick, 1}, now_us);
  if (appended.outcome == Appended::Outcome::dead) return Status::error(appended.problem);
  if (appended.outcome != Appended::Outcome::done) return Status::ok();  // no room: the clock waits
  ++counters_.ticks;
  pipeline_->tick(tick.time_us, log_->last());
  if (!pipeline_->matches().empty()) note_matches(0);
  return Status::ok();
}

// ---- commands ----

Status Service::no_room_for_command(const std::string& problem) {
  note_full("a command finds no room: " + problem);
  return Status::error(std::string(disk_is_full) + ": nothing was changed; free space and try again (" + problem + ")");
}

Status Service::change_outbox(const std::function<Status(Store&)>& change) {
  Status changed = store_->begin();
  if (changed) changed = change(*store_);
  if (changed) changed = store_->commit(store_->watermark(), log_->synced());
  if (!changed) store_->abandon();
  outbox_->refresh();
  return !changed && store_->fault() == StoreFault::full ? no_room_for_command(changed.message()) : changed;
}

Status Service::note_quarantine_done(std::span<const std::string> ids) {
  for (const std::string& id : ids) quarantine_.note_done(id);
  return quarantine_.flush();
}

Status Service::housekeeping() {
  if (Status checked = check_snapshot(); !checked) return checked;
  if (warming_ != nullptr) return Status::ok();  // it reads the log
  if (!is_snapshot_due()) return Status::ok();
  if (runs_ahead()) {
    keeps_state_ = true;
    return Status::ok();
  }
  if (Status synced = log_->sync(); !synced) return synced;  // under `interval`, too
  return go_on_without_snapshot(take_snapshot());
}

// ---- what others are told ----

std::vector<RuleStatus> Service::rule_statuses() const {
  std::vector<RuleStatus> out;
  out.reserve(labels_.size());
  for (RuleId rule = 0; rule < labels_.size(); ++rule) {
    const std::shared_ptr<const RuleLabel>& label = labels_[rule];
    if (label == nullptr) continue;
    out.push_back(
        {label, rules_.is_paused(label->name), pipeline_->shards().counters_of(rule).keys, messages_->matches()[rule]});
  }
  return out;
}

// What is told of the store while a commit is under way: as it was before it.
void Service::note_store() {
  counters_.watermark = store_->watermark();
  counters_.outbox = outbox_->counters();
  counters_.rows = store_->counts();
}

void Service::publish_view() {
  if (!beside_.is_under_way()) note_store();
  auto view = std::make_shared<ServiceView>(counters_);
  view->last_sequence = log_->last();
  view->synced_sequence = log_->synced();
  view->snapshot_sequence = snapshot_sequence_;
  for (size_t i = 0; i < reason_names.size(); ++i) {
    view->rejected_by_reason[i] = quarantine_.count(static_cast<Reason>(i));
  }
  view->quarantine_given_up_bytes = quarantine_.given_up();
  const Shards& engine = pipeline_->shards();
  view->clock_us = engine.clock_us();
  view->live_runs = engine.live_runs();
  view->partitions = engine.partitions();
  view->state_bytes = engine.state_bytes();
  for (RuleId rule = 0; rule < program().rules.size(); ++rule) {
    view->keys_evicted += engine.counters_of(rule).keys_evicted;
  }
  view->lanes = delivery_->report();
  view->rules = rule_statuses();
  view->mappings = mappings_;
  view_us_ = steady_clock_us();
  const std::scoped_lock lock(view_mutex_);
  view_ = std::move(view);
}

}  // namespace omen
