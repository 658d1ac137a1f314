// Shared starts: of rules that begin with the same step, the events that may begin a run, kept once for all of them.
//
// A thousand rules that begin with a `page_view` would begin a thousand runs at each, and most of these would see
// nothing more before their time is over. Instead
//
//   an event that fits the step                     is added to the key's list of starts
//   an event that could move a run behind the step  makes each of the rules begin the runs that it has not begun yet,
//                                                   as if it had done so in time, and then step as ever
//   one that would complete the oldest of them,     completes it: no run begins
//   and so end the others
//
// What a rule has begun, its state's `touched` says: events behind it are new to the rule. A rule without runs has no
// state; what it has begun, the list knows for it (begun.h), so that an event does not meet the rules that it cannot
// move.
//
// The lists stand among the rule states of a key, each as the state of a rule behind those that the program has room
// for (its `rule` is list_of(start)), so keys, sweep and limits know them without more ado: `run_count` counts the
// events, `touched` is the newest one's sequence, `first` and `last` its time, `memory` is where Begun stands. Most
// lists have one event, which stands in the list itself; several stand side by side in a block, so that what a rule is
// yet to begin is found by bisection, from the newest one back: mostly it is little.
//
// A list has at most as many events as a rule may have runs; where one of its rules is `latest`, the newest besides: it
// would replace the run that waits where runs begin.
//
// The compiler says which rules these are (compiler/starting): the event that begins the run is judged by itself, and
// nothing happens to the run before an event of one of a few types. OptimizeOptions::share_starts_from switches it off.
//
// A rule that comes later (engine_change) has begun, as far as the lists go, what stood in them then: it brings its
// own runs. So much one number says of all keys.
//
// INVARIANTS
//   1. The events of a list are in the order of their sequences, and so of their times.
//   2. A rule with runs steps, or meets a deadline, only when it has begun all events of its list that are in its
//      window.
// NOT HERE: when a rule steps (engine_starts), how a run begins (matcher).
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/core/begun.h"
#include "runtime/core/captures.h"
#include "runtime/core/partition.h"
#include "runtime/core/pool_queue.h"
#include "runtime/model/program.h"

namespace omen {

inline constexpr StartId start_none = UINT32_MAX;

// A first step, and the rules that begin with it.
struct SharedStart {
  uint32_t table = 0;                      // of the engine: a way of partitioning
  std::vector<TypeId> types;               // of the step
  PredicateId predicate = predicate_none;  // likewise
  std::vector<RuleId> rules;               // ascending
  int64_t longest_us = 0;                  // of their windows
  uint64_t keys = 0;                       // lists at present
  uint64_t waiting = 0;                    // events in them, and of newcomers
  std::vector<RuleId> late = {};           // of the rules, those that have come later
  uint64_t nobodys_until = 0;              // no rule was left then: newcomers' events up to this sequence begin nothing
};

// An event that may begin runs, and what is asked of it most.
struct BeginEvent {
  KeptEvent* event;
  int64_t time_us;
  uint64_t sequence;
};

struct StartList {
  RuleState state;
  union {
    BeginEvent one;              // of a list of at most one
    PoolQueue<BeginEvent> many;  // of any other
  };
};
static_assert(sizeof(StartList) == 56);
inline constexpr uint32_t start_list_words = sizeof(StartList) / sizeof(uint64_t);

class SharedStarts {
 public:
  // Of the rules that the engine works for; `table_of_rule` by RuleId.
  SharedStarts(const Program& program, const std::vector<bool>& works_for, const std::vector<uint32_t>& table_of_rule,
               CaptureStore& captures, WordPool& words, BytePool& blocks);

  bool empty() const { return starts_.empty(); }
  uint32_t size() const { return static_cast<uint32_t>(starts_.size()); }
  SharedStart& at(StartId start) { return starts_[start]; }
  const SharedStart& at(StartId start) const { return starts_[start]; }
  // With which the rule begins; start_none: it begins its runs at once.
  StartId start_of(RuleId rule) const { return start_of_rule_[rule]; }
  RuleId list_of(StartId start) const { return rule_count_ + start; }
  bool is_list(RuleId rule) const { return rule >= rule_count_; }
  StartId start_of_list(RuleId list) const { return list - rule_count_; }

