// The store on a disk that is full, or broken, at the n-th write, for every n.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include "runtime/outbox/store.h"
#include "tests/support/failing_disk.h"
#include "tests/support/folder.h"
#include "tests/support/stored.h"

namespace omen {
namespace {

constexpr int rows_per_step = 3;
constexpr int steps = 12;

// A step of a service: rows, a result, the watermark, and now and then a checkpoint.
Status step(Store& store, int number) {
  if (Status status = store.begin(); !status) return status;
  for (int i = 0; i < rows_per_step; ++i) {
    Message message = message_of("a" + std::to_string(number) + "x" + std::to_string(i), "d");
    message.body = std::string(3000, 'b');
    const auto added = store.add(message, 0);
    if (!added) return Status::error(added.message());
  }
  const Attempt attempt = attempt_of((number - 1) * rows_per_step + 1, Verdict::delivered);
  if (Status status = store.record(attempt, {RowState::delivered, 0, false}); !status) return status;
  if (Status status = store.commit(static_cast<uint64_t>(number), static_cast<uint64_t>(number)); !status) {
    return status;
  }
  return number % 4 == 0 ? store.checkpoint() : Status::ok();
}

// What must hold whatever has happened: whole steps, and as many as the watermark says.
void check_whole(Store& store) {
  const StoreCounts counts = store.counts();
  CHECK(counts.due + counts.delivered == store.watermark() * rows_per_step);
  CHECK(counts.delivered == store.watermark());
  const auto rows = store.due("d", 1, 1000);
  REQUIRE_MESSAGE(rows.is_ok(), rows.message());
  CHECK(rows.value().size() == counts.due);
}

StoreOptions on_failing_disk() {
  FailingDisk::instance().mend();
  StoreOptions options;
  options.vfs = FailingDisk::name;
  return options;
}

}  // namespace

TEST_CASE("store: a disk that is full at any write loses nothing, and goes on when there is room") {
  FailingDisk& disk = FailingDisk::instance();
  int faults = 0;
  for (int calls = 0;; calls += 3) {
    const Folder folder;
    std::unique_ptr<Store> opened = open_store(folder.path("state.db"), on_failing_disk());
    Store& store = *opened;
    disk.fail_after(calls, SQLITE_FULL);
    for (int number = 1; number <= steps;) {
      if (store.watermark() >= static_cast<uint64_t>(number)) {  // committed, and the checkpoint had no room
        CHECK(store.checkpoint());
        ++number;
        continue;
      }
      const Status status = step(store, number);
      if (status) {
        ++number;
        continue;
      }
      CHECK(store.fault() == StoreFault::full);
      store.abandon();
      check_whole(store);
      disk.mend();
    }
    check_whole(store);
    CHECK(store.watermark() == steps);
    const bool had_fault = disk.has_failed();
    faults += had_fault;
    opened.reset();
    const std::unique_ptr<Store> again = open_store(folder.path("state.db"), on_failing_disk());
    check_whole(*again);
    if (!had_fault) break;
  }
  CHECK(faults > 30);
}

TEST_CASE("store: a disk that breaks at any write is told apart, and what was committed is there after a restart") {
  FailingDisk& disk = FailingDisk::instance();
  int faults = 0;
  for (int calls = 0;; calls += 5) {
    const Folder folder;
    uint64_t committed = 0;
    {
      const std::unique_ptr<Store> opened = open_store(folder.path("state.db"), on_failing_disk());
      Store& store = *opened;
      disk.fail_after(calls, SQLITE_IOERR_WRITE);
      for (int number = 1; number <= steps; ++number) {
        const Status status = step(store, number);
        if (!status) {
          CHECK(store.fault() == StoreFault::broken);
          break;
        }
      }
      committed = store.watermark();
    }  // the process ends with its disk still broken
    const bool had_fault = disk.has_failed();
    faults += had_fault;
    const std::unique_ptr<Store> again = open_store(folder.path("state.db"), on_failing_disk());
    CHECK(again->watermark() >= committed);
    CHECK(again->watermark() <= committed + 1);
    check_whole(*again);
    for (int number = static_cast<int>(again->watermark()) + 1; number <= steps; ++number) {
      CHECK(step(*again, number));
    }
    check_whole(*again);
    if (!had_fault) break;
  }
  CHECK(faults > 20);
}

TEST_CASE("store: no room, or a broken disk, when it is made") {
  FailingDisk& disk = FailingDisk::instance();
  for (const int code : {SQLITE_FULL, SQLITE_IOERR_WRITE}) {
    for (int calls = 0; calls < 12; ++calls) {
      const Folder folder;
      const StoreOptions options = on_failing_disk();
      disk.fail_after(calls, code);
      StoreFault fault = StoreFault::none;
      const auto failed = Store::open(folder.path("state.db"), options, &fault);
      if (!failed) CHECK(fault == (code == SQLITE_FULL ? StoreFault::full : StoreFault::broken));
      disk.mend();
      if (failed) continue;
      const auto opened = Store::open(folder.path("state.db"), options, &fault);
      REQUIRE_MESSAGE(opened.is_ok(), opened.message());
      CHECK(step(*opened.value(), 1));
    }
  }
}

}  // namespace omen
