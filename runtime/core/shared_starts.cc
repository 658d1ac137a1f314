#include "runtime/core/shared_starts.h"

#include <algorithm>
#include <limits>
#include <map>
#include <new>
#include <tuple>
#include <utility>

namespace omen {

namespace {

constexpr uint32_t shrunk_from = 16;  // events that a block has room for
constexpr uint32_t begun_words = sizeof(Begun) / sizeof(uint64_t);

}  // namespace

SharedStarts::SharedStarts(const Program& program, const std::vector<bool>& works_for,
                           const std::vector<uint32_t>& table_of_rule, CaptureStore& captures, WordPool& words,
                           BytePool& blocks)
    : program_(program),
      rule_count_(static_cast<RuleId>(program.rules.capacity())),
      captures_(captures),
      words_(words),
      blocks_(blocks),
      start_of_rule_(program.rules.size(), start_none),
      joined_(program.rules.size()) {
  std::map<std::tuple<uint32_t, std::vector<TypeId>, PredicateId>, StartId> known;
  for (RuleId id = 0; id < program.rules.size(); ++id) {
    const RuleProgram& rule = program.rules[id];
    if (!rule.shares_start || !works_for[id]) continue;
    const StepProgram& step = rule.steps[only_start(rule)->step];
    const auto [at, is_new] = known.try_emplace({table_of_rule[id], step.types, step.predicate}, size());
    if (is_new) starts_.push_back({table_of_rule[id], step.types, step.predicate, {}, 0, 0});
    SharedStart& start = starts_[at->second];
    start.rules.push_back(id);
    start.longest_us = std::max(start.longest_us, rule.within_us);
    start_of_rule_[id] = at->second;
  }
}

void SharedStarts::init(RuleState& list) {
  const RuleState state = list;  // what stands there is gone when something else is made there
  new (&list) StartList{state, {}};
}

void SharedStarts::append(RuleState& list, KeptEvent* event) {
  StartList& whole = reinterpret_cast<StartList&>(list);
  const BeginEvent added{captures_.share(event), event->time_us, event->sequence};
  if (list.run_count == 0) {
    whole.one = added;
  } else {
    if (list.run_count == 1) {
      const BeginEvent one = whole.one;
      whole.many = {};
      whole.many.push(blocks_, one);
    }
    whole.many.push(blocks_, added);
  }
  note_newest(list, *event);
  list.run_count = list.run_count + 1;
  SharedStart& start = starts_[start_of_list(list.rule)];
  ++start.waiting;
  waiting_runs_ += start.rules.size();
}

void SharedStarts::replace_newest(RuleState& list, KeptEvent* event) {
  StartList& whole = reinterpret_cast<StartList&>(list);
  BeginEvent& newest = list.run_count == 1 ? whole.one : whole.many[list.run_count - 1];
  captures_.release(newest.event);
  newest = {captures_.share(event), event->time_us, event->sequence};
  note_newest(list, *event);
}

void SharedStarts::note_newest(RuleState& list, const KeptEvent& event) {
  list.touched = event.sequence;
  list.first = static_cast<uint32_t>(event.time_us);
  list.last = static_cast<uint32_t>(static_cast<uint64_t>(event.time_us) >> 32);
}

void SharedStarts::trim(RuleState& list, int64_t clock_us) {
  const int64_t longest_us = starts_[start_of_list(list.rule)].longest_us;
  uint32_t over = 0;
  for (const BeginEvent& begin : events(list)) {
    if (clock_us - begin.time_us <= longest_us) break;
    ++over;
  }
  if (over > 0) drop_front(list, over);
}

void SharedStarts::drop_until(RuleState& list, uint64_t sequence) {
  const std::span<const BeginEvent> all = events(list);
  const auto kept =
      std::ranges::partition_point(all, [&](const BeginEvent& begin) { return begin.sequence <= sequence; });
  if (kept != all.begin()) drop_front(list, static_cast<uint32_t>(kept - all.begin()));
}

void SharedStarts::drop(RuleState& list) {
  drop_front(list, list.run_count);
  if (list.memory == index_none) return;
  begun_of(list).release(blocks_);
  words_.give(list.memory, begun_words);
  list.memory = index_none;
}

void SharedStarts::set_begun(RuleState& list, RuleId rule, uint64_t sequence) {
  if (list.memory == index_none) {
    list.memory = words_.take(begun_words);
    new (words_.at(list.memory)) Begun{};
  }
  begun_of(list).set(blocks_, rule, sequence);
}

void SharedStarts::drop_front(RuleState& list, uint32_t count) {
  StartList& whole = reinterpret_cast<StartList&>(list);
  for (const BeginEvent& begin : events(list).first(count)) captures_.release(begin.event);
  if (list.run_count > 1) {
    whole.many.drop_front(count);
    if (whole.many.count <= 1) {
      const BeginEvent left = whole.many.count == 1 ? whole.many[0] : BeginEvent{};
      whole.many.release(blocks_);
      whole.one = left;
    } else if (whole.many.capacity >= shrunk_from && whole.many.count * 8 <= whole.many.capacity) {
      whole.many.fit(blocks_);
    }
  }
  list.run_count = list.run_count - count;
  SharedStart& start = starts_[start_of_list(list.rule)];
  start.waiting -= count;
  waiting_runs_ -= count * start.rules.size();
}

StartId SharedStarts::find_or_add(RuleId rule, uint32_t table) {
  const RuleProgram& program = program_.rules[rule];
  const StepProgram& step = program.steps[only_start(program)->step];
  const auto at = std::ranges::find_if(starts_, [&](const SharedStart& start) {
    return start.table == table && start.predicate == step.predicate && start.types == step.types;
  });
  const auto id = static_cast<StartId>(at - starts_.begin());
  if (at == starts_.end()) starts_.push_back({table, step.types, step.predicate, {}, 0, 0});
  return id;
}

// Those that come together to a start which nobody has had are late for nothing.
void SharedStarts::join(std::span<const RuleId> rules, const std::vector<uint32_t>& table_of_rule, uint64_t sequence) {
  start_of_rule_.resize(std::max(start_of_rule_.size(), program_.rules.size()), start_none);
  joined_.resize(start_of_rule_.size());
  std::vector<bool> is_in_use;  // there may be lists
  for (const SharedStart& start : starts_) is_in_use.push_back(sequence > 0 && !start.rules.empty());
  for (const RuleId rule : rules) {
    const StartId id = find_or_add(rule, table_of_rule[rule]);
    SharedStart& start = starts_[id];
    if (id < is_in_use.size() && is_in_use[id]) {
      start.late.push_back(rule);
      joined_[rule] = sequence;
    }
    start.rules.insert(std::ranges::upper_bound(start.rules, rule), rule);
    start.longest_us = std::max(start.longest_us, program_.rules[rule].within_us);
    start_of_rule_[rule] = id;
    waiting_runs_ += start.waiting;
  }
}

bool SharedStarts::leave(RuleId rule, uint64_t sequence) {
  const StartId id = start_of_rule_[rule];
  if (id == start_none) return false;
  SharedStart& start = starts_[id];
  std::erase(start.rules, rule);
  std::erase(start.late, rule);
  const int64_t before_us = std::exchange(start.longest_us, 0);
  for (const RuleId other : start.rules) start.longest_us = std::max(start.longest_us, program_.rules[other].within_us);
  start_of_rule_[rule] = start_none;
  joined_[rule] = 0;
  waiting_runs_ -= start.waiting;
  if (start.rules.empty()) start.nobodys_until = sequence;
  return start.rules.empty() || start.longest_us < before_us;
}

int64_t SharedStarts::alive_until(const RuleState& list) const {
  if (list.run_count == 0) return std::numeric_limits<int64_t>::min();
  int64_t until_us = 0;
  const bool is_far = __builtin_add_overflow(newest_us(list), starts_[start_of_list(list.rule)].longest_us, &until_us);
  return is_far ? time_unbounded : until_us;
}

std::span<const BeginEvent> SharedStarts::events_after(const RuleState& list, uint64_t sequence, int64_t from_us) {
  const std::span<const BeginEvent> all = events(list);
  const auto is_old = [&](const BeginEvent& begin) { return begin.sequence <= sequence || begin.time_us < from_us; };
  size_t end = all.size();  // none from here on is old
  size_t begin = end;       // the one before it is, or it is the first
  for (size_t step = 1; begin > 0 && !is_old(all[begin - 1]); step *= 2) {
    end = begin - 1;
    begin -= std::min(begin, step);
  }
  const std::span<const BeginEvent> asked = all.subspan(begin, end - begin);
  return all.subspan(begin + static_cast<size_t>(std::ranges::partition_point(asked, is_old) - asked.begin()));
}

}  // namespace omen
