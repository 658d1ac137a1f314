// Matcher: the runs of one rule and one key at work.
//
// An event is offered to the runs in the order of their start:
//
//   each thread of the run
//     takes it along the first transition out of its state that fits, and arrives at the targets, or
//     passes it over: an `unless`, an absence, a strict place end the thread; a consecutive loop may close
//   threads of an `or` that another thread has decided are forgotten; a run without threads has ended
//   a thread that arrives at an accepting state, and `where` agrees, completes the run
// then the event may start a run of its own. `overlap` says what the completion does to the others. Under `overlap all`
// runs have one thread and fork instead: forks.cc.
//
// Where many runs wait, the event is offered to places first: stretches.cc.
//
// INVARIANTS
//   1. Runs of a rule state are ordered by start.
//   2. All threads of a run stand in different states.
//   3. Nothing here allocates when warm: runs and captures come from pools.
//
// NOT HERE: which events a rule sees and under which key (engine), when a deadline has come (timers, engine).
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/core/captures.h"
#include "runtime/core/counters.h"
#include "runtime/core/funnel.h"
#include "runtime/core/match_order.h"
#include "runtime/core/partition.h"
#include "runtime/core/present.h"
#include "runtime/core/rule_memory.h"
#include "runtime/core/timers.h"
#include "runtime/model/limits.h"
#include "runtime/model/program.h"

namespace omen {

class StateReader;
class StateWriter;

class Matcher {
 public:
  // All of them outlive it.
  Matcher(const Program& program, const Limits& limits, CaptureStore& captures, WordPool& words, Timers& timers,
          std::vector<RuleCounters>& counters, Present& present, RuleMemory& memory);

  // Of the present event, seen by `routes` (bit each). False quickly when it starts no run of the rule: no step that
  // can be first fits it.
  bool may_start(RuleId rule, uint32_t routes);
  void step(RuleState& state, PartitionId partition, uint32_t routes, std::vector<Completion>& out);
  // Of a rule that puts its runs off (shared_starts.h): the run that `event`, which is past, has begun; nothing since
  // would have moved it.
  void begin_past(RuleState& state, KeptEvent* event);
  // Likewise, when the present event completes that run by `way`.
  Completion complete_past(RuleId rule, KeptEvent* event, const Transition& way);
  // The run that started with `timer.start_sequence` may have a final absence that lasts until the deadline.
  void meet_deadline(RuleState& state, PartitionId partition, const Timer& timer, std::vector<Completion>& out);

  // The last moment at which a run can take an event or complete; time_unbounded: only a limit ends it.
  int64_t alive_until(const RuleState& state) const;
  void drop_runs(RuleState& state, RunEnd why);
  // Counts from now on how far runs come; nullptr: no longer.
  void set_funnel(Funnel* funnel) { funnel_ = funnel; }

  // What runs the state has, as bytes, and back into one that has none (state_writer.h).
  void save(StateWriter& out, const RuleState& state) const;
  void load(StateReader& in, RuleState& state);

  const Run& run(RunId id) const { return *static_cast<const Run*>(words_.at(id)); }
  uint64_t live_runs() const { return live_runs_; }
  uint64_t bytes() const;  // beside the pools

 private:
  enum class Outcome : uint8_t { stays, arrived, completed, ended };
  enum class Taking : uint8_t { arrived, completed, refused, ended };
  struct Thread {
    RunId id;
    uint64_t decided;  // `or`s that it has decided at this event
    uint8_t slot;      // of the step that took the event; 0 when it was passed over and decided nothing
    // It is a match by this transition, unless another thread decides an `or` that is open wherever it would go on.
    const Transition* completes;
  };

  Run& run(RunId id) { return *static_cast<Run*>(words_.at(id)); }
  uint32_t run_words(const RuleProgram& rule) const { return sizeof(Run) / sizeof(uint64_t) + rule.registers; }
  void note_taken(const RuleProgram& rule, CaptureId before, uint8_t slot);
  RunId new_run(const RuleProgram& rule);
  void free_thread(const RuleProgram& rule, RunId id);
  void free_run(const RuleProgram& rule, RunId id);

  bool fits(const RuleProgram& rule, StepId step, uint32_t routes, CaptureId bindings, uint16_t opening);
  const Transition* transition_for(const RuleProgram& rule, const Run& thread, uint32_t routes);

