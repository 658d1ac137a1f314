// A whole run on several threads comes to what one thread comes to: on random rules, and on lines of every kind.
//
//   OMEN_CASES=N   how many random cases (120)     OMEN_SEED=S   where they begin
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "runtime/core/action.h"
#include "runtime/io/runner.h"
#include "tests/support/generator.h"
#include "tests/support/measure_generator.h"
#include "tests/support/program.h"

namespace omen {
namespace {

const std::string rules_text = R"(
event d { u: string  n: int 0..90 }
rule pairs { by u match a as x -> b[n > x.n] within 1m overlap starts }
rule quiet { by u match c -> not a for 20s limit 50 per 1h }
rule other { by n match d as x -> a within 30s emit e { n: x.n } }
rule emitted { by n match e -> b within 30s }
)";

// Lines of every kind: events of several lengths, blank ones, and ones to be rejected.
std::string lines_of(size_t count, uint64_t state) {
  std::string out;
  int64_t second = 1'767'600'000;
  for (size_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    const uint64_t dice = state >> 33;
    if (dice % 40 == 0) out += "not an event\n";
    if (dice % 41 == 0) out += "\n\n";
    if (dice % 43 == 0)
      out += R"({"type":"a","type":"b"})"
             "\n";
    second += static_cast<int64_t>(dice % 3) - (dice % 50 == 0 ? 8 : 0);
    out += fmt::format(R"({{"type":"{}","ts":{},"u":"u{}","n":{}{}}})", "abcd"[dice % 4], second, dice / 4 % 30,
                       dice / 120 % 100,
                       dice % 7 == 0 ? fmt::format(R"(,"more":"{}")", std::string(dice % 900, 'x')) : "");
    out += '\n';
  }
  return out;
}

// Where two long texts part.
std::string difference(const std::string& a, const std::string& b) {
  const auto at = static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  const size_t begin = at < 200 ? 0 : at - 200;
  return fmt::format("at {}:\n{}\n---\n{}", at, a.substr(begin, 400), b.substr(std::min(begin, b.size()), 400));
}

// All alerts as one text.
class Collected : public MatchSink {
 public:
  Collected(const Program& program, const Shards& shards) : program_(program) {
    for (const auto& engine : shards.engines()) {
      actions_.push_back(std::make_unique<Actions>(program, engine->prepared(), engine->captures()));
    }
  }
  void describe(uint32_t shard, const Engine& engine, const Match& match, std::string& out) override {
    const std::vector<std::string_view> key = engine.match_key(match);
    const ActionProgram none;
    const auto& actions = program_.rules[match.rule].actions;
    actions_[shard]->append_record(out, engine.view(match, key), actions.empty() ? none : actions[0]);
  }
  void take(const Match& match, std::string_view described) override {
    text_ += fmt::format("{} {} {}\n", match.rule, match.count, described);
  }
  void pass_time(int64_t clock_us) override { clock_us_ = clock_us; }
  Status flush() override { return Status::ok(); }
  bool is_closed() const override { return false; }
  const std::string& text() const { return text_; }
  int64_t clock_us() const { return clock_us_; }

