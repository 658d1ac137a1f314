// Keys of which nothing is known but first events: they change no alert, and their limits are those of all keys
// (core/newcomers).
#include "runtime/core/newcomers.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "cli/virtual_run.h"
#include "compiler/compile.h"
#include "runtime/model/time.h"
#include "tests/support/program_of.h"
#include "tests/support/resumed.h"

namespace omen {
namespace {

constexpr int64_t start_s = 1'767'600'000;

// Of all kinds that may be found beside them: windows alike and not, conditions, what they emit, keys of two ways, a
// rule that begins its runs at once.
std::string rules_text(std::mt19937& random) {
  constexpr const char* kinds[] = {
      "by u match a as first -> b[n > {}] within {}s alert \"{{u}}\"",
      "by u match a[n > {}] -> b -> c within {}s overlap starts alert \"{{u}}\"",
      "by u match b -> a[n < {}] -> a within {}s overlap latest alert \"{{u}}\"",
      "by u match c as first -> b[n > {}] within {}s unless d alert \"{{u}}\"",
      "by u match c -> d[n > {}] as last within {}s emit e {{ u: u, n: last.n }}",
      "by u match e -> a[n > {}] within {}s alert \"{{u}}\"",
      "by u match d -> c -> not a[n > {}] for 5s within {}s alert \"{{u}}\"",
      "by v match d as first -> a[n > {}] within {}s alert \"{{v}}\"",
  };
  std::string out;
  const uint32_t count = 2 + random() % 7;
  const uint32_t window_s = 5 + random() % 40;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t within_s = random() % 6 == 0 ? window_s * 10 : window_s + random() % 10;
    const char* const kind = kinds[random() % std::size(kinds)];  // one after the other: arguments have no order
    const uint32_t least = random() % 10;
    out += fmt::format("rule r{} {{ {} }}\n", i, fmt::format(fmt::runtime(kind), least, within_s));
  }
  return out;
}

// A few users come often, most once or twice. Their names are short, long, numbers, and such as need an escape.
std::string user(std::mt19937& random) {
  const uint32_t number = random() % 4 == 0 ? random() % 3 : random() % 400;
  switch (number % 5) {
    case 0:
      return fmt::format("{}", number);
    case 1:
      return fmt::format("\"123e4567-e89b-12d3-a456-{:012}\"", number);
    case 2:
      return fmt::format("\"a\\\"b{}\"", number);
    default:
      return fmt::format("\"u{}\"", number);
  }
}

std::string event(std::mt19937& random, int64_t& second) {
  second += random() % 3 == 0 ? static_cast<int64_t>(random() % 3) : 0;
  if (random() % 400 == 0) second += 60;  // all of them go
  const std::string u = random() % 50 == 0 ? "null" : user(random);
  const std::string type(1, "aabbcd"[random() % 6]), v = user(random);
  const uint32_t n = random() % 12;
  return fmt::format(R"({{"type":"{}","ts":{},"u":{},"v":{},"n":{}}})", type, start_s + second, u, v, n);
}

TEST_CASE("newcomers: the alerts are those of keys that all have their partitions") {
  uint64_t alerts = 0, fewer_notes = 0;
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::string rules = rules_text(random);
    CAPTURE(rules);
    const Program with = program_of(rules), without = program_of(rules, {.keep_newcomers = false});
    VirtualRun one(with), other(without);
    int64_t second = 0;
    for (int i = 0; i < 1'500; ++i) {
      const std::string line = event(random, second);
      REQUIRE(one.feed(line));
      REQUIRE(other.feed(line));
      REQUIRE(one.alerts().size() == other.alerts().size());
      fewer_notes += one.engine().notes() < other.engine().notes() ? 1 : 0;
    }
    for (size_t i = 0; i < one.alerts().size(); ++i) REQUIRE(one.alerts()[i].record == other.alerts()[i].record);
    for (RuleId rule = 0; rule < with.rules.size(); ++rule) {
      const RuleCounters& a = one.engine().rule_counters()[rule];
      const RuleCounters& b = other.engine().rule_counters()[rule];
      CHECK(a.matches == b.matches);
    }
    alerts += one.alerts().size();
    one.end_stream();
    other.end_stream();
    for (const VirtualRun* run : {&one, &other}) {
      CHECK(run->engine().partitions() == 0);
      CHECK(run->engine().live_runs() == 0);
    }
    CHECK(one.engine().captured_bytes() == other.engine().captured_bytes());
  }
  CHECK(alerts > 5'000);
  CHECK(fewer_notes > 30'000);  // there were newcomers
}

// Which go may depend on what has been swept by then.
TEST_CASE("newcomers: no rule has more keys than it may have") {
  uint64_t evicted = 0;
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const Program program = program_of(rules_text(random));
    Limits limits;
    limits.max_keys = 1 + random() % 60;
    VirtualRun run(program, limits);
    int64_t second = 0;
    for (int i = 0; i < 1'000; ++i) {
      REQUIRE(run.feed(event(random, second)));
      // Each rule may have other ones, and each list of starts.
      REQUIRE(run.engine().partitions() <= limits.max_keys * (2 * program.rules.size() + 1));
      for (const RuleCounters& counters : run.engine().rule_counters()) REQUIRE(counters.keys <= limits.max_keys);
    }
    for (const RuleCounters& counters : run.engine().rule_counters()) evicted += counters.keys_evicted;
  }
  CHECK(evicted > 10'000);
}

TEST_CASE("newcomers: the state stays within its limit of bytes") {
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const Program program = program_of(rules_text(random));
    Limits limits;
    limits.max_state_bytes = 20'000 + random() % 60'000;
    VirtualRun run(program, limits);
    int64_t second = 0;
    for (int i = 0; i < 2'000; ++i) {
      REQUIRE(run.feed(event(random, second)));
      // A key goes for each that comes, whatever either takes.
      REQUIRE(run.engine().state_bytes() <= limits.max_state_bytes + 8'192);
    }
  }
}

TEST_CASE("newcomers: what is saved goes on as if it had not been stopped") {
  for (uint32_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const std::string rules = rules_text(random);
    CAPTURE(rules);
    const Program with = program_of(rules), without = program_of(rules, {.keep_newcomers = false});
    Resumed stopped(with), through(with), other(without);
    int64_t second = 0;
    for (int i = 0; i < 600; ++i) {
      const std::string line = event(random, second);
      for (Resumed* run : {&stopped, &through, &other}) run->feed(line);
      if (random() % 150 != 0) continue;
      REQUIRE(through.saved().size() > 0);
      REQUIRE(stopped.restart());
    }
    CHECK(stopped.raised() == through.raised());
    CHECK(stopped.raised() == other.raised());
  }
}

TEST_CASE("newcomers: each is looked at once, in order, some before it is the oldest") {
  const Program program = program_of("rule r { by u match a -> b within 1h }");
  CaptureStore captures(program);
  Newcomers newcomers(captures);
  Event event;
  const std::string raw(3'000, 'x');  // many segments
  event.type = 1;
  event.type_name = program.types[1].name;
  event.raw = raw;
  const std::vector<Value> fields(program.fields.size());
  event.fields = fields.data();
  constexpr uint32_t count = 5'000;
  uint32_t added = 0, looked_at = 0, gone = 0;
  std::mt19937 random(1);
  while (gone < count) {
    if (added < count && random() % 2 == 0) {
      REQUIRE(newcomers.add(event, "u", added, 0, WordPool::none) != WordPool::none);
      ++added;
    }
    if (newcomers.is_empty() || random() % 2 == 0) continue;
    while (const FirstEvent* const coming = newcomers.look_ahead()) REQUIRE(coming->hash == looked_at++);
    REQUIRE(looked_at > gone);
    REQUIRE(looked_at <= gone + 12);
    REQUIRE(newcomers.oldest().hash == gone);
    newcomers.pop_oldest();
    ++gone;
  }
  CHECK(looked_at == count);
  CHECK(newcomers.bytes() == 0);
}

TEST_CASE("newcomers: a key has no more waiting events than it may have runs") {
  for (const bool keep_newcomers : {true, false}) {
    const Program program = program_of("rule r { by u match a -> b within 1h }", {.keep_newcomers = keep_newcomers});
    Limits limits;
    limits.max_runs = 3;
    VirtualRun run(program, limits);
    for (int i = 0; i < 5; ++i) REQUIRE(run.feed(fmt::format(R"({{"type":"a","ts":{},"u":"x"}})", start_s + i)));
    CHECK(run.engine().rule_counters()[0].runs_refused == 2);
    CHECK(run.engine().pending_runs() == 3);
  }
}

// The events of a key that has settled stand in its lists, and in the ring until those before them have gone.
TEST_CASE(
    "newcomers: where most of what stands in the ring has settled the oldest settle, so that little stands twice") {
  constexpr const char* rules = "rule r { by u match a -> b -> c within 1h }";
  const Program with = program_of(rules), without = program_of(rules, {.keep_newcomers = false});
  VirtualRun one(with), other(without);
  const auto feed = [&, filler = std::string(900, 'x')](const char* type, int user) {  // some 1 kB in the ring
    const std::string line = fmt::format(R"({{"type":"{}","ts":{},"u":"u{}","f":"{}"}})", type, start_s, user, filler);
    REQUIRE(one.feed(line));
    REQUIRE(other.feed(line));
  };
  constexpr int users = 4'000, few = 1'300;  // more than a megabyte, and less than half
  for (int user = 0; user < users; ++user) feed("a", user);
  CHECK(one.engine().notes() == 0);
  for (int user = users - 1; user >= users - few; --user) feed("b", user);
  CHECK(one.engine().notes() == 2 * few);  // of lists and runs: no other has settled
  CHECK(one.engine().captured_bytes() > other.engine().captured_bytes() + few * 1'000);
  for (int user = users - few - 1; user >= 0; --user) feed("b", user);
  CHECK(one.engine().captured_bytes() < other.engine().captured_bytes() + 1'200'000);
}

TEST_CASE("newcomers: a key with one waiting event has neither partition nor list, and is counted") {
  const Program program = program_of("rule r { by u match a -> b within 1m alert \"{u}\" }");
  VirtualRun run(program);
  for (int i = 0; i < 1'000; ++i) {
    REQUIRE(run.feed(fmt::format(R"({{"type":"a","ts":{},"u":"u{}"}})", start_s, i)));
  }
  CHECK(run.engine().partitions() == 1'000);
  CHECK(run.engine().pending_runs() == 1'000);
  CHECK(run.engine().live_runs() == 1'000);
  CHECK(run.engine().notes() == 0);  // a list of starts would have one
  REQUIRE(run.feed(fmt::format(R"({{"type":"b","ts":{},"u":"u7"}})", start_s + 60)));
  CHECK(run.alerts().size() == 1);
  CHECK(run.engine().notes() == 1);
  // They go as events come, and with the clock alone.
  for (int i = 0; i < 200; ++i) REQUIRE(run.feed(fmt::format(R"({{"type":"z","ts":{}}})", start_s + 61)));
  CHECK(run.engine().live_runs() < 300);
  run.advance((start_s + 62) * us_per_second);
  CHECK(run.engine().live_runs() <= 1);
}

}  // namespace
}  // namespace omen
