#include "runtime/core/machines.h"

#include <algorithm>

namespace omen {

Machines::Machines(const Program& program, const Prepared& prepared, const Limits& limits, CaptureStore& captures,
                   WordPool& words, Timers& timers, std::vector<RuleCounters>& counters)
    : present_(program, prepared, captures),
      memory_(program, words),
      matcher_(program, limits, captures, words, timers, counters, present_, memory_) {}

bool Machines::may_begin(RuleId rule, uint32_t routes) {
  return matcher_.may_start(rule, routes) || matcher_.breaks_leading(rule, routes);
}

void Machines::init(RuleState& state) { memory_.init(state); }

void Machines::step(RuleState& state, PartitionId partition, uint32_t routes, std::vector<Completion>& out) {
  matcher_.step(state, partition, routes, out);
}

void Machines::meet_deadline(RuleState& state, PartitionId partition, const Timer& timer,
                             std::vector<Completion>& out) {
  matcher_.meet_deadline(state, partition, timer, out);
}

bool Machines::is_idle(const RuleState& state) const {
  return state.first == index_none && (state.memory == index_none || memory_.alive_until(state) == RuleMemory::never);
}

int64_t Machines::alive_until(const RuleState& state) const {
  return std::max(matcher_.alive_until(state), memory_.alive_until(state));
}

void Machines::drop(RuleState& state) {
  matcher_.drop_runs(state);
  memory_.drop(state);
}

}  // namespace omen
