// The store on a disk that is full, or broken, at the n-th write, for every n.
#include <doctest/doctest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "runtime/outbox/store.h"
#include "tests/support/failing_disk.h"

namespace omen {
namespace {

namespace fs = std::filesystem;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "omen-disk-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  std::string path(const std::string& name) const { return (path_ / name).string(); }

 private:
  fs::path path_;
};

constexpr int rows_per_step = 3;
constexpr int steps = 12;

// A step of a service: rows, a result, the watermark, and now and then a checkpoint.
Status step(Store& store, int number) {
  if (Status status = store.begin(); !status) return status;
  for (int i = 0; i < rows_per_step; ++i) {
    Message message;
    message.alert = "a" + std::to_string(number) + "x" + std::to_string(i);
    message.id = message_id(message.alert, 0);
    message.destination = "d";
    message.body = std::string(3000, 'b');
    const auto added = store.add(message, 0);
    if (!added) return Status::error(added.message());
  }
  Attempt attempt;
  attempt.number = (number - 1) * rows_per_step + 1;
  attempt.begun_us = 1;
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
    const TemporaryFolder folder;
    auto opened = Store::open(folder.path("state.db"), on_failing_disk());
    REQUIRE_MESSAGE(opened.is_ok(), opened.message());
    Store& store = *opened.value();
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
    opened.value().reset();
    auto again = Store::open(folder.path("state.db"), on_failing_disk());
    REQUIRE_MESSAGE(again.is_ok(), again.message());
    check_whole(*again.value());
    if (!had_fault) break;
  }
  CHECK(faults > 30);
}

TEST_CASE("store: a disk that breaks at any write is told apart, and what was committed is there after a restart") {
  FailingDisk& disk = FailingDisk::instance();
  int faults = 0;
  for (int calls = 0;; calls += 5) {
    const TemporaryFolder folder;
    uint64_t committed = 0;
    {
      auto opened = Store::open(folder.path("state.db"), on_failing_disk());
      REQUIRE_MESSAGE(opened.is_ok(), opened.message());
      Store& store = *opened.value();
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
    auto again = Store::open(folder.path("state.db"), on_failing_disk());
    REQUIRE_MESSAGE(again.is_ok(), again.message());
    CHECK(again.value()->watermark() >= committed);
    CHECK(again.value()->watermark() <= committed + 1);
    check_whole(*again.value());
    for (int number = static_cast<int>(again.value()->watermark()) + 1; number <= steps; ++number) {
      CHECK(step(*again.value(), number));
    }
    check_whole(*again.value());
    if (!had_fault) break;
  }
  CHECK(faults > 20);
}

TEST_CASE("store: no room, or a broken disk, when it is made") {
  FailingDisk& disk = FailingDisk::instance();
  for (const int code : {SQLITE_FULL, SQLITE_IOERR_WRITE}) {
    for (int calls = 0; calls < 12; ++calls) {
      const TemporaryFolder folder;
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
