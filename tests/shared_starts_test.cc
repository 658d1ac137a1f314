// Rules that begin with the same step: what they share changes no alert, and meets its limits (core/shared_starts).
#include "runtime/core/shared_starts.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
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

Program sharing_program(const std::string& rules, uint32_t share_starts_from = 4) {
  return program_of(rules, {.share_starts_from = share_starts_from});
}

std::string event(const std::string& type, int64_t second, const std::string& user, int64_t amount = 0) {
  return fmt::format(R"({{"type":"{}","ts":{},"u":"{}","amount":{}}})", type, start_s + second, user, amount);
}

// `count` rules that begin with an `a`, each with a condition, a window and an overlap of its own.
std::string rules_text(int from, int count) {
  constexpr const char* overlaps[] = {"none", "latest", "starts"};
  constexpr const char* ends[] = {"b[amount > {}]", "b[amount > {}] -> c", "b[amount > {}] -> not c for 20s", "c"};
  std::string out;
  for (int i = from; i < from + count; ++i) {
    out += fmt::format("rule r{} {{ by u match a -> {} within {}s {} overlap {} }}\n", i,
                       fmt::format(fmt::runtime(ends[i % 4]), i), 30 + i % 5 * 10, i % 4 == 3 ? "unless d" : "",
                       overlaps[i % 3]);
  }
  return out;
}

// Every few seconds one of four types by one of five users; the same each time.
std::vector<std::string> stream(size_t count) {
  std::vector<std::string> out;
  uint64_t state = 1;
  int64_t second = 0;
  for (size_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    const uint64_t dice = state >> 33;
    second += static_cast<int64_t>(dice % 3);
    out.push_back(event(std::string(1, "aabcd"[dice / 3 % 5]), second, fmt::format("u{}", dice / 15 % 5),
                        static_cast<int64_t>(dice / 75 % 40)));
  }
  return out;
}

size_t sharing(const Program& program) {
  return static_cast<size_t>(std::ranges::count_if(program.rules, &RuleProgram::shares_start));
}

// As a list of one, as one in a block, and as one whose oldest have gone.
TEST_CASE("shared starts: what a rule is yet to begin is found from either end") {
  const Program program = sharing_program("rule r { by u match a -> b within 1h }", 1);
  CaptureStore captures(program);
  WordPool words;
  BytePool blocks;
  SharedStarts starts(program, {true}, {0}, captures, words, blocks);
  const uint32_t id = words.take(start_list_words);
  auto* const list =
      new (words.at(id)) RuleState{starts.list_of(0), index_none, index_none, index_none, 0, 0, index_none, 0, 0};
  SharedStarts::init(*list);
  std::vector<BeginEvent> expected;
  for (uint64_t i = 1; i <= 70; ++i) {
    Event event;
    event.sequence = i * 3;
    event.time_us = static_cast<int64_t>(i / 2 * 1000) - 5'000;
    KeptEvent* const kept = captures.keep(event);
    starts.append(*list, kept);
    captures.release(kept);
    expected.push_back({kept, event.time_us, event.sequence});
    REQUIRE(SharedStarts::newest_us(*list) == event.time_us);
    if (i % 7 == 0) {
      starts.drop_until(*list, expected[1].sequence);
      expected.erase(expected.begin(), expected.begin() + 2);
    }
    for (uint64_t begun = 0; begun <= event.sequence + 1; ++begun) {
      for (int64_t from_us = -6'000; from_us <= event.time_us + 1'000; from_us += 500) {
        const auto first = std::ranges::find_if(
            expected, [&](const BeginEvent& one) { return one.sequence > begun && one.time_us >= from_us; });
        const auto found = SharedStarts::events_after(*list, begun, from_us);
        REQUIRE(found.size() == static_cast<size_t>(expected.end() - first));
        if (!found.empty()) REQUIRE(found[0].sequence == first->sequence);
      }
    }
  }
  starts.drop(*list);
  words.give(id, start_list_words);
  CHECK(captures.bytes() == 0);
}

