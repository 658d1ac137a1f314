// Rules that share their first step: when they begin their runs, and when they step (shared_starts.h).
#include <algorithm>
#include <limits>

#include "runtime/core/engine.h"

namespace omen {

// ---- decided once ----

// `interest` is that of the rule's table in a type that the rule cares for.
void Engine::build_followers(TypeId type, bool is_derived, Interest& interest, RuleId id) const {
  const RuleProgram& rule = program_.rules[id];
  const StartId start = starts_.start_of(id);
  const auto takes = [&](StepId step) {
    const std::vector<TypeId>& types = rule.steps[step].types;
    return types.empty() ? !is_derived : std::ranges::find(types, type) != types.end();
  };
  const Transition& begin = *only_start(rule);
  if (takes(begin.step) && std::ranges::find(interest.shared_starts, start) == interest.shared_starts.end()) {
    interest.shared_starts.push_back(start);
  }
  std::vector<PredicateId> asked;
  const auto ask = [&](StepId step) {
    if (takes(step)) asked.push_back(rule.steps[step].is_shared ? rule.steps[step].predicate : predicate_none);
  };
  const State& place = rule.states[begin.targets[0]];
  for (const Transition& way : place.transitions) ask(way.step);
  for (const AbsenceProgram& absence : place.absences) std::ranges::for_each(absence.steps, ask);
  std::ranges::for_each(rule.unless, ask);
  if (asked.empty()) return;
  const bool is_one = std::ranges::count(asked, asked[0]) == static_cast<ptrdiff_t>(asked.size());
  auto group = std::ranges::find(interest.followers, start, &Followers::start);
  if (group == interest.followers.end()) group = interest.followers.insert(group, Followers{start, {}});
  group->rules.push_back(
      {id, is_one ? asked[0] : predicate_none, is_one ? completing_way(rule, type, is_derived) : nullptr});
}

// The one by which an event of this type, if it fits all steps that it is asked for, takes a run from where it begins
// to its end, and with it all runs of the rule; nullptr when there is none.
const Transition* Engine::completing_way(const RuleProgram& rule, TypeId type, bool is_derived) const {
  if (rule.overlap != Overlap::none || rule.where != code_none) return nullptr;
  const State& place = rule.states[only_start(rule)->targets[0]];
  const auto way = std::ranges::find_if(place.transitions, [&](const Transition& other) {
    const std::vector<TypeId>& types = rule.steps[other.step].types;
    return std::ranges::find(types, type) != types.end();
  });
  if (way == place.transitions.end() || !(is_derived ? way->for_derived : way->for_received)) return nullptr;
  const StepProgram& step = rule.steps[way->step];
  const bool is_judged_alone = (step.predicate == predicate_none || step.is_shared) && way->guards.empty();
  const bool completes = is_judged_alone && way->loop == 0 && way->decides == 0 && way->targets.size() == 1 &&
                         rule.states[way->targets[0]].accepts;
  return completes ? &*way : nullptr;
}

// ---- one event under one key ----

// Rules with runs step as all others do. Of those without, the ones step that have something to begin and that the
// event may move.
void Engine::step_sharing(const Interest& interest, PartitionId partition, uint32_t routes) {
  for (RuleStateId id : to_step_) {
    const RuleId rule = state_at(id).rule;
    stepped_at_[rule] = visit_number_;
    stepped_sharing_.push_back(rule);
    step_rule(interest.table, partition, id, routes, list_in_hand(starts_.start_of(rule)));
  }
  for (const Followers& followers : interest.followers) {
    const RuleStateId list = list_in_hand(followers.start);
    if (list == index_none || state_at(list).run_count == 0) continue;
    find_moved(followers, list);
    for (const Moved& moved : moved_) {
      const RuleId rule = moved.follower->rule;
      stepped_at_[rule] = visit_number_;
      if (moved.follower->completes != nullptr) {
        complete_oldest(interest.table, partition, moved, list);
        continue;
      }
      RuleStateId id = moved.id;
      if (id == index_none) {
        id = add_rule_state(partition, rule);
        state_at(id).touched = moved.begun;
        starts_.forget_begun(state_at(list), rule);
        added_.push_back(rule);
      }
      step_rule(interest.table, partition, id, routes, list);
    }
  }
}

// Those that have something to begin. What is known of each lies elsewhere, and so does the event that completes it:
// all are asked for before the first is read.
void Engine::find_moved(const Followers& followers, RuleStateId list_id) {
  const RuleState& list = state_at(list_id);
  const int64_t since_newest_us = clock_us_ - SharedStarts::newest_us(list);
  moved_.clear();
  for (const Follower& follower : followers.rules) {
    if (stepped_at_[follower.rule] == visit_number_) continue;
    if (since_newest_us > program_.rules[follower.rule].within_us) continue;
    if (follower.predicate != predicate_none && !present().shared_holds(follower.predicate)) continue;
    starts_.prefetch_begun(list, follower.rule);
    moved_.push_back({&follower, index_none, 0, {}});
  }
  size_t count = 0;
  for (Moved moved : moved_) {
    const RuleId rule = moved.follower->rule;
    const Seen& seen = sharing_seen_[rule];
    if (seen.visit == visit_number_) moved.id = seen.id;
    moved.begun = moved.id == index_none ? starts_.begun(list, rule) : state_at(moved.id).touched;
    if (moved.begun >= list.touched) continue;
    if (moved.follower->completes != nullptr) {
      moved.oldest = SharedStarts::events_after(list, moved.begun, clock_us_ - program_.rules[rule].within_us).front();
      __builtin_prefetch(moved.oldest.event, 1);
    }
    moved_[count++] = moved;
  }
  moved_.resize(count);
}

// Of a rule without runs: what becomes of the oldest that it would begin now. A state it needs for its cooldown only.
void Engine::complete_oldest(uint32_t table, PartitionId partition, const Moved& moved, RuleStateId list) {
  const Follower& follower = *moved.follower;
  const RuleProgram& rule = program_.rules[follower.rule];
  RuleStateId id = moved.id;
  completions_.assign(1, machines_.complete_past(follower.rule, moved.oldest.event, *follower.completes));
  const std::string_view key = tables_[table].partitions->key(partition);
  if (id == index_none && rule.cooldown_us == 0) {
    RuleState passing{follower.rule, index_none, index_none, index_none, 0, 0, 0, index_none, 0};
    take_completions(passing, key);
    starts_.set_begun(state_at(list), follower.rule, present().event().sequence);
    return;
  }
  if (id == index_none) {
    id = add_rule_state(partition, follower.rule);
    starts_.forget_begun(state_at(list), follower.rule);
    added_.push_back(follower.rule);
  }
  RuleState& state = state_at(id);
  state.touched = present().event().sequence;
  take_completions(state, key);
  free_or_note(table, partition, id, list);
}

// The present event may begin runs from now on.
void Engine::add_start(PartitionId partition, StartId start) {
  RuleStateId id = list_in_hand(start);
  if (id == index_none) {
    id = add_rule_state(partition, starts_.list_of(start));
    added_.push_back(starts_.list_of(start));
    if (!stepped_sharing_.empty()) note_stepped(partition, start, id);
  }
  RuleState& list = state_at(id);
  // A long list's oldest events lie far from its newest: they are looked at when some may have got over.
  constexpr uint32_t trimmed_at_once = 8;
  if (list.run_count < trimmed_at_once || list.run_count % trimmed_at_once == 0 || list.run_count >= limits_.max_runs) {
    starts_.trim(list, clock_us_);
  }
  // One rule alone has little need of what it has begun; of many, it takes long to ask each.
  const uint32_t asked_from = starts_.at(start).rules.size() == 1 ? std::min(limits_.max_runs, 8u) : limits_.max_runs;
  if (list.run_count >= asked_from) starts_.drop_until(list, begun_by_all(partition, start, list));
  if (list.run_count < limits_.max_runs) {
    starts_.append(list, present().kept());
  } else if (!add_to_full(start, list)) {
    return;
  }
  note_state(starts_.at(start).table, partition, list);
}

// For `latest` the newest is kept besides, in the place of the one before: of the run that this one would have begun
// nothing would be left. Other rules begin with it when they have room then, and are refused all that go for it.
bool Engine::add_to_full(StartId start, RuleState& list) {
  const auto is_latest = [&](RuleId rule) { return program_.rules[rule].overlap == Overlap::latest; };
  const std::vector<RuleId>& rules = starts_.at(start).rules;
  const bool keeps_newest = std::ranges::any_of(rules, is_latest);
  if (keeps_newest && list.run_count <= limits_.max_runs) {
    starts_.append(list, present().kept());
    return true;
  }
  for (RuleId rule : rules) rule_counters_[rule].runs_refused += is_latest(rule) ? 0 : 1;
  if (keeps_newest) starts_.replace_newest(list, present().kept());
  return keeps_newest;
}

// The sequence up to which each rule of the start has begun what is in the list.
uint64_t Engine::begun_by_all(PartitionId partition, StartId start, const RuleState& list) {
  const KeyTable& table = *tables_[starts_.at(start).table].partitions;
  uint64_t least = std::numeric_limits<uint64_t>::max();
  for (RuleId rule : starts_.at(start).rules) {
    const RuleStateId id = table.find_state(partition, rule);
    least = std::min(least, id != index_none ? state_at(id).touched : starts_.begun(list, rule));
    if (least == 0) break;
  }
  return least;
}

// The list is new. Rules that have stepped at this event, and have nothing left, have taken it or begun with it
// already.
void Engine::note_stepped(PartitionId partition, StartId start, RuleStateId list) {
  const uint32_t hash = static_cast<const Partition*>(words_.at(partition))->hash;
  for (RuleId rule : stepped_sharing_) {
    if (starts_.start_of(rule) != start || find_state({partition, hash, rule}) != index_none) continue;
    starts_.set_begun(state_at(list), rule, present().event().sequence);
  }
}

// Of the partition that is visited; index_none when it has none.
RuleStateId Engine::list_in_hand(StartId start) const {
  return lists_seen_[start].visit == visit_number_ ? lists_seen_[start].id : index_none;
}

// Of any partition; index_none too for a rule that begins its runs at once.
RuleStateId Engine::find_list(PartitionId partition, RuleId rule) const {
  const StartId start = starts_.is_list(rule) ? start_none : starts_.start_of(rule);
  if (start == start_none) return index_none;
  return tables_[starts_.at(start).table].partitions->find_state(partition, starts_.list_of(start));
}

void Engine::begin_starts(RuleState& state, RuleStateId list) {
  const RuleState& starts = state_at(list);
  // Runs that are over may have kept the newest event of a list beyond its limit from beginning one.
  const int64_t at_us = starts.run_count > limits_.max_runs ? SharedStarts::newest_us(starts) : clock_us_;
  const int64_t from_us = at_us - program_.rules[state.rule].within_us;
  for (const BeginEvent& begin : SharedStarts::events_after(starts, state.touched, from_us)) {
    machines_.begin_past(state, begin.event);
  }
  state.touched = std::max(state.touched, starts.touched);
}

// ---- how long it lives ----

// Nothing is left of it but what it has begun, which the list knows from now on.
void Engine::free_idle(PartitionId partition, RuleStateId id, RuleStateId list) {
  const RuleState& state = state_at(id);
  if (list != index_none && state_at(list).run_count > 0 &&
      state.touched >= SharedStarts::events(state_at(list)).front().sequence) {
    starts_.set_begun(state_at(list), state.rule, state.touched);
  }
  free_state(partition, id, RunEnd::out_of_time);
}

int64_t Engine::alive_until(const RuleState& state) const {
  return starts_.is_list(state.rule) ? starts_.alive_until(state) : machines_.alive_until(state);
}

}  // namespace omen