 private:
  const Program& program_;
  std::vector<std::unique_ptr<Actions>> actions_;
  std::string text_;
  int64_t clock_us_ = 0;
};

// What a run comes to. Of the counters those that the stream decides.
std::string outcome_of(const Program& program, const RunOptions& options) {
  Runner runner(program, options);
  Collected sink(program, runner.shards());
  REQUIRE(runner.open().is_ok());
  const RunReport report = runner.run(sink, [](const Progress&) {});
  std::string out = sink.text();
  out += fmt::format("{} events, {} lines, {} duplicates, {} held, clock {}\n", report.events, report.lines,
                     report.duplicates, report.held, sink.clock_us());
  for (RuleId rule = 0; rule < program.rules.size(); ++rule) {
    const RuleCounters counters = runner.shards().counters_of(rule);
    out += fmt::format("{}: {} {} {}\n", rule, counters.matches, counters.raised, counters.resolved);
  }
  for (size_t reason = 0; reason < reason_names.size(); ++reason) {
    out += fmt::format("{} ", runner.quarantine().count(static_cast<Reason>(reason)));
  }
  return out;
}

// A random program, and a stream for it in as many files as there shall be pieces at least.
struct RandomRun {
  std::string rules;
  std::vector<std::string> files;
};

RandomRun random_run(reference::Choices& choices) {
  RandomRun run;
  std::vector<reference::StreamItem> stream;
  const uint32_t kind = choices.below(4);
  if (kind == 0) {
    const reference::MeasureCase one = make_measure_case(choices);
    run.rules = one.text();
    stream = one.stream;
  } else {
    const reference::Case one = kind == 1   ? make_case(choices)
                                : kind == 2 ? make_all_case(choices)
                                            : make_emit_case(choices);
    run.rules = one.rules_text();
    stream = one.stream;
  }
  run.files.emplace_back();
  for (const reference::StreamItem& item : stream) {
    if (choices.below(6) == 0) run.files.emplace_back();
    if (choices.below(20) == 0) run.files.back() += choices.below(2) == 0 ? "no event\n" : "\n";
    if (item.event) run.files.back() += item.event->print() + "\n";
  }
  return run;
}

TEST_CASE("run: random rules on one to four threads raise the same") {
  const auto number_from = [](const char* name, uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
  };
  const uint64_t cases = number_from("OMEN_CASES", 120), first = number_from("OMEN_SEED", 1);
  uint64_t compared = 0, alerted = 0;
  Folder folder;
  for (uint64_t seed = first; seed < first + cases; ++seed) {
    reference::Choices choices(seed);
    const RandomRun run = random_run(choices);
    const Compilation compilation = compile(Sources{{{"rules.omen", run.rules}}});
    if (!compilation.program) continue;
    RunOptions options;
    for (size_t i = 0; i < run.files.size(); ++i) {
      const std::string name = fmt::format("{}.ndjson", i);
      folder.write(name, run.files[i]);
      options.inputs.push_back(folder.path(name));
    }
    options.limits.max_runs = 300;
    options.limits.max_derived = 100;
    options.limits.max_matches = 100;
    options.advance_at_end = choices.below(2) == 0;
    if (choices.below(3) == 0) options.order.lateness_us = choices.below(4) * 1'000'000;
    const std::string one = outcome_of(*compilation.program, options);
    ++compared;
    alerted += one.find("\"id\"") != std::string::npos ? 1 : 0;
    for (uint32_t shards : {2u, 3u, 4u}) {
      options.shards = shards;
      const std::string several = outcome_of(*compilation.program, options);
      if (several == one) continue;
      FAIL("OMEN_SEED=" << seed << " with " << shards << " shards: " << difference(one, several) << "\n" << run.rules);
    }
  }
  MESSAGE(compared << " cases, " << alerted << " with alerts");
  CHECK(alerted * 3 > compared);
}

TEST_CASE("run: on several threads the alerts, the quarantine and the summary are the same, byte for byte") {
  Folder folder;
  folder.write("rules.omen", rules_text);
  folder.write("events.ndjson", lines_of(20'000, 9));
  const std::vector<std::vector<std::string>> ways = {
      {}, {"--lateness", "5s", "--at-end", "advance"}, {"--count"}, {"--dedupe", "1h", "--max-ahead", "1m"}};
  for (const std::vector<std::string>& way : ways) {
    std::vector<std::string> seen;
    for (const char* shards : {"1", "2", "3"}) {
      const std::string quarantine = folder.path(std::string("bad") + shards);
      std::vector<std::string> arguments = {"run",          folder.path("rules.omen"),
                                            "--events",     folder.path("events.ndjson"),
                                            "--shards",     shards,
                                            "--quarantine", quarantine};
      arguments.insert(arguments.end(), way.begin(), way.end());
      const Outcome outcome = run_omen(folder, arguments);
      CHECK(outcome.exit_code == 0);
      // Of the summary what the stream decides: not rates, nor peaks between rounds.
      std::string summary = outcome.errors.substr(outcome.errors.find('\n'));
      summary = summary.substr(0, summary.find("state: "));
      size_t at = 0;
      while ((at = summary.find(quarantine)) != std::string::npos) summary.replace(at, quarantine.size(), "bad");
      seen.push_back(outcome.out + summary + folder.read(std::string("bad") + shards));
    }
    CHECK(seen[0].size() > 10'000);
    for (size_t i : {1u, 2u}) CHECK_MESSAGE(seen[i] == seen[0], difference(seen[i], seen[0]));
  }
}

// Events of the past that are due at once are more than a round has.
TEST_CASE("run: on several threads what was held comes in order, however much is due at once") {
  Folder folder;
  folder.write("rules.omen", rules_text);
  folder.write("1.ndjson", lines_of(12'000, 3));
  folder.write("2.ndjson", R"({"type":"a","ts":1799999999,"u":"u1","n":1})"
                           "\n" +
                               lines_of(50, 4));
  std::vector<std::string> seen;
  for (const char* shards : {"1", "2", "4"}) {
    const Outcome outcome =
        run_omen(folder, {"run", folder.path("rules.omen"), "--events", folder.path("1.ndjson"), "--events",
                          folder.path("2.ndjson"), "--lateness", "8h", "--shards", shards, "--at-end", "advance"});
    CHECK(outcome.exit_code == 0);
    seen.push_back(outcome.out);
  }
  CHECK(seen[0].size() > 10'000);
  for (size_t i : {1u, 2u}) CHECK_MESSAGE(seen[i] == seen[0], difference(seen[i], seen[0]));
}

// Formats whose lines are made here, a line that is too long, small events in great number.
TEST_CASE("run: on several threads other formats and odd lines come to the same, and so does the quarantine") {
  Folder folder;
  folder.write("rules.omen", rules_text);
  std::string csv = "type,ts,u,n\n", brief;
  for (int i = 0; i < 20'000; ++i) {
    csv += fmt::format("{},{},u{},{}\n",
                       i % 97 == 0  ? "a\""
                       : i % 2 == 0 ? "a"
                                    : "b",
                       1'767'600'000 + i, i % 40, i % 60 == 0 ? "" : std::to_string(i * 7 % 101));
    brief += i % 3 == 0 ? "x\n" : "{\"type\":\"a\"}\n";
  }
  folder.write("rows.csv", csv);
  folder.write("odd.ndjson", lines_of(300, 5) + "{\"type\":\"" + std::string(1'200'000, 'x') + "\"}\n" +
                                 lines_of(300, 6) + brief + R"({"type":"b","ts":1999999999})");
  for (const char* name : {"rows.csv", "odd.ndjson"}) {
    std::vector<std::string> seen;
    for (const char* shards : {"1", "2", "3"}) {
      const std::string bad = std::string(name) + ".bad" + shards;
      const Outcome outcome = run_omen(folder, {"run", folder.path("rules.omen"), "--events", folder.path(name),
                                                "--shards", shards, "--quarantine", folder.path(bad)});
      CHECK(outcome.exit_code == 0);
      seen.push_back(outcome.out + folder.read(bad));
    }
    CHECK(seen[0].size() > 10'000);
    for (size_t i : {1u, 2u}) CHECK_MESSAGE(seen[i] == seen[0], difference(seen[i], seen[0]));
  }
}

}  // namespace
}  // namespace omen
