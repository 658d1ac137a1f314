// A stream that is stopped anywhere and goes on from saved bytes raises what it would have raised without, and so does
// one whose keys several engines share, stopped and gone on with by any other number of them: on random rules of every
// kind, and on the packs of rules/ with their sample events.
//
//   OMEN_CASES=N   how many cases (1,000; of each kind a fifth)     OMEN_SEED=S   where they begin
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "compiler/compile.h"
#include "tests/support/cases.h"
#include "tests/support/divided.h"
#include "tests/support/generator.h"
#include "tests/support/measure_generator.h"
#include "tests/support/resumed.h"

namespace omen::reference {

namespace {

namespace fs = std::filesystem;

Compilation compiled(const std::string& text, const OptimizeOptions& options = {}) {
  Sources sources;
  sources.files.push_back({"case.omen", text});
  return compile(sources, options);
}

struct Seen {
  uint64_t cases = 0, alerted = 0, restarts = 0, largest = 0;
};

// The same stream, once as it is, once stopped behind one item in `often`, and once in rounds among several engines.
// What differs, or nothing.
std::string compare_runs(const Program& program, const std::vector<StreamItem>& stream, Choices& choices, Seen& seen,
                         const Limits& limits, bool only_counts) {
  Resumed whole(program, limits, only_counts), stopped(program, limits, only_counts);
  Divided divided(program, limits, 2 + choices.below(3), only_counts);
  const uint32_t often = 1 + choices.below(4);
  for (const StreamItem& item : stream) {
    item.event ? divided.feed(item.event->print()) : divided.advance(item.time_us);
    if (choices.below(8) == 0) divided.run();
    if (choices.below(16) == 0) {
      divided.run();
      if (!divided.restart(1 + choices.below(4)))
        return "what several loaded is not what was saved\n" + divided.raised();
    }
    for (Resumed* run : {&whole, &stopped}) {
      item.event ? run->feed(item.event->print()) : run->advance(item.time_us);
    }
    if (choices.below(often) != 0) continue;
    ++seen.restarts;
    if (!stopped.restart()) return "what was loaded is not what was saved\n" + stopped.raised();
  }
  seen.largest = std::max<uint64_t>(seen.largest, stopped.saved().size());
  whole.end_stream();
  stopped.end_stream();
  divided.end_stream();
  ++seen.cases;
  if (!whole.raised().empty()) ++seen.alerted;
  const bool are_counters_equal = [&] {
    for (RuleId rule = 0; rule < program.rules.size(); ++rule) {
      const RuleCounters &a = whole.engine().rule_counters()[rule], &b = stopped.engine().rule_counters()[rule];
      const RuleCounters c = divided.shards().counters_of(rule);
      if (a.matches != b.matches || a.raised != b.raised) return false;
      if (a.matches != c.matches || a.raised != c.raised) return false;
      // Whether a run is put off may hang on whether what is over has been swept away.
      if (program.rules[rule].shares_start) continue;
      if (a.runs_started != b.runs_started || a.runs_started != c.runs_started) return false;
    }
    return true;
  }();
  if (whole.raised() == stopped.raised() && whole.raised() == divided.raised() && are_counters_equal) return {};
  return "whole:\n" + whole.raised() + "stopped:\n" + stopped.raised() + "divided:\n" + divided.raised();
}

uint64_t cases_of_kind() { return cases(1'000, 5); }

void run_cases(uint64_t own_seed, Case (*make)(Choices&), const OptimizeOptions& options = {},
               bool only_counts = false) {
  Seen seen;
  for (uint64_t i = 0; i < cases_of_kind(); ++i) {
    Choices choices(first_seed() + own_seed + i);
    const Case one = make(choices);
    const Compilation compilation = compiled(one.rules_text(), options);
    if (!compilation.program) continue;
    Limits limits;
    limits.max_matches = one.max_matches;
    limits.max_runs = 300;  // and of what is emitted: rules that emit can make very many
    limits.max_derived = 100;
    const std::string difference = compare_runs(*compilation.program, one.stream, choices, seen, limits, only_counts);
    if (difference.empty()) continue;
    FAIL_CHECK(alone(i) << " differs:\n" << one.print() << difference);
    return;
  }
  MESSAGE(seen.cases << " cases, " << seen.alerted << " with alerts, " << seen.restarts << " restarts, the largest of "
                     << seen.largest << " bytes");
  if (cases_of_kind() >= 100) CHECK(seen.alerted * 4 > seen.cases);
}

}  // namespace

TEST_CASE("state: runs go on where they were") {
  OptimizeOptions all_shared;
  all_shared.share_starts_from = 1;
  OptimizeOptions rows;
  rows.state_rows_from = 1;
  SUBCASE("begun at once") { run_cases(0, make_case); }
  SUBCASE("with shared starts") { run_cases(0, make_case, all_shared); }
  SUBCASE("with rows of states") { run_cases(0, make_case, rows); }
}

TEST_CASE("state: matches under overlap all go on where they were") {
  OptimizeOptions explicit_runs;
  explicit_runs.share_matches = false;
  SUBCASE("shared") { run_cases(2'000'000, make_all_case); }
  SUBCASE("by explicit runs") { run_cases(2'000'000, make_all_case, explicit_runs); }
  SUBCASE("only counted") { run_cases(2'000'000, make_all_case, {}, true); }
}

TEST_CASE("state: rules that read what other rules emit go on where they were") {
  OptimizeOptions all_shared;
  all_shared.share_starts_from = 1;
  SUBCASE("begun at once") { run_cases(3'000'000, make_emit_case); }
  SUBCASE("with shared starts") { run_cases(3'000'000, make_emit_case, all_shared); }
}

TEST_CASE("state: measures go on where they were") {
  Seen seen;
  for (uint64_t i = 0; i < cases_of_kind(); ++i) {
    Choices choices(first_seed() + i);
    const MeasureCase one = make_measure_case(choices);
    const Compilation compilation = compiled(one.text());
    if (!compilation.program) continue;
    const std::string difference = compare_runs(*compilation.program, one.stream, choices, seen, {}, false);
    if (difference.empty()) continue;
    FAIL_CHECK(alone(i) << " differs:\n" << one.print() << difference);
    return;
  }
  if (cases_of_kind() >= 100) CHECK(seen.alerted * 4 > seen.cases);
}

TEST_CASE("state: the packs of rules go on where they were") {
  uint64_t packs = 0, restarts = 0;
  for (const auto& folder : fs::directory_iterator(fs::path(OMEN_SOURCE_ROOT) / "rules")) {
    const fs::path events = folder.path() / "events.ndjson";
    if (!fs::exists(events)) continue;
    Sources sources;
    for (const auto& file : fs::directory_iterator(folder.path())) {
      if (file.path().extension() != ".omen" || file.path().filename() == "tests.omen") continue;
      std::ifstream in(file.path());
      sources.files.push_back({file.path().string(), std::string(std::istreambuf_iterator<char>(in), {})});
    }
    const Compilation compilation = compile(sources);
    REQUIRE(compilation.program);
    Choices choices(first_seed() + packs);
    Resumed whole(*compilation.program), stopped(*compilation.program);
    std::ifstream lines(events);
    for (std::string line; std::getline(lines, line);) {
      whole.feed(line);
      stopped.feed(line);
      if (choices.below(5) != 0) continue;
      REQUIRE_MESSAGE(stopped.restart(), folder.path().string() << stopped.raised());
      ++restarts;
    }
    whole.end_stream();
    stopped.end_stream();
    CHECK(whole.raised() == stopped.raised());
    CHECK(!whole.raised().empty());
    ++packs;
  }
  CHECK(packs > 10);
  CHECK(restarts > packs);
}

}  // namespace omen::reference
