// Snapshots of a service, and what they let go (service.h).
//
// A large state is written by a copy of the process (aside.h), so that the writer goes on; a small one at once.
#include <chrono>
#include <thread>
#include <utility>

#include "runtime/io/clock.h"
#include "runtime/log/snapshot_file.h"
#include "runtime/serve/seeded_defects.h"
#include "runtime/serve/service.h"

namespace omen {
namespace {

constexpr int64_t snapshot_again_us = 10'000'000;  // after one that failed
// One that takes long takes much of a core, and of the disk: it is made more rarely.
constexpr int64_t snapshot_long_us = 1'000'000;
constexpr int64_t snapshot_part = 10;  // of the time it gets at most such a part

}  // namespace

// The state as it is here. A copy of the process holds it by itself; it writes when it is told to.
Service::KeptState Service::keep_state() {
  KeptState kept;
  snapshot_begun_us_ = steady_clock_us();
  kept.sequence = log_->last();
  const auto write = [this, sequence = kept.sequence](std::string_view bytes) {
    return write_snapshot(disk_, snapshot_folder(options_.data), sequence, bytes);
  };
  const bool is_large = pipeline_->shards().state_bytes() >= options_.aside_from_bytes;
  if (is_large && options_.disk == nullptr) {
    const auto work = [&] { return write(snapshot_bytes(rules_, *pipeline_, config_)); };
    const Status begun = aside_.begin(work, Aside::Start::when_told);
    if (begun) {
      kept.is_aside = true;
      kept.write = [this] { return aside_.go_on(), Status::ok(); };
      aside_sequence_ = kept.sequence;
      return kept;
    }
    say("a large state is written while all else waits: " + begun.message(), true);
  }
  kept.write = [write, bytes = snapshot_bytes(rules_, *pipeline_, config_)] { return write(bytes); };
  return kept;
}

// By whoever commits, behind the commit. W is committed and durable first, so that neither a crash nor a power cut
// leaves snapshots that are all newer than W: what is before the older one may be pruned from the log.
void Service::write_snapshot_of(KeptState& kept) {
  if (!seeded.snapshots_before_checkpoint) kept.written = store_->checkpoint();
  if (kept.written) kept.written = kept.write();
}

void Service::end_snapshot(KeptState kept) {
  snapshot_status_ = std::move(kept.written);
  if (!snapshot_status_) {
    if (kept.is_aside) aside_.stop();
  } else if (!kept.is_aside) {
    hold_snapshot(kept.sequence);
  }
}

// Ok: it is written, or under way.
Status Service::take_snapshot() {
  if (log_->synced() < log_->last()) return Status::error("the log is not synced");
  keeps_state_ = true;
  if (Status committed = commit(); !committed) return committed;
  return std::exchange(snapshot_status_, Status::ok());
}

void Service::hold_snapshot(uint64_t sequence) {
  snapshot_sequence_ = sequence;
  snapshot_us_ = steady_clock_us();
  snapshot_took_us_ = snapshot_us_ - snapshot_begun_us_;
  ++counters_.snapshots;
  is_to_prune_ = true;
}

// Without one recovery takes longer: that is said, and no more. A store that is broken is the end; a commit under way
// says so itself.
Status Service::go_on_without_snapshot(const Status& failed) {
  if (failed || (!beside_.is_under_way() && store_->fault() == StoreFault::broken)) return failed;
  snapshot_problem_ = failed.message();
  say("no snapshot: " + snapshot_problem_, true);
  snapshot_failed_us_ = steady_clock_us();
  return Status::ok();
}

// Whether the copy has written it; what came of one that was behind a commit.
Status Service::check_snapshot() {
  if (const Status failed = std::exchange(snapshot_status_, Status::ok()); !failed) {
    return go_on_without_snapshot(failed);
  }
  if (commit_.kept) return Status::ok();  // whoever commits tells the copy to go on
  const std::optional<Status> ended = aside_.ended();
  if (!ended) return Status::ok();
  if (*ended) hold_snapshot(aside_sequence_);
  return go_on_without_snapshot(*ended);
}

// When nothing else is to be done.
Status Service::finish_snapshot() {
  for (; aside_.is_under_way(); std::this_thread::sleep_for(std::chrono::milliseconds(1))) {
    if (Status checked = check_snapshot(); !checked) return checked;
  }
  return Status::ok();
}

bool Service::is_snapshot_due() const {
  const int64_t now_us = steady_clock_us();
  if (keeps_state_ || commit_.kept || aside_.is_under_way() || store_is_full_) return false;
  if (now_us - snapshot_failed_us_ < snapshot_again_us) return false;
  if (snapshot_sequence_ < snapshot_wanted_) return true;
  const uint64_t records = log_->last() - snapshot_sequence_;
  const int64_t since_us = now_us - snapshot_us_;
  const int64_t apart_us = snapshot_took_us_ < snapshot_long_us ? 0 : snapshot_took_us_ * snapshot_part;
  if (since_us < apart_us) return false;
  if (records > 0 && since_us >= options_.snapshot_us) return true;
  if (runs_ahead() && holds_pruning_up(records)) return true;
  return records >= options_.snapshot_records && (!runs_ahead() || since_us >= options_.snapshot_apart_us);
}

// Whether the log is beyond its retention because there is no newer snapshot. So it has about twice as much at most.
bool Service::holds_pruning_up(uint64_t records) const {
  const uint64_t bytes = log_->bytes(), kept = log_->last() + 1 - log_->first();
  if (bytes <= options_.retention.bytes_max) return false;
  return static_cast<double>(bytes) * static_cast<double>(records) / static_cast<double>(kept) >=
         static_cast<double>(options_.retention.bytes_max);
}

// While rules are made warm the log is read.
bool Service::has_to_prune() const { return is_to_prune_ && warming_ == nullptr; }

// Of the log what a snapshot covers that would outlive the newest one, too.
Result<Service::Pruning> Service::begin_prune() {
  is_to_prune_ = false;
  Pruning pruning;
  if (options_.retention.bytes_max == UINT64_MAX && options_.retention.age_us_max == INT64_MAX) return pruning;
  const auto snapshots = list_snapshots(disk_, snapshot_folder(options_.data));
  if (!snapshots) return Status::error(snapshots.message());
  if (snapshots.value().size() < snapshots_kept) return pruning;
  pruning.log = log_->begin_prune(snapshots.value().front(), options_.retention, wall_clock_us());
  return pruning;
}

// By whoever commits, behind the commit.
Status Service::prune_rows() {
  if (Status begun = store_->begin(); !begun) return begun;
  const auto rows = store_->prune(wall_clock_us());
  return rows ? store_->commit(commit_.watermark, commit_.sync.last()) : Status::error(rows.message());
}

Status Service::end_prune(const Pruning& pruning) {
  if (pruning.log) {
    const auto pruned = log_->end_prune(*pruning.log);
    if (!pruned) return Status::error(pruned.message());
    if (pruned.value().segments > 0) {
      drop_tables(pruned.value().first);
      say("the log begins at " + std::to_string(pruned.value().first) +
          " now: " + std::to_string(pruned.value().segments) + " segments are over their time or size");
    }
  }
  if (pruning.rows) return Status::ok();
  store_->abandon();
  if (store_->fault() == StoreFault::broken) return pruning.rows;
  say("finished rows are not pruned: " + pruning.rows.message(), true);
  return Status::ok();
}

}  // namespace omen
