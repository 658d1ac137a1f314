// The service as its threads see it: events into the intake, outcomes back, rows in the outbox; stopped and cut off at
// any place, and going on from there; rules that change while it runs.
#include "runtime/serve/service.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/log/reader.h"
#include "runtime/log/snapshot_file.h"
#include "tests/support/running_service.h"

namespace omen {
namespace {

constexpr const char* pairs_rule = "rule pairs {\n  by u\n  match a -> b\n  within 1h\n  alert \"{u} did it\"\n}\n";

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("service: what is accepted has a sequence, what is not a reason, and matches are rows") {
  Running omen("omen-service-outcomes");
  omen.start({{{"r.omen", pairs_rule}}, {}});
  const auto outcomes = omen.feed({event("a", "u1", 0), "{\"type\":", event("b", "u1", 1), event("b", "u1", 90'000)});
  REQUIRE(outcomes.size() == 4);
  CHECK(outcomes[0].sequence > 0);
  CHECK(outcomes[1].reason == Reason::not_json);
  CHECK(outcomes[2].sequence == outcomes[0].sequence + 1);
  CHECK(outcomes[3].reason == Reason::ahead);  // more than max_ahead of the wall clock
  CHECK(omen.texts() == Texts{"u1 did it"});
}

TEST_CASE("service: it goes on where it was, whether it was stopped or cut off") {
  for (const bool is_cut_off : {false, true}) {
    Running omen("omen-service-resumes");
    const RuleSet rules{{{"r.omen", pairs_rule}}, {}};
    omen.start(rules);
    omen.feed({event("a", "u1", 0), event("a", "u2", 0), event("b", "u2", 1)});
    if (is_cut_off) {  // the folder as it is in the middle of things is what a crash leaves
      const std::string copy = omen.data + "-copy";
      fs::remove_all(copy);
      fs::copy(omen.data, copy, fs::copy_options::recursive | fs::copy_options::skip_symlinks);
      omen.end();
      fs::remove_all(omen.data);
      fs::rename(copy, omen.data);
    } else {
      omen.end();
    }
    omen.start(rules);
    CHECK(omen.texts() == Texts{"u2 did it"});
    omen.feed({event("b", "u1", 2)});
    CHECK(omen.texts() == Texts{"u2 did it", "u1 did it"});
  }
}

TEST_CASE("service: a state that is too large to be written at the end is made again from the log") {
  const RuleSet rules{{{"r.omen", pairs_rule}}, {}};
  for (const bool is_large : {false, true}) {
    Running omen("omen-service-large");
    ServiceOptions options;
    options.snapshot_us = INT64_MAX;  // none but that at the end
    if (is_large) options.last_snapshot_bytes = 0;
    omen.start(rules, options);
    omen.feed({event("a", "u1", 0)});
    omen.end();
    CHECK(list_snapshots(real_disk(), snapshot_folder(omen.data)).value().empty() == is_large);
    omen.start(rules, options);
    omen.feed({event("b", "u1", 1)});
    CHECK(omen.texts() == Texts{"u1 did it"});
  }
}

TEST_CASE("service: the snapshot at the end has nothing of what is over") {
  Running omen("omen-service-over");
  ServiceOptions options;
  options.snapshot_us = INT64_MAX;
  omen.start({{{"r.omen", pairs_rule}}, {}}, options);
  std::vector<std::string> lines;
  for (int user = 0; user < 20'000; ++user) lines.push_back(event("a", "over" + std::to_string(user), -7'200));
  lines.push_back(event("a", "last", 0));
  omen.feed(lines);
  omen.end();
  const std::string state = omen.last_state();
  CHECK(state.find("last") != std::string::npos);
  CHECK(state.find("over") == std::string::npos);
}

TEST_CASE("service: without durability alerts come at once; rows, deliveries and snapshots follow beside") {
  const RuleSet rules{{{"r.omen", pairs_rule}}, {}};
  Running omen("omen-service-off");
  ServiceOptions options;
  options.log.durability.mode = Durability::Mode::off;
  options.log.segment_bytes = 20'000;
  options.retention.bytes_max = 60'000;
  options.snapshot_records = 100;
  options.snapshot_apart_us = 0;
  options.aside_from_bytes = 0;
  size_t calls = 0;
  std::vector<std::string> seen;  // the writer's until the end
  options.publish = [&](std::span<const Message> messages) {
    ++calls;
    for (const Message& message : messages) seen.push_back(message.text);
  };
  omen.start(rules, options);
  constexpr size_t rounds = 150, pairs = 5;
  Texts expected;
  for (size_t round = 0; round < rounds; ++round) {
    std::vector<std::string> lines;
    for (size_t pair = 0; pair < pairs; ++pair) {
      const std::string user = "u" + std::to_string(round * pairs + pair);
      lines.push_back(event("a", user, 0));
      lines.push_back(event("b", user, 0));
      expected.push_back(user + " did it");
    }
    omen.feed(lines);
    if (round % 40 == 0) {  // whoever asks finds what subscribers have seen
      const StoreCounts counts = omen.ask([](Service& one) { return one.store().counts(); });
      CHECK(counts.due + counts.delivered == expected.size());
    }
  }
  omen.end();
  CHECK(seen == expected);
  CHECK(calls <= rounds);  // those of a round together
  CHECK(list_snapshots(real_disk(), snapshot_folder(omen.data)).value().size() == snapshots_kept);
  omen.start(rules);
  omen.feed({event("b", "nobody", 0)});
  Texts rows;
  for (const Message& message : omen.messages()) rows.push_back(message.text);
  CHECK(rows == expected);
}

TEST_CASE("service: without durability snapshots are apart, but where the log is beyond its retention") {
  for (const bool has_retention : {false, true}) {
    Running omen("omen-service-off-apart");
    ServiceOptions options;
    options.log.durability.mode = Durability::Mode::off;
    options.log.segment_bytes = 10'000;
    if (!has_retention) options.snapshot_records = 20;  // of a log that is kept whole; else its size alone brings them
    if (has_retention) options.retention.bytes_max = 40'000;
    omen.start({{{"r.omen", pairs_rule}}, {}}, options);
    for (int i = 0; i < 500; ++i) {
      omen.feed(std::vector<std::string>(5, event("a", "u" + std::to_string(i), 0)));
      if (i % 50 == 49) std::this_thread::sleep_for(std::chrono::milliseconds(60));  // so that commits come between
    }
    uint64_t bytes = 0, snapshots = 0;
    for (int i = 0; i < 40; ++i) {  // both come beside, and are told of now and then
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      snapshots = omen.service->view()->snapshots;
      bytes = 0;
      for (const auto& segment : fs::directory_iterator(log_folder(omen.data))) {
        std::error_code is_gone;
        const uint64_t size = segment.file_size(is_gone);
        bytes += is_gone ? 0 : size;
      }
      if (has_retention ? bytes <= 120'000 && snapshots > 1 : i == 6) break;
    }
    if (has_retention) {
      CHECK(bytes <= 120'000);
      CHECK(snapshots > 1);
    } else {
      CHECK(bytes > 120'000);
      CHECK(snapshots <= 1);
    }
    omen.end();
  }
}

TEST_CASE(
    "service: without durability a receiver that is behind stops the senders, though commits follow one another") {
  Running omen("omen-service-off-behind");
  ServiceOptions options;
  options.log.durability.mode = Durability::Mode::off;
  options.commit_apart_us = 0;
  options.delivery.queue_max = 0;  // nothing is delivered
  const std::string rule = "rule seen {\n  by u\n  match a\n  alert \"{u}\" to slow\n}\n";
  omen.start({{{"r.omen", rule + "destination slow = file { path: \"/dev/null\", max_waiting: 5 }\n"}}, {}}, options);
  constexpr size_t events = 300;
  std::atomic<size_t> answered = 0;
  std::function<void()> offer = [&] {  // one behind the other, each a round
    Batch batch;
    batch.events = event("a", "u1", 0) + '\n';
    batch.count = 1;
    batch.arrival_us = wall_clock_us();
    batch.done = [&](std::span<const EventOutcome>) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // so that few come during one commit
      if (++answered < events) offer();
    };
    (void)omen.service->intake().offer(std::move(batch));
  };
  offer();
  for (int i = 0; i < 70 && answered < events; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  const uint64_t rows = omen.ask([](Service& one) { return one.store().counts().due; });
  CHECK(rows == answered);
  CHECK(rows >= 5);
  CHECK(rows < events / 3);  // what came during the commits
  omen.end();
}

TEST_CASE("service: absences come true on a silent stream within 100 ms of their deadlines, and once") {
  // In memory, where the system has that: how long a disk takes to sync is not what is asked here.
  Running omen("omen-service-absence", fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path());
  const RuleSet rules{{{"r.omen", "rule alone {\n  by u\n  match a -> not b for 500ms\n  alert \"{u}\"\n}\n"}}, {}};
  constexpr int64_t count = 10, for_us = 500'000, apart_us = 30'000;
  struct Committed {
    Message message;
    int64_t at_us;
  };
  std::mutex mutex;
  std::vector<Committed> committed;
  ServiceOptions options;
  options.publish = [&](std::span<const Message> messages) {
    const std::scoped_lock lock(mutex);
    for (const Message& message : messages) committed.push_back({message, wall_clock_us()});
  };
  omen.start(rules, options);
  // All in the past, so that no event brings the clock to a deadline. Nothing is asked of the service either: that
  // would wake it.
  const int64_t first_us = wall_clock_us() + 100'000;
  std::vector<std::string> lines;
  for (int64_t i = 0; i < count; ++i) {
    std::string ts;
    append_rfc3339(ts, first_us + i * apart_us - for_us);
    lines.push_back("{\"type\":\"a\",\"ts\":\"" + ts + "\",\"u\":\"u" + std::to_string(i) + "\"}");
  }
  omen.feed(lines);
  // How late this machine lets a thread be that wants nothing but to wake; what is due to that is not the service's.
  int64_t stall_us = 0;
  for (const int64_t begin_us = steady_clock_us(); steady_clock_us() - begin_us < 5'000'000;) {
    const int64_t before_us = steady_clock_us();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    stall_us = std::max(stall_us, steady_clock_us() - before_us - 1'000);
    const std::scoped_lock lock(mutex);
    if (committed.size() == count) break;
  }
  omen.end();

  auto log = LogReader::open(real_disk(), log_folder(omen.data), 0);
  REQUIRE(log);
  std::map<uint64_t, int64_t> ticks;
  for (LogReader::Entry entry; log.value()->next(entry);) {
    if (entry.record.kind == RecordKind::tick) ticks[entry.sequence] = entry.record.time_us;
  }
  REQUIRE(committed.size() == count);
  std::vector<int64_t> late_us;
  for (int64_t i = 0; i < count; ++i) {
    const auto& [message, at_us] = committed[static_cast<size_t>(i)];
    const int64_t deadline_us = first_us + i * apart_us;
    CHECK(message.text == "u" + std::to_string(i));
    CHECK(message.end_us == deadline_us);
    REQUIRE(ticks.contains(message.sequence));  // the clock alone has brought it
    CHECK(ticks[message.sequence] >= deadline_us);
    CHECK(ticks[message.sequence] <= message.created_us);
    late_us.push_back(at_us - deadline_us);
    CHECK_MESSAGE(late_us.back() <= 100'000 + 2 * stall_us, "late by ", late_us.back(), " us; stalls of ", stall_us);
  }
  // It wakes for the deadline: it does not happen to look at the clock ten times a second.
  std::ranges::sort(late_us);
  CHECK_MESSAGE(late_us[count / 2] <= 20'000 + 2 * stall_us, "late by ", late_us[count / 2], " us; stalls of ",
                stall_us);

  omen.start(rules);
  CHECK(omen.texts().size() == count);
}

TEST_CASE(
    "service: a rule that is new has the state that it would have, raises nothing old, and what is kept goes on") {
  Running omen("omen-service-rules");
  const RuleFile pairs{"r.omen", pairs_rule};
  omen.start({{pairs}, {}});
  omen.feed({event("a", "u1", 0), event("c", "u1", 1), event("c", "u2", 1), event("d", "u2", 2)});
  const RuleFile more{"more.omen", "rule others {\n  by u\n  match c -> d\n  within 1h\n  alert \"{u} others\"\n}\n"};
  const auto changes = omen.change({{pairs, more}, {}});
  REQUIRE_MESSAGE(changes, changes.message());
  REQUIRE(changes.value().size() == 2);
  CHECK(changes.value()[0].fate == RuleFate::kept);
  CHECK(changes.value()[1].fate == RuleFate::added);
  CHECK(omen.texts() == Texts{});
  omen.feed({event("b", "u1", 3), event("d", "u1", 3)});
  CHECK(omen.texts() == Texts{"u1 did it", "u1 others"});

  SUBCASE("an error leaves everything as it was") {
    const auto refused = omen.change({{pairs, {"bad.omen", "rule x { match }"}}, {}});
    CHECK_FALSE(refused);
    omen.feed({event("a", "u3", 4), event("b", "u3", 5)});
    CHECK(omen.texts().size() == 3);
  }
  SUBCASE("what has changed starts from the log, and what is gone raises nothing") {
    omen.feed({event("a", "u4", 4), event("x", "u4", 4)});
    const RuleFile changed{"r.omen",
                           "rule pairs {\n  by u\n  match a -> x -> b\n  within 1h\n  alert \"{u} did all\"\n}\n"};
    REQUIRE(omen.change({{changed}, {}}));
    omen.feed({event("b", "u4", 5), event("c", "u5", 5), event("d", "u5", 5)});
    CHECK(omen.texts() == Texts{"u1 did it", "u1 others", "u4 did all"});
  }
  SUBCASE("the rules in the log are those in force after a restart, with their state") {
    omen.feed({event("c", "u6", 4)});
    omen.end();
    omen.start({{pairs, more}, {}});
    omen.feed({event("d", "u6", 5)});
    CHECK(omen.texts() == Texts{"u1 did it", "u1 others", "u6 others"});
  }
}

TEST_CASE("service: a paused rule goes on matching and raises nothing until it is resumed") {
  Running omen("omen-service-pause");
  omen.start({{{"r.omen", pairs_rule}}, {}});
  CHECK_FALSE(omen.ask([](Service& one) { return one.pause("none", true).is_ok(); }));
  CHECK(omen.ask([](Service& one) { return one.pause("pairs", true).is_ok(); }));
  omen.feed({event("a", "u1", 0), event("b", "u1", 1), event("a", "u2", 1)});
  CHECK(omen.texts() == Texts{});
  CHECK(omen.ask([](Service& one) { return one.pause("pairs", false).is_ok(); }));
  omen.feed({event("b", "u2", 2)});
  CHECK(omen.texts() == Texts{"u2 did it"});
}

TEST_CASE("service: rules that lack a secret are refused, and neither the service nor its folder suffers from it") {
  Running omen("omen-service-secret");
  const RuleFile lacks{"lacks.omen",
                       "destination d = webhook { url: env(\"OMEN_TEST_NOT_SET\") }\n"
                       "rule other { by u match c -> d alert \"x\" to d }\n"};
  omen.start({{{"r.omen", pairs_rule}}, {}});
  omen.feed({event("a", "u1", 0)});
  const auto refused = omen.change({{{"r.omen", pairs_rule}, lacks}, {}});
  REQUIRE_FALSE(refused);
  CHECK(refused.message().find("OMEN_TEST_NOT_SET") != std::string::npos);
  omen.feed({event("b", "u1", 1)});
  CHECK(omen.texts() == Texts{"u1 did it"});
  omen.end();
  omen.start({{{"r.omen", pairs_rule}}, {}});
  CHECK(omen.texts() == Texts{"u1 did it"});
}

TEST_CASE("service: what was loaded beside its own files is in force after a restart") {
  Running omen("omen-service-loaded");
  const RuleFile own{"r.omen", pairs_rule};
  const RuleFile loaded{"more.omen", "rule others {\n  by u\n  match c -> d\n  alert \"{u} others\"\n}\n", true};
  omen.start({{own}, {}});
  REQUIRE(omen.change({{own, loaded}, {}}));
  omen.feed({event("c", "u1", 0)});
  omen.end();
  omen.start({{own}, {}});
  omen.feed({event("d", "u1", 1)});
  CHECK(omen.texts() == Texts{"u1 others"});
}

TEST_CASE("service: a second one on the folder is refused") {
  Running omen("omen-service-locked");
  const RuleSet rules{{{"r.omen", pairs_rule}}, {}};
  omen.start(rules);
  ServiceOptions options;
  options.data = omen.data;
  const auto second = Service::open(std::move(options), compile_rules, rules);
  REQUIRE_FALSE(second);
  CHECK(second.message().find(std::to_string(::getpid())) != std::string::npos);
}

}  // namespace omen
