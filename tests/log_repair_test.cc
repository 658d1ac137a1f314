// Repair: a damaged log becomes one that can be opened, with all that was intact, and what was not marked as lost.
#include "runtime/log/repair.h"

#include <doctest/doctest.h>

#include <map>

#include "runtime/log/log.h"
#include "runtime/log/reader.h"
#include "tests/support/simulated_disk.h"

namespace omen {
namespace {
constexpr int64_t now_us = 1'767'607'200'000'000;  // 2026-01-05T10:00:00Z
}

TEST_CASE("repair: what can be read stays, what is lost is marked, the damaged bytes are kept") {
  SimulatedDisk disk(1);
  LogOptions options;
  options.segment_bytes = 250;
  {
    auto log = Log::open(disk, "log", options, now_us);
    REQUIRE(log.is_ok());
    for (int i = 0; i < 8; ++i) {
      const std::string text = "event " + std::to_string(i);
      const LogRecord record{RecordKind::event, now_us, text};
      REQUIRE(log.value()->append({&record, 1}, now_us).outcome == Appended::Outcome::done);
      REQUIRE(log.value()->sync());
    }
  }
  std::map<std::string, std::string> image;
  for (const std::string& path : disk.paths()) image[path] = disk.content(path);
  REQUIRE(image.size() >= 3);
  uint64_t mended = 0;
  // A bit of each byte; then each segment cut short, and each but the first one gone.
  const auto check_repair = [&](SimulatedDisk& broken, const std::string& what) {
    const uint64_t last = 9;
    CAPTURE(what);
    const auto repaired = repair_log(broken, "log", last, now_us);
    REQUIRE_MESSAGE(repaired.is_ok(), repaired.message());
    uint64_t lost = 0;
    for (const Mended& one : repaired.value()) {
      lost += one.end_lost - one.first_lost;
      if (one.begin == one.end) continue;
      CHECK(broken.content("log/" + one.kept).size() == one.end - one.begin);
      ++mended;
    }
    options.durable_through = last;
    const auto log = Log::open(broken, "log", options, now_us);
    REQUIRE_MESSAGE(log.is_ok(), log.message());
    CHECK(log.value()->recovery().last == last);
    CHECK(log.value()->recovery().records_lost == lost);
    auto reader = LogReader::open(broken, "log", 0, last);
    REQUIRE(reader.is_ok());
    LogReader::Entry entry;
    uint64_t records = 0;
    for (; reader.value()->next(entry); ++records) {
      if (entry.sequence == 1) continue;
      CHECK(entry.record.text == "event " + std::to_string(entry.sequence - 2));
    }
    CHECK(reader.value()->status().is_ok());
    CHECK(records + lost == last);
    CHECK(lost >= 1);
  };
  for (const auto& [path, bytes] : image) {
    for (uint64_t offset = 0; offset < bytes.size(); ++offset) {
      for (const bool is_cut : {false, true}) {
        SimulatedDisk broken(1);
        for (const auto& [name, content] : image) broken.put(name, content);
        if (is_cut) {
          broken.put(path, bytes.substr(0, offset));
        } else {
          broken.flip_bit(path, offset, static_cast<int>(offset % 8));
        }
        check_repair(broken, path + (is_cut ? " cut at " : " bit in ") + std::to_string(offset));
      }
    }
    if (path == image.begin()->first) continue;
    SimulatedDisk broken(1);
    for (const auto& [name, content] : image) {
      if (name != path) broken.put(name, content);
    }
    check_repair(broken, path + " gone");
  }
  CHECK(mended > 1'000);
}

TEST_CASE("repair: two damages in one segment, and one in the next; a power cut in any call of it loses nothing more") {
  std::map<std::string, std::string> image;
  {
    SimulatedDisk disk(1);
    LogOptions options;
    options.segment_bytes = 500;
    auto log = Log::open(disk, "log", options, now_us);
    REQUIRE(log.is_ok());
    for (int i = 0; i < 10; ++i) {
      const LogRecord record{RecordKind::event, now_us, "event"};
      REQUIRE(log.value()->append({&record, 1}, now_us).outcome == Appended::Outcome::done);
      REQUIRE(log.value()->sync());
    }
    log.value().reset();
    const std::string first = "log/" + segment_name(1), second = "log/" + segment_name(7);
    disk.flip_bit(first, 77 + 70, 1);      // sequence 2
    disk.flip_bit(first, 77 + 3 * 82, 1);  // the header of 5
    disk.flip_bit(second, 10, 1);          // 7
    for (const std::string& path : disk.paths()) image[path] = disk.content(path);
  }
  REQUIRE(image.size() == 2);
  for (uint64_t call = 0; call < 60; ++call) {
    SimulatedDisk disk(call);
    for (const auto& [name, content] : image) disk.put(name, content);
    disk.stop_at(call);
    auto repaired = repair_log(disk, "log", 0, now_us);
    if (disk.is_stopped()) {
      CHECK_FALSE(repaired.is_ok());
      disk.power_cut();
      repaired = repair_log(disk, "log", 0, now_us);
    } else if (call > 0) {
      disk.stop_at(0);
      disk.power_cut();
    }
    REQUIRE_MESSAGE(repaired.is_ok(), repaired.message());
    LogCheck check;
    REQUIRE(check_log(disk, "log", 0, check));
    CHECK(check.damages.empty());
    CHECK(check.end == 12);
    CHECK(check.records == 8);
    CHECK(check.records_lost == 3);
  }
}

}  // namespace omen
