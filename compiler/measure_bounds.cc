#include "compiler/measure_bounds.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "compiler/constant.h"
#include "runtime/model/limits.h"
#include "runtime/model/time.h"
#include "runtime/model/zones.h"

namespace omen {

namespace {

using Keeps = SeriesProgram::Keeps;

std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

int64_t longest_span_us(const TypedRule& rule) {
  int64_t span_us = 0;
  for (const TypedMeasure& measure : rule.measures) span_us = std::max(span_us, measure.over_us + measure.ago_us);
  return span_us;
}

bool has(const TypedRule& rule, Keeps keeps) {
  return std::ranges::any_of(rule.measures, [&](const TypedMeasure& measure) { return keeps_of(measure) == keeps; });
}

void put_nothing(TypedExpr& expr, const TypedRule& rule) {
  for (TypedExpr& child : expr.children) put_nothing(child, rule);
  if (expr.kind == TypedExpr::Kind::measure) {
    const Keeps keeps = keeps_of(rule.measures[static_cast<size_t>(expr.index)]);
    const Aggregate aggregate = rule.measures[static_cast<size_t>(expr.index)].aggregate;
    const bool is_zero =
        keeps == Keeps::count || keeps == Keeps::different || (keeps == Keeps::sum && aggregate != Aggregate::avg);
    expr.kind = TypedExpr::Kind::constant;
    expr.value = is_zero ? Value::of_integer(0) : Value();
  } else {
    fold_constant(expr);
  }
}

}  // namespace

SeriesProgram::Keeps keeps_of(const TypedMeasure& measure) {
  switch (measure.aggregate) {
    case Aggregate::count:
      return Keeps::count;
    case Aggregate::rate:
      return measure.argument ? Keeps::sum : Keeps::count;
    case Aggregate::sum:
    case Aggregate::avg:
      return Keeps::sum;
    case Aggregate::min:
      return Keeps::least;
    case Aggregate::max:
      return Keeps::greatest;
    case Aggregate::distinct:
      return Keeps::different;
    default:
      return Keeps::spread;
  }
}

int64_t pane_us(const TypedRule& rule) {
  if (rule.every.us == 0) return 0;
  int64_t width_us = rule.every.us;
  if (rule.every.at_minute >= 0) {
    width_us = std::gcd(width_us, rule.every.at_minute * 60 * us_per_second);
    width_us = std::gcd(width_us, offset_step_us(*find_zone(rule.every.zone)));
  }
  for (const TypedMeasure& measure : rule.measures) {
    width_us = std::gcd(width_us, std::gcd(measure.over_us, measure.ago_us));
  }
  return width_us;
}

// Series that two measures share are counted once: those of the same step as written, argument and kind.
std::optional<uint64_t> most_panes(const TypedRule& rule) {
  const int64_t width_us = pane_us(rule);
  if (width_us == 0) return std::nullopt;
  uint64_t panes = 0;
  for (const TypedMeasure& measure : rule.measures) {
    panes = std::max(panes, static_cast<uint64_t>((measure.over_us + measure.ago_us) / width_us));
  }
  return panes;
}

std::optional<Truth> truth_of_nothing(const TypedRule& rule) {
  TypedExpr when = *rule.when;
  put_nothing(when, rule);
  return constant_truth(when);
}

std::string measure_state_bound(const TypedRule& rule) {
  const Limits limits;
  const std::optional<uint64_t> panes = most_panes(rule);
  std::string text;
  if (panes) {
    text = "at most " + grouped(*panes) + (*panes == 1 ? " pane of " : " panes of ") + duration_text(pane_us(rule)) +
           " a measure and key";
  } else {
    text = "a pane a measure and key for each moment at which something counted, at most " +
           grouped(limits.max_window_entries);
  }
  if (has(rule, Keeps::spread)) text += ", each with up to 1,000 numbers or a sketch of them";
  if (has(rule, Keeps::different))
    text += ", and the different values in them, at most " + grouped(limits.max_window_entries);
  text += "; for " + duration_text(longest_span_us(rule));
  if (truth_of_nothing(rule) != Truth::no) text += ", and as long as the condition is true";
  return text;
}

}  // namespace omen
