// Stretches: what the differential test does not see of them: that runs which wait together are passed over as one, and
// what it costs to know them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "cli/virtual_run.h"
#include "compiler/compile.h"
#include "tests/support/program_of.h"

namespace omen {

namespace {

// Runs that are put off wait nowhere.
Program stretching_program(const std::string& rule, uint32_t stretch_runs_from) {
  return program_of(rule, {.share_starts_from = 0, .stretch_runs_from = stretch_runs_from});
}

void feed(VirtualRun& run, const std::string& type, int second, int number = 0) {
  REQUIRE(run.feed(fmt::format(R"({{"type":"{}","ts":{},"k":"k","n":{}}})", type, 1'000'000'000 + second, number)));
}

constexpr uint32_t runs_from = 16;

}  // namespace

TEST_CASE("stretches: runs that wait together are passed over as one, and none of them is asked") {
  const Program program = stretching_program("rule r { by k match a -> b[n > 0] -> c within 1h }", runs_from);
  VirtualRun run(program);
  const RuleCounters& counters = run.engine().rule_counters()[0];
  // Each begins a run, and there is one place: an event passes over all that wait there at once.
  for (int i = 0; i < 100; ++i) feed(run, "a", i);
  CHECK(run.engine().live_runs() == 100);
  CHECK(counters.stretches_passed == 100 - runs_from);
  // It moves all of them, and then there are two places.
  feed(run, "b", 100, 1);
  CHECK(counters.stretches_passed == 100 - runs_from);
  feed(run, "a", 101);
  CHECK(counters.stretches_passed == 100 - runs_from + 1);
  feed(run, "a", 102);
  CHECK(counters.stretches_passed == 100 - runs_from + 3);
  // Only those at the first of them are asked.
  feed(run, "c", 103);
  CHECK(counters.stretches_passed == 100 - runs_from + 3);
  CHECK(run.alerts().size() == 1);
}

TEST_CASE("stretches: switched off, none is passed over") {
  const Program program = stretching_program("rule r { by k match a -> b within 1h }", 0);
  VirtualRun run(program);
  for (int i = 0; i < 100; ++i) feed(run, "a", i);
  CHECK(run.engine().rule_counters()[0].stretches_passed == 0);
}

TEST_CASE("stretches: their memory is the state's, and goes with the runs") {
  const std::string rule = "rule r { by k match a as x -> b[n == x.n] -> c within 1h }";
  const Program with = stretching_program(rule, runs_from), without = stretching_program(rule, 0);
  VirtualRun by_stretches(with), by_runs(without);
  const auto more = [&] { return by_stretches.engine().state_bytes() - by_runs.engine().state_bytes(); };
  const auto both = [&](const std::string& type, int second, int number = 0) {
    feed(by_stretches, type, second, number);
    feed(by_runs, type, second, number);
  };
  for (int i = 0; i < 100; ++i) both("a", i, i % 2);
  const uint64_t one = more();
  CHECK(one > 0);
  CHECK(one < 200);
  both("b", 100, 0);  // every other run goes on: each is a stretch of its own
  CHECK(more() >= one + 99 * 10);
  CHECK(more() <= one + 99 * 20);
  both("b", 101, 1);  // and now all wait together again
  CHECK(more() == one);
  both("c", 102);
  CHECK(by_stretches.engine().live_runs() == 0);
  CHECK(more() == 0);
}

}  // namespace omen
