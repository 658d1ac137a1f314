#include "runtime/core/matcher.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

namespace omen {

Matcher::Matcher(const Program& program, const Limits& limits, CaptureStore& captures, WordPool& words, Timers& timers,
                 std::vector<RuleCounters>& counters, Present& present, RuleMemory& memory)
    : program_(program),
      limits_(limits),
      captures_(captures),
      words_(words),
      timers_(timers),
      counters_(counters),
      present_(present),
      memory_(memory),
      decided_branch_(64, -1),
      order_(captures) {}

bool Matcher::fits(const RuleProgram& rule, StepId step, uint32_t routes, CaptureId bindings, uint16_t opening) {
  return present_.fits(rule.steps[step], routes, bindings, opening);
}

// The first transition, furthest first, whose limits and step the event fits.
const Transition* Matcher::transition_for(const RuleProgram& rule, const Run& thread, uint32_t routes) {
  if (present_.event().time_us - thread.start_us > rule.within_us) return nullptr;
  for (const Transition& way : rule.states[thread.state].transitions) {
    if (!present_.sees(way, rule.steps[way.step], routes)) continue;
    const bool in_time = std::ranges::all_of(way.guards, [&](const Guard& guard) {
      const int64_t passed_us = present_.event().time_us - thread.registers()[guard.anchor];
      return passed_us >= guard.min_us && passed_us <= guard.max_us;
    });
    if (!in_time || !fits(rule, way.step, routes, thread.captures, way.opens)) continue;
    if (way.loop != 0 && captures_.count(thread.captures, way.slot) >= limits_.max_loop_events) {
      ++counters_[&rule - program_.rules.data()].loops_full;
      continue;
    }
    return &way;
  }
  return nullptr;
}

bool Matcher::where_agrees(const RuleProgram& rule, CaptureId captures, int64_t start_us, int64_t end_us,
                           bool has_candidate) {
  if (rule.where == code_none) return true;
  Evaluation evaluation = present_.evaluation();
  if (!has_candidate) evaluation.candidate = nullptr;
  if (!rule.histories.empty()) evaluation.history = present_.history(rule, end_us);
  evaluation.bindings = captures;
  evaluation.start_us = start_us;
  evaluation.end_us = end_us;
  const Value value = evaluate(rule.where, evaluation);
  return value.kind == Kind::boolean && value.boolean;
}

// ---- one run and one event ----

// Takes the event along `way`. Appends the threads that go on to threads_, and one that is complete; the thread's own
// record serves the first.
Matcher::Taking Matcher::take(const RuleProgram& rule, RunId id, const Transition& way) {
  if (way.targets.empty()) return Taking::ended;
  Run* thread = &run(id);
  const uint32_t count = way.loop == 0 ? 1 : captures_.count(thread->captures, way.slot) + 1;
  for (uint64_t bits = way.decides, i = 0; bits != 0; ++i, bits &= bits - 1) {  // an `or` that is done is done
    const int8_t decided = decided_branch_[static_cast<size_t>(__builtin_ctzll(bits))];
    if (decided >= 0 && decided != static_cast<int8_t>(way.branches[i])) return Taking::ended;
  }
  const bool accepts = rule.states[way.targets[0]].accepts;
  bool completes = false;
  if (accepts && rule.where != code_none) captures_.retain(thread->captures);
  const CaptureId before = thread->captures;
  const CaptureId captures = captures_.add(before, present_.kept(), way.slot, way.opens, count);
  if (accepts) {
    const bool agreed = where_agrees(rule, captures, thread->start_us, present_.event().time_us, true);
    if (agreed || way.can_repeat) {
      if (rule.where != code_none) captures_.release(before);
      thread->captures = captures;
    }
    if (funnel_ != nullptr && (agreed || way.can_repeat)) note_taken(rule, before, way.slot);
    completes = agreed;
    if (!agreed && !way.can_repeat) {
      captures_.release(captures);
      return Taking::refused;
    }
  } else {
    thread->captures = captures;
    if (funnel_ != nullptr) note_taken(rule, before, way.slot);
  }
  uint64_t bits = way.decides;
  for (size_t i = 0; bits != 0; ++i, bits &= bits - 1) {
    decided_branch_[static_cast<size_t>(__builtin_ctzll(bits))] = static_cast<int8_t>(way.branches[i]);
  }
  int64_t* registers = thread->registers();
  for (const auto& [from, to] : way.copies) registers[to] = registers[from];
  registers[0] = present_.event().time_us;
  for (uint8_t mark : way.marks) registers[mark] = present_.event().time_us;
  thread->state = way.targets[0];
  threads_.push_back({id, way.decides, way.slot, completes ? &way : nullptr});
  if (completes) return Taking::completed;
  for (size_t i = 1; i < way.targets.size(); ++i) {
    const RunId fork = new_run(rule);
    std::memcpy(words_.at(fork), words_.at(id), run_words(rule) * sizeof(uint64_t));
    captures_.retain(captures);
    run(fork).state = way.targets[i];
    threads_.push_back({fork, way.decides, way.slot, nullptr});
  }
  return Taking::arrived;
}

// False: passing the event over ends the thread.
bool Matcher::pass_over(const RuleProgram& rule, Run& thread, uint32_t routes) {
  ending_ = RunEnd::unless;
  for (StepId step : rule.unless) {
    if (fits(rule, step, routes, thread.captures, 0)) return false;
  }
  const State* state = &rule.states[thread.state];
  const bool counts = !present_.event().is_derived;  // for a => and for consecutive groups
  ending_ = RunEnd::interrupted;
  if (state->strict && counts) return false;
  ending_ = RunEnd::absence;
  for (const AbsenceProgram& absence : state->absences) {
    if (absence.for_us >= 0 && present_.event().time_us - thread.registers()[0] > absence.for_us) continue;
    if (absence.ends_with_within && present_.event().time_us - thread.start_us > rule.within_us) continue;
    for (StepId step : absence.steps) {
      if (fits(rule, step, routes, thread.captures, 0)) return false;
    }
  }
  ending_ = RunEnd::interrupted;
  for (size_t i = 0; i < state->breaks.size();) {
    const Break& closing = state->breaks[i++];
    if (!present_.sees(rule.steps[closing.step], routes) || fits(rule, closing.step, routes, thread.captures, 0))
      continue;
    if (closing.to == state_dead) return false;
    thread.state = closing.to;
    state = &rule.states[thread.state];
    i = 0;  // the loops that are still open
  }
  if (state->strict && counts) return false;  // a loop is closed, and behind it the very next event was due
  if (counts) thread.state = state->on_pass;
  return true;
}

// The `or`s that this event has decided. Two parts of an `and` may each take it in a world of their own and decide an
// `or` there: then the part written first has it, and what the forgotten world has decided is void.
uint64_t Matcher::decisions(const RuleProgram& rule) const {
  uint64_t decided = 0;
  for (int last = -1;;) {
    int slot = std::numeric_limits<int>::max();
    for (const Thread& thread : threads_) {
      if (thread.decided != 0 && thread.slot > last && thread.slot < slot) slot = thread.slot;
    }
    if (slot == std::numeric_limits<int>::max()) return decided;
    for (const Thread& thread : threads_) {
      if (thread.decided == 0 || thread.slot != slot) continue;
      if (!is_forgotten(rule, thread, decided)) decided |= thread.decided;
    }
    last = slot;
  }
}

// A complete one would go on in several worlds if the group may be repeated: one of them suffices.
bool Matcher::is_forgotten(const RuleProgram& rule, const Thread& thread, uint64_t decided) const {
  const auto is_late = [&](StateId state) { return (rule.states[state].pending & ~thread.decided & decided) != 0; };
  if (thread.completes != nullptr) return std::ranges::all_of(thread.completes->targets, is_late);
  return is_late(run(thread.id).state);
}

// The first thread of threads_ that is complete, and that an `or` decided by another thread leaves, is the match: all
// of them are freed.
bool Matcher::complete_first(const RuleProgram& rule, Completion& completion) {
  const uint64_t decided = threads_.size() == 1 ? 0 : decisions(rule);
  const auto first = std::ranges::find_if(threads_, [&](const Thread& thread) {
    return thread.completes != nullptr && !is_forgotten(rule, thread, decided);
  });
  if (first == threads_.end()) return false;
  const Run& complete = run(first->id);
  completion = {complete.captures, complete.start_us, present_.event().time_us, false};
  captures_.retain(complete.captures);
  for (const Thread& thread : threads_) free_thread(rule, thread.id);
  return true;
}

// The threads of threads_ that an `or` decided by another thread leaves, linked; index_none when there are none.
RunId Matcher::link_threads(const RuleProgram& rule) {
  const uint64_t decided = decisions(rule);
  RunId head = index_none, tail = index_none;
  for (size_t i = 0; i < threads_.size(); ++i) {
    const Thread& thread = threads_[i];
    bool is_left = !is_forgotten(rule, thread, decided);
    for (RunId other = head; other != index_none && is_left; other = run(other).thread) {
      is_left = run(other).state != run(thread.id).state;
    }
    if (!is_left) {
      free_thread(rule, thread.id);
      continue;
    }
    run(thread.id).thread = index_none;
    if (head == index_none) {
      head = thread.id;
    } else {
      run(tail).thread = thread.id;
    }
    tail = thread.id;
  }
  return head;
}

// `id` is the run's first thread, before and after. A completed or ended run is freed.
Matcher::Outcome Matcher::step_run(const RuleProgram& rule, RunId& id, uint32_t routes, Completion& completion) {
  const RunId next = run(id).next;
  const bool was_armed = run(id).is_armed;
  threads_.clear();
  std::ranges::fill(decided_branch_, int8_t{-1});
  bool arrived = false, completed = false;
  RunId thread = id;
  if (!is_alive(rule, run(id), present_.event().time_us)) {
    ending_ = RunEnd::out_of_time;
    free_run(rule, id);
    return Outcome::ended;
  }
  ending_ = RunEnd::decided;
  noted_slots_ = 0;
  while (thread != index_none) {
    const RunId following = run(thread).thread;
    const Transition* way = transition_for(rule, run(thread), routes);
    Taking taking = Taking::refused;
    if (way != nullptr) taking = take(rule, thread, *way);
    if (taking == Taking::arrived) {
      arrived = true;
    } else if (taking == Taking::completed) {
      completed = true;
    } else if (taking == Taking::ended || !pass_over(rule, run(thread), routes)) {
      free_thread(rule, thread);
    } else {
      threads_.push_back({thread, 0, 0, nullptr});
    }
    thread = following;
  }
  if (completed && complete_first(rule, completion)) return Outcome::completed;
  if (threads_.size() == 1 && threads_[0].id == id) {
    run(id).thread = index_none;
    return arrived ? Outcome::arrived : Outcome::stays;
  }
  id = link_threads(rule);
  if (id == index_none) return Outcome::ended;
  run(id).next = next;
  run(id).is_armed = was_armed;
  return arrived ? Outcome::arrived : Outcome::stays;
}

// ---- starting ----

bool Matcher::may_start(RuleId rule_id, uint32_t routes) {
  const RuleProgram& rule = program_.rules[rule_id];
  for (StateId initial : rule.initial) {
    for (const Transition& way : rule.states[initial].transitions) {
      if (fits(rule, way.step, routes, capture_none, way.opens)) return true;
    }
  }
  return false;
}

// True when the event started a run that lives on (`started`) or is a match by itself (`started` is index_none).
bool Matcher::start(const RuleProgram& rule, RuleState& state, uint32_t routes, Completion& completion,
                    RunId& started) {
  started = index_none;
  bool completed = false;
  threads_.clear();
  noted_slots_ = 0;
  std::ranges::fill(decided_branch_, int8_t{-1});
  for (StateId initial : rule.initial) {
    const RunId id = new_run(rule);
    Run& thread = run(id);
    thread.state = initial;
    thread.start_us = present_.event().time_us;
    thread.start_sequence = present_.event().sequence;
    thread.route = first_route(routes);
    const Transition* way = transition_for(rule, thread, routes);
    Taking taking = Taking::refused;
    if (way != nullptr && memory_.leading_holds(state, present_.event().time_us)) taking = take(rule, id, *way);
    completed |= taking == Taking::completed;
    if (taking != Taking::arrived && taking != Taking::completed) free_thread(rule, id);
  }
  if (completed && complete_first(rule, completion)) return true;
  started = link_threads(rule);
  return started != index_none;
}

void Matcher::begin_past(RuleState& state, KeptEvent* event) {
  const RuleProgram& rule = program_.rules[state.rule];
  const Transition& way = rule.states[rule.initial[0]].transitions[0];  // only_start()
  if (state.run_count >= limits_.max_runs) drop_over(rule, state, event->time_us);
  if (state.run_count >= limits_.max_runs) {
    ++counters_[state.rule].runs_refused;
    return;
  }
  const RunId id = new_run(rule);
  Run& begun = run(id);
  begun.state = way.targets[0];
  begun.captures = captures_.add(capture_none, event, way.slot, way.opens, 1);
  begun.start_us = event->time_us;
  begun.start_sequence = event->sequence;
  begun.registers()[0] = event->time_us;
  for (uint8_t mark : way.marks) begun.registers()[mark] = event->time_us;
  append_run(state, id);
  ++counters_[state.rule].runs_started;
  if (rule.overlap != Overlap::latest) return;
  arrived_.assign(1, id);
  keep_latest(rule, state);
}

Completion Matcher::complete_past(RuleId rule_id, KeptEvent* event, const Transition& way) {
  const RuleProgram& rule = program_.rules[rule_id];
  const Transition& begin = rule.states[rule.initial[0]].transitions[0];  // only_start()
  ++counters_[rule_id].runs_started;
  const CaptureId first = captures_.add(capture_none, event, begin.slot, begin.opens, 1);
  const CaptureId both = captures_.add(first, present_.kept(), way.slot, way.opens, 1);
  return {both, event->time_us, present_.event().time_us};
}

// ---- all runs and one event ----

void Matcher::step(RuleState& state, PartitionId partition, uint32_t routes, std::vector<Completion>& out) {
  const RuleProgram& rule = program_.rules[state.rule];
  state.touched = present_.event().sequence;
  if (rule.overlap == Overlap::all) return step_all(rule, state, partition, routes, out);
  bool may_start_one = true;
  arrived_.clear();
  if (goes_by_stretches(rule, state)) {
    if (step_stretches(rule, state, partition, routes, out)) return;
  } else {
    forget_stretches(state);
    RunId previous = index_none;
    for (RunId id = state.first; id != index_none;) {
      if (rule.overlap == Overlap::single && is_alive(rule, run(id), present_.event().time_us)) may_start_one = false;
      if (step_one(rule, state, partition, routes, previous, id, out)) return;
    }
  }
  if (may_start_one) {
    Completion completion{};
    RunId started = index_none;
    if (state.run_count >= limits_.max_runs) {
      if (may_start(state.rule, routes)) ++counters_[state.rule].runs_refused;
    } else if (start(rule, state, routes, completion, started)) {
      ++counters_[state.rule].runs_started;
      if (started == index_none) {
        if (funnel_ != nullptr) funnel_->ended(state.rule, captures_.at(completion.captures).slot, RunEnd::completed);
        complete(rule, state, completion, out);
      } else {
        append_run(state, started);
        arm(rule, state, partition, started);
        if (rule.overlap == Overlap::latest) arrived_.push_back(started);
      }
    }
  }
  if (!arrived_.empty()) keep_latest(rule, state);
}

bool Matcher::step_one(const RuleProgram& rule, RuleState& state, PartitionId partition, uint32_t routes,
                       RunId& previous, RunId& id, std::vector<Completion>& out) {
  const RunId next = run(id).next;
  Completion completion{};
  RunId after = id;
  const uint8_t slot = funnel_ == nullptr ? uint8_t{0} : captures_.at(run(id).captures).slot;
  const Outcome outcome = step_run(rule, after, routes, completion);
  if (outcome == Outcome::completed || outcome == Outcome::ended) {
    (previous == index_none ? state.first : run(previous).next) = next;
    if (state.last == id) state.last = previous;
    --state.run_count;
    --live_runs_;
    if (funnel_ != nullptr) {
      const bool completed = outcome == Outcome::completed;
      funnel_->ended(state.rule, completed ? captures_.at(completion.captures).slot : slot,
                     completed ? RunEnd::completed : ending_);
    }
    if (outcome == Outcome::completed) {
      complete(rule, state, completion, out);
      if (rule.overlap == Overlap::none) return true;
    }
  } else {
    (previous == index_none ? state.first : run(previous).next) = after;
    if (state.last == id) state.last = after;
    previous = after;
    if (outcome == Outcome::arrived) {
      arm(rule, state, partition, after);
      if (rule.overlap == Overlap::latest) arrived_.push_back(after);
    }
  }
  id = next;
  return false;
}

void Matcher::complete(const RuleProgram& rule, RuleState& state, const Completion& completion,
                       std::vector<Completion>& out) {
  out.push_back(completion);
  if (rule.overlap == Overlap::none) drop_runs(state, RunEnd::used);
}

void Matcher::append_run(RuleState& state, RunId id) {
  run(id).next = index_none;
  if (state.first == index_none) {
    state.first = id;
  } else {
    run(state.last).next = id;
  }
  state.last = id;
  ++state.run_count;
  ++live_runs_;
  if (state.has_stretches == 0) return;
  const RuleProgram& rule = program_.rules[state.rule];
  add_to_stretches(rule, stretches_of(rule, state), id);
}

// ---- overlap latest: one run at each place ----

bool Matcher::same_place(RunId a, RunId b) const {
  while (a != index_none && b != index_none) {
    if (run(a).state != run(b).state) return false;
    a = run(a).thread;
    b = run(b).thread;
  }
  return a == b;
}

bool Matcher::only_waits(const RuleProgram& rule, RunId id) const {
  for (; id != index_none; id = run(id).thread) {
    const State& state = rule.states[run(id).state];
    if (!state.waits || !state.transitions.empty()) return false;
  }
  return true;
}

// The last arrival at a place replaces whatever waits or has arrived there before.
void Matcher::keep_latest(const RuleProgram& rule, RuleState& state) {
  for (size_t i = arrived_.size(); i-- > 0;) {
    const RunId newest = arrived_[i];
    if (newest == index_none || only_waits(rule, newest)) continue;
    RunId previous = index_none;
    for (RunId id = state.first; id != index_none;) {
      const RunId next = run(id).next;
      if (id == newest || !same_place(id, newest)) {
        previous = id;
      } else {
        (previous == index_none ? state.first : run(previous).next) = next;
        if (state.last == id) state.last = previous;
        for (size_t k = 0; k < i; ++k) {
          if (arrived_[k] == id) arrived_[k] = index_none;
        }
        if (funnel_ != nullptr) funnel_->ended(state.rule, captures_.at(run(id).captures).slot, RunEnd::replaced);
        free_run(rule, id);
        --state.run_count;
        --live_runs_;
      }
      id = next;
    }
  }
}

}  // namespace omen