  Outcome step_run(const RuleProgram& rule, RunId& id, uint32_t routes, Completion& completion);
  Taking take(const RuleProgram& rule, RunId id, const Transition& way);
  bool pass_over(const RuleProgram& rule, Run& thread, uint32_t routes);
  bool start(const RuleProgram& rule, RuleState& state, uint32_t routes, Completion& completion, RunId& started);
  uint64_t decisions(const RuleProgram& rule) const;
  bool is_forgotten(const RuleProgram& rule, const Thread& thread, uint64_t decided) const;
  bool complete_first(const RuleProgram& rule, Completion& completion);
  RunId link_threads(const RuleProgram& rule);
  bool where_agrees(const RuleProgram& rule, CaptureId captures, int64_t start_us, int64_t end_us, bool has_candidate);
  void keep_latest(const RuleProgram& rule, RuleState& state);
  bool same_place(RunId a, RunId b) const;
  bool only_waits(const RuleProgram& rule, RunId id) const;
  bool is_alive(const RuleProgram& rule, const Run& head, int64_t time_us) const;
  void drop_over(const RuleProgram& rule, RuleState& state, int64_t time_us);
  int64_t thread_alive_until(const RuleProgram& rule, const Run& thread) const;
  int64_t run_alive_until(const RuleProgram& rule, RunId id) const;
  int64_t deadline_of(const RuleProgram& rule, const Run& thread) const;
  void arm(const RuleProgram& rule, const RuleState& state, PartitionId partition, RunId id);
  // True when a match has ended all runs. `previous` is the one before `id` that is left; both move on.
  bool step_one(const RuleProgram& rule, RuleState& state, PartitionId partition, uint32_t routes, RunId& previous,
                RunId& id, std::vector<Completion>& out);
  void append_run(RuleState& state, RunId id);
  void complete(const RuleProgram& rule, RuleState& state, const Completion& completion, std::vector<Completion>& out);

  // Many runs under `overlap none`: stretches.cc.
  struct Stretch {
    RunId first, last;
    StateId place;  // state_dead: a run of several threads
  };
  struct Stretches {             // of a rule state
    std::vector<Stretch> all;    // its runs, in their order
    int64_t none_over_until_us;  // before that no run's time is over
  };
  bool goes_by_stretches(const RuleProgram& rule, const RuleState& state) const;
  Stretches& stretches_of(const RuleProgram& rule, RuleState& state);
  void forget_stretches(RuleState& state);
  void add_to_stretches(const RuleProgram& rule, Stretches& stretches, RunId id);
  void join(std::vector<Stretch>& all, const Stretch& next);
  bool may_touch(const RuleProgram& rule, StateId place, uint32_t routes);
  bool step_stretches(const RuleProgram& rule, RuleState& state, PartitionId partition, uint32_t routes,
                      std::vector<Completion>& out);

  // Overlap all.
  static uint64_t first_route(uint32_t routes) { return static_cast<uint64_t>(std::countr_zero(routes)) & 31; }
  static uint64_t bars_of(const RuleProgram& rule, const Run& run);
  bool is_open(const RuleProgram& rule, const Run& run, const Transition& way, uint32_t routes);
  RunId fork(const RuleProgram& rule, RuleState& state, PartitionId partition, RunId id, const Transition& way,
             RunId after);
  bool pass_over_all(const RuleProgram& rule, Run& run, uint32_t routes);
  void remove_run(const RuleProgram& rule, RuleState& state, RunId id, RunId previous);
  void step_all(const RuleProgram& rule, RuleState& state, PartitionId partition, uint32_t routes,
                std::vector<Completion>& out);
  void start_all(const RuleProgram& rule, RuleState& state, PartitionId partition, uint32_t routes);
  void meet_deadline_all(const RuleProgram& rule, RuleState& state, const Timer& timer, std::vector<Completion>& out);

  const Program& program_;
  const Limits& limits_;
  CaptureStore& captures_;
  WordPool& words_;
  Timers& timers_;
  std::vector<RuleCounters>& counters_;
  Present& present_;
  RuleMemory& memory_;
  std::vector<Thread> threads_;         // of the run in hand, after the event
  std::vector<int8_t> decided_branch_;  // per `or`: the branch that decided it at this event, -1: none
  std::vector<RunId> arrived_;
  MatchOrder order_;
  std::unordered_map<const RuleState*, Stretches> stretches_;
  std::vector<std::unordered_map<const RuleState*, Stretches>::node_type> spare_;
  std::vector<Stretch> before_;  // of the state in hand, before the event
  uint64_t stretch_count_ = 0;   // of all states
  uint64_t live_runs_ = 0;
  Funnel* funnel_ = nullptr;
  RunEnd ending_ = RunEnd::decided;  // why the thread in hand ended
  uint64_t noted_slots_ = 0;         // of the run in hand, at this event
};

}  // namespace omen
