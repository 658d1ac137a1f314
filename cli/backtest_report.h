// Backtest report: what rules would have raised, for people and as JSON.
//
//   for each rule   alerts a day as a small plot, the keys with most of them, and the funnel: how many runs reached
//   each
//                   step, the median time since the step before, and what ended those that came no further
#pragma once

#include <string>

#include "cli/backtest_tally.h"
#include "runtime/core/funnel.h"
#include "runtime/io/runner.h"
#include "runtime/model/program.h"

namespace omen::cli {

struct Backtest {
  const Program& program;
  const Runner& runner;
  const RunReport& report;
  const BacktestTally& tally;
  const Funnel& funnel;
  size_t top;  // keys shown of each rule
};

std::string backtest_text(const Backtest& backtest);
std::string backtest_json(const Backtest& backtest);

}  // namespace omen::cli
