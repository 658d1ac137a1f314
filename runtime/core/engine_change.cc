// Rules that come and go while the engine is at work (engine.h, model/link.h): the state of all others stays as it is,
// and what an engine decides once is decided for the new ones alone.
//
// Where a rule comes behind all others, it is added to the interests of its types as when they are made; where one goes
// or takes the place of another, those of its types are made anew.
#include <algorithm>
#include <limits>
#include <utility>

#include "runtime/core/engine.h"
#include "runtime/model/link.h"

namespace omen {

// ---- what goes ----

// The program still has them.
void Engine::let_go(std::span<const RuleId> rules) {
  OMEN_ASSERT(matches_.empty());
  // By rule and list: those that go, and lists that are over sooner without them, or are nobody's any more.
  std::vector<bool> is_over(starts_.list_of(starts_.size()));
  std::vector<StartId> shorter;
  bool has_state = false;
  for (const RuleId rule : rules) {
    const StartId start = starts_.start_of(rule);
    is_over[rule] = true;
    has_state |= rule_counters_[rule].keys > 0;
    if (!starts_.leave(rule, sequence_)) continue;
    is_over[starts_.list_of(start)] = true;
    has_state |= starts_.at(start).keys > 0;
    shorter.push_back(start);
  }
  if (has_state) forget_state_of(rules, shorter, is_over);
  timers_.forget(rules);
  for (const RuleId rule : rules) {
    rule_counters_[rule] = {};
    limit_windows_[rule] = {};
    oldest_[rule].clear();
    std::erase(tables_[table_of_rule_[rule]].rules, rule);
    if (rule < shapes_.size()) shapes_[rule] = 0;
  }
  gone_.assign(rules.begin(), rules.end());
}

// Among a million keys the few that they know are found by what is noted for the sweep. What is not noted, because
// there is no end to it, is looked for under each key.
void Engine::forget_state_of(std::span<const RuleId> rules, std::span<const StartId> shorter,
                             const std::vector<bool>& is_over) {
  const std::vector<Noted> notes = sweeps_.take_of(is_over);
  std::vector<uint64_t> found(starts_.size());  // lists that others have yet
  std::vector<std::pair<PartitionId, RuleStateId>> lists;
  for (size_t i = 0; i < notes.size(); ++i) {
    prefetch_noted(std::span(notes).subspan(i));
    const Noted& where = notes[i];
    const RuleStateId id = find_state(where);
    if (id == index_none) continue;
    if (is_of_nobody(state_at(id), is_over)) {
      free_state(where.partition, id, RunEnd::limit);
      free_partition_if_empty(table_of(where.rule), where.partition);
    } else if (state_at(id).noted != 0) {
      state_at(id).noted = 0;
      lists.emplace_back(where.partition, id);
      ++found[starts_.start_of_list(where.rule)];
    }
  }
  for (const auto& [partition, id] : lists) note_state(table_of(state_at(id).rule), partition, state_at(id));
  std::vector<uint32_t> tables;
  for (const RuleId rule : rules) {
    if (rule_counters_[rule].keys > 0) tables.push_back(table_of_rule_[rule]);
  }
  for (const StartId start : shorter) {
    if (found[start] < starts_.at(start).keys) tables.push_back(starts_.at(start).table);
  }
  std::ranges::sort(tables);
  tables.erase(std::unique(tables.begin(), tables.end()), tables.end());
  for (const uint32_t table : tables) look_for_state_of(is_over, table);
}

// What is found of the first of them leads to its memory; a few are on their way at a time.
void Engine::prefetch_noted(std::span<const Noted> coming) const {
  constexpr size_t partition_ahead = 16, state_ahead = 8;
  if (coming.size() > partition_ahead) {
    const Noted& note = coming[partition_ahead];
    tables_[table_of(note.rule)].partitions->prefetch(note.hash);
    __builtin_prefetch(words_.at(note.partition));
  }
  if (coming.size() > state_ahead) {
    const RuleStateId first = static_cast<const Partition*>(words_.at(coming[state_ahead].partition))->first;
    if (is_state(first)) prefetch_state(first);
  }
}

bool Engine::is_of_nobody(const RuleState& state, const std::vector<bool>& is_over) const {
  if (!starts_.is_list(state.rule)) return is_over[state.rule];
  return starts_.at(starts_.start_of_list(state.rule)).rules.empty();
}

void Engine::look_for_state_of(const std::vector<bool>& is_over, uint32_t table) {
  KeyTable& partitions = *tables_[table].partitions;
  std::vector<PartitionId> all;
  std::vector<RuleStateId> states;
  partitions.for_each([&](PartitionId partition) { all.push_back(partition); });
  for (const PartitionId partition : all) {
    states.clear();
    partitions.each_state(partition, [&](RuleId, RuleStateId id) { states.push_back(id); });
    for (const RuleStateId id : states) {
      RuleState& state = state_at(id);
      if (is_of_nobody(state, is_over)) {
        free_state(partition, id, RunEnd::limit);
      } else if (is_over[state.rule]) {
        note_state(table, partition, state);
      }
    }
    free_partition_if_empty(table, partition);
  }
}

// ---- what comes ----

Status Engine::take_on(std::span<const RuleId> rules, std::string_view rebuilt, Decoder& decoder) {
  const TypeId known_types = static_cast<TypeId>(interests_.size());
  const RuleId known_rules = static_cast<RuleId>(works_for_.size());
  grow();
  std::vector<RuleId> sharing;
  for (const RuleId rule : rules) {
    table_of_rule_[rule] = add_to_table(rule);
    machines_.take_on(rule);
    has_runs_[rule] = program_.rules[rule].machine == Machine::runs;
    if (program_.rules[rule].shares_start && works_for_[rule]) sharing.push_back(rule);
  }
  for (const RuleId rule : gone_) {
    if (is_place_empty(program_.rules[rule])) machines_.take_on(rule);  // it has nothing
  }
  starts_.join(sharing, table_of_rule_, sequence_);
  lists_seen_.resize(starts_.size());
  oldest_.resize(starts_.list_of(starts_.size()));
  has_runs_.resize(oldest_.size());
  if (!starts_.empty()) sharing_seen_.resize(program_.rules.size());
  take_interest(rules, known_rules, known_types);
  LoadedState loaded;
  loaded.empty.assign(rules.begin(), rules.end());
  loaded_late_.clear();
  if (!rebuilt.empty()) {
    if (Status taken = load_rebuilt({rebuilt, {}}, decoder, loaded, nullptr); !taken) return taken;
  }
  // Runs that they have brought have begun what the lists have: a saved state must say so.
  for (const Noted& where : loaded_late_) {
    const RuleStateId id = find_state(where);
    if (id != index_none) state_at(id).touched = std::max(state_at(id).touched, starts_.joined(where.rule));
  }
  for (const RuleId rule : loaded.empty) {
    if (clock_us_ != std::numeric_limits<int64_t>::min()) begin_rule(rule, clock_us_);
  }
  gone_.clear();
  return Status::ok();
}

// What is known by rule, predicate and type; the program has more of each.
void Engine::grow() {
  prefetch(std::span<const Event>());
  prepared_->grow(program_);
  machines_.grow();
  const size_t rules = program_.rules.size();
  for (RuleId rule = static_cast<RuleId>(works_for_.size()); rule < rules; ++rule) {
    works_for_.push_back(share_.rules != Share::Rules::bound);
  }
  rule_counters_.resize(rules);
  table_of_rule_.resize(rules);
  stepped_at_.resize(rules);
  limit_windows_.resize(rules);
  is_lenient_.resize(program_.types.size());
  interests_.resize(program_.types.size());
  derived_interests_.resize(program_.types.size());
}

void Engine::take_interest(std::span<const RuleId> rules, RuleId known_rules, TypeId known_types) {
  for (const bool is_derived : {false, true}) {
    std::vector<std::vector<Interest>>& interests = is_derived ? derived_interests_ : interests_;
    for (TypeId type = 0; type < interests.size(); ++type) {
      for (Interest& interest : interests[type]) interest.cares.resize(program_.rules.size());
      const auto saw = [&](RuleId rule) {
        return std::ranges::any_of(interests[type], [&](const Interest& interest) { return interest.cares[rule]; });
      };
      const auto is_replaced = [&](RuleId rule) {
        return rule < known_rules && cares_for(program_.rules[rule], type, is_derived);
      };
      if (type >= known_types) {
        build_interests_of(type, is_derived, interests[type]);
      } else if (std::ranges::any_of(gone_, saw) || std::ranges::any_of(rules, is_replaced)) {
        // Of those that are there the ones that care are known: to ask each of them takes as long as all the rest.
        std::vector<RuleId> caring(rules.begin(), rules.end());
        for (RuleId rule = 0; rule < known_rules; ++rule) {
          if (std::ranges::find(gone_, rule) == gone_.end() && saw(rule)) caring.push_back(rule);
        }
        std::ranges::sort(caring);
        interests[type].clear();
        for (const RuleId rule : caring) add_interest(type, is_derived, interests[type], rule);
      } else {
        for (const RuleId rule : rules) {
          if (rule >= known_rules) add_interest(type, is_derived, interests[type], rule);
        }
      }
    }
  }
  note_seen_types();
  admit_newcomers();
}

}  // namespace omen
