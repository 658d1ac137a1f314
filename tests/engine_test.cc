// The engine's bounds: what each limit does when it is met, and that what is over leaves nothing behind.
#include "runtime/core/engine.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/virtual_run.h"
#include "compiler/compile.h"
#include "runtime/model/time.h"
#include "tests/support/program_of.h"

namespace omen {
namespace {

constexpr int64_t start_s = 1'767'600'000;

std::string event(const std::string& type, int64_t second, const std::string& user) {
  return fmt::format(R"({{"type":"{}","ts":{},"u":"{}"}})", type, start_s + second, user);
}

void feed(VirtualRun& run, const std::string& line) {
  CAPTURE(line);
  REQUIRE(run.feed(line));
}

TEST_CASE("engine: max_runs: no further run starts, and it is counted") {
  const Program program = program_of("rule r { by u match a -> b within 1h overlap starts }");
  Limits limits;
  limits.max_runs = 3;
  VirtualRun run(program, limits);
  for (int i = 0; i < 5; ++i) feed(run, event("a", i, "x"));
  feed(run, event("a", 5, "y"));  // another key has room of its own
  CHECK(run.engine().live_runs() == 4);
  CHECK(run.engine().rule_counters()[0].runs_refused == 2);
  feed(run, event("b", 6, "x"));
  CHECK(run.alerts().size() == 3);
  feed(run, event("a", 7, "x"));
  CHECK(run.engine().pending_runs() == 2);
}

TEST_CASE("engine: max_loop_events: the loop takes no more, and it is counted") {
  const Program program = program_of("rule r { by u match a+ as many -> b within 1h alert \"{count(many)}\" }");
  Limits limits;
  limits.max_loop_events = 3;
  VirtualRun run(program, limits);
  for (int i = 0; i < 5; ++i) feed(run, event("a", i, "x"));
  feed(run, event("b", 9, "x"));
  REQUIRE(run.alerts().size() == 1);
  CHECK(run.alerts()[0].record.find("\"text\":\"3\"") != std::string::npos);
  CHECK(run.engine().rule_counters()[0].loops_full >= 2);
}

TEST_CASE("engine: max_keys: the key idle longest goes") {
  const Program program = program_of("rule r { by u match a -> b within 1h }");
  Limits limits;
  limits.max_keys = 2;
  VirtualRun run(program, limits);
  feed(run, event("a", 0, "x"));
  feed(run, event("a", 1, "y"));
  feed(run, event("a", 2, "x"));  // y is now the one idle longest
  feed(run, event("a", 3, "z"));
  CHECK(run.engine().partitions() == 2);
  CHECK(run.engine().rule_counters()[0].keys_evicted == 1);
  for (const char* user : {"x", "y", "z"}) feed(run, event("b", 4, user));
  REQUIRE(run.alerts().size() == 2);
  CHECK(run.alerts()[0].record.find("\"u\":\"x\"") != std::string::npos);
  CHECK(run.alerts()[1].record.find("\"u\":\"z\"") != std::string::npos);
}

TEST_CASE("engine: max_state_bytes: keys go until the state fits") {
  const Program program = program_of("rule r { by u match a -> b within 1h }");
  Limits limits;
  limits.max_state_bytes = 20'000;
  VirtualRun run(program, limits);
  for (int i = 0; i < 1'000; ++i) feed(run, event("a", i / 10, fmt::format("u{}", i)));
  CHECK(run.engine().rule_counters()[0].keys_evicted > 0);
  // One more key than fits is there before it is judged.
  CHECK(run.engine().state_bytes() < limits.max_state_bytes + 1'000);
  CHECK(run.engine().partitions() > 10);
  feed(run, event("b", 101, "u999"));
  CHECK(run.alerts().size() == 1);
}

TEST_CASE("engine: a key that is too long is not seen, and counted") {
  const Program program = program_of("rule r { by u match a }");
  VirtualRun run(program);
  feed(run, event("a", 0, std::string(key_bytes_max, 'k')));
  CHECK(run.alerts().size() == 1);
  feed(run, event("a", 1, std::string(key_bytes_max + 1, 'k')));
  CHECK(run.alerts().size() == 1);
  CHECK(run.engine().counters().keys_too_long == 1);
}

TEST_CASE("engine: events of one time free what is over, too: a batch has the time of its arrival") {
  const Program program = program_of("rule r { by u match a -> b within 1s }");
  VirtualRun run(program);
  for (int batch = 0; batch < 20; ++batch) {
    for (int i = 0; i < 500; ++i) feed(run, event("a", batch * 10, fmt::format("u{}", batch * 500 + i)));
  }
  CHECK(run.engine().live_runs() <= 1'000);  // of 10,000: those of the last batch, and what this one is about to free
}

// A bucket of the sweep has what a second has noted.
TEST_CASE("engine: what is over goes as steadily as it came, and not all that is due at once") {
  const Program program = program_of("rule r { by u match a -> b within 1s }");
  VirtualRun run(program);
  const auto at = [](int64_t us, int user) {
    return fmt::format(R"({{"type":"a","ts":{},"u":"u{}"}})", start_s * us_per_second + us, user);
  };
  constexpr int64_t apart_us = 10;
  constexpr int events = 600'000;  // six seconds
  uint64_t most_freed = 0, most_kept = 0, live = 0;
  for (int i = 0; i < events; ++i) {
    REQUIRE(run.feed(at(i * apart_us, i)));
    const uint64_t now = run.engine().live_runs();
    most_freed = std::max(most_freed, live + 1 - now);
    most_kept = std::max(most_kept, now);
    live = now;
  }
  CHECK(most_freed > 0);
  CHECK(most_freed <= 3);
  // Those of the window, and as many that wait for the bucket to be due, or are swept.
  CHECK(most_kept < 210'000);
}

TEST_CASE("engine: what is over goes, too, where each event is followed by a derived one") {
  const Program program = program_of(
      "event a lenient { u: string v: number }\n"
      "rule r { by u match a -> b within 1s }\n"
      "rule s { match schema_violation[field == \"zzz\"] }");
  VirtualRun run(program);
  for (int batch = 0; batch < 20; ++batch) {
    for (int i = 0; i < 500; ++i) {
      feed(run, fmt::format(R"({{"type":"a","ts":{},"u":"u{}","v":"x"}})", start_s + batch * 10, batch * 500 + i));
    }
  }
  CHECK(run.engine().live_runs() <= 1'000);
}

TEST_CASE("engine: a deadline frees some of what is over, the end of the stream all") {
  const Program program = program_of("rule r { by u match a -> b within 1s }");
  VirtualRun run(program);
  for (int i = 0; i < 10'000; ++i) feed(run, event("a", 0, fmt::format("u{}", i)));
  run.advance((start_s + 10) * us_per_second);
  const uint64_t left = run.engine().live_runs();
  CHECK(left < 10'000);
  CHECK(left > 5'000);
  run.end_stream();
  CHECK(run.engine().live_runs() == 0);
}

TEST_CASE("engine: after all windows nothing is left") {
  const Program program = program_of(
      "rule r { by u match a+ -> b within 1h overlap starts }\n"
      "rule s { by u match a -> not b for 10m cooldown 2h }\n"
      "rule t { by u match not a for 30m -> a -> c within 20m }");
  VirtualRun run(program);
  feed(run, event("a", 0, "warm"));
  run.advance((start_s + 90'000) * us_per_second);
  const uint64_t bytes = run.engine().state_bytes();
  for (int i = 0; i < 2'000; ++i) feed(run, event("a", 100'000 + i, fmt::format("user number {}", i % 700)));
  CHECK(run.engine().partitions() == 700);
  for (int i = 0; i < 2; ++i) run.advance((start_s + 200'000 + i) * us_per_second);  // each frees some
  CHECK(run.engine().partitions() == 0);
  CHECK(run.engine().live_runs() == 0);
  CHECK(run.engine().runs().empty());
  CHECK(run.engine().state_bytes() <= bytes + 1024 * 8);  // the key table keeps a small size
  for (const RuleCounters& counters : run.engine().rule_counters()) CHECK(counters.keys == 0);
}

TEST_CASE("engine: what is over is freed a few states an event, not all at once") {
  const Program program = program_of("rule r { by u match a -> b within 1m }");
  VirtualRun run(program);
  for (int i = 0; i < 1'000; ++i) feed(run, event("a", 0, fmt::format("u{}", i)));
  feed(run, event("b", 3'600, "nobody"));
  const uint64_t after_one = run.engine().partitions();
  CHECK(after_one >= 900);
  CHECK(after_one < 1'000);
  for (int i = 0; i < 70; ++i) feed(run, event("b", 3'601 + i, "nobody"));
  CHECK(run.engine().partitions() == 0);
}

// The off switch of prefetch() is not to call it.
TEST_CASE("engine: foreseen events give the same matches as unforeseen ones") {
  const Program program = program_of(
      "rule r { by u match a -> b within 1h overlap starts }\n"
      "rule s { by u, n match a -> b within 1h overlap latest }\n"
      "rule t { by u match a -> b by n within 1h overlap starts }\n"
      "rule n { by n match b -> a within 10m }");
  std::string slice;
  uint32_t random = 1;
  for (int i = 0; i < 3'000; ++i) {
    random = random * 1'664'525 + 1'013'904'223;
    slice += fmt::format(R"({{"type":"{}","ts":{},"u":"u{}","n":{}}})", (random >> 10) % 2 ? "a" : "b", start_s + i,
                         (random >> 12) % 50, (random >> 20) % 7) +
             "\n";
  }
  const size_t size = slice.size();
  slice.append(slice_padding, '\0');
  std::vector<std::string> outcomes;
  for (const bool foreseen : {true, false}) {
    Engine engine(program, {});
    Decoder decoder(program);
    decoder.open({slice.data(), size}, {1, 0}, 0);
    std::string& outcome = outcomes.emplace_back();
    uint64_t sequence = 0;
    for (auto batch = decoder.next(); !batch.is_empty(); batch = decoder.next()) {
      if (foreseen) engine.prefetch(batch.events);
      for (Event& next : batch.events) {
        next.time_us = next.ts_us;
        next.sequence = ++sequence;
        engine.step(next);
      }
      for (const Match& match : engine.matches()) {
        outcome += fmt::format("{} {} {} {}", match.rule, match.start_us, match.end_us, match.end_sequence);
        for (std::string_view part : engine.match_key(match)) outcome += fmt::format(" {}", part);
        outcome += '\n';
      }
      engine.clear_matches();
    }
  }
  CHECK(outcomes[0].size() > 10'000);
  CHECK(outcomes[0] == outcomes[1]);
}

TEST_CASE("engine: a key that matches again and again leaves the sweep one note a match, until its window is over") {
  // The second rule's run keeps the key, so that each new state of the first stands where the one before stood.
  const Program program =
      program_of("rule r { by u match a+ -> b within 10m } rule s { by u match k -> z within 365d }");
  VirtualRun run(program, {});
  feed(run, event("k", 0, "x"));
  uint64_t most = 0;
  for (int second = 1; second < 12'000; second += 10) {  // twenty windows of sixty matches
    feed(run, event("b", second, "x"));
    feed(run, event("a", second, "x"));
    most = std::max(most, run.engine().notes());
  }
  CHECK(run.alerts().size() == 1'199);
  CHECK(most < 100);
  CHECK(run.engine().pending_runs() == 2);
}

}  // namespace
}  // namespace omen
