// The shared form of `overlap all`: what the differential test does not see, its limits and its memory.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <random>

#include "cli/virtual_run.h"
#include "compiler/compile.h"
#include "runtime/core/window_count.h"
#include "tests/support/program_of.h"

namespace omen {

namespace {

Program forest_program(const std::string& rule) {
  Program program = program_of(rule);
  REQUIRE(program.rules[0].machine == Machine::forest);
  return program;
}

void feed(VirtualRun& run, const std::string& type, int second, int number = 0) {
  REQUIRE(run.feed(
      fmt::format(R"({{"type":"{}","ts":{},"k":"{}","n":{}}})", type, 1'000'000'000 + second, number % 3, number)));
}

}  // namespace

TEST_CASE("forest: its memory goes when the windows have passed") {
  const Program program = forest_program("rule r { by k match a -> b+ -> c -> not d -> e within 10s overlap all }");
  VirtualRun run(program);
  const uint64_t bytes = run.engine().state_bytes();
  for (int i = 0; i < 300; ++i) feed(run, std::string(1, "aabbd"[i % 5]), i / 4, i);
  CHECK(run.engine().state_bytes() > bytes);
  run.advance(int64_t{1'000'000'000 + 200} * 1'000'000);
  CHECK(run.engine().partitions() == 0);
  feed(run, "x", 300);
  // The table of keys keeps its places; captures, entries and states are gone.
  VirtualRun other(program);
  for (int i = 0; i < 3; ++i) feed(other, "a", 0, i);
  other.advance(int64_t{1'000'000'000 + 200} * 1'000'000);
  CHECK(run.engine().state_bytes() == other.engine().state_bytes());
}

TEST_CASE("forest: what a long stream leaves is bounded by the window") {
  const Program program = forest_program("rule r { match a -> b -> c within 5s overlap all }");
  VirtualRun run(program);
  uint64_t most_early = 0, most_late = 0;
  for (int i = 0; i < 20'000; ++i) {
    feed(run, i % 2 == 0 ? "a" : "b", i / 10);
    uint64_t& most = i < 1'000 ? most_early : most_late;
    most = std::max(most, run.engine().state_bytes());
  }
  CHECK(most_late <= most_early);
}

TEST_CASE("forest: max_matches: the first in order are reported, the rest is counted") {
  const Program program = forest_program("rule r { match a -> b -> c within 1h overlap all alert \"{a.n} {b.n}\" }");
  VirtualRun run(program);
  for (int i = 0; i < 50; ++i) feed(run, "a", i, i);
  for (int i = 0; i < 50; ++i) feed(run, "b", 50 + i, i);
  feed(run, "c", 100);
  const RuleCounters& counters = run.engine().rule_counters()[0];
  CHECK(counters.matches == 2'500);
  CHECK(counters.raised == 1'000);
  CHECK(counters.matches_cut == 1'500);
  REQUIRE(run.alerts().size() == 1'000);
  CHECK(run.alerts()[0].record.find("\"text\":\"0 0\"") != std::string::npos);
  CHECK(run.alerts()[51].record.find("\"text\":\"1 1\"") != std::string::npos);
  CHECK(run.alerts()[999].record.find("\"text\":\"19 49\"") != std::string::npos);
}

// Long streams, where lists are ended, begun anew and grow dead ends, and an index comes and goes: what the
// differential test, whose streams are short, sees less of.
TEST_CASE("forest: the first of many matches are those of explicit runs, and the rest is as many") {
  const std::string patterns[] = {
      "a -> b -> c", "a -> b -> c -> d",        "a -> not d -> b -> c", "a -> b -> not a -> c",
      "a => b -> c", "(a or d) -> b{1,2} -> c", "(a -> b){1,3} -> c",   "a -> d? -> b -> c",
  };
  OptimizeOptions explicit_runs;
  explicit_runs.share_matches = false;
  uint64_t cut = 0;
  for (const std::string& pattern : patterns) {
    const std::string rule = "rule r { match " + pattern + " within 40s overlap all }";
    const Program shared = forest_program(rule);
    const Compilation apart = compile(Sources{{{"rules.omen", rule}}}, explicit_runs);
    REQUIRE(apart.program);
    for (const uint32_t max_matches : {1, 7, 60}) {
      Limits limits;
      limits.max_matches = max_matches;
      limits.max_runs = 1'000'000;
      VirtualRun forest(shared, limits), runs(*apart.program, limits);
      std::mt19937_64 random(max_matches);
      int second = 0;
      for (int i = 0; i < 400; ++i) {
        second += random() % 60 == 0 ? 50 : static_cast<int>(random() % 3);
        const uint64_t one = random() % 20;
        const std::string type = one < 8 ? "a" : one < 15 ? "b" : one < 16 ? "c" : one < 17 ? "d" : "e";
        feed(forest, type, second, i);
        feed(runs, type, second, i);
      }
      const RuleCounters &counted = forest.engine().rule_counters()[0], &expected = runs.engine().rule_counters()[0];
      CHECK_MESSAGE(counted.matches == expected.matches, pattern);
      CHECK_MESSAGE(counted.matches_cut == expected.matches_cut, pattern);
      REQUIRE_MESSAGE(forest.alerts().size() == runs.alerts().size(), pattern);
      for (size_t i = 0; i < runs.alerts().size(); ++i) {
        REQUIRE_MESSAGE(forest.alerts()[i].record == runs.alerts()[i].record, pattern);
      }
      cut += counted.matches_cut;
    }
  }
  CHECK(cut > 10'000);
}

TEST_CASE("forest: what leads to no completion is not gone into again and again") {
  // Behind the last b stand thousands of a that no c comes of, alone or as repetitions.
  for (const char* const pattern : {"a+ -> b -> c", "(a -> d)+ -> b -> c"}) {
    const Program program = forest_program(fmt::format("rule r {{ match {} within 1h overlap all }}", pattern));
    Limits limits;
    limits.max_matches = 60;
    VirtualRun run(program, limits);
    for (int i = 0; i < 3; ++i) {
      feed(run, "a", 0);
      feed(run, "d", 0);
    }
    for (int i = 0; i < 10; ++i) feed(run, "b", 1);
    for (int i = 0; i < 20'000; ++i) feed(run, i % 2 == 0 ? "a" : "d", 2);
    for (int i = 0; i < 300; ++i) feed(run, "c", 3);
    const uint64_t ways = pattern[1] == '+' ? 7 : 12;
    CHECK(run.engine().rule_counters()[0].matches == 300 * 10 * ways);
    CHECK(run.engine().rule_counters()[0].raised == 300 * 60);
  }
}

TEST_CASE("forest: max_entries: an event is taken no more, and is counted") {
  const Program program = forest_program("rule r { match a -> c within 1h overlap all }");
  Limits limits;
  limits.max_entries = 3;
  VirtualRun run(program, limits);
  for (int i = 0; i < 5; ++i) feed(run, "a", i, 0);
  feed(run, "c", 6);
  CHECK(run.alerts().size() == 3);
  CHECK(run.engine().rule_counters()[0].entries_refused == 2);
}

TEST_CASE("window count: what started in the window, as when every event is gone through anew") {
  constexpr uint8_t start = WindowCount::start;
  const std::vector<WindowCount::Move> moves = {{start, 0}, {0, 1}, {1, 1}, {1, 2}, {start, 2}, {2, 0}};
  struct Step {
    int64_t time_us;
    uint64_t moves, ended;
  };
  std::mt19937_64 random(7);
  WindowCount window;
  window.open(moves, 3, true);
  std::vector<Step> steps;
  int64_t now_us = 0;
  for (int i = 0; i < 400; ++i) {
    now_us += static_cast<int64_t>(random() % 3);
    const int64_t bound_us = now_us - 20;
    window.expire(bound_us);
    uint64_t counts[3] = {};
    for (const Step& step : steps) {
      if (step.time_us < bound_us) continue;
      const uint64_t before[3] = {counts[0], counts[1], counts[2]};
      for (uint8_t state = 0; state < 3; ++state) counts[state] = (step.ended >> state & 1) != 0 ? 0 : counts[state];
      for (size_t move = 0; move < moves.size(); ++move) {
        if ((step.moves >> move & 1) != 0)
          counts[moves[move].to] += moves[move].from == start ? 1 : before[moves[move].from];
      }
    }
    for (uint8_t state = 0; state < 3; ++state) REQUIRE(window.count(state) == counts[state]);
    const Step step{now_us, random() & 0x3f, random() % 4 == 0 ? random() & 7 : 0};
    window.push(step.time_us, step.moves, step.ended);
    steps.push_back(step);
  }
}

}  // namespace omen
