// The whole service over a disk that loses power, tears writes, forgets names, fails and fills: fed by senders that
// send again what was not acknowledged, its outbox is in the end that of a run that nothing has disturbed, row by row.
//
//   OMEN_CASES=N   how many cycles (200)          OMEN_SEED=S   where they begin; cycle i is made from seed S + i
//
// A cycle is one data folder and one stream. Each life ends in a power cut or a kill within some call of the disk, or
// in a failed call; the next one may have another set of rules, which raises the same, and another number of shards.
// What was acknowledged is never sent again, so that the outbox shows what was lost.
//
// This file is compiled twice: with the service as it is, and as omen-seeded-tests with one in which defects can be
// switched on (runtime/serve/seeded_defects.h), each of which must be noticed.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <thread>

#include "runtime/serve/seeded_defects.h"
#include "tests/support/cycles.h"
#include "tests/support/simulated_service.h"

namespace omen {
#ifdef OMEN_SEEDED_DEFECTS
SeededDefects seeded;
#endif
namespace {

constexpr size_t stream_events = 160;
constexpr uint64_t streams = 3;

// What comes of each stream when nothing happens.
const std::vector<std::string>& undisturbed(uint64_t stream) {
  static const std::vector<std::vector<std::string>> all = [] {
    std::vector<std::vector<std::string>> out;
    for (uint64_t i = 0; i < streams; ++i) {
      SimulatedService omen(1);
      Sender sender(make_stream(i, stream_events), 1, {});
      const Status ended = omen.live(omen.options(), stream_rules(0), sender);
      REQUIRE_MESSAGE(ended, ended.message());
      out.push_back(omen.rows().value());
      REQUIRE(out.back().size() > stream_events / 3);
    }
    return out;
  }();
  return all[stream];
}

struct Tally {
  uint64_t lives = 0, power_cuts = 0, kills = 0, errors = 0, refused = 0, changes = 0, resent = 0, snapshots = 0;
};

void stop_when_delivered(Service& service) {
  if (service.store().counts().due == 0) return service.stop();
  std::this_thread::sleep_for(std::chrono::microseconds(200));
  service.ask(stop_when_delivered);
}

// Closes it, too.
std::string bytes_of(int file) {
  std::string out(static_cast<size_t>(lseek(file, 0, SEEK_END)), '\0');
  const ssize_t got = pread(file, out.data(), out.size(), 0);
  close(file);
  return got == static_cast<ssize_t>(out.size()) ? out : std::string();
}

// What was found wrong; empty when nothing.
std::string cycle(uint64_t seed, const SimulatedDisk::Defects& defects, Tally& tally, bool keeps_log = false) {
  std::mt19937_64 random(seed);
  const auto pick = [&](uint64_t below) { return random() % below; };
  const uint64_t stream = pick(streams);
  SimulatedService omen(seed * 2 + 1);
  omen.disk.defects = defects;
  Sender::Manner manner;
  manner.batch_max = 1 + pick(12);
  const uint64_t faults = pick(4);  // 3: the disk fills, and one batch is sent at a time: none overtakes another
  manner.ahead_max = faults == 3 ? 1 : 1 + pick(3);
  manner.waits_for_room = pick(2) == 0;
  Sender sender(make_stream(stream, stream_events), seed, manner);
  ServiceOptions options = omen.options();
  options.snapshot_records = 10 + pick(60);
  if (pick(3) == 0 || keeps_log) options.retention = {};
  // Now and then alerts are delivered, to a file: then the moments at which that is recorded are no longer the seed's.
  const bool is_delivering = seed % 8 == 0;
  const int delivered = memfd_create("delivered", MFD_CLOEXEC);
  options.delivery.standard_output = delivered;
  if (is_delivering) {
    options.delivery.queue_max = 16;
    sender.when_done = [](Service& service) { service.ask(stop_when_delivered); };  // once it is committed
  }
  const auto fill = [&] {
    omen.disk.set_capacity(omen.disk.used_bytes() + pick(pick(2) == 0 ? 600 : 20'000), 1 + pick(20));
  };
  // In the midst of a life, too: at its start the WAL begins anew, and what that gives back is room for the log.
  bool is_filling = false;
  sender.when_answered = [&] {
    if (is_filling && pick(8) == 0) fill();
  };
  int rules = 0;
  constexpr uint64_t lives_max = 12;
  for (uint64_t life = 0;; ++life) {
    ++tally.lives;
    const bool is_last = life == lives_max;
    is_filling = faults == 3 && !is_last;
    if (!is_last) {
      if (faults != 3 || pick(2) == 0) omen.disk.stop_at(1 + pick(pick(3) == 0 ? 60 : 500));
      if (faults == 2 && pick(2) == 0) omen.disk.fail_at(1 + pick(300), EIO);
      if (faults == 3) fill();
    }
    if (pick(3) == 0) rules = 1 - rules, ++tally.changes;
    options.pipeline.shards = 1 + static_cast<uint32_t>(pick(3));
    const Status ended = omen.live(options, stream_rules(rules), sender);
    tally.snapshots += omen.view.snapshots;
    if (!sender.problem().empty()) return sender.problem();
    if (ended && sender.is_done()) break;
    if (ended) return "it ends before all is acknowledged";
    const bool has_faults = omen.disk.is_stopped() || (!is_last && faults >= 2);
    if (!has_faults) return fmt::format("life {}: {}", life, ended.message());
    omen.disk.stop();  // whatever it still had to do
    ++tally.errors;
    if (pick(3) != 0) {
      ++tally.power_cuts;
      omen.disk.power_cut();
    } else {
      ++tally.kills;
      omen.disk.restart();
    }
  }
  tally.refused += sender.refused();
  omen.disk.restart();
  if (faults == 3) {  // the store may have had no room when it ended: the next start commits
    is_filling = false;
    if (const Status ended = omen.live(options, stream_rules(rules), sender); !ended) return ended.message();
  }
  const std::string file = bytes_of(delivered);
  const auto rows = omen.rows();
  if (!rows) return rows.message();
  const std::vector<std::string>& expected = undisturbed(stream);
  for (size_t i = 0; i < std::max(rows.value().size(), expected.size()); ++i) {
    const std::string found = i < rows.value().size() ? rows.value()[i] : "nothing";
    const std::string other = i < expected.size() ? expected[i] : "nothing";
    if (found != other) return fmt::format("row {} is\n  {}\nnot\n  {}", i, found, other);
    // A line is the row's last part, its body.
    if (is_delivering && file.find(found.substr(found.rfind(" {\"") + 1) + '\n') == std::string::npos) {
      return "not delivered: " + found;
    }
  }
  if (!is_delivering && !file.empty()) return "something is delivered";
  return {};
}

}  // namespace

#ifndef OMEN_SEEDED_DEFECTS

TEST_CASE("service: crash cycles end with the outbox of a run that nothing has disturbed") {
  const uint64_t cycles = cases(200);
  Tally tally;
  check_cycles(cycles, [&](uint64_t seed) { return cycle(seed, {}, tally); });
  MESSAGE(
      fmt::format("{} cycles: {} lives, {} power cuts, {} kills, {} snapshots, {} changes of rules, {} batches "
                  "refused by a full disk",
                  cycles, tally.lives, tally.power_cuts, tally.kills, tally.snapshots, tally.changes, tally.refused));
  if (cycles >= 200) {
    CHECK(tally.power_cuts > cycles / 2);
    CHECK(tally.kills > cycles / 4);
    CHECK(tally.snapshots > cycles / 2);
    CHECK(tally.changes > cycles / 4);
    CHECK(tally.refused > 0);
  }
}

TEST_CASE("service: crash cycles notice a log that is not synced before it is acknowledged") {
  SimulatedDisk::Defects defects;
  Tally tally;
  defects.forgets_sync = true;
  CHECK(first_found(200, [&](uint64_t seed) { return cycle(seed, defects, tally); }));
}

#else

namespace {

std::optional<uint64_t> first_found(const SeededDefects& defects, uint64_t cycles, bool keeps_log = false) {
  Tally tally;
  for (uint64_t i = 0; i < streams; ++i) (void)undisturbed(i);
  seeded = defects;
  const auto found = omen::first_found(cycles, [&](uint64_t seed) { return cycle(seed, {}, tally, keeps_log); });
  seeded = {};
  return found;
}

}  // namespace

TEST_CASE("seeded: crash cycles notice every defect of the service's order") {
  constexpr uint64_t cycles = 400;
  CHECK_MESSAGE(first_found({.acknowledges_before_sync = true}, cycles), "acknowledges before the sync");
  CHECK_MESSAGE(first_found({.commits_watermark_first = true}, cycles), "commits W before the rows");
  CHECK_MESSAGE(first_found({.raises_nothing_again = true}, cycles), "raises nothing of what it plays again");
  SeededDefects early{.snapshots_before_checkpoint = true};
  CHECK_MESSAGE(first_found(early, cycles), "prunes what only snapshots cover that are newer than W");
  CHECK_MESSAGE(!first_found(early, 40, true), "with the whole log such snapshots are passed over");
  early.accepts_newer_snapshot = true;
  CHECK_MESSAGE(first_found(early, cycles, true), "accepts a snapshot that is newer than W");
}

#endif

}  // namespace omen
