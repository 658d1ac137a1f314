// Which completions are raised, and in what order (engine.h).
#include <algorithm>

#include "runtime/core/engine.h"
#include "runtime/core/key.h"

namespace omen {

void Engine::take_completions(RuleState& state, std::string_view key) {
  const RuleProgram& rule = program_.rules[state.rule];
  RuleCounters& counters = rule_counters_[state.rule];
  uint64_t number = 0;  // of the match at its moment
  for (const Completion& completion : completions_) {
    if (completion.resolves) {
      ++counters.resolved;
      raise(state.rule, completion, 1, key);
      continue;
    }
    counters.matches += completion.count;
    if (rule.overlap == Overlap::all && !only_counts_) {
      if (completion.at_deadline) number = machines_.memory().count_match(state, completion.end_us);
      if (number++ >= limits_.max_matches) {
        ++counters.matches_cut;
        captures_.release(completion.captures);
        continue;
      }
    }
    const uint64_t raised = count_raised(state, completion);
    if (raised == 0) {
      captures_.release(completion.captures);
      continue;
    }
    counters.raised += raised;
    machines_.note_raised(state, completion.end_us);
    raise(state.rule, completion, raised, key);
  }
}

// How many of the matches are raised; cooldown and limit hold back the others, and count them.
uint64_t Engine::count_raised(const RuleState& state, const Completion& completion) {
  const RuleProgram& rule = program_.rules[state.rule];
  RuleCounters& counters = rule_counters_[state.rule];
  uint64_t raised = completion.count;
  if (rule.cooldown_us > 0) raised = machines_.memory().is_cooling(state, completion.end_us) ? 0 : 1;
  counters.held_by_cooldown += completion.count - raised;
  if (raised == 0 || rule.limit_count == 0) return raised;
  Window& window = limit_windows_[state.rule];
  int64_t number = completion.end_us / rule.limit_per_us;
  if (completion.end_us % rule.limit_per_us < 0) --number;
  if (window.number != number || window.count == 0) window = {number, 0};
  const uint64_t allowed = std::min<uint64_t>(raised, rule.limit_count - window.count);
  window.count += static_cast<uint32_t>(allowed);
  counters.held_by_limit += raised - allowed;
  return allowed;
}

void Engine::raise(RuleId id, const Completion& completion, uint64_t count, std::string_view key) {
  const RuleProgram& rule = program_.rules[id];
  Match& match = matches_.emplace_back();  // where it stays: it is not small
  match.rule = id;
  match.captures = completion.captures;
  match.start_us = completion.start_us;
  match.end_us = completion.end_us;
  match.at_deadline = completion.at_deadline;
  match.end_sequence = completion.at_deadline ? 0 : present().event().sequence;
  match.count = count;
  match.resolves = completion.resolves;
  match.place = place_;
  if (place_.deadline_us == INT64_MAX) match.place.rule = id;
  match.key_begin = static_cast<uint32_t>(match_keys_.size());
  match.key_size = static_cast<uint32_t>(key.size());
  match_keys_.append(key);
  if (!rule.histories.empty()) {
    const std::span<KeptEvent* const> events = present().history(rule, completion.end_us);
    match.history_begin = static_cast<uint32_t>(match_histories_.size());
    match.history_size = static_cast<uint32_t>(events.size());
    for (KeptEvent* event : events) match_histories_.push_back(captures_.share(event));
  }
  if (rule.measures) {
    match.values_begin = static_cast<uint32_t>(match_values_.size());
    const std::span<const Value> values = machines_.measures().values();
    match_values_.insert(match_values_.end(), values.begin(), values.end());
  }
}

void Engine::sort_matches(size_t begin) {
  // Few and nearly always in order: insertion keeps equal rules as they are and needs no memory.
  for (size_t i = begin + 1; i < matches_.size(); ++i) {
    for (size_t k = i; k > begin && matches_[k].rule < matches_[k - 1].rule; --k)
      std::swap(matches_[k], matches_[k - 1]);
  }
}

void Engine::clear_matches() {
  for (const Match& match : matches_) captures_.release(match.captures);
  for (KeptEvent* event : match_histories_) captures_.release(event);
  match_histories_.clear();
  matches_.clear();
  match_keys_.clear();
  match_values_.clear();
}

std::span<const Value> Engine::match_values(const Match& match) const {
  const RuleProgram& rule = program_.rules[match.rule];
  if (!rule.measures) return {};
  return std::span(match_values_).subspan(match.values_begin, rule.measures->measures.size());
}

MatchView Engine::view(const Match& match, std::span<const std::string_view> key) const {
  MatchView view;
  view.rule = match.rule;
  view.key = key;
  view.captures = match.captures;
  view.start_us = match.start_us;
  view.end_us = match.end_us;
  view.at_deadline = match.at_deadline;
  view.resolves = match.resolves;
  view.values = match_values(match);
  view.history = match_history(match);
  return view;
}

std::vector<std::string_view> Engine::match_key(const Match& match) const {
  std::vector<std::string_view> parts;
  match_key(match, parts);
  return parts;
}

void Engine::match_key(const Match& match, std::vector<std::string_view>& parts) const {
  parts.clear();
  const size_t count = program_.rules[match.rule].routes[0].key.size();
  if (count == 0) return;
  for_each_key_part(match_key_text(match), count, [&](std::string_view part) { parts.push_back(part); });
}

}  // namespace omen
