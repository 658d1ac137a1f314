// Machines: the one door between the engine and what runs a rule. Which machine that is, the program says
// (RuleProgram::machine); all of them keep their state of a key behind a RuleState and complete matches.
//
//   runs     matcher: explicit runs of an automaton
//   forest   forest: all partial matches of `overlap all`, shared
//   measure  windows over the stream, and evaluations in time
//
// What is the same for every machine is here: the event in hand (present), what a rule remembers beside its runs
// (rule_memory).
//
// NOT HERE: keys and which rule is asked (engine), whether a completion is raised (engine_matches).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/core/forest.h"
#include "runtime/core/matcher.h"
#include "runtime/core/measure.h"
#include "runtime/core/present.h"
#include "runtime/core/rule_memory.h"

namespace omen {

class StateReader;
class StateWriter;

class Machines {
 public:
  Machines(const Program& program, const Prepared& prepared, const Limits& limits, CaptureStore& captures,
           WordPool& words, Timers& timers, std::vector<RuleCounters>& counters, bool only_counts);

  Present& present() { return present_; }
  RuleMemory& memory() { return memory_; }
  const Matcher& matcher() const { return matcher_; }
  MeasureMachine& measures() { return measures_; }
  const MeasureMachine& measures() const { return measures_; }

  // False quickly when the present event gives a rule that remembers nothing of the key nothing to remember.
  bool may_begin(RuleId rule, uint32_t routes);
  void init(RuleState& state);
  // The present event, seen under the state's key by `routes`.
  void step(RuleState& state, PartitionId partition, uint32_t routes, std::vector<Completion>& out);
  void begin_past(RuleState& state, KeptEvent* event) { matcher_.begin_past(state, event); }
  Completion complete_past(RuleId rule, KeptEvent* event, const Transition& way) {
    return matcher_.complete_past(rule, event, way);
  }
  // A rule that is at work before any of its events has come: at the beginning of the stream.
  static bool begins_with_stream(const RuleProgram& rule);
  void begin(RuleState& state, PartitionId partition, int64_t time_us);
  void meet_deadline(RuleState& state, PartitionId partition, const Timer& timer, std::vector<Completion>& out);

  // A completion that ends now was raised, and not held back.
  void note_raised(RuleState& state, int64_t end_us);

  // Nothing is remembered; and the last moment at which what is remembered can matter: time_unbounded, only a limit
  // ends it.
  bool is_idle(const RuleState& state) const;
  int64_t alive_until(const RuleState& state) const;
  void drop(RuleState& state, RunEnd why);
  // What is remembered of a key, as bytes, and back into a state that init() has seen (state_writer.h).
  void save(StateWriter& out, const RuleState& state) const;
  void load(StateReader& in, RuleState& state, int64_t clock_us);
  bool is_counted(RuleId rule) const {
    return program_.rules[rule].machine == Machine::forest && forest_.is_counted(rule);
  }
  // The program has more rules, and more code; and of one of them it has another.
  void grow();
  void take_on(RuleId rule);
  void set_funnel(Funnel* funnel) { matcher_.set_funnel(funnel); }

  uint64_t live_runs() const { return matcher_.live_runs(); }
  // Beside the pools that they were given.
  uint64_t bytes() const { return matcher_.bytes() + forest_.bytes() + measures_.bytes(); }

 private:
  int64_t machine_alive_until(const RuleState& state) const;
  // Leading absences of the rule: whether the present event breaks one, and to note that it does.
  bool breaks_leading(const RuleProgram& rule, uint32_t routes);
  void remember_leading(const RuleProgram& rule, const RuleState& state, uint32_t routes);
  bool breaks(const RuleProgram& rule, const AbsenceProgram& absence, uint32_t routes);
  bool is_measure(const RuleState& state) const { return program_.rules[state.rule].machine == Machine::measure; }

  const Program& program_;
  Present present_;
  RuleMemory memory_;
  Matcher matcher_;
  Forest forest_;
  MeasureMachine measures_;
};

}  // namespace omen