TEST_CASE("shared starts: from four rules on that begin alike, and under the same key") {
  CHECK(sharing(sharing_program(rules_text(0, 3))) == 0);
  CHECK(sharing(sharing_program(rules_text(0, 4))) == 4);
  CHECK(sharing(sharing_program(rules_text(0, 4), 0)) == 0);
  const std::string three = rules_text(0, 3);
  CHECK(sharing(sharing_program(three + "rule x { by v match a -> b within 1m }")) == 0);
  CHECK(sharing(sharing_program(three + "rule x { by u match a[amount > 1] -> b within 1m }")) == 0);
  for (const char* at_once : {"a => b within 1m", "a -> b", "a -> not b for 1m within 1h", "a -> * within 1m",
                              "a+ -> b within 1m", "a? -> b within 1m", "not b for 1m -> a -> b within 1m",
                              "a -> b within 1m overlap single", "a -> b within 1m overlap all"}) {
    CAPTURE(at_once);
    CHECK(sharing(sharing_program(three + "rule x { by u match " + at_once + " }")) == 0);
  }
}

TEST_CASE("shared starts: the alerts are those of rules that begin their runs at once") {
  const std::string rules = rules_text(0, 60) + "rule each { by u match a }";
  const Program shared = sharing_program(rules), apart = sharing_program(rules, 0);
  VirtualRun one(shared), other(apart);
  for (const std::string& line : stream(3'000)) {
    REQUIRE(one.feed(line));
    REQUIRE(other.feed(line));
  }
  one.advance((start_s + 90'000) * us_per_second);
  other.advance((start_s + 90'000) * us_per_second);
  REQUIRE(one.alerts().size() == other.alerts().size());
  CHECK(one.alerts().size() > 3'000);
  for (size_t i = 0; i < one.alerts().size(); ++i) CHECK(one.alerts()[i].record == other.alerts()[i].record);
  for (const VirtualRun* run : {&one, &other}) {
    CHECK(run->engine().partitions() == 0);
    CHECK(run->engine().live_runs() == 0);
  }
}

TEST_CASE("shared starts: a thousand rules begin nothing before it matters") {
  const Program program = sharing_program(rules_text(0, 1'000));
  VirtualRun run(program);
  for (int i = 0; i < 100; ++i) REQUIRE(run.feed(event("a", i / 10, fmt::format("u{}", i))));
  CHECK(run.engine().live_runs() == 100'000);
  CHECK(run.engine().runs().empty());
  CHECK(run.engine().state_bytes() < 100 * 500);
}

TEST_CASE("shared starts: what completes a rule at once begins the oldest of its runs alone") {
  std::string rules;
  for (int i = 0; i < 4; ++i) {
    rules += fmt::format(
        "rule r{} {{ by u match a as first -> b[amount > {}] within 30s alert \"{{first.amount}}\" }}\n", i, i);
  }
  const Program shared = sharing_program(rules), apart = sharing_program(rules, 0);
  VirtualRun one(shared), other(apart);
  for (VirtualRun* run : {&one, &other}) {
    for (int second = 0; second < 50; ++second) REQUIRE(run->feed(event("a", second, "x", second)));
    REQUIRE(run->feed(event("b", 50, "x", 9)));
    REQUIRE(run->feed(event("b", 51, "x", 9)));  // nothing is left
    REQUIRE(run->feed(event("a", 52, "x", 52)));
    REQUIRE(run->feed(event("b", 53, "x", 3)));  // not r3
  }
  REQUIRE(one.alerts().size() == 7);
  REQUIRE(other.alerts().size() == 7);
  for (size_t i = 0; i < 7; ++i) CHECK(one.alerts()[i].record == other.alerts()[i].record);
  CHECK(one.alerts()[0].record.find("\"text\":\"20\"") != std::string::npos);  // the oldest in the window
  CHECK(one.engine().rule_counters()[0].runs_started == 2);
  CHECK(other.engine().rule_counters()[0].runs_started == 51);
}

TEST_CASE("shared starts: a list is full of what a rule is yet to begin, and not of what it has begun") {
  const Program program = sharing_program("rule r { match a -> b within 1h }", 1);
  Limits limits;
  limits.max_runs = 10;
  VirtualRun run(program, limits);
  for (int i = 0; i < 100; ++i) {
    for (int a = 0; a < 8; ++a) REQUIRE(run.feed(event("a", i * 10 + a, "x")));
    REQUIRE(run.feed(event("b", i * 10 + 8, "x")));
  }
  CHECK(run.alerts().size() == 100);
  CHECK(run.engine().rule_counters()[0].runs_refused == 0);
  for (int a = 0; a < 12; ++a) REQUIRE(run.feed(event("a", 1'000 + a, "x")));
  CHECK(run.engine().rule_counters()[0].runs_refused == 2);
  CHECK(run.engine().pending_runs() == 10);
}

TEST_CASE("shared starts: one rule alone keeps few events that it has begun already") {
  const Program program = sharing_program("rule r { by u match a -> b within 1h }", 1);
  VirtualRun run(program);
  uint64_t most = 0;
  for (int i = 0; i < 900; ++i) {
    REQUIRE(run.feed(event(i % 9 == 8 ? "b" : "a", i, "x")));
    most = std::max(most, run.engine().live_runs());
  }
  CHECK(run.alerts().size() == 100);
  CHECK(most == 8);
}

TEST_CASE("shared starts: what fits none of a rule's steps begins none of its runs") {
  std::string rules;
  for (int i = 0; i < 4; ++i) {
    rules += fmt::format("rule r{} {{ by u match a -> b[amount > {}] within 1h overlap starts }}\n", i, i);
  }
  const Program program = sharing_program(rules);
  VirtualRun run(program);
  for (int second = 0; second < 10; ++second) REQUIRE(run.feed(event("a", second, "x")));
  REQUIRE(run.feed(event("b", 10, "x", 2)));
  CHECK(run.alerts().size() == 20);
  for (size_t rule = 0; rule < 4; ++rule) CHECK(run.engine().rule_counters()[rule].runs_started == (rule < 2 ? 10 : 0));
}

TEST_CASE("shared starts: a key that was busy gives its memory back while events still come") {
  const Program program = sharing_program(rules_text(0, 8));
  VirtualRun run(program);
  for (int i = 0; i < 9'000; ++i) REQUIRE(run.feed(event("a", 0, "x")));
  CHECK(run.engine().state_bytes() > 9'000 * sizeof(BeginEvent));
  for (int second = 12; second < 600; second += 12) REQUIRE(run.feed(event("a", second, "x")));
  CHECK(run.engine().live_runs() > 0);
  CHECK(run.engine().state_bytes() < 10'000);
}

TEST_CASE(
    "shared starts: an event that has completed a rule begins no run of it, though it is the first of a new list") {
  std::string rules;
  for (int i = 0; i < 4; ++i) rules += fmt::format("rule r{} {{ by u match a -> c -> a within 1h }}\n", i);
  const Program program = sharing_program(rules);
  Limits limits;
  limits.max_keys = 1;
  VirtualRun run(program, limits);
  REQUIRE(run.feed(event("a", 0, "x")));
  REQUIRE(run.feed(event("c", 1, "x")));  // the rules begin
  REQUIRE(run.feed(event("a", 2, "y")));  // the list of x goes
  REQUIRE(run.feed(event("a", 3, "x")));
  CHECK(run.alerts().size() == 4);
  REQUIRE(run.feed(event("c", 4, "x")));
  REQUIRE(run.feed(event("a", 5, "x")));
  CHECK(run.alerts().size() == 4);
}

TEST_CASE("shared starts: state goes to rules that share them, and to those that no longer do") {
  const std::vector<std::string> lines = stream(1'200);
  for (const int after_count : {8, 6, 3, 9}) {  // the same; two fewer; none left that share; one that is new
    CAPTURE(after_count);
    const std::string before = rules_text(0, 8), after = rules_text(0, after_count);
    std::vector<std::string> raised;
    for (const uint32_t from : {4u, 0u}) {
      const Program first = sharing_program(before, from), second = sharing_program(after, from);
      Resumed run(first);
      for (size_t i = 0; i < lines.size(); ++i) {
        if (i == 700) {
          const std::string bytes = run.saved();
          REQUIRE(run.resume(second, bytes));
        }
        run.feed(lines[i]);
      }
      run.end_stream();
      raised.push_back(run.raised());
    }
    CHECK(raised[0] == raised[1]);
    CHECK(raised[0].size() > 1'000);
  }
}

TEST_CASE("shared starts: max_keys: the key idle longest goes, and all that the rules have of it") {
  const Program program = sharing_program(rules_text(0, 8));
  Limits limits;
  limits.max_keys = 2;
  VirtualRun run(program, limits);
  int second = 0;
  for (const char* user : {"x", "y", "x", "z"}) REQUIRE(run.feed(event("a", ++second, user)));
  CHECK(run.engine().partitions() == 2);
  CHECK(run.engine().rule_counters()[0].keys_evicted == 1);
  REQUIRE(run.feed(event("b", 5, "y", 100)));
  CHECK(run.alerts().empty());
  REQUIRE(run.feed(event("b", 5, "x", 100)));
  CHECK(!run.alerts().empty());
}

TEST_CASE("shared starts: max_state_bytes: keys go until the state fits, those with begun runs too") {
  const Program program = sharing_program(rules_text(0, 8));
  Limits limits;
  limits.max_state_bytes = 60'000;
  VirtualRun run(program, limits);
  for (int i = 0; i < 2'000; ++i) {
    REQUIRE(run.feed(event("a", i / 100, fmt::format("u{}", i))));
    if (i % 3 == 0)
      REQUIRE(run.feed(event("b", i / 100, fmt::format("u{}", i), 2)));  // begins runs of some of the rules
    CHECK(run.engine().state_bytes() < limits.max_state_bytes + 10'000);
  }
  CHECK(run.engine().rule_counters()[0].keys_evicted > 1'000);
  CHECK(run.engine().partitions() > 10);
  const size_t before = run.alerts().size();
  REQUIRE(run.feed(event("b", 20, "u1", 100)));
  CHECK(run.alerts().size() == before);  // it is gone
  REQUIRE(run.feed(event("b", 20, "u1999", 100)));
  CHECK(run.alerts().size() > before);
}

TEST_CASE("shared starts: max_runs: no further run starts, and it is counted for each rule") {
  std::string rules = rules_text(0, 8);
  for (size_t at; (at = rules.find("latest")) != rules.npos;) rules.replace(at, 6, "starts");
  const Program program = sharing_program(rules);
  Limits limits;
  limits.max_runs = 3;
  VirtualRun run(program, limits);
  for (int i = 0; i < 5; ++i) REQUIRE(run.feed(event("a", i, "x")));
  for (const RuleCounters& counters : run.engine().rule_counters()) CHECK(counters.runs_refused == 2);
  CHECK(run.engine().live_runs() == 3 * 8);
}

// What the rules raise with their starts shared, or each for itself.
std::string raised(const std::string& rules, uint32_t share_starts_from, uint32_t max_runs,
                   const std::vector<std::string>& lines) {
  const Program program = sharing_program(rules, share_starts_from);
  Limits limits;
  limits.max_runs = max_runs;
  VirtualRun run(program, limits);
  for (const std::string& line : lines) REQUIRE(run.feed(line));
  std::string out;
  for (const VirtualAlert& alert : run.alerts()) out += alert.record + "\n";
  return out;
}

TEST_CASE("shared starts: max_runs: under latest the newest replaces another, and is not refused") {
  const std::string rule = "rule r { by u match a as first -> b within 10s overlap latest alert \"{first.amount}\" }";
  std::vector<std::string> lines;
  for (int second = 0; second < 9; ++second) lines.push_back(event("a", second, "x", second));
  lines.push_back(event("b", 9, "x"));
  lines.push_back(event("b", 12, "x"));  // what a single run kept others from beginning is over
  for (uint32_t max_runs = 1; max_runs < 12; ++max_runs) {
    CAPTURE(max_runs);
    const std::string shared = raised(rule, 1, max_runs, lines);
    CHECK(shared == raised(rule, 0, max_runs, lines));
    CHECK(shared.find(max_runs == 1 ? "\"text\":\"0\"" : "\"text\":\"8\"") != std::string::npos);
  }
}

TEST_CASE("shared starts: max_runs: rules of several overlaps have what each would have alone") {
  std::string rules;
  for (const char* overlap : {"none", "latest", "starts"}) {
    rules += fmt::format("rule {0} {{ by u match a as first -> b within 1h overlap {0} alert \"{{first.amount}}\" }}\n",
                         overlap);
  }
  std::vector<std::string> lines;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 9; ++i) lines.push_back(event("a", round * 20 + i, "x", round * 20 + i));
    lines.push_back(event("b", round * 20 + 10, "x"));
  }
  for (uint32_t max_runs = 1; max_runs < 12; ++max_runs) {
    CAPTURE(max_runs);
    CHECK(raised(rules, 1, max_runs, lines) == raised(rules, 0, max_runs, lines));
  }
  const Program program = sharing_program(rules, 1);
  Limits limits;
  limits.max_runs = 3;
  VirtualRun run(program, limits);
  for (const std::string& line : lines) REQUIRE(run.feed(line));
  const std::vector<RuleCounters>& counters = run.engine().rule_counters();
  CHECK(counters[0].runs_refused == 3 * 5);  // what completes the oldest ends the newest, too
  CHECK(counters[1].runs_refused == 0);
  CHECK(counters[2].runs_refused == 3 * 6);
}

TEST_CASE("shared starts: max_runs: latest rules over a stream raise what they would alone") {
  std::string rules;
  for (int i = 0; i < 20; ++i) {
    const char* const end = i % 3 == 0 ? "b" : i % 3 == 1 ? "b[amount > 20] -> c" : "c -> not b for 20s";
    rules += fmt::format("rule r{} {{ by u match a -> {} within {}s overlap latest }}\n", i, end, 30 + i);
  }
  const std::vector<std::string> lines = stream(3'000);
  for (const uint32_t max_runs : {2, 3, 4, 5, 6, 7, 8, 9}) {
    CAPTURE(max_runs);
    const std::string alone = raised(rules, 0, max_runs, lines);
    CHECK(alone.size() > 1'000);
    CHECK((raised(rules, 1, max_runs, lines) == alone));
  }
}

TEST_CASE("shared starts: max_runs: a list that has the newest besides goes on where it was stopped") {
  std::string rules;
  for (const char* overlap : {"none", "latest", "starts"}) {
    rules += fmt::format(
        "rule {0} {{ by u match a as first -> b within 30s overlap {0} alert \"{{first.amount}}\" }}\n", overlap);
  }
  const Program program = sharing_program(rules, 1);
  for (uint32_t max_runs = 1; max_runs < 6; ++max_runs) {
    CAPTURE(max_runs);
    Limits limits;
    limits.max_runs = max_runs;
    Resumed through(program, limits), stopped(program, limits);
    for (int i = 0; i < 60; ++i) {
      const std::string line = event(i % 9 == 8 ? "b" : "a", 3 * i, i % 5 == 0 ? "y" : "x", i);
      through.feed(line);
      stopped.feed(line);
      REQUIRE(stopped.restart());
    }
    CHECK_FALSE(through.raised().empty());
    CHECK(stopped.raised() == through.raised());
  }
}

}  // namespace
}  // namespace omen
