// Snapshot files and the data folder: the newest intact state is found, whatever happened to the others; a folder has
// one engine and one format.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "runtime/log/crc32c.h"
#include "runtime/log/data_folder.h"
#include "runtime/log/snapshot_file.h"
#include "tests/support/program.h"
#include "tests/support/simulated_disk.h"

namespace omen {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

LoadedSnapshot load(Disk& disk, uint64_t watermark) {
  auto loaded = load_snapshot(disk, "s", watermark);
  REQUIRE_MESSAGE(loaded.is_ok(), loaded.message());
  return std::move(loaded.value());
}

}  // namespace

TEST_CASE("snapshots: the newest that the watermark has reached; two are kept") {
  SimulatedDisk disk(1);
  CHECK_FALSE(load(disk, 100).snapshot.has_value());
  for (const uint64_t sequence : {10, 20, 30}) {
    REQUIRE(write_snapshot(disk, "s", sequence, "state " + std::to_string(sequence)));
  }
  CHECK(list_snapshots(disk, "s").value() == std::vector<uint64_t>{20, 30});
  CHECK(load(disk, 100).snapshot->state == "state 30");
  CHECK(load(disk, 29).snapshot->sequence == 20);
  CHECK_FALSE(load(disk, 19).snapshot.has_value());
  disk.power_cut();
  CHECK(load(disk, 100).snapshot->state == "state 30");
}

TEST_CASE("snapshots: a large one is read in pieces, until it is not wanted any more") {
  SimulatedDisk disk(1);
  const std::string state = std::string(1u << 20, 'a') + std::string(1u << 20, 'b') + "c";
  REQUIRE(write_snapshot(disk, "s", 10, state));
  CHECK(load(disk, 10).snapshot->state == state);
  std::atomic<bool> is_given_up = false;
  CHECK(load_snapshot(disk, "s", 10, &is_given_up).value().snapshot);
  is_given_up = true;
  disk.fail_read_at(1, EIO);  // it is not even begun
  CHECK(has(load_snapshot(disk, "s", 10, &is_given_up).message(), "canceled"));
}

TEST_CASE("snapshots: a flipped bit in any byte is found and named, and the one before is taken") {
  SimulatedDisk disk(1);
  REQUIRE(write_snapshot(disk, "s", 10, "older"));
  REQUIRE(write_snapshot(disk, "s", 20, "newer"));
  const std::string path = "s/" + snapshot_name(20), bytes = disk.content(path);
  for (uint64_t offset = 0; offset < bytes.size(); ++offset) {
    disk.flip_bit(path, offset, static_cast<int>(offset % 8));
    const LoadedSnapshot loaded = load(disk, 100);
    REQUIRE(loaded.snapshot.has_value());
    CHECK(loaded.snapshot->state == "older");
    REQUIRE(loaded.skipped.size() == 1);
    CHECK(has(loaded.skipped[0], path));
    disk.flip_bit(path, offset, static_cast<int>(offset % 8));
  }
  for (size_t size = 0; size < bytes.size(); ++size) {
    disk.put(path, bytes.substr(0, size));
    CHECK(load(disk, 100).snapshot->state == "older");
  }
  disk.put(path, bytes);
  CHECK(load(disk, 100).snapshot->state == "newer");
  disk.put("s/" + snapshot_name(30), bytes);
  CHECK(has(load(disk, 100).skipped.at(0), "named after another sequence"));
}

TEST_CASE("snapshots: one of a later version stops, and is not passed over") {
  SimulatedDisk disk(1);
  REQUIRE(write_snapshot(disk, "s", 10, "older"));
  REQUIRE(write_snapshot(disk, "s", 20, "newer"));
  std::string bytes = disk.content("s/" + snapshot_name(20));
  bytes[8] = 2;
  const uint32_t crc = crc32c(crc32c(0, std::string_view(bytes).substr(0, 40)), std::string_view(bytes).substr(44));
  memcpy(bytes.data() + 40, &crc, sizeof crc);
  disk.put("s/" + snapshot_name(20), bytes);
  const auto loaded = load_snapshot(disk, "s", 100);
  CHECK_FALSE(loaded.is_ok());
  CHECK(has(loaded.message(), "later version"));
}

TEST_CASE("snapshots: a full disk leaves the ones that were there") {
  SimulatedDisk disk(1);
  REQUIRE(write_snapshot(disk, "s", 10, "older"));
  for (uint64_t room = 0; room < 44 + 5; ++room) {
    disk.set_capacity(44 + 5 + room);
    CHECK_FALSE(write_snapshot(disk, "s", 20, "newer").is_ok());
    CHECK(load(disk, 100).snapshot->state == "older");
  }
  disk.set_capacity(UINT64_MAX);
  CHECK(write_snapshot(disk, "s", 20, "newer").is_ok());
  CHECK(load(disk, 100).snapshot->state == "newer");
  CHECK(disk.paths().size() == 2);
}

TEST_CASE("data folder: made where nothing is, refused where something else is, and in a later format") {
  const Folder folder;
  const std::string data = folder.path("data");
  CHECK(has(check_format(real_disk(), folder.path("none")).message(), "No such file"));
  CHECK(make_data_folder(real_disk(), data).is_ok());
  CHECK(folder.read("data/FORMAT") == "omen data 1\n");
  CHECK(make_data_folder(real_disk(), data).is_ok());
  CHECK(check_format(real_disk(), data).is_ok());

  folder.write("data/FORMAT", "omen data 2\n");
  for (const Status& status : {make_data_folder(real_disk(), data), check_format(real_disk(), data)}) {
    CHECK(has(status.message(), "is a data folder of format 2, made by a later version"));
  }
  for (const char* text : {"", "omen data 1", "omen data x\n", "hello\n"}) {
    folder.write("data/FORMAT", text);
    CHECK(has(make_data_folder(real_disk(), data).message(), "FORMAT is damaged"));
  }

  CHECK(has(make_data_folder(real_disk(), folder.path("")).message(), "is no data folder of Omen: it has "));
  CHECK(has(check_format(real_disk(), folder.path("")).message(), "it has no file FORMAT"));
}

TEST_CASE("data folder: the second engine is refused, naming the first; a killed one leaves no lock") {
  const Folder folder;
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t other = fork();
  if (other == 0) {
    const auto lock = FolderLock::take(folder.path(""));
    if (write(ready[1], lock ? "y" : "n", 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char answer = 0;
  REQUIRE(read(ready[0], &answer, 1) == 1);
  CHECK(answer == 'y');
  const auto refused = FolderLock::take(folder.path(""));
  CHECK_FALSE(refused.is_ok());
  CHECK(has(refused.message(), "is used by process " + std::to_string(other)));
  CHECK(lock_holder(folder.path("")) == other);
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
  CHECK(lock_holder(folder.path("")) == 0);
  const auto taken = FolderLock::take(folder.path(""));
  CHECK(taken.is_ok());
  CHECK(folder.read("lock") == std::to_string(getpid()) + "\n");
}

}  // namespace omen
