#include "compiler/emit_measures.h"

#include <algorithm>

#include "compiler/measure_bounds.h"

namespace omen {

namespace {

bool are_equal(const StepProgram& a, const StepProgram& b) {
  return a.types == b.types && a.predicate == b.predicate && a.route == b.route;
}

// Equal steps are one, so that what is counted of them is counted once.
uint32_t first_equal_step(const RuleProgram& rule, uint32_t step) {
  const auto found =
      std::ranges::find_if(rule.steps, [&](const auto& other) { return are_equal(other, rule.steps[step]); });
  return static_cast<uint32_t>(found - rule.steps.begin());
}

uint32_t series_of(const TypedMeasure& typed, const TypedRule& rule_of, CodeEmitter& code, RuleProgram& rule) {
  SeriesProgram series;
  series.step = first_equal_step(rule, typed.step);
  series.keeps = keeps_of(typed);
  series.takes = typed.takes;
  if (typed.argument) series.argument = code.code(*typed.argument, rule_of);
  std::vector<SeriesProgram>& all = rule.measures->series;
  const auto found = std::ranges::find_if(all, [&](const SeriesProgram& other) {
    return other.step == series.step && other.keeps == series.keeps && other.argument == series.argument;
  });
  if (found != all.end()) return static_cast<uint32_t>(found - all.begin());
  all.push_back(series);
  return static_cast<uint32_t>(all.size() - 1);
}

uint32_t window_of(const TypedMeasure& typed, uint32_t series, Measures& measures) {
  SeriesProgram& kept = measures.series[series];
  kept.span_us = std::max(kept.span_us, typed.over_us + typed.ago_us);
  const auto found = std::ranges::find_if(measures.windows, [&](const WindowProgram& other) {
    return other.series == series && other.over_us == typed.over_us && other.ago_us == typed.ago_us;
  });
  if (found != measures.windows.end()) return static_cast<uint32_t>(found - measures.windows.begin());
  measures.windows.push_back({series, typed.over_us, typed.ago_us});
  return static_cast<uint32_t>(measures.windows.size() - 1);
}

bool reads_end(const TypedExpr& expr) {
  if (expr.kind == TypedExpr::Kind::match_value) return true;
  return std::ranges::any_of(expr.children, reads_end);
}

}  // namespace

void emit_measures(const TypedRule& typed, CodeEmitter& code, RuleProgram& rule) {
  rule.machine = Machine::measure;
  Measures& measures = rule.measures.emplace();
  for (const TypedMeasure& measure : typed.measures) {
    const uint32_t series = series_of(measure, typed, code, rule);
    measures.measures.push_back({measure.name, measure.aggregate, window_of(measure, series, measures)});
  }
  measures.when = code.code(*typed.when, typed);
  measures.reads_time = reads_end(*typed.when);
  measures.for_us = typed.when_for_us;
  measures.every_us = typed.every.us;
  measures.at_minute = typed.every.at_minute;
  if (typed.every.at_minute >= 0) measures.zone = code.zone(typed.every.zone);
  measures.pane_us = pane_us(typed);
}

}  // namespace omen
