#include "cli/backtest_tally.h"

#include "cli/print.h"
#include "runtime/model/time.h"

namespace omen::cli {

namespace {

constexpr int64_t us_per_day = 86'400 * us_per_second;

int64_t day_of(int64_t time_us) {
  const int64_t day = time_us / us_per_day;
  return time_us % us_per_day < 0 ? day - 1 : day;
}

}  // namespace

// user_id=ben, as alerts for people show it.
void BacktestTally::describe(uint32_t /*shard*/, const Engine& engine, const Match& match, std::string& out) {
  const RuleProgram& rule = program_.rules[match.rule];
  const std::vector<std::string_view> parts = engine.match_key(match);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += ' ';
    out += rule.key_names[i] + '=' + shown(parts[i]);
  }
}

void BacktestTally::take(const Match& match, std::string_view described) {
  if (match.resolves) return;
  Rule& rule = rules_[match.rule];
  ++rule.alerts;
  ++rule.days[day_of(match.end_us)];
  std::string key(described);
  const auto known = rule.keys.find(key);
  if (known != rule.keys.end()) {
    ++known->second;
  } else if (rule.keys.size() < keys_max) {
    rule.keys.emplace(key, 1);
  } else {
    ++rule.of_other_keys;
  }
  if (!keeps_matches_) return;
  if (notes_.size() < matches_max) {
    notes_.push_back({match.rule, match.start_us, match.end_us, std::move(key)});
  } else {
    ++not_kept_;
  }
}

}  // namespace omen::cli
