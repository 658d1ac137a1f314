// When alerts leave, against what is on the disk. Who is promised durability sees none that is not committed, and whose
// event a power cut could still take back; without it they come when their match is found, and then the outbox is the
// same all the same after a kill.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "runtime/log/snapshot_file.h"
#include "tests/support/simulated_service.h"

namespace omen {
namespace {

using Ids = std::set<std::string>;

Ids ids_of(const std::vector<std::string>& rows) {
  Ids ids;
  for (const std::string& row : rows) ids.insert(row.substr(0, row.find(' ')));
  return ids;
}

bool has_all(const Ids& ids, const Ids& seen) { return std::ranges::includes(ids, seen); }

// The ids that subscribers have seen when the process dies with the `count`-th of them.
Ids seen_before_death(SimulatedService& omen, Durability::Mode mode, size_t count, Sender& sender) {
  ServiceOptions options = omen.options();
  options.log.durability = {mode, 100};
  Ids seen;
  options.publish = [&](std::span<const Message> messages) {
    for (const Message& message : messages) {
      if (omen.disk.is_stopped()) return;
      seen.insert(message.id);
      if (seen.size() == count) omen.disk.stop();
    }
  };
  (void)omen.live(options, stream_rules(0), sender);
  return seen;
}

// Nobody sends anything any more: what recovery makes of what is there.
std::vector<std::string> rows_after_start(SimulatedService& omen) {
  Sender nobody({}, 1, {});
  const Status ended = omen.live(omen.options(), stream_rules(0), nobody);
  REQUIRE_MESSAGE(ended, ended.message());
  return omen.rows().value();
}

ServiceOptions without_durability(const SimulatedService& omen) {
  ServiceOptions options = omen.options();
  options.log.durability.mode = Durability::Mode::off;
  return options;
}

}  // namespace

TEST_CASE("order: with durability no alert is seen before its row is committed and its event is on the disk") {
  for (const Durability::Mode mode : {Durability::Mode::fsync, Durability::Mode::interval}) {
    for (size_t count = 1; count <= 40; ++count) {
      SimulatedService omen(count);
      Sender sender(make_stream(9, undisturbed_events), count, {});
      const Ids seen = seen_before_death(omen, mode, count, sender);
      REQUIRE(seen.size() == count);
      if (count % 2 == 0) {
        omen.disk.restart();
        CHECK(has_all(ids_of(omen.rows().value()), seen));
      } else {
        omen.disk.power_cut();
        CHECK(has_all(ids_of(rows_after_start(omen)), seen));
      }
    }
  }
}

TEST_CASE("order: without durability an alert is seen before its commit; after a kill it is a row all the same") {
  size_t early = 0, lost = 0;
  for (size_t count = 1; count <= 40; ++count) {
    SimulatedService omen(count);
    Sender sender(make_stream(9, undisturbed_events), count, {});
    const Ids seen = seen_before_death(omen, Durability::Mode::off, count, sender);
    REQUIRE(seen.size() == count);
    if (count % 4 == 0) {  // the end of what is kept may be gone
      omen.disk.power_cut();
      const std::vector<std::string> rows = rows_after_start(omen);
      REQUIRE(rows.size() <= undisturbed_rows().size());
      CHECK(std::equal(rows.begin(), rows.end(), undisturbed_rows().begin()));
      lost += has_all(ids_of(rows), seen) ? 0 : 1;
      continue;
    }
    omen.disk.restart();
    early += has_all(ids_of(omen.rows().value()), seen) ? 0 : 1;
    const std::vector<std::string> rows = rows_after_start(omen);
    CHECK(has_all(ids_of(rows), seen));
    CHECK(std::equal(rows.begin(), rows.end(), undisturbed_rows().begin()));
    const Status ended = omen.live(omen.options(), stream_rules(0), sender);
    CHECK_MESSAGE(ended, ended.message());
    CHECK(omen.rows().value() == undisturbed_rows());
  }
  CHECK(early > 10);
  CHECK(lost > 1);
}

TEST_CASE("order: without durability snapshots hold, a kill loses nothing, a power cut only the newest") {
  uint64_t lost = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SimulatedService omen(seed);
    ServiceOptions options = without_durability(omen);
    options.snapshot_records = 25;
    Sender sender(make_stream(9, undisturbed_events), seed, {});
    omen.disk.stop_at(150 + seed * 11);
    (void)omen.live(options, stream_rules(0), sender);
    const bool is_power_cut = seed % 2 == 0;
    is_power_cut ? omen.disk.power_cut() : omen.disk.restart();
    const auto snapshots = list_snapshots(omen.disk, "d/snapshots");
    if (omen.view.snapshots > 0) CHECK(!snapshots.value().empty());
    if (is_power_cut) {  // what was acknowledged and is lost is not sent again: then the outbox ends earlier
      Sender nobody({}, 1, {});
      const Status ended = omen.live(options, stream_rules(0), nobody);
      CHECK_MESSAGE(ended, ended.message());
      const std::vector<std::string> rows = omen.rows().value();
      REQUIRE(rows.size() <= undisturbed_rows().size());
      CHECK(std::equal(rows.begin(), rows.end(), undisturbed_rows().begin()));
      if (omen.view.snapshot_sequence > 0) CHECK(omen.view.watermark >= omen.view.snapshot_sequence);
      lost += rows.size() < undisturbed_rows().size() ? 1 : 0;
      continue;
    }
    const Status ended = omen.live(options, stream_rules(0), sender);
    CHECK_MESSAGE(ended, ended.message());
    CHECK(omen.rows().value() == undisturbed_rows());
  }
  CHECK(lost > 5);
}

TEST_CASE("order: without durability segments end, though commits follow one another without a pause") {
  SimulatedService omen(1);
  ServiceOptions options = without_durability(omen);
  options.retention = {};
  Sender sender(make_stream(9, undisturbed_events), 1, {.batch_max = 1, .ahead_max = 3});
  uint64_t bytes_max = 0;
  size_t segments = 0;
  options.publish = [&](std::span<const Message>) {
    segments = 0;
    for (const std::string& path : omen.disk.paths()) {
      if (!path.starts_with("d/log/")) continue;
      ++segments;
      bytes_max = std::max<uint64_t>(bytes_max, omen.disk.content(path).size());
    }
  };
  REQUIRE(omen.live(options, stream_rules(0), sender));
  CHECK(segments > 3);
  CHECK(bytes_max < 2 * options.log.segment_bytes);
}

TEST_CASE("order: without durability a sync of the store that fails ends the service, also one before a snapshot") {
  for (uint64_t sync = 1;; ++sync) {
    SimulatedService omen(sync);
    ServiceOptions options = without_durability(omen);
    options.snapshot_records = 25;
    Sender nobody({}, 1, {});
    REQUIRE(omen.live(options, stream_rules(0), nobody));
    Sender sender(make_stream(9, undisturbed_events), 1, {});
    omen.disk.fail_sync_of("d/state.db", sync);
    const Status ended = omen.live(options, stream_rules(0), sender);
    if (omen.disk.syncs_left() > 0) {
      CHECK(sync > 10);
      break;
    }
    CHECK_MESSAGE(!ended, sync);
    omen.disk.restart();
    const Status again = omen.live(options, stream_rules(0), sender);
    CHECK_MESSAGE(again, again.message());
    CHECK(omen.rows().value() == undisturbed_rows());
  }
}

}  // namespace omen
