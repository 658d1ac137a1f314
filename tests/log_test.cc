// The event log by itself: what goes in comes out, what the disk refuses is said, damage is named and left alone.
// Crashes: sim/log_crash_test.cc.
#include "runtime/log/log.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "runtime/log/crc32c.h"
#include "runtime/log/reader.h"
#include "runtime/model/time.h"
#include "tests/support/program.h"
#include "tests/support/simulated_disk.h"

namespace omen {
namespace {

constexpr int64_t now_us = 1'767'607'200'000'000;  // 2026-01-05T10:00:00Z

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::unique_ptr<Log> open_log(Disk& disk, const std::string& folder, const LogOptions& options = {}) {
  auto opened = Log::open(disk, folder, options, now_us);
  REQUIRE_MESSAGE(opened.is_ok(), opened.message());
  return std::move(opened.value());
}

std::string open_error(Disk& disk, const std::string& folder, const LogOptions& options = {}) {
  const auto opened = Log::open(disk, folder, options, now_us);
  return opened ? "" : opened.message();
}

Appended::Outcome append(Log& log, const std::vector<std::string>& texts, int64_t time_us = now_us) {
  std::vector<LogRecord> records;
  for (const std::string& text : texts) records.push_back({RecordKind::event, time_us, text});
  return log.append(records, time_us).outcome;
}

// "2:a 3:b", epochs left out.
std::string read_all(Disk& disk, const std::string& folder, uint64_t from = 0, uint64_t through = UINT64_MAX) {
  auto reader = LogReader::open(disk, folder, from, through);
  if (!reader) return reader.message();
  std::string out;
  LogReader::Entry entry;
  while (reader.value()->next(entry)) {
    if (entry.record.kind == RecordKind::epoch) continue;
    out += fmt::format("{}{}:{}", out.empty() ? "" : " ", entry.sequence, entry.record.text);
  }
  if (!reader.value()->status()) out += " " + reader.value()->status().message();
  return out;
}

using Image = std::map<std::string, std::string>;
Image image_of(const SimulatedDisk& disk) {
  Image image;
  for (const std::string& path : disk.paths()) image[path] = disk.content(path);
  return image;
}

}  // namespace

TEST_CASE("log: the checksum is CRC32C") {
  CHECK(crc32c(0, "123456789") == 0xE3069283);  // RFC 3720 B.4 and its usual check value
  CHECK(crc32c(0, std::string(32, '\0')) == 0x8A9136AA);
  CHECK(crc32c(0, std::string(32, '\xFF')) == 0x62A8AB43);
  CHECK(crc32c(crc32c(0, "1234"), "56789") == 0xE3069283);
}

TEST_CASE("log: on a real disk, what goes in comes out, over segments and after reopening") {
  const Folder folder;
  const std::string path = folder.path("log");
  LogOptions options;
  options.segment_bytes = 500;
  std::string expected;
  {
    const auto log = open_log(real_disk(), path, options);
    CHECK(log->epoch() == 1);
    CHECK(log->last() == 1);  // the epoch's record
    CHECK(log->synced() == 1);
    for (int i = 0; i < 20; ++i) {
      CHECK(append(*log, {fmt::format("{{\"n\":{}}}", i), ""}) == Appended::Outcome::done);
      CHECK(log->synced() < log->last());
      CHECK(log->settle(now_us));
      CHECK(log->acknowledgeable() == log->last());
      expected += fmt::format("{}{}:{{\"n\":{}}} {}:", i == 0 ? "" : " ", 2 + 2 * i, i, 3 + 2 * i);
    }
    CHECK(log->last() == 41);
    CHECK(log->seal(now_us));
  }
  CHECK(read_all(real_disk(), path) == expected);
  CHECK(read_all(real_disk(), path, 40) == "40:{\"n\":19} 41:");
  CHECK(read_all(real_disk(), path, 9, 10) == "9: 10:{\"n\":4}");
  size_t segments = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) segments += entry.file_size() <= 500;
  CHECK(segments > 4);

