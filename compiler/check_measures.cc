#include "compiler/check_measures.h"

#include <algorithm>

#include "compiler/measure_bounds.h"
#include "runtime/model/time.h"

namespace omen {

namespace {

constexpr uint64_t panes_expected_max = 10'000;

bool reads(const TypedExpr& expr, int32_t measure) {
  if (expr.kind == TypedExpr::Kind::measure && expr.index == measure) return true;
  return std::ranges::any_of(expr.children, [&](const TypedExpr& child) { return reads(child, measure); });
}

bool is_used(const TypedRule& rule, int32_t measure) {
  if (reads(*rule.when, measure)) return true;
  return std::ranges::any_of(rule.actions, [&](const TypedAction& action) {
    if (action.body && reads(*action.body, measure)) return true;
    return std::ranges::any_of(
        action.text, [&](const TypedTemplatePiece& piece) { return piece.expr && reads(*piece.expr, measure); });
  });
}

}  // namespace

void check_measures(const TypedRule& rule, Diagnostics& diagnostics) {
  for (size_t i = 0; i < rule.measures.size(); ++i) {
    if (is_used(rule, static_cast<int32_t>(i))) continue;
    diagnostics.warning("W0701", rule.source->measures[i].name.span,
                        "`" + rule.measures[i].name + "` is measured and asked for nowhere",
                        "name it in `when` or in a text, or remove it");
  }
  const std::optional<uint64_t> panes = most_panes(rule);
  if (panes && *panes > panes_expected_max) {
    diagnostics.warning("W0702", rule.source->every->span,
                        "`every`, `over` and `ago` have little in common: windows are kept in " +
                            std::to_string(*panes) + " panes of " + duration_text(pane_us(rule)) + " a key",
                        "choose an `every` of which `over` and `ago` are multiples");
  }
  if (!panes && truth_of_nothing(rule) == Truth::yes) {
    diagnostics.warning("W0703", rule.source->when->span,
                        "this is true when nothing has counted, and without `every` nobody looks then",
                        "give the rule an `every`, such as `every 1m`");
  }
}

}  // namespace omen
