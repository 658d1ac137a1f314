// The store: what is in it after what has happened.
#include "runtime/outbox/store.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "tests/support/failing_disk.h"
#include "tests/support/folder.h"
#include "tests/support/stored.h"

namespace omen {
namespace {

namespace fs = std::filesystem;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("store: rows, results and the watermark are committed together") {
  const Folder folder;
  const std::string path = folder.path("state.db");
  {
    const auto store = open_store(path);
    CHECK(store->watermark() == 0);
    CHECK(store->begin());
    CHECK(store->add(message_of("a", "crm"), 1000).value());
    CHECK(store->add(message_of("b", "crm"), 1500).value());
    CHECK(store->add(message_of("a", ""), 1000).value());
    CHECK_FALSE(store->add(message_of("a", "crm"), 9999).value());  // a replay
    CHECK(store->commit(5, 7));
    CHECK(store->watermark() == 5);
    // What was abandoned is not there.
    CHECK(store->begin());
    CHECK(store->add(message_of("c", "crm"), 1).value());
    CHECK(store->hold("crm", "gone", 1));
    store->abandon();
    CHECK(store->holds().empty());
    CHECK(store->counts().due == 3);
    CHECK(store->due("crm", 1200, 10).value().size() == 1);
    CHECK(store->next_due_us("crm", 1200).value() == 1500);
    const auto rows = store->due("crm", 2000, 10);
    REQUIRE(rows.value().size() == 2);
    CHECK(rows.value()[0].message.alert == "a");
    CHECK(rows.value()[0].message.body == R"({"id":"a"})");
    CHECK(rows.value()[0].message.text == "text of a");
    CHECK(rows.value()[0].message.sequence == 5);
    const auto others = store->due("crm", 2000, 1, {rows.value()[0].message.number});
    REQUIRE(others.value().size() == 1);
    CHECK(store->due("crm", 2000, 10, {}, 1).value().size() == 1);  // the one with which it is more
    CHECK(store->due("crm", 2000, 10, {}, rows.value()[0].message.bytes() + 1).value().size() == 2);
    CHECK(store->due("crm", 2000, 10, {}, 0).value().empty());
    CHECK(others.value()[0].message.alert == "b");

    CHECK(store->begin());
    CHECK(store->record(attempt_of(1, Verdict::retry, 503, "HTTP 503"), {RowState::due, 9000, false}));
    CHECK(store->record(attempt_of(2, Verdict::delivered, 200), {RowState::delivered, 0, false}));
    CHECK(store->commit(5, 7));
  }
  const auto store = open_store(path);
  CHECK(store->watermark() == 5);
  const StoreCounts counts = store->counts("crm");
  CHECK(counts.due == 1);
  CHECK(counts.delivered == 1);
  const OutboxRow row = *store->row(1).value();
  CHECK(row.attempts == 1);
  CHECK(row.first_us == 2000);
  CHECK(row.last_status == 503);
  CHECK(row.last_error == "HTTP 503");
  CHECK(row.next_us == 9000);
  const auto attempts = store->attempts(1);
  REQUIRE(attempts.value().size() == 1);
  CHECK(attempts.value()[0].status == 503);
  CHECK(attempts.value()[0].took_us == 10);
  CHECK_FALSE(store->row(99).value().has_value());
}

TEST_CASE("store: a destination on hold, retry, drop, redrive") {
  const Folder folder;
  const auto store = open_store(folder.path("state.db"));
  CHECK(store->begin());
  for (const char* alert : {"a", "b", "c", "d"}) CHECK(store->add(message_of(alert, "crm"), 1000).value());
  CHECK(store->add(message_of("a", "other"), 1000).value());
  CHECK(store->record(attempt_of(1, Verdict::hold, 410, "HTTP 410"), {RowState::held, 0, false}));
  CHECK(store->hold("crm", "HTTP 410", 5));
  CHECK(store->add(message_of("e", "crm"), 1000).value());  // held at once
  CHECK(store->commit(1, 1));
  CHECK(store->counts("crm").held == 5);
  CHECK(store->counts("other").due == 1);
  CHECK(store->holds().at("crm") == "HTTP 410");
  CHECK(store->oldest_waiting_us().value() == 1000);

  CHECK(store->begin());
  // An attempt that was under way: what failed is held too, what has arrived has arrived.
  CHECK(store->record(attempt_of(2, Verdict::retry, 500, "HTTP 500"), {RowState::due, 9000, false}));
  CHECK(store->record(attempt_of(3, Verdict::delivered, 200), {RowState::delivered, 0, false}));
  CHECK(store->row(2).value()->state == RowState::held);
  CHECK(store->release("crm", 7000).value() == 4);
  CHECK(store->commit(1, 1));
  CHECK(store->holds().empty());
  CHECK(store->counts("crm").due == 4);
  CHECK(store->row(2).value()->next_us == 7000);
  CHECK(store->row(2).value()->attempts == 0);

  CHECK(store->begin());
  RowFilter one;
  one.number = 2;
  CHECK(store->drop(one, 8000).value() == 1);
  CHECK(store->drop(one, 8000).value() == 0);
  // It fails while somebody has dropped it: dropped it stays.
  CHECK(store->record(attempt_of(2, Verdict::retry, 500, "HTTP 500"), {RowState::due, 9000, false}));
  CHECK(store->row(2).value()->state == RowState::dropped);
  CHECK(store->record(attempt_of(4, Verdict::dead, 400, "no"), {RowState::dead, 0, false}));
  RowFilter dead;
  dead.state = RowState::dead;
  CHECK(store->list(dead).value().size() == 1);
  CHECK(store->retry(dead, 9000).value() == 1);
  CHECK(store->row(4).value()->state == RowState::due);
  CHECK(store->row(4).value()->attempts == 0);
  RowFilter everything;
  everything.destination = "crm";
  everything.since_us = 0;
  CHECK(store->retry(everything, 9500, true).value() == 5);
  CHECK(store->commit(1, 1));
  CHECK(store->counts("crm").due == 5);
}

TEST_CASE("store: lists by key, rule, time, state and id; a page at a time") {
  const Folder folder;
  const auto store = open_store(folder.path("state.db"));
  CHECK(store->begin());
  for (int i = 0; i < 500; ++i) {
    Message message = message_of((i < 10 ? "0" : "") + std::to_string(i), "d", i % 2 == 0 ? "even" : "odd");
    message.created_us = i;
    message.key = i == 7 ? R"({"k":"seven"})" : "{}";
    CHECK(store->add(message, i).value());
  }
  CHECK(store->commit(0, 0));
  RowFilter filter;
  filter.rule = "even";
  filter.limit = 100;
  size_t seen = 0;
  for (;;) {
    const auto page = store->list(filter);
    REQUIRE(page);
    if (page.value().empty()) break;
    seen += page.value().size();
    filter.after_number = page.value().back().message.number;
  }
  CHECK(seen == 250);
  RowFilter by_key;
  by_key.key = R"({"k":"seven"})";
  CHECK(store->list(by_key).value().size() == 1);
  RowFilter by_time;
  by_time.since_us = 10;
  by_time.until_us = 20;
  CHECK(store->list(by_time).value().size() == 10);
  by_time.newest_first = true;
  by_time.limit = 3;
  CHECK(store->list(by_time).value().front().message.alert == "19");
  by_time.after_number = store->list(by_time).value().back().message.number;
  CHECK(store->list(by_time).value().front().message.alert == "16");
  RowFilter by_id;
  by_id.id = "42";
  CHECK(store->list(by_id).value().size() == 11);  // 42, 420 … 429
  CHECK(store->begin());
  RowFilter all;
  CHECK(store->drop(all, 1).value() == 500);  // more than a page
  CHECK(store->commit(0, 0));
  CHECK(store->counts().dropped == 500);
}

TEST_CASE("store: finished rows are pruned beyond what is kept, others never") {
  const Folder folder;
  StoreOptions options;
  options.delivered_max = 10;
  options.delivered_for_us = 1'000'000;
  const auto store = open_store(folder.path("state.db"), options);
  CHECK(store->begin());
  for (int i = 0; i < 30; ++i) {
    CHECK(store->add(message_of(std::to_string(i), "d"), 0).value());
    const RowState state = i < 25 ? RowState::delivered : RowState::dead;
    CHECK(store->record(attempt_of(i + 1, Verdict::delivered), {state, 0, false}));
  }
  CHECK(store->prune(2000, 4).value() == 4);
  CHECK(store->prune(2000, 100).value() == 11);
  CHECK(store->prune(2000).value() == 0);
  CHECK(store->counts().delivered == 10);
  CHECK(store->attempts(1).value().empty());
  CHECK(store->prune(5'000'000).value() == 10);  // too old
  CHECK(store->counts().dead == 5);
  CHECK(store->commit(0, 0));
}

TEST_CASE("store: rules, epoch and what else is kept by name") {
  const Folder folder;
  const std::string path = folder.path("state.db");
  {
    const auto store = open_store(path);
    CHECK(store->begin());
    CHECK(store->set_rules({{"a.omen", "rule a { match x }"}, {"b.omen", ""}}));
    CHECK(store->set_meta("paused", "a"));
    CHECK(store->set_epoch(3));
    CHECK(store->commit(0, 0));
    CHECK(store->checkpoint());
  }
  const auto store = open_store(path);
  CHECK(store->rules().value().size() == 2);
  CHECK(store->rules().value().at("a.omen") == "rule a { match x }");
  CHECK(store->meta("paused").value() == "a");
  CHECK_FALSE(store->meta("nothing").value().has_value());
  CHECK(store->epoch() == 3);
}

TEST_CASE("store: one process at a time; a newer version and a foreign file stay as they are") {
  const Folder folder;
  const std::string path = folder.path("state.db");
  StoreFault fault = StoreFault::none;
  {
    const auto store = open_store(path);
    const auto second = Store::open(path, {}, &fault);
    CHECK_FALSE(second);
    CHECK(fault == StoreFault::locked);
    CHECK(has(second.message(), "in use"));
  }
  const auto bytes_of = [](const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, "PRAGMA user_version=2", nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
  const std::string before = bytes_of(path);
  const auto newer = Store::open(path, {}, &fault);
  CHECK_FALSE(newer);
  CHECK(fault == StoreFault::newer);
  CHECK(has(newer.message(), "version 2"));
  CHECK(bytes_of(path) == before);
  CHECK_FALSE(fs::exists(path + "-wal"));

  const std::string text = folder.path("text");
  std::ofstream(text) << std::string(5000, 'x');
  CHECK_FALSE(Store::open(text, {}, &fault));
  CHECK(fault == StoreFault::broken);
  CHECK(bytes_of(text) == std::string(5000, 'x'));
  CHECK_FALSE(Store::open(folder.path("no/such/folder"), {}, &fault));
}

TEST_CASE("store: a flipped bit is found and never read as something else") {
  const Folder folder;
  const std::string path = folder.path("state.db");
  {
    const auto store = open_store(path);
    CHECK(store->begin());
    for (const char* alert : {"a", "b"}) CHECK(store->add(message_of(alert, "crm"), 1000).value());
    CHECK(store->set_rules({{"a.omen", "rule a { match x }"}}));
    CHECK(store->commit(3, 3));
  }
  FailingDisk::instance().mend();
  StoreOptions quick;
  quick.vfs = FailingDisk::name;
  std::ifstream in(path, std::ios::binary);
  const std::string good(std::istreambuf_iterator<char>(in), {});
  // Everything that a service reads at its start, as text; or that it has refused.
  const auto reading = [&](const std::string& file) -> std::string {
    auto store = Store::open(file, quick);
    if (!store) return "refused";
    std::string out = std::to_string(store.value()->watermark()) + ' ' + std::to_string(store.value()->epoch());
    const auto rows = store.value()->due("crm", 5000, 10);
    if (!rows) return "refused";
    for (const OutboxRow& row : rows.value()) out += row.message.id + row.message.body + std::to_string(row.next_us);
    const auto rules = store.value()->rules();
    if (!rules) return "refused";
    for (const auto& [name, text] : rules.value()) out += name + text;
    const StoreCounts counts = store.value()->counts();
    return out + std::to_string(counts.due + counts.held) + std::to_string(counts.delivered);
  };
  const std::string whole = reading(path);
  REQUIRE(whole != "refused");
  const std::string flipped = folder.path("flipped.db");
  size_t refused = 0, silent = 0;
  for (size_t at = 0; at < good.size(); at += 151) {
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    std::ofstream(flipped, std::ios::binary) << bytes;
    const std::string seen = reading(flipped);
    refused += seen == "refused";
    if (seen != "refused" && seen != whole) ++silent;
    fs::remove(flipped + "-wal");
    fs::remove(flipped + "-shm");
  }
  CHECK(silent == 0);
  CHECK(refused > 2);
}

}  // namespace omen
