// omen log and omen repair as their users have them, on the data folder that an early version has written
// (golden/data_folder, never written anew): it must stay readable.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/log/data_folder.h"
#include "runtime/log/log.h"
#include "runtime/log/snapshot_file.h"
#include "runtime/outbox/store.h"
#include "tests/support/program.h"

namespace omen {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const std::string golden = OMEN_SOURCE_ROOT "/tests/golden/data_folder";

std::string golden_copy(const Folder& folder) {
  std::filesystem::copy(golden, folder.path("data"), std::filesystem::copy_options::recursive);
  return folder.path("data");
}

void flip(const Folder& folder, const std::string& name, size_t offset) {
  std::string bytes = folder.read(name);
  REQUIRE(offset < bytes.size());
  bytes[offset] = static_cast<char>(bytes[offset] ^ 4);
  folder.write(name, bytes);
}

size_t lines_of(const std::string& text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

const std::string second = "data/log/seg-00000000000000000007";

}  // namespace

TEST_CASE("log verify and export: a data folder of the first format stays readable") {
  const Folder folder;
  const Outcome verified = run_omen(folder, {"log", "verify", golden});
  CHECK(verified.exit_code == 0);
  CHECK(has(verified.out, "log: 4 segments, 22 records, sequences 1..22, 2,017 bytes, epoch 2, ended cleanly\n"));
  CHECK(has(verified.out, "snapshots: 2 intact, the newest of sequence 19\n"));
  CHECK(
      has(run_omen(folder, {"log", "verify", golden, "--json"}).out, "\"last\":22,\"epoch\":2,\"ended_cleanly\":true"));

  std::ostringstream expected;
  expected << std::ifstream(golden + ".records", std::ios::binary).rdbuf();
  CHECK(run_omen(folder, {"log", "export", golden, "--records"}).out == expected.str());
  const Outcome events = run_omen(folder, {"log", "export", golden, "--from", "7", "--through", "12"});
  CHECK(events.exit_code == 0);
  CHECK(lines_of(events.out) == 4);
  CHECK(
      has(events.out, "{\"type\":\"add_to_cart\",\"ts\":\"2026-01-05T10:02:00Z\",\"id\":\"e2\",\"user_id\":\"u2\"}\n"));

  // An engine of today goes on where that one stopped.
  const std::string data = golden_copy(folder);
  auto log = Log::open(real_disk(), log_folder(data), {}, 1'767'700'000'000'000);
  REQUIRE_MESSAGE(log.is_ok(), log.message());
  CHECK(log.value()->epoch() == 3);
  CHECK(log.value()->last() == 23);
  CHECK(load_snapshot(real_disk(), snapshot_folder(data), 20).value().snapshot->state == "state of 19");
}

TEST_CASE("log: what is no data folder, and one of a later version, is refused") {
  const Folder folder;
  for (const char* verb : {"verify", "export"}) {
    const Outcome none = run_omen(folder, {"log", verb, folder.path("")});
    CHECK(none.exit_code == 2);
    CHECK(has(none.errors, "is no data folder of Omen"));
  }
  golden_copy(folder);
  folder.write("data/FORMAT", "omen data 2\n");
  const Outcome later = run_omen(folder, {"repair", folder.path("data"), "--yes"});
  CHECK(later.exit_code == 2);
  CHECK(has(later.errors, "made by a later version of Omen"));
  CHECK(run_omen(folder, {"log", "prune", folder.path("data")}).exit_code == 2);
}

TEST_CASE("repair: shows the place first; with --yes marks what is lost and keeps its bytes") {
  const Folder folder;
  const std::string data = golden_copy(folder);
  flip(folder, second, 100);
  flip(folder, "data/snapshots/snap-00000000000000000019", 50);
  const std::string before = folder.read(second);
  const Outcome verified = run_omen(folder, {"log", "verify", data});
  CHECK(verified.exit_code == 1);
  CHECK(has(verified.out,
            "seg-00000000000000000007: bytes 0..259: differs from its checksum; sequences 7..9 are lost\n"));
  CHECK(has(verified.out, "damaged: snap-00000000000000000019 differs from its checksum\n"));
  CHECK(run_omen(folder, {"log", "export", data}).exit_code == 3);

  const Outcome shown = run_omen(folder, {"repair", data});
  CHECK(shown.exit_code == 1);
  CHECK(has(shown.out, "bytes 0..259"));
  CHECK(folder.read(second) == before);
  CHECK(has(run_omen(folder, {"repair", data, "--json"}).out, "\"begin\":0,\"end\":259,\"first_lost\":7,\"lost\":3"));

  const Outcome mended = run_omen(folder, {"repair", data, "--yes"});
  CHECK(mended.exit_code == 0);
  CHECK(has(mended.out,
            "mended: seg-00000000000000000007: bytes 0..259 are now in "
            "seg-00000000000000000007.damaged-0; sequences 7..9 are marked lost\n"));
  CHECK(folder.read(second + ".damaged-0") == before.substr(0, 259));
  CHECK(run_omen(folder, {"log", "verify", data}).exit_code == 0);
  CHECK(has(run_omen(folder, {"repair", data}).out, "nothing to repair"));
  const Outcome exported = run_omen(folder, {"log", "export", data, "--records"});
  CHECK(exported.exit_code == 0);
  CHECK(lines_of(exported.out) == 22 - 3);
  CHECK(has(exported.errors, "3 records marked lost"));
}

TEST_CASE("repair: a log that ends before the watermark gets a mark up to there") {
  const Folder folder;
  const std::string data = golden_copy(folder);
  {
    auto store = Store::open(state_path(data));
    REQUIRE_MESSAGE(store.is_ok(), store.message());
    REQUIRE(store.value()->begin());
    REQUIRE(store.value()->commit(30, 30));
  }
  CHECK(
      has(run_omen(folder, {"repair", data}).out, "the log ends with sequence 22, state.db or a snapshot has seen 30"));
  const Outcome mended = run_omen(folder, {"repair", data, "--yes"});
  CHECK(mended.exit_code == 0);
  CHECK(has(mended.out, "sequences 23..30 are marked lost"));
  LogOptions options;
  options.durable_through = 30;
  const auto log = Log::open(real_disk(), log_folder(data), options, 1'767'700'000'000'000);
  REQUIRE_MESSAGE(log.is_ok(), log.message());
  CHECK(log.value()->recovery().last == 30);
  CHECK(log.value()->recovery().records_lost == 8);
}

// A pruned log may begin with a record that counts files of one before it, and so may one that a repair has mended.
TEST_CASE("replay: a log whose rules nobody can know is one that cannot be read, until a record has all of them") {
  const Folder folder;
  const std::string data = folder.path("data");
  constexpr int64_t now_us = 1'767'607'200'000'000;
  REQUIRE(make_data_folder(real_disk(), data));
  auto log = Log::open(real_disk(), log_folder(data), {}, now_us);
  REQUIRE_MESSAGE(log.is_ok(), log.message());
  const auto append = [&](RecordKind kind, const std::string& text) {
    const LogRecord record{kind, now_us, text};
    REQUIRE(log.value()->append({&record, 1}, now_us).outcome == Appended::Outcome::done);
  };
  const std::string event = R"({"type":"pay","ts":"2026-01-05T10:00:00Z","user":"u1"})";
  append(RecordKind::event, event);
  append(RecordKind::tick, "");
  append(RecordKind::config, R"({"strict_types":false})");
  append(RecordKind::rules, R"({"files":[{"first":0,"count":1}],"sum":1,"paused":[]})");
  append(RecordKind::event, event);
  const Outcome unknown = run_omen(folder, {"replay", "--data", data});
  CHECK(unknown.exit_code == 3);
  CHECK(has(unknown.errors, "the rules build on others that are not known"));
  folder.write("own.omen", "rule own { by user match pay alert \"own\" }\n");
  const Outcome own = run_omen(folder, {"replay", "--data", data, "--rules", folder.path("own.omen")});
  CHECK(own.exit_code == 0);
  CHECK(has(own.errors, "2 alerts"));

  append(RecordKind::rules, R"({"files":[{"name":"r","text":"rule r { by user match pay }"}],"paused":[]})");
  append(RecordKind::event, event);
  const Outcome known = run_omen(folder, {"replay", "--data", data});
  CHECK(known.exit_code == 0);
  CHECK(has(known.errors, "1 alert"));
}

TEST_CASE("log prune: only what a snapshot covers whose matches are in state.db; not under a running engine") {
  const Folder folder;
  const std::string data = golden_copy(folder);
  CHECK(run_omen(folder, {"log", "prune", data}).exit_code == 2);
  CHECK(run_omen(folder, {"log", "prune", data, "--max-age", "soon"}).exit_code == 2);
  CHECK(has(run_omen(folder, {"log", "prune", data, "--max-bytes", "0"}).out, "0 segments removed"));
  {
    auto store = Store::open(state_path(data));
    REQUIRE_MESSAGE(store.is_ok(), store.message());
    REQUIRE(store.value()->begin());
    REQUIRE(store.value()->commit(15, 22));
  }
  {
    const auto lock = FolderLock::take(data);
    const Outcome refused = run_omen(folder, {"log", "prune", data, "--max-bytes", "0"});
    CHECK(refused.exit_code == 2);
    CHECK(has(refused.errors, "is used by process " + std::to_string(getpid())));
  }
  const Outcome young = run_omen(folder, {"log", "prune", data, "--max-age", "36000d"});
  CHECK(has(young.out, "0 segments removed"));
  const Outcome pruned = run_omen(folder, {"log", "prune", data, "--max-age", "1d"});
  CHECK(pruned.exit_code == 0);
  CHECK(has(pruned.out,
            "1 segment removed, 514 bytes; the log begins with sequence 7, snapshots cover what is up to 9\n"));
  const Outcome gone = run_omen(folder, {"log", "export", data, "--from", "3"});
  CHECK(gone.exit_code == 2);
  CHECK(has(gone.errors, "begins with sequence 7: 3 has been pruned"));
  CHECK(run_omen(folder, {"log", "verify", data}).exit_code == 0);
}

}  // namespace omen
