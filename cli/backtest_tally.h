// Backtest tally: what a backtest keeps of matches: how many a day, of which keys, and for a comparison each of them.
//
// NOT HERE: how far runs came (core/funnel.h), how it is shown (backtest_report.h, backtest_diff.h).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/io/sink.h"
#include "runtime/model/program.h"

namespace omen::cli {

class BacktestTally : public MatchSink {
 public:
  static constexpr size_t keys_max = 1'000'000;     // of one rule: alerts of further keys are counted together
  static constexpr size_t matches_max = 5'000'000;  // kept for a comparison: further ones are not compared

  struct Rule {
    uint64_t alerts = 0;
    std::map<int64_t, uint64_t> days;  // since 1970 -> alerts
    std::unordered_map<std::string, uint64_t> keys;
    uint64_t of_other_keys = 0;
  };
  struct Note {
    RuleId rule;
    int64_t start_us, end_us;
    std::string key;
  };

  BacktestTally(const Program& program, bool keeps_matches)
      : program_(program), keeps_matches_(keeps_matches), rules_(program.rules.size()) {}

  // Its key, for people.
  void describe(uint32_t shard, const Engine& engine, const Match& match, std::string& out) override;
  void take(const Match& match, std::string_view described) override;
  Status flush() override { return Status::ok(); }
  bool is_closed() const override { return false; }

  const std::vector<Rule>& rules() const { return rules_; }
  const std::vector<Note>& notes() const { return notes_; }
  uint64_t not_kept() const { return not_kept_; }

 private:
  const Program& program_;
  const bool keeps_matches_;
  std::vector<Rule> rules_;
  std::vector<Note> notes_;
  uint64_t not_kept_ = 0;
};

}  // namespace omen::cli
