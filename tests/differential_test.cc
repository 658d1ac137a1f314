// The machine against the reference interpreter, on random rules and random streams: equal alerts, in order, with
// their bindings, for every overlap and with each optimisation switched off.
//
//   OMEN_CASES=N   how many cases (5,000; of the other kinds a fifth)
//   OMEN_SEED=S    where they begin; case i is made from seed S + i, and what the kind adds
//
// A failing case is made smaller as long as it still differs, and printed with what runs it again.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>

#include "cli/virtual_run.h"
#include "compiler/compile.h"
#include "tests/support/cases.h"
#include "tests/support/generator.h"
#include "tests/support/machine.h"
#include "tests/support/reference.h"

namespace omen::reference {

namespace {

Case shrink(Case failing, const OptimizeOptions& options) {
  for (bool progress = true; progress;) {
    progress = false;
    for (Case& candidate : simpler(failing)) {
      if (compare(candidate, options).verdict != Comparison::Verdict::different) continue;
      failing = std::move(candidate);
      progress = true;
      break;
    }
  }
  return failing;
}

constexpr uint64_t cases_all = 5'000;

void run_cases(const OptimizeOptions& options, uint64_t cases, uint64_t own_seed = 0,
               Case (*make)(Choices&) = make_case) {
  std::map<std::string, uint64_t> forms;
  std::map<std::string, std::pair<uint64_t, std::string>> errors;
  uint64_t compiled = 0, alerted = 0, alerts = 0, different = 0, unsupported = 0, shared = 0;
  for (uint64_t i = 0; i < cases && different < 3; i++) {
    Choices choices(first_seed() + own_seed + i);
    Case one = make(choices);
    Comparison result = compare(one, options);
    switch (result.verdict) {
      case Comparison::Verdict::not_compiled:
        errors[result.code].first++;
        errors[result.code].second = one.rules_text() + result.detail;
        continue;
      case Comparison::Verdict::unsupported:
        unsupported++;
        continue;
      case Comparison::Verdict::different: {
        different++;
        Case small = shrink(one, options);
        FAIL_CHECK(alone(i) << " differs; made smaller:\n" << small.print() << compare(small, options).detail);
        continue;
      }
      case Comparison::Verdict::equal:
        break;
    }
    compiled++;
    alerts += result.alerts;
    shared += result.is_shared ? 1 : 0;
    if (result.alerts > 0) alerted++;
    count_forms(one.rule, forms);
    for (const RulePlan& reader : one.readers) count_forms(reader, forms);
  }
  std::string summary =
      fmt::format("{} cases from OMEN_SEED={}: {} compiled, {} with alerts ({} alerts), {} shared, {} not supported\n",
                  cases, first_seed(), compiled, alerted, alerts, shared, unsupported);
  for (const auto& [form, count] : forms) summary += fmt::format("  {}: {}\n", form, count);
  if (std::getenv("OMEN_VERBOSE") != nullptr) {
    for (const auto& [code, error] : errors)
      summary += fmt::format("{} times {}:\n{}\n", error.first, code, error.second);
  }
  MESSAGE(summary);
  if (cases >= 1000) {
    CHECK(compiled * 100 >= cases * 80);
    CHECK(alerted * 5 > compiled * 2);
  }
}

}  // namespace

TEST_CASE("the machine and the reference interpreter give the same alerts") { run_cases({}, cases(cases_all)); }

TEST_CASE("the machine and the reference interpreter give the same alerts when all starts are shared") {
  OptimizeOptions all_shared;
  all_shared.share_starts_from = 1;
  run_cases(all_shared, cases(cases_all, 2), 500'000);
}

TEST_CASE("the machine and the reference interpreter give the same alerts when runs are stepped by stretches") {
  OptimizeOptions by_stretches;
  by_stretches.stretch_runs_from = 1;
  run_cases(by_stretches, cases(cases_all, 2), 700'000);
}

TEST_CASE("every assignment that satisfies the pattern is found under overlap all, and no other") {
  OptimizeOptions explicit_runs;
  explicit_runs.share_matches = false;
  SUBCASE("in shared form where it can be") { run_cases({}, cases(cases_all, 5), 2'000'000, make_all_case); }
  SUBCASE("by explicit runs") { run_cases(explicit_runs, cases(cases_all, 5), 2'000'000, make_all_case); }
}

TEST_CASE("rules that read what other rules emit give the same alerts") {
  OptimizeOptions all_shared;
  all_shared.share_starts_from = 1;
  SUBCASE("runs begin at once") { run_cases({}, cases(cases_all, 5), 3'000'000, make_emit_case); }
  SUBCASE("starts are shared") { run_cases(all_shared, cases(cases_all, 5), 3'000'000, make_emit_case); }
}

TEST_CASE("a => inside a repeated `and` follows what it should, with derived events between") {
  run_cases({}, cases(cases_all, 5), 4'000'000, make_and_case);
}

TEST_CASE("without each optimisation the alerts are the same") {
  const uint64_t count = cases(cases_all, 10);
  OptimizeOptions no_sharing, no_simple, no_folding, no_stretches, no_newcomers, no_rows, rows;
  no_sharing.share_predicates = false;
  no_simple.simple_predicates = false;
  no_folding.fold_constants = false;
  no_stretches.stretch_runs_from = 0;
  no_newcomers.keep_newcomers = false;
  no_rows.state_rows_from = 0;
  rows.state_rows_from = 1;
  SUBCASE("predicates not shared") { run_cases(no_sharing, count, 1'000'000); }
  SUBCASE("no simple predicates") { run_cases(no_simple, count, 1'100'000); }
  SUBCASE("constants not folded") { run_cases(no_folding, count, 1'200'000); }
  SUBCASE("runs never stepped by stretches") { run_cases(no_stretches, count, 1'300'000); }
  SUBCASE("no key is a newcomer") { run_cases(no_newcomers, count, 1'400'000); }
  SUBCASE("no key has a row of its states") { run_cases(no_rows, count, 1'500'000); }
  SUBCASE("each key has a row of its states") { run_cases(rows, count, 1'600'000); }
}

}  // namespace omen::reference