  const auto log = open_log(real_disk(), path, options);
  CHECK(log->epoch() == 2);
  CHECK(log->recovery().last == 41);
  CHECK(log->recovery().was_sealed);
  CHECK(log->recovery().records == 41);
  CHECK_FALSE(log->recovery().cut.has_value());
  CHECK(append(*log, {"next"}) == Appended::Outcome::done);
  CHECK(log->last() == 43);
  CHECK(log->sync());
  CHECK(read_all(real_disk(), path, 42) == "43:next");
}

TEST_CASE("log: when what was appended counts as accepted") {
  SimulatedDisk disk(1);
  LogOptions options;
  options.durability = {Durability::Mode::interval, 1'000};
  const auto log = open_log(disk, "log", options);
  CHECK(log->due_us() == INT64_MAX);
  CHECK(append(*log, {"a"}) == Appended::Outcome::done);
  CHECK(append(*log, {"b"}, now_us + 10) == Appended::Outcome::done);
  CHECK(log->acknowledgeable() == 3);
  CHECK(log->due_us() == now_us + 1'000);
  CHECK(log->settle(now_us + 999));
  CHECK(log->synced() == 1);
  CHECK(log->settle(now_us + 1'000));
  CHECK(log->synced() == 3);
  CHECK(log->due_us() == INT64_MAX);

  options.durability.mode = Durability::Mode::off;
  const auto lax = open_log(disk, "lax", options);
  CHECK(append(*lax, {"a"}) == Appended::Outcome::done);
  CHECK(lax->settle(now_us + 1'000'000'000));
  CHECK(lax->synced() == 1);
  CHECK(lax->acknowledgeable() == 2);
}

TEST_CASE("log: while a sync is under way it takes more, and no segment ends before that has") {
  SimulatedDisk disk(1);
  LogOptions options;
  options.segment_bytes = 200;
  options.durability.mode = Durability::Mode::off;
  const auto log = open_log(disk, "log", options);
  CHECK(append(*log, {"a"}) == Appended::Outcome::done);
  Log::Sync sync = log->begin_sync();
  CHECK(sync.last() == 2);
  const uint64_t segment = log->segment_first();
  for (int i = 0; i < 5; ++i) CHECK(append(*log, {std::string(50, 'b')}) == Appended::Outcome::done);
  CHECK(log->segment_first() == segment);
  CHECK(log->synced() == 1);
  REQUIRE(sync.run());
  CHECK(log->synced() == 1);
  CHECK(log->end_sync(sync));
  CHECK(log->synced() == 2);
  CHECK(append(*log, {"c"}) == Appended::Outcome::done);
  CHECK(log->segment_first() == 8);
  CHECK(log->synced() == 7);  // all but the last segment are durable
  CHECK(log->sync());
  CHECK(log->begin_sync().last() == 8);  // nothing to do
  CHECK(log->end_sync(log->begin_sync()));

  // One sync after the other: the segment ends between them all the same.
  CHECK(append(*log, {"c"}) == Appended::Outcome::done);
  sync = log->begin_sync();
  CHECK(append(*log, {std::string(200, 'c')}) == Appended::Outcome::done);
  REQUIRE(sync.run());
  CHECK(log->end_sync(sync));
  CHECK(log->segment_first() == 8);
  disk.set_capacity(disk.used_bytes());
  CHECK(log->end_if_over());  // without room it goes on, and may be asked again
  CHECK(log->segment_first() == 8);
  disk.set_capacity(UINT64_MAX);
  CHECK(log->end_if_over());
  CHECK(log->segment_first() == 11);
  CHECK(log->synced() == 10);
  CHECK(log->end_if_over());  // it is not over
  CHECK(log->segment_first() == 11);

  CHECK(append(*log, {"d"}) == Appended::Outcome::done);
  Log::Sync failing = log->begin_sync();
  CHECK(append(*log, {"e"}) == Appended::Outcome::done);
  disk.fail_at(1, EIO);
  CHECK_FALSE(failing.run());
  CHECK_FALSE(log->end_sync(failing));
  CHECK(log->synced() == 10);
  CHECK(append(*log, {"f"}) == Appended::Outcome::dead);
  CHECK_FALSE(log->end_if_over());
}

TEST_CASE("log: a segment that is over may wait for its end until little is to be synced") {
  SimulatedDisk disk(1);
  LogOptions options;
  options.segment_bytes = 400;
  options.segment_grace_bytes = 600;
  options.durability.mode = Durability::Mode::off;
  const auto log = open_log(disk, "log", options);
  CHECK(append(*log, {std::string(300, 'a')}) == Appended::Outcome::done);
  CHECK(append(*log, {std::string(100, 'b')}) == Appended::Outcome::done);
  CHECK(log->is_over());
  const uint64_t segment = log->segment_first();
  Log::Sync sync = log->begin_sync();
  CHECK(sync.is_of_one_over());
  REQUIRE(sync.run());
  CHECK(append(*log, {"c"}) == Appended::Outcome::done);
  REQUIRE(sync.run_rest());
  CHECK(log->end_sync(sync));
  CHECK(log->synced() == log->last() - 1);  // the rest is said of none
  CHECK(log->segment_first() == segment);
  CHECK(log->end_if_over());
  CHECK(log->synced() == log->last());
  CHECK_FALSE(log->is_over());
  CHECK(log->segment_first() == log->last() + 1);

  // Beyond its grace it ends by an append.
  const uint64_t second = log->segment_first();
  for (int i = 0; i < 2; ++i) CHECK(append(*log, {std::string(300, 'd')}) == Appended::Outcome::done);
  CHECK(log->is_over());
  CHECK(log->segment_first() == second);
  CHECK(append(*log, {std::string(300, 'e')}) == Appended::Outcome::done);
  CHECK(log->segment_first() == log->last());

  // The rest that cannot be synced is the log's death, as any sync is.
  CHECK(append(*log, {std::string(400, 'f')}) == Appended::Outcome::done);
  sync = log->begin_sync();
  REQUIRE(sync.run());
  disk.fail_at(1, EIO);
  CHECK_FALSE(sync.run_rest());
  CHECK_FALSE(log->end_sync(sync));
}

TEST_CASE("log: a sync asks for room for what will come, and a segment behind a full one for a part of its own") {
  SimulatedDisk disk(1);
  LogOptions options;
  options.segment_bytes = 8u << 20;
  options.segment_grace_bytes = 1u << 20;
  options.durability.mode = Durability::Mode::off;
  const auto log = open_log(disk, "log", options);
  const auto reserved = [&] { return disk.reserved_bytes("log/" + segment_name(log->segment_first())); };
  const auto sync = [&] {
    Log::Sync begun = log->begin_sync();
    REQUIRE(begun.run());
    REQUIRE(log->end_sync(begun));
  };
  CHECK(append(*log, {"a"}) == Appended::Outcome::done);
  CHECK(reserved() == 0);
  sync();
  const uint64_t first = 2 * log->bytes() + (1u << 20);
  CHECK(reserved() == first);
  CHECK(append(*log, {std::string(500'000, 'b')}) == Appended::Outcome::done);
  sync();
  CHECK(reserved() == first);  // there is room for half as much again
  CHECK(append(*log, {std::string(500'000, 'c')}) == Appended::Outcome::done);
  sync();
  CHECK(reserved() == 2 * log->bytes() + (1u << 20));
  CHECK(append(*log, {std::string(6'000'000, 'd')}) == Appended::Outcome::done);
  sync();
  CHECK(reserved() == options.segment_bytes);
  CHECK(append(*log, {std::string(1'500'000, 'e')}) == Appended::Outcome::done);
  CHECK(log->end_if_over());
  CHECK(log->segment_first() > 1);
  CHECK(reserved() == options.segment_bytes / 4);
}

TEST_CASE("log: a full disk takes nothing, says so, and goes on when there is room") {
  SimulatedDisk disk(1);
  const auto log = open_log(disk, "log");
  CHECK(append(*log, {"a"}) == Appended::Outcome::done);
  CHECK(log->sync());
  for (uint64_t room = 0; room < 64 + 13 + 3; ++room) {
    disk.set_capacity(log->bytes() + room);
    std::vector<LogRecord> records = {{RecordKind::event, now_us, "bcd"}};
    const Appended full = log->append(records, now_us);
    CHECK(full.outcome == Appended::Outcome::full);
    CHECK(has(full.problem, "No space left"));
    CHECK(log->last() == 2);
    CHECK(read_all(disk, "log") == "2:a");
  }
  disk.set_capacity(UINT64_MAX);
  CHECK(append(*log, {"b"}) == Appended::Outcome::done);
  CHECK(log->sync());
  disk.power_cut();
  CHECK(read_all(disk, "log") == "2:a 3:b");
}

TEST_CASE("log: opening on a full disk works, and the epoch is written as soon as there is room") {
  SimulatedDisk disk(1);
  {
    const auto log = open_log(disk, "log");
    CHECK(append(*log, {"a"}) == Appended::Outcome::done);
    CHECK(log->sync());
    disk.set_capacity(log->bytes() + 10);
  }
  const auto log = open_log(disk, "log");
  CHECK(log->last() == 2);
  CHECK(append(*log, {"b"}) == Appended::Outcome::full);
  disk.set_capacity(UINT64_MAX);
  CHECK(append(*log, {"b"}) == Appended::Outcome::done);
  CHECK(log->epoch() == 2);
  CHECK(read_all(disk, "log") == "2:a 4:b");
}

TEST_CASE("log: after an error of the disk it is dead, and does not try again") {
  for (const bool in_sync : {false, true}) {
    SimulatedDisk disk(1);
    const auto log = open_log(disk, "log");
    disk.fail_at(in_sync ? 2 : 1, EIO);
    CHECK(append(*log, {"a"}) == (in_sync ? Appended::Outcome::done : Appended::Outcome::dead));
    const uint64_t calls = disk.calls();
    const Status synced = log->sync();
    CHECK_FALSE(synced.is_ok());
    CHECK(has(synced.message(), "log/seg-00000000000000000001: Input/output error"));
    CHECK(append(*log, {"a"}) == Appended::Outcome::dead);
    CHECK_FALSE(log->sync().is_ok());
    CHECK_FALSE(log->seal(now_us).is_ok());
    CHECK(disk.calls() == calls + (in_sync ? 1 : 0));
    CHECK(log->synced() == 1);
  }
}

TEST_CASE("log: a record that is too large is refused, and many large ones become several frames") {
  SimulatedDisk disk(1);
  const auto log = open_log(disk, "log");
  const std::string large(record_text_bytes_max, 'x');
  CHECK(append(*log, {"a", large + 'x'}) == Appended::Outcome::refused);
  CHECK(append(*log, std::vector<std::string>(5, large)) == Appended::Outcome::done);
  CHECK(log->sync());
  LogCheck check;
  REQUIRE(check_log(disk, "log", 0, check));
  CHECK(check.records == 6);
  CHECK(check.frames == 3);
  CHECK(check.damages.empty());
}

TEST_CASE("log: a flipped bit in any byte is found and named, and the files are left alone") {
  SimulatedDisk disk(1);
  LogOptions options;
  options.segment_bytes = 300;
  {
    const auto log = open_log(disk, "log", options);
    for (int i = 0; i < 6; ++i) {
      CHECK(append(*log, {fmt::format("{{\"n\":{}}}", i), "{}"}) == Appended::Outcome::done);
      CHECK(log->sync());
    }
  }
  const Image image = image_of(disk);
  REQUIRE(image.size() > 2);
  const uint64_t last = 13;
  uint64_t refused = 0, cut = 0, quiet = 0;
  for (const auto& [path, bytes] : image) {
    for (uint64_t offset = 0; offset < bytes.size(); ++offset) {
      SimulatedDisk copy(1);
      for (const auto& [name, content] : image) copy.put(name, content);
      copy.flip_bit(path, offset, static_cast<int>(offset % 8));
      const Image before = image_of(copy);
      // Somebody relies on the last record.
      options.durable_through = last;
      const std::string error = open_error(copy, "log", options);
      quiet += error.empty();
      const std::string file = path.substr(4) + ": bytes ";
      const size_t at = error.find(file);
      if (at == std::string::npos) {
        FAIL_CHECK(path << " byte " << offset << ": " << error);
        continue;
      }
      uint64_t begin = 0, end = 0;
      sscanf(error.c_str() + at + file.size(), "%lu..%lu", &begin, &end);
      CHECK(begin <= offset);
      CHECK(offset < end);
      CHECK(image_of(copy) == before);
      ++refused;
      // Nobody does: damage to the last frame looks like a torn write.
      options.durable_through = 0;
      const auto opened = Log::open(copy, "log", options, now_us);
      if (!opened) continue;
      ++cut;
      REQUIRE(opened.value()->recovery().cut.has_value());
      CHECK(opened.value()->recovery().cut->file == path.substr(4));
      CHECK(opened.value()->recovery().cut->begin <= offset);
      CHECK(opened.value()->recovery().last == last - 2);
    }
  }
  CHECK(quiet == 0);
  CHECK(refused > 500);
  CHECK(cut == 64 + 2 * 13 + 9);  // the last frame
}

TEST_CASE("log: after a clean end, damage to the last record is told from a torn write") {
  SimulatedDisk disk(1);
  {
    const auto log = open_log(disk, "log");
    CHECK(append(*log, {"abc"}) == Appended::Outcome::done);
    CHECK(log->seal(now_us));
  }
  const std::string path = "log/" + segment_name(1);
  disk.flip_bit(path, disk.content(path).size() - 64 - 1, 0);
  CHECK(has(open_error(disk, "log"), "sequences 2..2 are lost"));
}

TEST_CASE("log: a missing segment, one cut short and one of a later version are refused") {
  SimulatedDisk disk(1);
  LogOptions options;
  options.segment_bytes = 100;
  {
    const auto log = open_log(disk, "log", options);
    for (int i = 0; i < 3; ++i) CHECK(append(*log, {"abc"}) == Appended::Outcome::done);
    CHECK(log->sync());
  }
  const Image image = image_of(disk);
  const auto fresh = [&] {
    auto copy = std::make_unique<SimulatedDisk>(1);
    for (const auto& [name, content] : image) copy->put(name, content);
    return copy;
  };
  auto copy = fresh();
  REQUIRE(copy->unlink("log/" + segment_name(2)));
  CHECK(has(open_error(*copy, "log"), "seg-00000000000000000002 is missing; sequences 2..2 are lost"));
  CHECK(has(read_all(*copy, "log"), "sequences 2..2 are missing"));

  copy = fresh();
  copy->put("log/" + segment_name(3), image.at("log/" + segment_name(3)).substr(0, 70));
  CHECK(has(open_error(*copy, "log"), "bytes 0..70: ends within a frame; sequences 3..3 are lost"));

  copy = fresh();
  std::string later = image.at("log/" + segment_name(4));
  later[4] = 2;
  const uint32_t crc = crc32c(0, std::string_view(later).substr(0, 56));
  memcpy(later.data() + 56, &crc, sizeof crc);
  copy->put("log/" + segment_name(4), later);
  const Image before = image_of(*copy);
  CHECK(has(open_error(*copy, "log"), "of a later version of Omen"));
  CHECK(image_of(*copy) == before);
}

TEST_CASE("log: pruning takes whole segments, and only what a snapshot covers") {
  SimulatedDisk disk(1);
  LogOptions options;
  options.segment_bytes = 100;
  const auto log = open_log(disk, "log", options);  // a segment a record: 1, 2, …
  for (int i = 0; i < 9; ++i) {
    CHECK(append(*log, {"abc"}, now_us + i * us_per_second) == Appended::Outcome::done);
    CHECK(log->sync());
  }
  Retention retention;
  CHECK(log->prune(10, retention, now_us).value().segments == 0);  // nothing is too much
  retention.bytes_max = 0;
  CHECK(log->prune(0, retention, now_us).value().segments == 0);  // nothing is covered
  CHECK(log->prune(2, retention, now_us).value().segments == 2);
  CHECK(log->first() == 3);
  retention.bytes_max = log->bytes() - 1;
  CHECK(log->prune(10, retention, now_us).value().segments == 1);
  retention = {UINT64_MAX, 2 * us_per_second};
  CHECK(log->prune(10, retention, now_us + 5 * us_per_second).value().first == 5);
  retention = {0, 0};
  CHECK(log->prune(UINT64_MAX, retention, now_us + us_per_day).value().first == 10);  // one is kept
  CHECK(has(read_all(disk, "log", 3), "begins with sequence 10: 3 has been pruned"));
  CHECK(read_all(disk, "log") == "10:abc");
}

}  // namespace omen