  // `list` is the state of a StartList in all that follows. Oldest first; the list is not empty, but while it is made.
  static std::span<const BeginEvent> events(const RuleState& list) {
    const StartList& whole = reinterpret_cast<const StartList&>(list);
    return list.run_count <= 1 ? std::span(&whole.one, list.run_count) : std::span(whole.many.begin(), list.run_count);
  }
  // Of any state, also one that is no more: asks for the event of a list of one.
  [[gnu::always_inline]] static void prefetch_event(const RuleState& list) {
    if (list.run_count == 1) __builtin_prefetch(reinterpret_cast<const StartList&>(list).one.event, 1);
  }
  // Of the newest event; the list is not empty. To know this no event needs to be read.
  static int64_t newest_us(const RuleState& list) {
    return static_cast<int64_t>(uint64_t{list.last} << 32 | list.first);
  }
  // Asks for what an event that the list concerns will read behind it.
  [[gnu::always_inline]] void prefetch_ends(const RuleState& list) const {
    if (list.run_count > 1) __builtin_prefetch(reinterpret_cast<const StartList&>(list).many.end() - 1, 1);
    if (list.memory != index_none) __builtin_prefetch(words_.at(list.memory));
  }
  static void init(RuleState& list);               // empty
  void append(RuleState& list, KeptEvent* event);  // shares it
  void replace_newest(RuleState& list, KeptEvent* event);
  // Up to which sequence a rule without a state has begun what is in the list; 0: nothing.
  uint64_t begun(const RuleState& list, RuleId rule) const {
    return std::max(joined_[rule], list.memory == index_none ? 0 : begun_of(list).of(rule));
  }
  [[gnu::always_inline]] void prefetch_begun(const RuleState& list, RuleId rule) const {
    if (list.memory != index_none) begun_of(list).prefetch(rule);
  }
  void set_begun(RuleState& list, RuleId rule, uint64_t sequence);
  void forget_begun(RuleState& list, RuleId rule) {
    if (list.memory != index_none) begun_of(list).forget(rule);
  }
  // visit(rule, sequence), of those that matter still; in no order that means anything. Of late rules also where the
  // key has a state of theirs.
  template <typename Visit>
  void each_begun(const RuleState& list, Visit visit) const {
    if (list.run_count == 0) return;
    const uint64_t from = events(list).front().sequence;
    if (list.memory != index_none) {
      const StartId start = start_of_list(list.rule);
      begun_of(list).for_each([&](RuleId rule, uint64_t sequence) {
        if (sequence >= from && joined_[rule] == 0 && start_of_rule_[rule] == start) visit(rule, sequence);
      });
    }
    for (const RuleId rule : starts_[start_of_list(list.rule)].late) {
      if (const uint64_t sequence = begun(list, rule); sequence >= from) visit(rule, sequence);
    }
  }
  // Events that no rule has in its window any more; those up to one; or all.
  void trim(RuleState& list, int64_t clock_us);
  void drop_until(RuleState& list, uint64_t sequence);
  void drop(RuleState& list);
  // The last moment at which an event of it matters to any rule.
  int64_t alive_until(const RuleState& list) const;
  // Those from `from_us` on that are behind `sequence`.
  static std::span<const BeginEvent> events_after(const RuleState& list, uint64_t sequence, int64_t from_us);

  // Events of newcomers (newcomers.h) wait as those in lists do, until they go or their key settles.
  void note_newcomer(StartId start) {
    ++starts_[start].waiting;
    waiting_runs_ += starts_[start].rules.size();
  }
  void forget_newcomer(StartId start) {
    --starts_[start].waiting;
    waiting_runs_ -= starts_[start].rules.size();
  }
  bool waits(StartId start, uint64_t sequence) const { return sequence > starts_[start].nobodys_until; }

  uint64_t waiting_runs() const { return waiting_runs_; }  // at most: those that rules have begun since are in it

  // Rules of the program that share their starts have come. What stands in lists, up to `sequence`, they have begun by
  // themselves. And one goes: where it was the last one of its start, the lists are of nobody. What it has begun lists
  // may know on; whoever comes in its place has joined them later.
  void join(std::span<const RuleId> rules, const std::vector<uint32_t>& table_of_rule, uint64_t sequence);
  bool leave(RuleId rule, uint64_t sequence);  // true: its lists are of nobody, or matter less long from now on
  uint64_t joined(RuleId rule) const { return joined_[rule]; }  // 0: it is not late

 private:
  StartId find_or_add(RuleId rule, uint32_t table);
  void drop_front(RuleState& list, uint32_t count);
  static void note_newest(RuleState& list, const KeptEvent& event);
  Begun& begun_of(const RuleState& list) { return *static_cast<Begun*>(words_.at(list.memory)); }
  const Begun& begun_of(const RuleState& list) const { return *static_cast<const Begun*>(words_.at(list.memory)); }

  const Program& program_;
  const RuleId rule_count_;  // with those for which there is room
  CaptureStore& captures_;
  WordPool& words_;
  BytePool& blocks_;
  std::vector<SharedStart> starts_;
  std::vector<StartId> start_of_rule_;
  std::vector<uint64_t> joined_;  // by RuleId
  uint64_t waiting_runs_ = 0;
};

}  // namespace omen
