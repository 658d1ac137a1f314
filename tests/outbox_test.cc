// The writer's side: rows in, deliveries out, results back; over restarts, full disks and mistakes. And no secret
// anywhere.
#include "runtime/outbox/outbox.h"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/support/folder.h"
#include "tests/support/receiver.h"
#include "tests/support/stored.h"

namespace omen {
namespace {

namespace fs = std::filesystem;
using Options = std::vector<std::pair<std::string, std::string>>;

constexpr int64_t second = 1'000'000, minute = 60 * second;
constexpr int64_t noon = 1767614400 * second;  // 2026-01-05T12:00:00Z

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

DestinationProgram webhook(const std::string& url, Options more = {}) {
  more.insert(more.begin(), {{"url", url}, {"allow_cidr", "127.0.0.0/8"}});
  return {"hook", "webhook", std::move(more), {}};
}

// A service without its engine: a store in a folder, delivery, and the loop of the writer thread.
class Writer {
 public:
  explicit Writer(std::vector<DestinationProgram> destinations) {
    program.destinations = std::move(destinations);
    open();
  }
  ~Writer() { close(); }
  void open() {
    store = open_store(folder_.path("state.db"));
    delivery = std::make_unique<Delivery>(DeliveryOptions{});
    outbox = std::make_unique<Outbox>(*store, *delivery, 7);
    const Status loaded = outbox->load(program);
    REQUIRE_MESSAGE(loaded.is_ok(), loaded.message());
    CHECK(delivery->start());
  }
  void close() {
    outbox.reset();
    delivery.reset();
    store.reset();
  }
  void add(const std::string& alert, const std::string& destination, int64_t now_us, const std::string& rule = "r") {
    CHECK(outbox->add(message_of(alert, destination, rule), now_us));
  }
  // Adds and commits.
  void raise(const std::vector<std::string>& alerts, const std::string& destination, int64_t now_us) {
    CHECK(store->begin());
    for (const std::string& alert : alerts) add(alert, destination, now_us);
    ++sequence;
    CHECK(store->commit(sequence, sequence));
  }
  // Hands over, waits until delivery has nothing to do, records.
  void turn(int64_t now_us) {
    CHECK(outbox->hand_over(now_us));
    CHECK(delivery->flush(10 * second));
    CHECK(store->begin());
    CHECK(outbox->record(now_us));
    CHECK(store->commit(sequence, sequence));
  }
  OutboxRow row(int64_t number) { return *store->row(number).value(); }

