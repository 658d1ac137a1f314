// How matches get into the store, and alerts out (service.h): settle() is the end of each round.
//
// A commit is begun, done and ended. It is done at once, by begin_commit() itself; under `durability = off`, where
// nobody waits for the disk, by a thread of its own (beside.h): then store, outbox and what the commit has taken are
// that thread's until its end, and whoever else wants them waits for it (await_commit).
//
//                  fsync, interval                                off
//   subscribers    see an alert when its row is committed         when its match is found
//   a commit       of what is synced                              syncs the log first, beside the rounds
//
// Both have the same order on the disk: the log, then rows and W, then what is handed to delivery.
#include <algorithm>
#include <iterator>
#include <utility>

#include "runtime/io/clock.h"
#include "runtime/serve/seeded_defects.h"
#include "runtime/serve/service.h"

namespace omen {
namespace {

constexpr int64_t commit_every_us = 200'000;  // on a full disk
constexpr uint64_t commit_lag_max = 100'000;  // records behind which W is committed even without a match
constexpr size_t published_at_once = 512;
constexpr uint64_t unsent_bytes_max = 16u << 20;  // beyond, what runs ahead of the store waits for it

}  // namespace

void Service::note_matches(uint64_t after) {
  const size_t before = unsent_.size();
  messages_->append(after, wall_clock_us(), unsent_);
  pipeline_->clear_matches();
  const auto raised = std::span(unsent_).subspan(before);
  for (const Message& message : raised) unsent_bytes_ += message.body.size() + message.text.size();
  if (runs_ahead()) unpublished_ += raised.size();
}

void Service::publish_found() {
  stepped_events_ = 0;
  if (unpublished_ > 0) publish(std::span(unsent_).last(std::exchange(unpublished_, 0)));
}

void Service::publish(std::span<const Message> messages) const {
  // In pieces: who listens can take one while the next is put into a queue that has a limit.
  while (options_.publish && !messages.empty()) {
    const size_t piece = std::min(messages.size(), published_at_once);
    options_.publish(messages.first(piece));
    messages = messages.subspan(piece);
  }
}

// ---- settle: what was written becomes durable, is acknowledged and committed ----

Status Service::settle(bool is_last) {
  const uint64_t synced_before = log_->synced();
  publish_found();
  if (seeded.acknowledges_before_sync) acknowledge();
  if (Status ended = is_last || unsent_bytes_ > unsent_bytes_max ? await_commit() : look_at_commit(); !ended) {
    return ended;
  }
  if (Status synced = is_last ? log_->sync() : log_->settle(wall_clock_us()); !synced) return synced;
  counters_.syncs += log_->synced() > synced_before ? 1 : 0;
  acknowledge();
  if (Status flushed = quarantine_.flush(); !flushed) say(flushed.message(), true);
  if (beside_.is_under_way()) return Status::ok();
  if (is_commit_due(is_last)) {
    if (Status begun = begin_commit(); !begun) return begun;
    if (Status ended = runs_ahead() && !is_last ? Status::ok() : await_commit(); !ended) return ended;
  }
  return runs_ahead() ? Status::ok() : outbox_->hand_over(wall_clock_us());
}

void Service::acknowledge() {
  for (const Waiting& waiting : unacknowledged_) {
    if (waiting.done) waiting.done(waiting.outcomes);
  }
  unacknowledged_.clear();
}

// Asked when none is under way.
bool Service::has_to_commit() const {
  return store_is_full_ || !unsent_.empty() || has_attempts_ || keeps_state_ || has_to_prune() ||
         (runs_ahead() && log_->is_over() && steady_clock_us() >= next_end_us_) ||
         log_->last() - store_->watermark() > commit_lag_max;
}

// Likewise. What runs ahead of the store has its commits apart: together rows share pages. But what delivery waits for
// comes at once.
bool Service::is_commit_due(bool is_last) const {
  const int64_t now_us = steady_clock_us();
  if (has_to_commit()) {
    if (is_last) return true;
    if (store_is_full_) return now_us >= commit_again_us_;
    if (!runs_ahead()) return log_->synced() == log_->last();
    if (now_us >= next_commit_us_) return true;
  }
  const std::optional<int64_t> due_us = runs_ahead() ? outbox_->next_us() : std::nullopt;
  return due_us && *due_us <= wall_clock_us();
}

Status Service::commit() {
  if (Status begun = begin_commit(); !begun) return begun;
  return await_commit();
}

Status Service::begin_commit() {
  publish_found();
  next_commit_us_ = steady_clock_us() + options_.commit_apart_us;
  if (has_to_prune()) {
    auto pruning = begin_prune();
    if (!pruning) return Status::error(pruning.message());
    commit_.pruning = std::move(pruning.value());
  }
  commit_.messages = std::exchange(unsent_, {});
  unsent_bytes_ = 0;
  commit_.watermark = log_->last();
  commit_.sync = log_->begin_sync();
  if (std::exchange(keeps_state_, false)) commit_.kept = keep_state();
  beside_.begin([this] { return do_commit(); });
  return Status::ok();
}

// By whoever commits. Without room it stays undone, and is tried again later: the matches stand in the log.
Status Service::do_commit() {
  if (commit_.pruning && commit_.pruning->log) commit_.pruning->log->run();  // first, for it makes room
  if (const DiskStatus synced = commit_.sync.run(); !synced) return synced.status("sync", log_folder(options_.data));
  if (Status done = transact(); !done) return done;
  // Before anything else is committed or abandoned: the outbox has to see that what it has recorded is there.
  if (Status handed = outbox_->hand_over(wall_clock_us()); !handed) return handed;
  if (commit_.kept) {
    write_snapshot_of(*commit_.kept);
    // Behind a sync of the store that has failed no commit, and no other sync, may be believed.
    if (!commit_.kept->written && store_->fault() == StoreFault::broken) return commit_.kept->written;
  }
  if (commit_.pruning) commit_.pruning->rows = prune_rows();
  if (commit_.sync.is_of_one_over()) {  // last, so that next to nothing is left for the sync by which it ends
    if (const DiskStatus synced = commit_.sync.run_rest(); !synced) {
      return synced.status("sync", log_folder(options_.data));
    }
  }
  return Status::ok();
}

// Rows, results and W in one transaction.
Status Service::transact() {
  const uint64_t watermark = commit_.watermark, synced = commit_.sync.last();
  const int64_t now_us = wall_clock_us();
  has_attempts_ = false;  // before they are taken: what comes later wakes again
  if (seeded.commits_watermark_first) {
    if (Status begun = store_->begin(); !begun) return begun;
    if (Status early = store_->commit(watermark, synced); !early) return early;
  }
  if (Status begun = store_->begin(); !begun) return begun;
  for (const Message& message : commit_.messages) {
    if (Status added = outbox_->add(message, now_us); !added) return added;
  }
  if (Status recorded = outbox_->record(now_us); !recorded) return recorded;
  return store_->commit(watermark, synced);
}

Status Service::look_at_commit() {
  const std::optional<Status> done = beside_.ended();
  return done ? end_commit(*done) : Status::ok();
}

Status Service::await_commit() {
  const std::optional<Status> done = beside_.wait();
  return done ? end_commit(*done) : Status::ok();
}

Status Service::end_commit(const Status& done) {
  const uint64_t synced_before = log_->synced();
  if (!done) {  // first: whatever else has failed, commands are answered yet
    store_->abandon();
    outbox_->refresh();
  }
  if (Status synced = log_->end_sync(commit_.sync); !synced) return synced;
  if (commit_.sync.is_of_one_over() && runs_ahead()) {
    if (Status ended = log_->end_if_over(); !ended) return ended;
    if (log_->is_over()) next_end_us_ = steady_clock_us() + options_.room_every_us;  // no room for another one
  }
  counters_.syncs += log_->synced() > synced_before ? 1 : 0;
  std::vector<Message> messages = std::exchange(commit_.messages, {});
  std::optional<KeptState> kept = std::exchange(commit_.kept, std::nullopt);
  const std::optional<Pruning> pruning = std::exchange(commit_.pruning, std::nullopt);
  if (pruning) {
    if (Status pruned = end_prune(*pruning); !pruned) return pruned;
  }
  outbox_is_full_ = outbox_->is_full();  // here, for the next commit may begin at once
  if (!done) {
    if (store_->fault() != StoreFault::full) return done;
    messages.insert(messages.end(), std::make_move_iterator(unsent_.begin()), std::make_move_iterator(unsent_.end()));
    unsent_ = std::move(messages);
    if (kept) {
      kept->written = Status::error("the store has no room for what it would rely on");
      end_snapshot(std::move(*kept));
    }
    store_is_full_ = true;
    commit_again_us_ = steady_clock_us() + std::min(commit_every_us, options_.room_every_us);
    note_full("nothing is taken until there is room: " + done.message());
    return Status::ok();
  }
  store_is_full_ = false;
  ++counters_.commits;
  if (!runs_ahead()) publish(messages);
  if (kept) end_snapshot(std::move(*kept));
  note_store();
  return Status::ok();
}

}  // namespace omen
