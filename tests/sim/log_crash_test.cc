// Log and snapshots over a disk that loses power, tears writes, forgets names, fails and fills: after each recovery
// everything that was called durable is there, in order, and nothing is there that was not written.
//
//   OMEN_CASES=N   how many cycles (2,000)        OMEN_SEED=S   where they begin; cycle i is made from seed S + i
//
// A cycle is one data folder with a few lives; each ends in a power cut within some call of the disk, in a failed call,
// or in a kill. The negative controls run the same cycles over defects (SimulatedDisk::Defects, and two of the
// caller's), and each must be noticed.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cerrno>
#include <map>
#include <optional>

#include "runtime/log/data_folder.h"
#include "runtime/log/log.h"
#include "runtime/log/reader.h"
#include "runtime/log/snapshot_file.h"
#include "tests/support/cycles.h"
#include "tests/support/simulated_disk.h"

namespace omen {
namespace {

// What the caller of the log may do wrong.
struct CallerDefects {
  bool acknowledges_unsynced = false;
  bool prunes_uncovered = false;  // without waiting for a snapshot
};

struct Tally {
  uint64_t lives = 0, power_cuts = 0, kills = 0, failures = 0, torn_ends = 0, full = 0, records = 0, snapshots = 0,
           pruned = 0, lost_unacknowledged = 0;
};

class Cycle {
 public:
  Cycle(uint64_t seed, const SimulatedDisk::Defects& defects, const CallerDefects& caller, Tally& tally)
      : disk_(seed * 2 + 1), caller_(caller), random_(seed), tally_(tally) {
    disk_.defects = defects;
    options_.segment_bytes = 700 + pick(6'000);
    const uint64_t mode = pick(4);
    options_.durability.mode = mode == 0   ? Durability::Mode::interval
                               : mode == 1 ? Durability::Mode::off
                                           : Durability::Mode::fsync;
    options_.durability.interval_us = 5'000;
  }

  // What was found wrong; empty when nothing.
  std::string run() {
    const uint64_t lives = 2 + pick(5);
    for (uint64_t life = 0; life <= lives && problem_.empty(); ++life) live(life == lives);
    return problem_;
  }

 private:
  uint64_t pick(uint64_t below) { return random_() % below; }
  void wrong(std::string problem) {
    if (problem_.empty()) problem_ = std::move(problem);
  }

  // One process. The last one has no faults: it must come up.
  void live(bool is_last) {
    ++tally_.lives;
    const uint64_t fault = is_last ? 9 : pick(10);
    has_errors_ = fault == 6;
    if (fault < 6) disk_.stop_at(1 + pick(60));
    if (fault == 6) disk_.fail_at(1 + pick(60), EIO);
    if (fault == 7) disk_.set_capacity(used() + pick(3'000));
    std::unique_ptr<Log> log = open();
    if (log != nullptr && problem_.empty()) work(*log);
    if (log == nullptr && !disk_.is_stopped() && fault != 6 && fault != 7 && !failed_) wrong("it does not come up");
    log.reset();
    disk_.fail_at(0, 0);
    disk_.set_capacity(UINT64_MAX);
    if (disk_.is_stopped() || pick(3) == 0) {
      ++tally_.power_cuts;
      disk_.power_cut();
    } else {
      ++tally_.kills;
      disk_.stop_at(0);
    }
  }

  uint64_t used() const {
    uint64_t sum = 0;
    for (const std::string& path : disk_.paths()) sum += disk_.content(path).size();
    return sum;
  }

  std::unique_ptr<Log> open() {
    failed_ = false;
    if (auto made = make_data_folder(disk_, "d"); !made) return refuse(made.message());
    options_.verify_from = pick(2) == 0 ? 0 : acknowledged_;
    options_.durable_through = pick(2) == 0 ? 0 : acknowledged_;
    auto opened = Log::open(disk_, "d/log", options_, now_us_);
    if (!opened) return refuse(opened.message());
    Log& log = *opened.value();
    if (log.recovery().cut) ++tally_.torn_ends;
    verify(log);
    if (log.epoch() <= epoch_used_) wrong(fmt::format("epoch {} is used again", log.epoch()));
    failed_opens_ = 0;
    if (log.last() > log.recovery().last) written_.push_back("epoch ");
    acknowledged_ = log.synced();
    return std::move(opened.value());
  }

  std::unique_ptr<Log> refuse(const std::string& message) {
    ++failed_opens_;
    // A fault of the disk is an answer; finding damage where only power was lost is not.
    if (!disk_.is_stopped() && message.find("damaged") != std::string::npos) wrong(message);
    if (!disk_.is_stopped() && message.find("ends with") != std::string::npos) wrong(message);
    return nullptr;
  }

  // An opening that failed may have left the record of its epoch behind what it had recovered.
  void verify(const Log& log) {
    const uint64_t last = log.recovery().last;
    if (last < acknowledged_)
      return wrong(fmt::format("{} was acknowledged, the log ends with {}", acknowledged_, last));
    if (log.first() > covered_ + 1)
      return wrong(fmt::format("begins with {}, only {} is covered", log.first(), covered_));
    auto reader = LogReader::open(disk_, "d/log", 0, last);
    if (!reader) {
      if (!disk_.is_stopped()) wrong(reader.message());
      return;
    }
    uint64_t next = log.first();
    uint64_t epochs = 0;
    const uint64_t written = written_.size();
    LogReader::Entry entry;
    for (; reader.value()->next(entry); ++next) {
      const std::string found = fmt::format("{} {}", name_of(entry.record.kind), entry.record.text);
      if (entry.sequence != next) return wrong(fmt::format("sequence {} in place of {}", entry.sequence, next));
      if (epochs == 0 && next <= written_.size() && found == written_[next - 1]) continue;
      if (next <= acknowledged_ || found != "epoch " || ++epochs > failed_opens_) {
        return wrong(fmt::format("sequence {} of {}: {}", next, written, found));
      }
      written_.resize(next - 1);
      written_.push_back(found);
    }
    if (disk_.is_stopped()) return;
    if (!reader.value()->status()) return wrong(reader.value()->status().message());
    if (next != last + 1) return wrong(fmt::format("reading ends before {}, the log with {}", next, last));
    if (last > written_.size()) return wrong(fmt::format("{} was written, the log ends with {}", written, last));
    tally_.lost_unacknowledged += written_.size() - last;
    written_.resize(last);
    verify_snapshots(last);
  }

  void verify_snapshots(uint64_t watermark) {
    auto loaded = load_snapshot(disk_, "d/snapshots", watermark);
    if (!loaded) {
      if (!disk_.is_stopped() && !has_errors_) wrong(loaded.message());
      return;
    }
    if (!loaded.value().skipped.empty()) wrong("a snapshot is damaged: " + loaded.value().skipped[0]);
    const uint64_t found = loaded.value().snapshot ? loaded.value().snapshot->sequence : 0;
    const uint64_t before = snapshot_;
    if (found < snapshot_) return wrong(fmt::format("snapshot {} was durable, the newest is {}", snapshot_, found));
    if (found > 0 && loaded.value().snapshot->state != state_at(found)) return wrong("a snapshot has another state");
    // One whose writing was not seen to its end counts once it has been loaded.
    if (found > before) previous_snapshot_ = before, snapshot_ = found;
  }

  static std::string state_at(uint64_t sequence) {
    return std::string(sequence % 2'000, 's') + std::to_string(sequence);
  }

  void work(Log& log) {
    const uint64_t steps = 1 + pick(25);
    for (uint64_t step = 0; step < steps && problem_.empty() && !failed_; ++step) {
      now_us_ += static_cast<int64_t>(pick(3'000));
      switch (pick(12)) {
        case 0:
          if (!log.sync()) failed_ = true;
          break;
        case 1:
          snapshot(log);
          break;
        case 2:
          prune(log);
          break;
        case 3:
          if (pick(8) == 0 && !log.seal(now_us_)) failed_ = true;
          break;
        case 4:
          disk_.set_capacity(UINT64_MAX);
          break;  // room again
        default:
          append(log);
      }
      if (log.synced() > log.last()) wrong("more is synced than was appended");
      acknowledged_ = std::max(acknowledged_, caller_.acknowledges_unsynced ? log.last() : log.synced());
    }
  }

  void append(Log& log) {
    std::vector<std::string> texts;
    std::vector<LogRecord> records;
    const uint64_t count = 1 + pick(6);
    texts.reserve(count);
    for (uint64_t i = 0; i < count; ++i) {
      const bool is_tick = pick(5) == 0;
      texts.push_back(is_tick ? "" : fmt::format("{{\"n\":{},\"pad\":\"{}\"}}", salt_++, std::string(pick(700), 'x')));
      records.push_back({is_tick ? RecordKind::tick : RecordKind::event, now_us_, texts.back()});
    }
    // From here on they may be found, even when the append fails in a power cut.
    const uint64_t before = log.last();
    written_.resize(before);
    const bool is_epoch_due = before == log.recovery().last;
    if (is_epoch_due) written_.push_back("epoch ");
    for (const LogRecord& one : records) written_.push_back(fmt::format("{} {}", name_of(one.kind), one.text));
    const Appended appended = log.append(records, now_us_);
    switch (appended.outcome) {
      case Appended::Outcome::done:
        if (appended.first != written_.size() - count + 1) wrong("an append has another place than it says");
        epoch_used_ = log.epoch();
        tally_.records += count;
        if (!log.settle(now_us_)) failed_ = true;
        if (!failed_ && options_.durability.mode == Durability::Mode::fsync && log.synced() != log.last()) {
          wrong("settled, and not synced");
        }
        break;
      case Appended::Outcome::full:
        ++tally_.full;
        if (log.last() != before && !is_epoch_due) wrong("a full disk has changed the log");
        written_.resize(log.last());
        break;
      default:
        ++tally_.failures;
        failed_ = true;
    }
  }

  void snapshot(Log& log) {
    if (!log.sync()) {
      failed_ = true;
      return;
    }
    const uint64_t sequence = log.synced();
    if (sequence == 0) return;
    if (!write_snapshot(disk_, "d/snapshots", sequence, state_at(sequence))) return;
    ++tally_.snapshots;
    previous_snapshot_ = sequence == snapshot_ ? previous_snapshot_ : snapshot_;
    snapshot_ = sequence;
  }

  void prune(Log& log) {
    covered_ = std::max(covered_, previous_snapshot_);
    const uint64_t covered = caller_.prunes_uncovered ? log.synced() : covered_;
    Retention retention;
    retention.bytes_max = pick(3) == 0 ? 0 : pick(8'000);
    if (pick(3) == 0) retention.age_us_max = static_cast<int64_t>(pick(20'000));
    const auto pruned = log.prune(covered, retention, now_us_);
    if (!pruned) {
      if (disk_.is_stopped()) failed_ = true;
      return;
    }
    tally_.pruned += pruned.value().segments;
  }

  SimulatedDisk disk_;
  CallerDefects caller_;
  std::mt19937_64 random_;
  Tally& tally_;
  LogOptions options_;
  int64_t now_us_ = 1'700'000'000'000'000;
  std::vector<std::string> written_;  // by sequence, from 1
  uint64_t acknowledged_ = 0, covered_ = 0, snapshot_ = 0, previous_snapshot_ = 0, epoch_used_ = 0, salt_ = 0,
           failed_opens_ = 0;
  bool failed_ = false, has_errors_ = false;
  std::string problem_;
};

std::optional<uint64_t> first_found(uint64_t cycles, const SimulatedDisk::Defects& defects,
                                    const CallerDefects& caller) {
  Tally tally;
  return omen::first_found(cycles, [&](uint64_t seed) { return Cycle(seed, defects, caller, tally).run(); });
}

}  // namespace

TEST_CASE("log: crash cycles lose nothing that was durable, and invent nothing") {
  const uint64_t cycles = cases(2'000);
  Tally tally;
  check_cycles(cycles, [&](uint64_t seed) { return Cycle(seed, {}, {}, tally).run(); });
  MESSAGE(
      fmt::format("{} cycles: {} lives, {} power cuts, {} kills, {} dead by errors, {} appends to a full disk, {} torn "
                  "ends cut, {} records ({} unacknowledged lost), {} snapshots, {} segments pruned",
                  cycles, tally.lives, tally.power_cuts, tally.kills, tally.failures, tally.full, tally.torn_ends,
                  tally.records, tally.lost_unacknowledged, tally.snapshots, tally.pruned));
  if (cycles >= 1'000) {  // the cycles reach what they are there for
    CHECK(tally.torn_ends > cycles / 20);
    CHECK(tally.pruned > cycles / 20);
    CHECK(tally.full > cycles / 20);
    CHECK(tally.lost_unacknowledged > 0);
  }
}

TEST_CASE("log: crash cycles notice every seeded defect") {
  constexpr uint64_t cycles = 2'000;
  SimulatedDisk::Defects sync, folder, cut, retry;
  sync.forgets_sync = folder.forgets_folder_sync = cut.forgets_cut_sync = retry.retries_sync = true;
  CallerDefects early, uncovered;
  early.acknowledges_unsynced = uncovered.prunes_uncovered = true;
  CHECK_MESSAGE(first_found(cycles, sync, {}), "acknowledges before it syncs");
  CHECK_MESSAGE(first_found(cycles, folder, {}), "does not sync the folder of a new file");
  CHECK_MESSAGE(first_found(cycles, cut, {}), "does not sync after a cut");
  CHECK_MESSAGE(first_found(cycles, retry, {}), "tries a failed sync again");
  CHECK_MESSAGE(first_found(cycles, {}, early), "acknowledges what was appended, not what is durable");
  CHECK_MESSAGE(first_found(cycles, {}, uncovered), "unlinks what no snapshot covers");
}

}  // namespace omen
