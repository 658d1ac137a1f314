// A disk that fills below the whole service: it says so, takes no more, and goes on by itself when there is room, with
// the outbox of a run that had room enough.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>
#include <utility>

#include "tests/support/simulated_service.h"

namespace omen {
namespace {

size_t count_beginning(const std::vector<std::string>& lines, std::string_view how) {
  return static_cast<size_t>(std::ranges::count_if(lines, [&](const auto& line) { return line.starts_with(how); }));
}

// The first row that is not as it should be; nothing.
std::string difference(const std::vector<std::string>& rows) {
  for (size_t i = 0; i < std::max(rows.size(), undisturbed_rows().size()); ++i) {
    const std::string found = i < rows.size() ? rows[i] : "nothing";
    const std::string other = i < undisturbed_rows().size() ? undisturbed_rows()[i] : "nothing";
    if (found != other) return fmt::format("row {} is\n  {}\nnot\n  {}", i, found, other);
  }
  return {};
}

// The rows that are left at the end have one attempt each. `call`: of the disk, that finds no room; 0: none.
void deliver_and_prune(SimulatedService& omen, uint64_t call) {
  ServiceOptions options = omen.options();
  options.snapshot_records = 4;
  options.delivery.queue_max = 100;
  options.store.delivered_max = 30;
  const RuleSet rules{{{"paid.omen",
                        "rule paid {\n  by user\n  match buy\n  alert \"{user}\" to out\n}\n"
                        "destination out = file { path: \"/dev/null\" }\n"}},
                      {}};
  std::vector<std::string> events;
  for (std::string& event : make_stream(9, 250)) {
    if (event.find("buy") != std::string::npos) events.push_back(std::move(event));
  }
  Sender sender(std::move(events), 1, {.batch_max = 2, .ahead_max = 1});
  sender.when_answered = [] {
    std::this_thread::sleep_for(std::chrono::microseconds(300));
  };  // what is sent comes back
  bool is_single = false;
  sender.when_done = [&](Service& service) {
    service.ask([&](Service& one) {
      const auto rows = one.store().list({});
      REQUIRE(rows);
      is_single = std::ranges::all_of(rows.value(), [&](const OutboxRow& row) {
        return one.store().attempts(row.message.number).value().size() <= 1;
      });
      one.stop();
    });
  };
  omen.disk.fail_at(call, ENOSPC);
  const Status ended = omen.live(options, rules, sender);
  if (ended) CHECK_MESSAGE(is_single, call);  // else it was a sync
}

}  // namespace

TEST_CASE("full disk: the service is not ready, senders are told, it says so once, and finds room by itself") {
  SimulatedService omen(3);
  ServiceOptions options = omen.options();
  options.room_every_us = 25'000;
  // Whoever was refused sends nothing until the service is ready again.
  Sender sender(make_stream(9, undisturbed_events), 1, {.batch_max = 8, .ahead_max = 1, .waits_for_room = true});
  bool was_full = false;
  omen.when_room = [&](Service& service) { was_full = service.view()->is_full; };
  Sender nobody({}, 1, {});
  REQUIRE(omen.live(options, stream_rules(0), nobody));  // a new folder needs room
  // The log has none, and is asked so often that what the outside sees must have followed.
  omen.disk.set_capacity(omen.disk.used_bytes() + 300, 12);
  const Status ended = omen.live(options, stream_rules(0), sender);
  REQUIRE_MESSAGE(ended, ended.message());
  CHECK(sender.is_done());
  CHECK(was_full);
  CHECK(count_beginning(omen.said, "there is room again") >= 1);
  const size_t told = count_beginning(omen.said, "events are refused: ") +
                      count_beginning(omen.said, "nothing is taken until there is room: ");
  CHECK(told == count_beginning(omen.said, "there is room again"));
  CHECK_FALSE(omen.view.is_full);
  omen.disk.power_cut();
  CHECK(difference(omen.rows().value()) == "");
}

TEST_CASE("full disk: wherever it fills, nothing is lost and nothing doubled") {
  uint64_t refused = 0, waited = 0;
  for (uint64_t room = 0; room < 120; room += 2) {
    SimulatedService omen(room);
    Sender sender(make_stream(9, undisturbed_events), room,
                  {.batch_max = 1 + room % 9, .ahead_max = 1, .waits_for_room = room % 4 == 0});
    Sender nobody({}, 1, {});
    REQUIRE(omen.live(omen.options(), stream_rules(0), nobody));  // a new folder needs room
    omen.disk.set_capacity(omen.disk.used_bytes() + (room < 40 ? 1 + room * 20 : room * 1'000), 1 + room % 7);
    const Status ended = omen.live(omen.options(), stream_rules(0), sender);
    CHECK_MESSAGE(ended, room << ": " << ended.message());
    waited += count_beginning(omen.said, "nothing is taken until there is room: ");
    refused += sender.refused();
    if (room % 3 == 0) omen.disk.power_cut();
    CHECK_MESSAGE(difference(omen.rows().value()) == "", room);
  }
  CHECK(refused > 5);  // the log had no room
  CHECK(waited > 10);  // the log had, the store had not
}

TEST_CASE("full store: commands are answered, the service ends when it is asked to, and the next start commits") {
  uint64_t full_stores = 0;
  for (uint64_t room = 0; room < 24; ++room) {
    SimulatedService omen(room);
    Sender sender(make_stream(9, undisturbed_events), room, {.batch_max = 8, .ahead_max = 1});
    Sender nobody({}, 1, {});
    REQUIRE(omen.live(omen.options(), stream_rules(0), nobody));        // a new folder needs room
    omen.disk.set_capacity(omen.disk.used_bytes() + 100 + room * 300);  // for good
    bool is_asked = false, is_left_paused = false;
    omen.when_full = [&](Service& service) {
      if (std::exchange(is_asked, true)) return;
      full_stores += omen.said.back().starts_with("nothing is taken") ? 1 : 0;
      service.ask([&is_left_paused](Service& one) {
        CHECK(one.view()->is_full);
        CHECK(one.rule_statuses().size() == one.program().rules.size());
        CHECK(one.store().list({}));
        const Status dropped = one.change_outbox([](Store& store) {
          const auto done = store.drop({}, 1);
          return done ? Status::ok() : Status::error(done.message());
        });
        if (!dropped) CHECK(dropped.message().starts_with(disk_is_full));
        for (const bool is_paused : {true, false}) {
          const Status paused = one.pause("spree", is_paused);
          if (!paused) CHECK(paused.message().starts_with(disk_is_full));
          if (paused) is_left_paused = is_paused;
        }
        one.plan_rules(stream_rules(1), [&one](const auto& changes) {
          CHECK(changes);
          one.stop();
        });
      });
    };
    const Status stopped = omen.live(omen.options(), stream_rules(0), sender);
    CHECK_MESSAGE(stopped, stopped.message());
    room % 2 == 0 ? omen.disk.power_cut() : omen.disk.restart();
    if (room % 3 == 0) {  // it starts like that, too
      omen.disk.set_capacity(omen.disk.used_bytes() + 1);
      const Status started = omen.live(omen.options(), stream_rules(0), nobody);
      CHECK_MESSAGE(started, started.message());
      omen.disk.restart();
    }
    omen.disk.set_capacity(UINT64_MAX);
    if (is_left_paused) {  // there was room for the one, and then for nothing
      nobody.when_done = [](Service& service) {
        CHECK(service.pause("spree", false));
        service.stop();
      };
      REQUIRE(omen.live(omen.options(), stream_rules(0), nobody));
    }
    const Status ended = omen.live(omen.options(), stream_rules(0), sender);
    CHECK_MESSAGE(ended, ended.message());
    CHECK(sender.is_done());
    CHECK_MESSAGE(difference(omen.rows().value()) == "", room);
  }
  CHECK(full_stores > 5);
}

TEST_CASE("full store: finished rows that cannot be pruned leave what is committed as it is: an attempt is one") {
  size_t unpruned = 0;
  SimulatedService whole(1);
  deliver_and_prune(whole, 0);
  const uint64_t calls = whole.disk.calls();
  // When deliveries come back, and with them which calls prune, depends on the machine: further until enough are met.
  for (uint64_t call = calls * 3 / 4; call < calls * 9 / 10 || (unpruned <= 2 && call < calls * 2); call += 3) {
    SimulatedService omen(call);
    deliver_and_prune(omen, call);
    unpruned += count_beginning(omen.said, "finished rows are not pruned");
  }
  CHECK(unpruned > 2);
}

TEST_CASE(
    "full store: a start with other rules puts them into force, and what it owes is committed when there is room") {
  uint64_t full_stores = 0;
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    SimulatedService omen(seed);
    ServiceOptions options = omen.options();
    options.aside_from_bytes =
        0;  // a snapshot would be taken of what the new rules go on from, for which W has to go on
    Sender sender(make_stream(9, undisturbed_events), seed, {.batch_max = 8, .ahead_max = 1});
    omen.disk.stop_at(200 + seed * 31);
    CHECK_FALSE(omen.live(options, stream_rules(0), sender));
    omen.disk.restart();
    omen.disk.set_capacity(omen.disk.used_bytes() + 1, UINT64_MAX, "d/state.db");
    Sender nobody({}, 1, {});
    size_t rules = 0;
    nobody.when_done = [&](Service& service) {
      rules = service.program().rules.size();
      service.stop();
    };
    const Status started = omen.live(options, stream_rules(1), nobody);
    CHECK_MESSAGE(started, seed << ": " << started.message());
    full_stores += count_beginning(omen.said, "nothing is taken until there is room: ");
    omen.disk.restart();
    sender.when_done = [&](Service& service) {
      CHECK(service.program().rules.size() == rules);
      service.stop();
    };
    const Status ended = omen.live(options, stream_rules(1), sender);
    CHECK_MESSAGE(ended, ended.message());
    CHECK(sender.is_done());
    CHECK_MESSAGE(difference(omen.rows().value()) == "", seed);
    CHECK(rules == 7);
  }
  CHECK(full_stores > 8);
}

}  // namespace omen
