#include "runtime/core/shared_starts.h"

#include <algorithm>
#include <limits>
#include <map>
#include <new>
#include <tuple>

namespace omen {

namespace {

constexpr uint32_t shrunk_from = 16;  // events that a block has room for
constexpr uint32_t begun_words = sizeof(Begun) / sizeof(uint64_t);

}  // namespace

SharedStarts::SharedStarts(const Program& program, const std::vector<bool>& works_for,
                           const std::vector<uint32_t>& table_of_rule, CaptureStore& captures, WordPool& words,
                           BytePool& blocks)
    : rule_count_(static_cast<RuleId>(program.rules.size())),
      captures_(captures),
      words_(words),
      blocks_(blocks),
      start_of_rule_(program.rules.size(), start_none) {
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
  list.touched = event->sequence;
  list.run_count = list.run_count + 1;
  waiting_runs_ += starts_[start_of_list(list.rule)].rules.size();
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
  waiting_runs_ -= count * starts_[start_of_list(list.rule)].rules.size();
}

int64_t SharedStarts::alive_until(const RuleState& list) const {
  if (list.run_count == 0) return std::numeric_limits<int64_t>::min();
  int64_t until_us = 0;
  const bool is_far =
      __builtin_add_overflow(events(list).back().time_us, starts_[start_of_list(list.rule)].longest_us, &until_us);
  return is_far ? time_unbounded : until_us;
}

std::span<const BeginEvent> SharedStarts::events_after(const RuleState& list, uint64_t sequence, int64_t from_us) {
  const std::span<const BeginEvent> all = events(list);
  const auto first = std::ranges::partition_point(
      all, [&](const BeginEvent& begin) { return begin.sequence <= sequence || begin.time_us < from_us; });
  return {first, all.end()};
}

}  // namespace omen