  Program program;
  uint64_t sequence = 0;
  std::unique_ptr<Store> store;
  std::unique_ptr<Delivery> delivery;
  std::unique_ptr<Outbox> outbox;
  Folder folder_;
};

}  // namespace

TEST_CASE("outbox: what is committed is delivered, once") {
  HttpReceiver receiver({Answer{}});
  Writer writer({webhook(receiver.url())});
  std::vector<std::string> alerts;
  for (int i = 0; i < 200; ++i) alerts.push_back("a" + std::to_string(i));
  CHECK(writer.store->begin());
  writer.add("never", "hook", noon);
  writer.store->abandon();
  writer.outbox->refresh();
  writer.raise(alerts, "hook", noon);
  writer.raise(alerts, "hook", noon);  // a replay
  CHECK(writer.outbox->counters().repeated == 200);
  writer.turn(noon);  // all of them: what is left over would have another commit come at once
  CHECK(receiver.received().size() == 200);
  CHECK(writer.store->counts("hook").delivered == 200);
  CHECK(writer.outbox->hand_over(noon));
  CHECK(writer.outbox->counters().delivered == 200);  // when what has been recorded is committed
  CHECK_FALSE(writer.outbox->next_us().has_value());
  for (const SeenRequest& one : receiver.received()) CHECK_FALSE(has(one.body, "never"));
}

TEST_CASE("outbox: what fails is tried again in its time, with one id and one body") {
  HttpReceiver receiver({Answer{503, {}, {}}, {429, {{"Retry-After", "100"}}, {}}, {}});
  Writer writer({webhook(receiver.url())});
  writer.raise({"a"}, "hook", noon);
  writer.turn(noon);
  CHECK(writer.row(1).state == RowState::due);
  CHECK(writer.row(1).attempts == 1);
  CHECK(writer.row(1).last_status == 503);
  const int64_t next = writer.row(1).next_us;
  CHECK(next >= noon + 5 * second / 2);
  CHECK(next < noon + 5 * second);
  CHECK(writer.outbox->next_us() == next);
  writer.turn(next - 1);
  CHECK(receiver.received().size() == 1);
  writer.turn(next);
  CHECK(receiver.received().size() == 2);
  CHECK(writer.row(1).next_us == next + 100 * second);
  // A restart in between: breaker and pauses begin anew, the row has its time.
  writer.close();
  writer.open();
  writer.turn(next + 99 * second);
  CHECK(receiver.received().size() == 2);
  writer.turn(next + 100 * second);
  CHECK(writer.row(1).state == RowState::delivered);
  const auto attempts = writer.store->attempts(1);
  REQUIRE(attempts.value().size() == 3);
  CHECK(attempts.value()[1].status == 429);
  CHECK(attempts.value()[2].status == 200);
  for (const SeenRequest& one : receiver.received()) {
    CHECK(one.headers.at("webhook-id") == "a-0");
    CHECK(one.body == R"({"id":"a"})");
  }
}

TEST_CASE("outbox: five refusals are a dead letter, which can be sent after all") {
  HttpReceiver receiver({Answer{404, {}, {}}, {404, {}, {}}, {404, {}, {}}, {404, {}, {}}, {404, {}, {}}, {}});
  Writer writer({webhook(receiver.url())});
  writer.raise({"a"}, "hook", noon);
  int64_t now = noon;
  for (int i = 0; i < 5; ++i) {
    writer.turn(now);
    now = writer.outbox->next_us().value_or(now);
  }
  CHECK(receiver.received().size() == 5);
  CHECK(writer.row(1).state == RowState::dead);
  CHECK(writer.row(1).last_error == "HTTP 404");
  CHECK_FALSE(writer.outbox->next_us().has_value());
  CHECK(writer.store->begin());
  RowFilter dead;
  dead.state = RowState::dead;
  dead.since_us = noon;
  CHECK(writer.store->retry(dead, now).value() == 1);
  CHECK(writer.store->commit(writer.sequence, writer.sequence));
  writer.outbox->refresh();
  writer.turn(now);
  CHECK(writer.row(1).state == RowState::delivered);
}

TEST_CASE("outbox: 410 holds the destination and what waits for it") {
  HttpReceiver receiver({Answer{410, {}, {}}, {}});
  Writer writer({webhook(receiver.url(), {{"concurrency", "1"}})});
  writer.raise({"a"}, "hook", noon);
  writer.turn(noon);
  CHECK(writer.row(1).state == RowState::held);
  writer.raise({"b", "c"}, "hook", noon);
  writer.turn(noon + minute);
  CHECK(receiver.received().size() == 1);
  CHECK(writer.store->counts("hook").held == 3);
  CHECK(writer.store->holds().at("hook") == "HTTP 410");
  writer.close();
  writer.open();
  writer.turn(noon + minute);
  CHECK(receiver.received().size() == 1);
  CHECK(writer.store->begin());
  CHECK(writer.store->release("hook", noon + minute).value() == 3);
  CHECK(writer.store->commit(writer.sequence, writer.sequence));
  writer.outbox->refresh();
  writer.turn(noon + minute);
  CHECK(writer.store->counts("hook").delivered == 3);
}

TEST_CASE("outbox: results survive a transaction that could not be committed") {
  HttpReceiver receiver({Answer{}});
  Writer writer({webhook(receiver.url())});
  writer.raise({"a"}, "hook", noon);
  CHECK(writer.outbox->hand_over(noon));
  CHECK(writer.delivery->flush(10 * second));
  CHECK(writer.store->begin());
  CHECK(writer.outbox->record(noon));
  writer.store->abandon();  // the disk was full
  CHECK(writer.row(1).state == RowState::due);
  CHECK(writer.outbox->hand_over(noon));  // delivery does not get it twice
  writer.turn(noon);
  CHECK(writer.row(1).state == RowState::delivered);
  CHECK(receiver.received().size() == 1);
}

TEST_CASE("outbox: rows of a transaction that could not be committed are counted when they are") {
  HttpReceiver receiver({Answer{}});
  Writer writer({webhook(receiver.url())});
  writer.raise({"a"}, "hook", noon);
  writer.turn(noon);
  for (int tries = 0; tries < 3; ++tries) {
    CHECK(writer.store->begin());
    writer.add("b", "hook", noon);
    writer.add("a", "hook", noon);
    CHECK(writer.outbox->record(noon));
    writer.store->abandon();
    writer.outbox->refresh();
    CHECK(writer.outbox->counters().added == 1);
    CHECK(writer.outbox->counters().repeated == 0);
    CHECK(writer.outbox->counters().delivered == 1);
    CHECK(writer.outbox->hand_over(noon));
  }
  writer.raise({"b", "a"}, "hook", noon);
  writer.turn(noon);
  CHECK(writer.outbox->hand_over(noon));
  CHECK(writer.outbox->counters().added == 2);
  CHECK(writer.outbox->counters().repeated == 1);
  CHECK(writer.outbox->counters().delivered == 2);
}

TEST_CASE("outbox: quiet hours of rule and destination hold deliveries, retries too") {
  HttpReceiver receiver({Answer{503, {}, {}}, {}});
  DestinationProgram hook = webhook(receiver.url());
  hook.quiet = QuietHours{11 * 60, 13 * 60, "UTC"};
  Writer writer({hook});
  RuleProgram rule;
  rule.name = "quiet_rule";
  rule.quiet = QuietHours{13 * 60, 14 * 60, "UTC"};
  writer.program.rules.push_back(rule);
  CHECK(writer.outbox->load(writer.program));
  CHECK(writer.store->begin());
  writer.add("a", "hook", noon, "quiet_rule");
  writer.add("b", "hook", noon, "other");
  CHECK(writer.store->commit(1, 1));
  writer.sequence = 1;
  CHECK(writer.row(1).next_us == noon + 120 * minute);
  CHECK(writer.row(2).next_us == noon + 60 * minute);
  CHECK(writer.outbox->counters().held_by_quiet == 2);
  writer.turn(noon + 59 * minute);
  CHECK(receiver.received().empty());
  CHECK(writer.outbox->next_us() == noon + 60 * minute);
  // It fails at the last moment before quiet hours of the next day: it waits for their end.
  const int64_t before_quiet = noon + 23 * 60 * minute - second;
  CHECK(writer.store->begin());
  RowFilter first;
  first.number = 1;
  CHECK(writer.store->drop(first, noon).value() == 1);
  CHECK(writer.store->commit(1, 1));
  writer.turn(before_quiet);
  CHECK(writer.row(2).attempts == 1);
  CHECK(writer.row(2).next_us == noon + (24 + 1) * 60 * minute);
}

TEST_CASE("outbox: at its cap a destination asks for a pause, or sets further alerts aside") {
  HttpReceiver receiver({Answer{}});
  DestinationProgram aside = webhook(receiver.url(), {{"max_waiting", "2"}, {"when_full", "dead_letter"}});
  aside.name = "aside";
  Writer writer({webhook(receiver.url(), {{"max_waiting", "2"}}), aside});
  writer.raise({"a", "b", "c"}, "aside", noon);
  CHECK(writer.store->counts("aside").due == 2);
  CHECK(writer.store->counts("aside").dead == 1);
  CHECK(writer.outbox->counters().dead_at_cap == 1);
  CHECK_FALSE(writer.outbox->is_full());
  writer.raise({"a", "b"}, "hook", noon);
  CHECK(writer.outbox->is_full());
  writer.turn(noon);
  CHECK_FALSE(writer.outbox->is_full());
  CHECK(writer.store->counts().delivered == 4);
}

TEST_CASE("outbox: rows wait for a destination that is not loaded") {
  HttpReceiver receiver({Answer{}});
  Writer writer({});
  writer.raise({"a"}, "hook", noon);
  writer.turn(noon);
  CHECK(writer.store->counts("hook").due == 1);
  writer.program.destinations = {webhook(receiver.url())};
  CHECK(writer.outbox->load(writer.program));
  writer.turn(noon);
  CHECK(writer.store->counts("hook").delivered == 1);
  // A change while something waits: it comes back and goes on.
  writer.raise({"b"}, "hook", noon);
  CHECK(writer.outbox->hand_over(noon));
  writer.program.destinations = {webhook(receiver.url(), {{"timeout", "5000000"}})};
  CHECK(writer.outbox->load(writer.program));
  for (int i = 0; i < 500 && writer.store->counts("hook").delivered < 2; ++i) {
    writer.turn(noon);  // an attempt of the former lane may still be on its way
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(writer.store->counts("hook").delivered == 2);
}

TEST_CASE("outbox: a canary secret is in no file, error or report") {
  constexpr const char* canary = "c4narycanary";
  HttpReceiver refusing({Answer{403, {}, std::string("no access for ") + canary}});
  MailReceiver mail(MailAnswers{{"AUTH", std::string("535 ") + canary + " is not welcome"}});
  uint16_t closed = 0;
  { closed = HttpReceiver({Answer{}}).port(); }
  setenv("CANARY_URL", (refusing.url() + "/" + canary + "?token=" + canary).c_str(), 1);
  setenv("CANARY_DEAD", ("http://127.0.0.1:" + std::to_string(closed) + "/" + canary).c_str(), 1);
  setenv("CANARY_HOST", (std::string("http://user:") + canary + "@" + canary + ".invalid/").c_str(), 1);
  setenv("CANARY_DENIED", (std::string("http://10.0.0.1/") + canary).c_str(), 1);
  setenv("CANARY_SECRET", "whsec_c4narycanaryc4narycanaryc4narycanary", 1);
  setenv("CANARY", canary, 1);
  Writer writer({});
  const std::string allowed = "127.0.0.0/8";
  writer.program.destinations = {
      {"refused",
       "webhook",
       {{"url", "env(\"CANARY_URL\")"},
        {"secret", "env(\"CANARY_SECRET\")"},
        {"headers.Authorization", "env(\"CANARY\")"},
        {"allow_cidr", allowed}},
       {}},
      {"closed", "webhook", {{"url", "env(\"CANARY_DEAD\")"}, {"allow_cidr", allowed}}, {}},
      {"unknown", "webhook", {{"url", "env(\"CANARY_HOST\")"}}, {}},
      {"denied", "webhook", {{"url", "env(\"CANARY_DENIED\")"}}, {}},
      {"slack", "slack", {{"url", "env(\"CANARY_URL\")"}, {"allow_cidr", allowed}}, {}},
      {"mail",
       "email",
       {{"to", "a@example.com"},
        {"from", "b@example.com"},
        {"tls", "none"},
        {"user", "me"},
        {"server", "127.0.0.1:" + std::to_string(mail.port())},
        {"password", "env(\"CANARY\")"},
        {"allow_cidr", allowed}},
       {}},
      {"file", "file", {{"path", "env(\"CANARY\")"}}, {}},
      {"db", "sqlite", {{"path", "env(\"CANARY\")"}}, {}},
  };
  // A path that cannot be opened.
  setenv("CANARY", (std::string("/no/such/") + canary).c_str(), 1);
  const Status loaded = writer.outbox->load(writer.program);
  REQUIRE_MESSAGE(loaded.is_ok(), loaded.message());
  for (const DestinationProgram& one : writer.program.destinations) writer.raise({"a"}, one.name, noon);
  writer.turn(noon);
  std::string said;
  size_t failed = 0;
  for (int64_t number = 1; number <= 8; ++number) {
    const auto attempts = writer.store->attempts(number);
    REQUIRE(attempts.value().size() == 1);
    failed += attempts.value()[0].verdict != Verdict::delivered;
    said += attempts.value()[0].error + "\n" + writer.row(number).last_error + "\n";
  }
  CHECK(failed == 8);
  for (const LaneReport& lane : writer.delivery->report()) said += lane.last_error + "\n";
  unsetenv("CANARY_SECRET");
  said += writer.outbox->load({}).message();
  DestinationProgram again = writer.program.destinations[0];
  again.options.emplace_back("timeout", "1000000");
  writer.program.destinations = {again};
  said += writer.outbox->load(writer.program).message();
  CHECK(has(said, "CANARY_SECRET is not set"));
  INFO(said);
  CHECK_FALSE(has(said, canary));
  CHECK(refusing.received().size() == 2);
  CHECK(has(refusing.received()[0].target, canary));  // there it was
  CHECK(writer.store->checkpoint());
  size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(writer.folder_.path(""))) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    CHECK_FALSE_MESSAGE(has(bytes, canary), entry.path().string());
    ++files;
  }
  CHECK(files >= 1);
  for (const char* name : {"CANARY", "CANARY_URL", "CANARY_DEAD", "CANARY_HOST", "CANARY_DENIED"}) unsetenv(name);
}

}  // namespace omen
