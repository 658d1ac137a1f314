// Funnel: how far runs came, and what ended those that came no further. For backtests: a machine without one counts
// nothing, and alerts are the same either way.
//
//   taken   a run took its first event of a step, so long after the event before
//   ended   a run is over: at which step it stood, and why
//
// Times are kept for a median: the first times_max of each step.
// NOT HERE: rules under `overlap all` and of measures, which have no runs that come and go one by one.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "runtime/model/program.h"

namespace omen {

enum class RunEnd : uint8_t {
  completed,    // it is a match
  out_of_time,  // `within`, or the limit of an arrow or a group, has passed
  absence,      // what a `not` names came
  unless,       // what `unless` names came
  interrupted,  // another event came where `=>` or `consecutive` allows none
  refused,      // `where` was not true when its absence had lasted
  decided,      // nothing more could come of it
  replaced,     // `latest`: a newer run stands where it stood
  used,         // another run of the key completed: `overlap none` ends all
  limit,        // a limit of keys or bytes was reached
};
inline constexpr size_t run_ends = static_cast<size_t>(RunEnd::limit) + 1;

class Funnel {
 public:
  static constexpr size_t times_max = 1'000'000;

  struct Step {
    uint64_t runs = 0;                       // that took an event here
    std::vector<int64_t> times_us;           // since the event before; none for a first step
    std::array<uint64_t, run_ends> ended{};  // runs whose newest event is of this step, by cause
  };
  struct Rule {
    std::vector<Step> steps;  // by slot
  };

  explicit Funnel(const Program& program) : rules_(program.rules.size()) {
    for (Rule& rule : rules_) rule.steps.resize(slots);
  }

  void taken(RuleId rule, uint8_t slot, bool is_first_of_run, int64_t since_us) {
    Step& step = rules_[rule].steps[slot];
    ++step.runs;
    if (!is_first_of_run && step.times_us.size() < times_max) step.times_us.push_back(since_us);
  }
  void ended(RuleId rule, uint8_t slot, RunEnd why) { ++rules_[rule].steps[slot].ended[static_cast<size_t>(why)]; }

  const std::vector<Rule>& rules() const { return rules_; }

 private:
  static constexpr size_t slots = 64;  // slots_max
  std::vector<Rule> rules_;
};

}  // namespace omen
