// The queue between listeners and the writer: bounded, in order, and nothing is lost at its end.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/serve/intake.h"

namespace omen {
namespace {

Batch batch_of(std::string events, size_t count = 1) {
  Batch batch;
  batch.events = std::move(events);
  batch.count = count;
  return batch;
}

Intake::TimePoint in_ms(int ms) { return std::chrono::steady_clock::now() + std::chrono::milliseconds(ms); }

}  // namespace

TEST_CASE("intake: batches come out in their order, up to a size, and each at least once alone") {
  Intake intake;
  for (const char* events : {"1234\n", "5\n", "6\n", "789\n"}) {
    CHECK(intake.offer(batch_of(events)) == Intake::Answer::taken);
  }
  std::vector<Batch> out;
  CHECK(intake.take(out, in_ms(0), 4));  // the first is larger than that
  REQUIRE(out.size() == 1);
  CHECK(out[0].events == "1234\n");
  CHECK(intake.take(out, in_ms(0), 4));
  REQUIRE(out.size() == 3);
  CHECK(out[2].events == "6\n");
  CHECK(intake.take(out, in_ms(0)));
  CHECK(out.size() == 4);
  CHECK(intake.take(out, in_ms(0)));  // nothing has come, but it is not over
  CHECK(out.size() == 4);
  CHECK(intake.counters().batches == 4);
  CHECK(intake.counters().waiting_bytes == 0);
}

TEST_CASE("intake: full by bytes and by batches, and who waits for room is called once") {
  Intake intake({10, 3});
  std::vector<Batch> out;
  // Whatever its size, one batch alone is taken: a limit must not make it impossible.
  CHECK(intake.offer(batch_of(std::string(20, 'x'))) == Intake::Answer::taken);
  Batch second = batch_of("y\n");
  CHECK(intake.offer(std::move(second)) == Intake::Answer::full);
  CHECK(second.events == "y\n");  // still the listener's
  CHECK(intake.refuses(2));
  CHECK(intake.counters().refused == 2);
  int calls = 0;
  intake.when_room(2, [&] { ++calls; });
  CHECK(calls == 0);
  CHECK(intake.take(out, in_ms(0)));
  CHECK(calls == 1);
  intake.when_room(2, [&] { ++calls; });  // there is room
  CHECK(calls == 2);
  CHECK_FALSE(intake.refuses(2));

  for (int i = 0; i < 3; ++i) CHECK(intake.offer(batch_of("z\n")) == Intake::Answer::taken);
  CHECK(intake.offer(batch_of("z\n")) == Intake::Answer::full);
  CHECK(intake.counters().refused == 3);
  CHECK(intake.counters().bytes_peak == 20);
  CHECK(intake.take(out, in_ms(0)));
  CHECK(calls == 2);
}

TEST_CASE("intake: closing loses nothing and calls those who wait") {
  Intake intake({4, 10});
  CHECK(intake.offer(batch_of("abcd")) == Intake::Answer::taken);
  int calls = 0;
  intake.when_room(2, [&] { ++calls; });
  intake.close();
  CHECK(calls == 1);
  CHECK(intake.is_closing());
  CHECK(intake.offer(batch_of("e")) == Intake::Answer::closing);
  std::vector<Batch> out;
  CHECK(intake.take(out, in_ms(1000)));
  CHECK(out.size() == 1);
  CHECK_FALSE(intake.take(out, in_ms(1000)));
}

TEST_CASE("intake: the writer is woken") {
  Intake intake;
  std::vector<Batch> out;
  const auto begin = std::chrono::steady_clock::now();
  std::thread waker([&] { intake.wake(); });
  CHECK(intake.take(out, in_ms(10'000)));
  CHECK(out.empty());
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  waker.join();
}

TEST_CASE("intake: many listeners that wait for room, one writer: every event once, memory bounded") {
  constexpr int listeners = 4, batches = 500;
  Intake intake({1000, 20});
  std::atomic<uint64_t> done = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < listeners; ++i) {
    threads.emplace_back([&, i] {
      for (int k = 0; k < batches; ++k) {
        Batch batch = batch_of(std::to_string(i) + ':' + std::to_string(k) + '\n');
        batch.done = [&](std::span<const EventOutcome> outcomes) { done += outcomes.size(); };
        while (intake.offer(std::move(batch)) == Intake::Answer::full) {
          const auto has_room = std::make_shared<std::atomic<bool>>(false);
          intake.when_room(batch.events.size(), [has_room] {
            *has_room = true;
            has_room->notify_one();
          });
          has_room->wait(false);
        }
      }
    });
  }
  std::vector<int> next(listeners, 0);
  uint64_t seen = 0;
  while (seen < listeners * batches) {
    std::vector<Batch> out;
    REQUIRE(intake.take(out, in_ms(5000)));
    REQUIRE_FALSE(out.empty());
    for (const Batch& batch : out) {
      const size_t colon = batch.events.find(':');
      const int listener = std::stoi(batch.events);
      CHECK(std::stoi(batch.events.substr(colon + 1)) == next[static_cast<size_t>(listener)]++);
      const EventOutcome outcome{++seen, {}, 0, false};
      batch.done({&outcome, 1});
    }
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(done == listeners * batches);
  CHECK(intake.counters().bytes_peak <= 1000);
}

}  // namespace omen
