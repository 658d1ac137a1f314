// The runs of a key as bytes (state_writer.h): in the order of their starts, each with its threads.
#include <algorithm>

#include "runtime/core/matcher.h"
#include "runtime/core/state_reader.h"
#include "runtime/core/state_writer.h"

namespace omen {

void Matcher::save(StateWriter& out, const RuleState& state) const {
  const RuleProgram& rule = program_.rules[state.rule];
  out.number(state.run_count);
  for (RunId id = state.first; id != index_none; id = run(id).next) {
    const Run& head = run(id);
    out.number(head.start_sequence);
    out.time(head.start_us);
    out.number(head.route << 1 | head.is_armed);
    uint64_t threads = 0;
    for (RunId thread = id; thread != index_none; thread = run(thread).thread) ++threads;
    out.number(threads);
    for (RunId thread = id; thread != index_none; thread = run(thread).thread) {
      const Run& one = run(thread);
      out.number(one.state);
      for (uint8_t i = 0; i < rule.registers; ++i) {
        const bool has_bars = rule.overlap == Overlap::all && i == rule.bars_register;
        has_bars ? out.number(static_cast<uint64_t>(one.registers()[i])) : out.time(one.registers()[i]);
      }
      out.captures(one.captures);
    }
  }
}

void Matcher::load(StateReader& in, RuleState& state) {
  const RuleProgram& rule = program_.rules[state.rule];
  constexpr uint64_t least_run_bytes = 8;
  for (uint64_t runs = in.count(least_run_bytes); runs > 0 && in.is_ok(); --runs) {
    const uint64_t start_sequence = in.number_up_to((uint64_t{1} << 58) - 1);
    const int64_t start_us = in.time();
    const uint64_t route = in.number_up_to(63);
    const uint64_t threads = in.number_up_to(rule.overlap == Overlap::all ? 1 : rule.states.size());
    if (!in.check(threads > 0, "a run has no threads")) return;
    RunId head = index_none, tail = index_none;
    for (uint64_t i = 0; i < threads; ++i) {
      const RunId id = new_run(rule);
      Run& one = run(id);
      one.state = static_cast<StateId>(in.number_up_to(rule.states.size() - 1));
      one.start_us = start_us;
      one.start_sequence = start_sequence;
      one.route = route >> 1 & 31;
      one.is_armed = route & 1;
      for (uint8_t k = 0; k < rule.registers; ++k) {
        const bool has_bars = rule.overlap == Overlap::all && k == rule.bars_register;
        one.registers()[k] = has_bars ? static_cast<int64_t>(in.number()) : in.time();
      }
      one.captures = in.captures();
      for (RunId other = head; other != index_none; other = run(other).thread) {
        in.check(run(other).state != one.state, "two threads of a run stand in one state");
      }
      (head == index_none ? head : run(tail).thread) = id;
      tail = id;
      if (in.is_ok()) continue;
      free_run(rule, head);
      return;
    }
    append_run(state, head);
  }
}

}  // namespace omen
