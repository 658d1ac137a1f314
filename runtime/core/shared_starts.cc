#include "runtime/core/shared_starts.h"

#include <algorithm>
#include <limits>
#include <map>
#include <new>
#include <tuple>

namespace omen {

namespace {

constexpr uint32_t link_words = sizeof(StartLink) / sizeof(uint64_t);
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

void SharedStarts::append(RuleState& list, KeptEvent* event) {
  const uint32_t id = words_.take(link_words);
  new (words_.at(id)) StartLink{captures_.share(event), event->time_us, event->sequence, index_none, list.last};
  (list.last == index_none ? list.first : mutable_link(list.last).next) = id;
  list.last = id;
  list.touched = event->sequence;
  list.run_count = list.run_count + 1;
  waiting_runs_ += starts_[start_of_list(list.rule)].rules.size();
}

void SharedStarts::trim(RuleState& list, int64_t clock_us) {
  const int64_t longest_us = starts_[start_of_list(list.rule)].longest_us;
  while (list.first != index_none && clock_us - link(list.first).time_us > longest_us) drop_first(list);
}

void SharedStarts::drop(RuleState& list) {
  while (list.first != index_none) drop_first(list);
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

void SharedStarts::drop_first(RuleState& list) {
  const uint32_t id = list.first;
  captures_.release(link(id).event);
  list.first = link(id).next;
  (list.first == index_none ? list.last : mutable_link(list.first).previous) = index_none;
  list.run_count = list.run_count - 1;
  waiting_runs_ -= starts_[start_of_list(list.rule)].rules.size();
  words_.give(id, link_words);
}

int64_t SharedStarts::alive_until(const RuleState& list) const {
  if (list.last == index_none) return std::numeric_limits<int64_t>::min();
  int64_t until_us = 0;
  const bool is_far =
      __builtin_add_overflow(link(list.last).time_us, starts_[start_of_list(list.rule)].longest_us, &until_us);
  return is_far ? time_unbounded : until_us;
}

uint32_t SharedStarts::first_after(const RuleState& list, uint64_t sequence, int64_t from_us) const {
  uint32_t found = index_none;
  for (uint32_t id = list.last; id != index_none; id = link(id).previous) {
    if (link(id).sequence <= sequence || link(id).time_us < from_us) break;
    found = id;
  }
  return found;
}

}  // namespace omen
