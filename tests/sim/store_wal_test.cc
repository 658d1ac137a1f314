// What SQLite makes of a WAL when syncs fail and power goes, and what the store does about it: each case was found by
// crash cycles (store_crash_test.cc), and fails without its mend.
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "runtime/outbox/store.h"
#include "tests/support/simulated_disk.h"
#include "tests/support/simulated_vfs.h"

namespace omen {
namespace {

Message message_of(uint64_t number) {
  Message message;
  message.alert = std::to_string(number);
  message.id = message_id(message.alert, 0);
  message.body = message.alert + std::string(number % 7 == 0 ? 9'000 : number % 400, 'b');  // some span pages
  return message;
}

// A disk with nothing but the folder `d`, and SQLite over it.
struct FreshDisk {
  explicit FreshDisk(uint64_t seed) : disk(seed), vfs(disk) {
    options.vfs = vfs.name();
    REQUIRE(disk.make_folder("d"));
    REQUIRE(disk.sync_folder("."));
  }
  SimulatedDisk disk;
  const SimulatedVfs vfs;
  StoreOptions options;
};

}  // namespace

// After a sync that failed the system holds what it should have written for clean: it is read as if it were there, and
// another sync writes nothing (Rebello et al., as in runtime/log/disk.h). The next process must not rely on it.
TEST_CASE("store: a WAL that a failed sync has left unwritten is written again before it goes into the file") {
  uint64_t cuts = 0;
  for (uint64_t seed = 1; seed <= 240; ++seed) {
    FreshDisk fresh(seed);
    SimulatedDisk& disk = fresh.disk;
    StoreOptions& options = fresh.options;
    const auto add = [](Store& store, int from, int to, uint64_t watermark) {
      CHECK(store.begin());
      for (int i = from; i < to; ++i) CHECK(store.add(message_of(i), 0));
      CHECK(store.commit(watermark, watermark));
    };
    {
      auto store = std::move(Store::open("d/state.db", options).value());
      REQUIRE(disk.sync_folder("d"));
      add(*store, 0, 40, 1);
      REQUIRE(store->checkpoint());
      add(*store, 40, 80, 2);
      disk.fail_at(1, EIO);
      CHECK_FALSE(store->checkpoint());
      CHECK(store->fault() == StoreFault::broken);
      disk.stop();  // killed, so that closing it does nothing
    }
    disk.restart();
    disk.stop_at(1 + seed % 40);
    {
      auto store = Store::open("d/state.db", options);
      if (store) {
        CHECK(store.value()->watermark() == 2);
        (void)store.value()->checkpoint();
      }
      cuts += disk.is_stopped() ? 1 : 0;
      disk.stop();
    }
    disk.power_cut();
    const auto store = Store::open("d/state.db", options);
    REQUIRE_MESSAGE(store, seed << ": " << store.message());
    const uint64_t watermark = store.value()->watermark();
    RowFilter all;
    all.limit = 1'000;
    const auto rows = store.value()->list(all);
    REQUIRE_MESSAGE(rows, seed << ": " << rows.message());
    CHECK_MESSAGE(watermark >= 1, seed);
    CHECK_MESSAGE(rows.value().size() == watermark * 40, seed);
  }
  CHECK(cuts > 120);
}

// Nor may the same process: SQLite checkpoints when it closes the file, and after commits, and asks for that sync
// again.
TEST_CASE("store: after a sync of the WAL that failed nothing of it goes into the file, at the end or by a commit") {
  for (const bool is_by_commit : {false, true}) {
    for (uint64_t seed = 1; seed <= 120; ++seed) {
      FreshDisk fresh(seed);
      SimulatedDisk& disk = fresh.disk;
      StoreOptions& options = fresh.options;
      const auto commit = [](Store& store, uint64_t watermark) {
        CHECK(store.begin());
        for (uint64_t i = 0; i < 40; ++i) CHECK(store.add(message_of(watermark * 40 + i), 0));
        return store.commit(watermark, watermark);
      };
      {
        auto store = std::move(Store::open("d/state.db", options).value());
        REQUIRE(disk.sync_folder("d"));
        REQUIRE(commit(*store, 1));
        REQUIRE(store->checkpoint());
        REQUIRE(commit(*store, 2));
        if (is_by_commit) {
          store.reset();
          options.checkpoint_pages = 1;
          store = std::move(Store::open("d/state.db", options).value());
          REQUIRE(disk.sync_folder("d"));
          REQUIRE(store->begin());
          const uint64_t before = disk.calls();
          REQUIRE(store->set_epoch(7));
          disk.fail_at(5, EIO);  // the WAL's header, its sync, a frame in two pieces: then the checkpoint's sync
          const Status done = store->commit(2, 2);
          CHECK_FALSE(done);
          CHECK(disk.calls() - before == 5);
        } else {
          disk.fail_at(1, EIO);
          CHECK_FALSE(store->checkpoint());
        }
        CHECK(store->fault() == StoreFault::broken);
        const uint64_t calls = disk.calls();
        disk.stop_at(1 + seed % 30);
        store.reset();
        CHECK(disk.calls() == calls);
        disk.stop();
      }
      disk.power_cut();
      const auto store = Store::open("d/state.db", options);
      REQUIRE_MESSAGE(store, seed << ": " << store.message());
      CHECK_MESSAGE(store.value()->watermark() >= 1, seed);
      CHECK_MESSAGE(store.value()->counts().due == store.value()->watermark() * 40, seed);
    }
  }
}

// SQLite goes on with the salts of a WAL in which it finds no commit, or behind the last that it finds. What the first
// process had written there fits again as soon as the second one writes the same pages.
TEST_CASE("store: what a power cut has torn from the WAL is not found behind the commits of the next process") {
  uint64_t torn = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    FreshDisk fresh(seed);
    SimulatedDisk& disk = fresh.disk;
    StoreOptions& options = fresh.options;
    const auto commit = [](Store& store, uint64_t watermark) {  // one page, the same whoever writes it
      CHECK(store.begin());
      CHECK(store.commit(watermark, watermark));
    };
    {
      const auto store = std::move(Store::open("d/state.db", options).value());
      REQUIRE(disk.sync_folder("d"));
      for (uint64_t watermark = 1; watermark <= 4; ++watermark) commit(*store, watermark);
      disk.stop();
    }
    disk.power_cut();
    uint64_t last = 0;
    {
      const auto store = std::move(Store::open("d/state.db", options).value());
      last = store->watermark();
      torn += last < 4 ? 1 : 0;
      if (last < 4) commit(*store, ++last);
      disk.stop();
    }
    disk.restart();
    CHECK_MESSAGE(Store::open("d/state.db", options).value()->watermark() == last, seed);
  }
  CHECK(torn > 200);
}

// The frames of a commit that failed are written over by the next ones, with the same salts: where a power cut takes
// these, it would be one again.
TEST_CASE("store: a commit that found no room is not one when a power cut takes the next one") {
  uint64_t cut = 0, lost = 0;
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    FreshDisk fresh(seed);
    SimulatedDisk& disk = fresh.disk;
    StoreOptions& options = fresh.options;
    options.checkpoint_pages = 1;  // each commit is written over the one before, of the same page
    {
      const auto store = std::move(Store::open("d/state.db", options).value());
      REQUIRE(disk.sync_folder("d"));
      const auto begin = [&](const std::string& step) {
        REQUIRE(store->begin());
        REQUIRE(store->set_meta("step", step));
      };
      // SQLite puts what comes later nearer to the beginning of the page: so what differs is written first.
      REQUIRE(store->begin());
      for (const char* name : {"a", "b", "c", "d"}) REQUIRE(store->set_meta(name, std::string(800, 'f')));
      REQUIRE(store->set_meta("step", "0"));
      REQUIRE(store->commit(0, 0));
      for (const char* step : {"1", "2"}) {
        begin(step);
        REQUIRE(store->commit(0, 0));
      }
      begin("x");
      disk.fail_at(4, ENOSPC);  // the WAL's header, its sync, a frame in two pieces: within the second one
      CHECK_FALSE(store->commit(0, 0));
      CHECK(store->fault() == StoreFault::full);
      store->abandon();
      begin("3");
      disk.stop_at(5);  // the sync of the WAL
      CHECK_FALSE(store->commit(0, 0));
      cut += disk.is_stopped() ? 1 : 0;
    }
    disk.power_cut();
    const auto store = std::move(Store::open("d/state.db", options).value());
    const std::string step = store->meta("step").value().value();
    CHECK_MESSAGE((step == "2" || step == "3"), seed << ": " << step);
    lost += step == "2" ? 1 : 0;
  }
  CHECK(cut == 200);
  CHECK(lost > 20);
}

// The second process finds a WAL whose name the first one has not synced, and is the one that relies on it.
TEST_CASE(
    "store: one whose making was cut off by a kill while it made the WAL, and then by a power cut, is made again") {
  uint64_t tried = 0;
  for (uint64_t kill = 1; kill <= 40; ++kill) {
    for (uint64_t cut = 1; cut <= 240; ++cut) {
      FreshDisk fresh(kill * 1'000 + cut);
      SimulatedDisk& disk = fresh.disk;
      StoreOptions& options = fresh.options;
      disk.stop_at(kill);
      CHECK_FALSE(Store::open("d/state.db", options));
      const auto paths = disk.paths();
      const bool has_wal = std::ranges::find(paths, "d/state.db-wal") != paths.end();
      if (!has_wal || disk.content("d/state.db-wal").size() > 32) break;  // no more than its header
      ++tried;
      disk.restart();
      disk.stop_at(1 + cut % 80);
      (void)Store::open("d/state.db", options);
      disk.power_cut();
      const auto store = Store::open("d/state.db", options);
      CHECK_MESSAGE(store, kill << ", " << cut << ": " << store.message());
    }
  }
  CHECK(tried >= 240);
}

}  // namespace omen
