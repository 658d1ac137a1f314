// Measure rules: the machine against their reference interpreter, on random rules and streams: equal alerts, in order,
// with the values of their measures, raised and resolved.
//
//   OMEN_CASES=N   how many cases (5,000)        OMEN_SEED=S   where they begin; case i is made from seed S + i
//
// A failing case is made smaller as long as it still differs, and printed with what runs it again.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cstdlib>
#include <map>

#include "compiler/compile.h"
#include "tests/support/cases.h"
#include "tests/support/machine.h"
#include "tests/support/measure_generator.h"
#include "tests/support/reference_measure.h"

namespace omen::reference {

namespace {

struct Result {
  enum class Verdict : uint8_t { equal, different, not_compiled, unsupported };
  Verdict verdict = Verdict::equal;
  uint64_t raised = 0, resolved = 0;
  std::string detail;
};

Result compare_measures(const MeasureCase& one) {
  Result result;
  Sources sources;
  sources.files.push_back({"case.omen", one.text()});
  const Compilation compilation = compile(sources);
  if (!compilation.program) {
    result.verdict = Result::Verdict::not_compiled;
    for (const Diagnostic& diagnostic : compilation.diagnostics.items) {
      if (diagnostic.severity == Severity::error) result.detail += render_text(diagnostic, sources, false);
    }
    return result;
  }
  std::string expected, actual;
  try {
    for (const Alert& alert : run_measure_reference(compilation.files, one.stream)) {
      expected += "  " + alert.print() + "\n";
      ++(alert.resolved ? result.resolved : result.raised);
    }
  } catch (const Unsupported& reason) {
    result.verdict = Result::Verdict::unsupported;
    result.detail = reason.what();
    return result;
  }
  for (const Alert& alert : run_machine(*compilation.program, one.stream)) actual += "  " + alert.print() + "\n";
  if (expected == actual) return result;
  result.verdict = Result::Verdict::different;
  result.detail = "reference:\n" + expected + "machine:\n" + actual;
  return result;
}

MeasureCase shrink(MeasureCase failing) {
  for (bool progress = true; progress;) {
    progress = false;
    for (MeasureCase& candidate : simpler(failing)) {
      if (compare_measures(candidate).verdict != Result::Verdict::different) continue;
      failing = std::move(candidate);
      progress = true;
      break;
    }
  }
  return failing;
}

}  // namespace

TEST_CASE("measures: the machine and the reference interpreter give the same alerts") {
  const uint64_t cases = omen::cases(5'000), seed = first_seed();
  std::map<std::string, uint64_t> forms;
  uint64_t compiled = 0, alerted = 0, raised = 0, resolved = 0, different = 0, unsupported = 0;
  std::string error;
  for (uint64_t i = 0; i < cases && different < 3; i++) {
    Choices choices(seed + i);
    const MeasureCase one = make_measure_case(choices);
    const Result result = compare_measures(one);
    if (result.verdict == Result::Verdict::not_compiled) error = one.text() + result.detail;
    if (result.verdict == Result::Verdict::unsupported) unsupported++;
    if (result.verdict == Result::Verdict::different) {
      different++;
      const MeasureCase small = shrink(one);
      FAIL_CHECK(alone(i) << " differs; made smaller:\n" << small.print() << compare_measures(small).detail);
    }
    if (result.verdict != Result::Verdict::equal) continue;
    compiled++;
    raised += result.raised;
    resolved += result.resolved;
    if (result.raised > 0) alerted++;
    count_forms(one, forms);
  }
  std::string summary =
      fmt::format("{} cases from OMEN_SEED={}: {} compared, {} with alerts ({} raised, {} resolved)\n", cases, seed,
                  compiled, alerted, raised, resolved);
  for (const auto& [form, count] : forms) summary += fmt::format("  {}: {}\n", form, count);
  if (std::getenv("OMEN_VERBOSE") != nullptr) summary += error;
  MESSAGE(summary);
  if (cases >= 1000) {
    CHECK(compiled * 100 >= cases * 95);
    CHECK(alerted * 5 > compiled * 2);
    CHECK(resolved > 0);
  }
}

}  // namespace omen::reference
