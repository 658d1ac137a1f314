// Backtest diff: the matches of two versions of rules over the same events, rule by rule.
//
//   same     a match of the same key, start and end
//   moved    one of the same key that starts or ends elsewhere, where the two overlap in time
//   lost     only the old version has it; gained: only the new one
#pragma once

#include <string>
#include <vector>

#include "cli/backtest_tally.h"
#include "runtime/model/program.h"

namespace omen::cli {

struct Version {
  const Program& program;
  const std::vector<BacktestTally::Note>& notes;
};

// `listed`: how many of each kind are shown for each rule.
std::string diff_text(const Version& old_version, const Version& new_version, size_t listed);
std::string diff_json(const Version& old_version, const Version& new_version);

}  // namespace omen::cli
