// The store over a disk that loses power, tears writes, forgets names, fails and fills: after each recovery it is as
// one of its commits has left it, none before the last that was made durable, and whole.
//
//   OMEN_CASES=N   how many cycles (2,000)        OMEN_SEED=S   where they begin; cycle i is made from seed S + i
//
// A cycle is one file with a few lives; each ends in a power cut within some call of the disk, in a failed call, in a
// kill, or cleanly. What ought to be there is kept by a model of the store that knows nothing of SQLite. The negative
// controls run the same cycles over defects, of the disk and of whoever uses the store, and each must be noticed.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cerrno>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "runtime/outbox/store.h"
#include "tests/support/cycles.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/simulated_vfs.h"

namespace omen {
namespace {

// What the store's caller may do wrong.
struct CallerDefects {
  bool commits_watermark_first = false;  // in a transaction of its own
  bool believes_commits = false;         // takes what is committed for durable
};

struct Tally {
  uint64_t lives = 0, power_cuts = 0, kills = 0, ends = 0, commits = 0, checkpoints = 0, errors = 0, full = 0,
           lost_commits = 0, rows = 0;
};

// What the store should hold.
struct Row {
  std::string alert, destination;
  RowState state = RowState::due;
  uint32_t attempts = 0, recorded = 0;  // `recorded`: rows of attempts
  int64_t next_us = 0;
  bool operator==(const Row&) const = default;
};
struct Model {
  std::map<int64_t, Row> rows;  // by number
  std::map<std::string, std::string> holds, rules;
  uint64_t watermark = 0, epoch = 0, commit = 0;
  bool operator==(const Model&) const = default;
};

std::string body_of(const std::string& alert) {
  const size_t number = std::stoul(alert);
  return alert + std::string(number % 7 == 0 ? 9'000 : number % 400, 'b');
}

class Cycle {
 public:
  Cycle(uint64_t seed, const SimulatedDisk::Defects& defects, const CallerDefects& caller, Tally& tally)
      : disk_(seed * 2 + 1), vfs_(disk_), caller_(caller), random_(seed), tally_(tally) {
    disk_.defects = defects;
    (void)disk_.make_folder("d");
    (void)disk_.sync_folder(".");
    options_.vfs = vfs_.name();
    options_.delivered_max = 20;
    if (seed % 4 == 0) options_.checkpoint_pages = 12;
    options_.delivered_for_us = INT64_MAX / 2;
  }

  // What was found wrong; empty when nothing.
  std::string run() {
    const uint64_t lives = 1 + pick(3);
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
    is_faulty_ = fault >= 5 && fault <= 7;
    if (fault < 5) disk_.stop_at(1 + pick(pick(2) == 0 ? 40 : 400));
    if (fault == 5) disk_.fail_at(1 + pick(300), EIO);
    if (fault == 6) disk_.fail_read_at(1 + pick(60), EIO);
    if (fault == 7) disk_.set_capacity(disk_.used_bytes() + pick(80'000), 1 + pick(4));
    std::unique_ptr<Store> store = open();
    if (store != nullptr && problem_.empty()) work(*store);
    const uint64_t end = pick(4);
    if (!disk_.is_stopped() && end == 0) {
      store.reset();
      ++tally_.ends;
      if (!is_faulty_ && !disk_.is_stopped()) durable_ = history_.back().commit;
    }
    disk_.stop();
    store.reset();
    // After an error the process ends, and the machine mostly does not.
    if (fault == 5 ? pick(4) == 0 : end != 1 || pick(2) == 0) {
      ++tally_.power_cuts;
      disk_.power_cut();
      least_ = durable_;
    } else {
      ++tally_.kills;
      disk_.restart();
    }
  }

  std::unique_ptr<Store> open() {
    StoreFault fault = StoreFault::none;
    auto opened = Store::open("d/state.db", options_, &fault);
    if (!opened) {
      if (!disk_.is_stopped() && !is_faulty_) wrong("it does not come up: " + opened.message());
      return nullptr;
    }
    verify(*opened.value());
    // As the service does: a journal that SQLite has deleted must not come back.
    if (!disk_.sync_folder("d")) {
      if (!disk_.is_stopped() && !is_faulty_) wrong("the folder cannot be synced");
      return nullptr;
    }
    return std::move(opened.value());
  }

  void verify(Store& store) {
    const auto found = read(store);
    if (!found) {
      if (!disk_.is_stopped() && !is_faulty_) wrong("it cannot be read: " + found.message());
      return;
    }
    const uint64_t commit = found.value().commit;
    if (commit < least_) return wrong(fmt::format("commit {} was there for good, it is at {}", least_, commit));
    if (commit >= history_.front().commit + history_.size()) return wrong(fmt::format("commit {} never was", commit));
    const Model& expected = history_[commit - history_.front().commit];
    if (!(found.value() == expected))
      return wrong(fmt::format("commit {}: {}", commit, difference(found.value(), expected)));
    check_counts(store, expected);
    tally_.lost_commits += history_.back().commit - commit;
    history_.resize(commit - history_.front().commit + 1);
    least_ = commit;
  }

  static std::string difference(const Model& found, const Model& expected) {
    if (found.watermark != expected.watermark)
      return fmt::format("W is {}, not {}", found.watermark, expected.watermark);
    for (const auto& [number, row] : expected.rows) {
      const auto at = found.rows.find(number);
      if (at == found.rows.end()) return fmt::format("row {} is lost", number);
      if (!(at->second == row)) return fmt::format("row {} differs", number);
    }
    return found.rows.size() > expected.rows.size() ? "there are rows too many" : "something else differs";
  }

  void check_counts(const Store& store, const Model& expected) {
    std::array<uint64_t, 5> states{};
    for (const auto& [_, row] : expected.rows) ++states[static_cast<size_t>(row.state)];
    const StoreCounts counts = store.counts();
    if (states != std::array{counts.due, counts.delivered, counts.dead, counts.held, counts.dropped}) {
      wrong("the counts are not those of the rows");
    }
  }

  // All that is in it, by the calls that a service has.
  static Result<Model> read(Store& store) {
    Model out;
    out.watermark = store.watermark();
    out.epoch = store.epoch();
    out.holds = store.holds();
    auto rules = store.rules();
    if (!rules) return Status::error(rules.message());
    out.rules = std::move(rules.value());
    const auto commit = store.meta("commit");
    if (!commit) return Status::error(commit.message());
    out.commit = commit.value() ? std::stoull(*commit.value()) : 0;
    RowFilter all;
    all.limit = 10'000;
    auto rows = store.list(all);
    if (!rows) return Status::error(rows.message());
    for (const OutboxRow& row : rows.value()) {
      const Message& m = row.message;
      if (m.body != body_of(m.alert) || m.id != message_id(m.alert, 0)) return Status::error("a row has another body");
      const auto attempts = store.attempts(m.number);
      if (!attempts) return Status::error(attempts.message());
      const auto recorded = static_cast<uint32_t>(attempts.value().size());
      out.rows[m.number] = {m.alert, m.destination, row.state, row.attempts, recorded, row.next_us};
    }
    return out;
  }

  void work(Store& store) {
    const uint64_t steps = 1 + pick(10);
    for (uint64_t step = 0; step < steps && problem_.empty(); ++step) {
      if (pick(6) == 0) {
        const Status done = store.checkpoint();
        if (done) {
          ++tally_.checkpoints;
          durable_ = history_.back().commit;
          continue;
        }
        if (!is_to_go_on(store)) return;
        continue;
      }
      Model next = history_.back();
      ++next.commit;
      Status done = transact(store, next);
      if (done) {
        ++tally_.commits;
        least_ = next.commit;
        if (caller_.believes_commits) durable_ = next.commit;
        continue;
      }
      const bool goes_on = is_to_go_on(store);
      if (!goes_on) return;
      history_.pop_back();
      store.abandon();
      if (store.watermark() != history_.back().watermark) wrong("W goes on though its transaction was abandoned");
      check_counts(store, history_.back());
    }
  }

  bool is_to_go_on(const Store& store) {
    if (disk_.is_stopped()) return false;
    if (!is_faulty_) wrong("a call fails without a fault");
    if (store.fault() == StoreFault::full) {
      ++tally_.full;
      return true;
    }
    if (store.fault() != StoreFault::broken) wrong("a broken disk is not told as one");
    ++tally_.errors;
    return false;
  }

  // What a round of the service may do. From the commit on it may be found, even when that fails.
  Status transact(Store& store, Model& next) {
    const uint64_t edits = 1 + pick(5);
    next.watermark += pick(4);
    if (caller_.commits_watermark_first) {
      if (Status begun = store.begin(); !begun) return kept(begun, next);
      if (Status done = store.commit(next.watermark, next.watermark); !done) return kept(done, next);
    }
    if (Status begun = store.begin(); !begun) return kept(begun, next);
    for (uint64_t i = 0; i < edits; ++i) {
      if (Status done = edit(store, next); !done) return kept(done, next);
    }
    if (Status done = store.set_meta("commit", std::to_string(next.commit)); !done) return kept(done, next);
    history_.push_back(next);
    return store.commit(next.watermark, next.watermark);
  }
  Status kept(const Status& status, const Model& next) {
    history_.push_back(next);
    return status;
  }

  Status edit(Store& store, Model& next) {
    switch (pick(10)) {
      case 0:
        return hold_or_release(store, next);
      case 1: {
        if (pick(2) == 0) {
          ++next.epoch;
          return store.set_epoch(next.epoch);
        }
        next.rules = {{"a.omen", std::string(pick(3'000), 'r')}, {"b.omen", std::to_string(next.commit)}};
        return store.set_rules(next.rules);
      }
      case 2:
        return prune(store, next);
      case 3:
      case 4:
      case 5:
        return record(store, next);
      case 6:
        return drop_or_retry(store, next);
      default:
        return add(store, next);
    }
  }

  Status add(Store& store, Model& next) {
    Message message;
    const bool is_repeated = !next.rows.empty() && pick(5) == 0;
    message.alert = is_repeated ? any(next).second->alert : std::to_string(alert_++);
    message.destination = is_repeated ? destination_of(next, message.alert) : pick(2) == 0 ? "crm" : "chat";
    message.id = message_id(message.alert, 0);
    message.body = body_of(message.alert);
    const auto next_us = static_cast<int64_t>(pick(1'000));
    const auto added = store.add(message, next_us);
    if (!added) return Status::error(added.message());
    if (added.value() == is_repeated) wrong("a row is doubled, or taken for one that was there");
    if (is_repeated) return Status::ok();
    const int64_t number = store.last_number();
    if (!next.rows.empty() && number <= next.rows.rbegin()->first) wrong("a number is used again");
    const RowState state = next.holds.contains(message.destination) ? RowState::held : RowState::due;
    next.rows[number] = {message.alert, message.destination, state, 0, 0, next_us};
    ++tally_.rows;
    return Status::ok();
  }

  Status record(Store& store, Model& next) {
    if (next.rows.empty()) return Status::ok();
    const auto [number, row] = any(next);
    const RowState came = std::array{RowState::delivered, RowState::due, RowState::dead}[pick(3)];
    Attempt attempt;
    attempt.number = number;
    attempt.begun_us = 5;
    attempt.error = came == RowState::delivered ? "" : "HTTP 500";
    const auto next_us = static_cast<int64_t>(pick(1'000));
    const bool was_finished = row->state == RowState::delivered || row->state == RowState::dropped;
    ++row->attempts;
    ++row->recorded;
    if (!was_finished || came == RowState::delivered) {
      row->state = came == RowState::due && next.holds.contains(row->destination) ? RowState::held : came;
      row->next_us = next_us;
    }
    return store.record(attempt, {came, next_us, false});
  }

  Status drop_or_retry(Store& store, Model& next) {
    if (next.rows.empty()) return Status::ok();
    const auto [number, row] = any(next);
    const bool was_finished = row->state == RowState::delivered || row->state == RowState::dropped;
    RowFilter filter;
    filter.number = number;
    const bool is_drop = pick(2) == 0;
    const auto changed = is_drop ? store.drop(filter, 9) : store.retry(filter, 77);
    if (!changed) return Status::error(changed.message());
    if (changed.value() != (was_finished ? 0 : 1)) wrong("drop or retry changes another number of rows");
    if (was_finished) return Status::ok();
    if (is_drop) {
      row->state = RowState::dropped;
    } else {
      row->state = next.holds.contains(row->destination) ? RowState::held : RowState::due;
      row->next_us = 77;
      row->attempts = 0;
    }
    return Status::ok();
  }

  Status hold_or_release(Store& store, Model& next) {
    const std::string name = pick(2) == 0 ? "crm" : "chat";
    if (next.holds.erase(name) > 0) {
      for (auto& [_, row] : next.rows) {
        if (row.destination != name || row.state != RowState::held) continue;
        row.state = RowState::due, row.next_us = 88, row.attempts = 0;
      }
      const auto released = store.release(name, 88);
      return released ? Status::ok() : Status::error(released.message());
    }
    next.holds[name] = "HTTP 410";
    for (auto& [_, row] : next.rows) {
      if (row.destination == name && row.state == RowState::due) row.state = RowState::held;
    }
    return store.hold(name, "HTTP 410", 3);
  }

  // The oldest finished ones beyond what is kept.
  Status prune(Store& store, Model& next) {
    uint64_t finished = 0;
    for (const auto& [_, row] : next.rows)
      finished += row.state == RowState::delivered || row.state == RowState::dropped;
    uint64_t beyond = finished > options_.delivered_max ? finished - options_.delivered_max : 0;
    for (auto at = next.rows.begin(); at != next.rows.end() && beyond > 0;) {
      const bool goes = at->second.state == RowState::delivered || at->second.state == RowState::dropped;
      beyond -= goes ? 1 : 0;
      at = goes ? next.rows.erase(at) : std::next(at);
    }
    const auto pruned = store.prune(1'000);
    return pruned ? Status::ok() : Status::error(pruned.message());
  }

  std::pair<int64_t, Row*> any(Model& model) {
    auto at = std::next(model.rows.begin(), static_cast<ptrdiff_t>(pick(model.rows.size())));
    return {at->first, &at->second};
  }
  static std::string destination_of(const Model& model, const std::string& alert) {
    for (const auto& [_, row] : model.rows) {
      if (row.alert == alert) return row.destination;
    }
    return {};
  }

  SimulatedDisk disk_;
  SimulatedVfs vfs_;
  CallerDefects caller_;
  std::mt19937_64 random_;
  Tally& tally_;
  StoreOptions options_;
  std::vector<Model> history_ = {Model()};  // by commit, from the first; the last may have been cut off
  uint64_t durable_ = 0;                    // the last commit that a power cut cannot take
  uint64_t least_ = 0;                      // what must be found at the next opening
  uint64_t alert_ = 1;
  bool is_faulty_ = false;
  std::string problem_;
};

std::optional<uint64_t> first_found(uint64_t cycles, const SimulatedDisk::Defects& defects,
                                    const CallerDefects& caller) {
  Tally tally;
  return omen::first_found(cycles, [&](uint64_t seed) { return Cycle(seed, defects, caller, tally).run(); });
}

}  // namespace

TEST_CASE("store: crash cycles leave one of its commits, none older than the last durable one, and whole") {
  const uint64_t cycles = cases(2'000);
  Tally tally;
  check_cycles(cycles, [&](uint64_t seed) { return Cycle(seed, {}, {}, tally).run(); });
  MESSAGE(
      fmt::format("{} cycles: {} lives, {} power cuts, {} kills, {} clean ends, {} commits ({} lost before they "
                  "were durable), {} checkpoints, {} rows, {} calls on a full disk, {} on a broken one",
                  cycles, tally.lives, tally.power_cuts, tally.kills, tally.ends, tally.commits, tally.lost_commits,
                  tally.checkpoints, tally.rows, tally.full, tally.errors));
  if (cycles >= 1'000) {  // the cycles reach what they are there for
    CHECK(tally.lost_commits > cycles / 20);
    CHECK(tally.checkpoints > cycles / 20);
    CHECK(tally.full > cycles / 20);
    CHECK(tally.errors > cycles / 40);
  }
}

TEST_CASE("store: crash cycles notice every seeded defect") {
  constexpr uint64_t cycles = 2'000;
  SimulatedDisk::Defects sync, wal, file, folder;
  sync.forgets_sync = folder.forgets_folder_sync = true;
  wal.forgets_sync_of = "-wal";
  file.forgets_sync_of = "state.db";
  CallerDefects first, believes;
  first.commits_watermark_first = believes.believes_commits = true;
  CHECK_MESSAGE(first_found(cycles, sync, {}), "syncs nothing, as PRAGMA synchronous=OFF");
  CHECK_MESSAGE(first_found(cycles, wal, {}), "does not sync the WAL before its pages go into the file");
  CHECK_MESSAGE(first_found(cycles, file, {}), "does not sync the file before the WAL begins anew");
  CHECK_MESSAGE(first_found(cycles, folder, {}), "does not sync the folder of a new file");
  CHECK_MESSAGE(first_found(cycles, {}, first), "commits W before the rows");
  CHECK_MESSAGE(first_found(cycles, {}, believes), "takes what is committed for durable");
}

}  // namespace omen
