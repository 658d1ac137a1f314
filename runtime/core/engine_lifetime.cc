// Deadlines, and how what is over goes: the sweep, the limits of keys and bytes (engine.h).
#include <algorithm>

#include "runtime/core/engine.h"
#include "runtime/model/time.h"

namespace omen {

namespace {

constexpr size_t oldest_remembered = 1024;
constexpr uint32_t run_words = sizeof(Run) / sizeof(uint64_t);  // at least
constexpr size_t settled_per_event = 32;                        // first events
constexpr size_t swept_per_advance = 2048;                      // a millisecond or two

}  // namespace

// ---- time ----

void Engine::advance(int64_t time_us) {
  if (time_us < clock_us_) return;
  if (clock_us_ == std::numeric_limits<int64_t>::min()) begin_stream(time_us);
  meet_deadlines(time_us);
  clock_us_ = time_us;
  for (Table& table : tables_) {
    if (table.history != nullptr) table.history->expire(clock_us_);
  }
  sweep(sweeps_.take_allowance(clock_us_, swept_per_advance));
  let_newcomers_go(swept_per_advance);
}

void Engine::end_stream() {
  machines_.measures().end_stream();  // what hangs on the time of day alone is not asked for ever
  advance(end_of_time_us);
  free_what_is_over();
}

// Rules without a key that look at the clock are at work from the first moment on.
void Engine::begin_stream(int64_t time_us) {
  for (RuleId rule = 0; rule < program_.rules.size(); ++rule) begin_rule(rule, time_us);
}

void Engine::begin_rule(RuleId rule, int64_t time_us) {
  if (!works_for_[rule] || !Machines::begins_with_stream(program_.rules[rule])) return;
  if (!share_.owns(KeyTable::hash({}))) return;
  const PartitionId partition = partition_of(table_of_rule_[rule], {}, KeyTable::hash({}));
  machines_.begin(state_at(add_rule_state(partition, rule)), partition, time_us);
}

void Engine::meet_deadlines(int64_t until_us) {
  while (!timers_.empty() && timers_.earliest().deadline_us <= until_us) {
    const Timer timer = timers_.take_earliest();
    const uint32_t table = table_of_rule_[timer.rule];
    const RuleStateId id = find_state({timer.partition, timer.hash, timer.rule});
    if (id == index_none) continue;
    RuleState& state = state_at(id);
    key_ = tables_[table].partitions->key(timer.partition);
    set_key(table, key_);
    completions_.clear();
    clock_us_ = std::max(clock_us_, timer.deadline_us);
    place_ = {timer.deadline_us, timer.start_sequence, false, timer.rule, timer.route};
    const RuleStateId list = find_list(timer.partition, timer.rule);
    if (list != index_none) begin_starts(state, list);
    machines_.meet_deadline(state, timer.partition, timer, completions_);
    const size_t first_match = matches_.size();
    if (!completions_.empty()) take_completions(state, key_);
    free_or_note(table, timer.partition, id, list);
    free_partition_if_empty(table, timer.partition);
    emit_from(first_match);
  }
  place_ = {};
}

RuleStateId Engine::find_state(Noted where) const {
  const KeyTable& table = *tables_[table_of(where.rule)].partitions;
  if (!table.contains(where.partition, where.hash)) return index_none;
  return table.find_state(where.partition, where.rule);
}

// ---- what is over goes ----

void Engine::free_state(PartitionId partition, RuleStateId id, RunEnd why) {
  RuleState& state = state_at(id);
  const RuleId rule = state.rule;
  tables_[table_of(rule)].partitions->unlink_state(partition, id);
  if (starts_.is_list(rule)) {
    starts_.drop(state);
    --starts_.at(starts_.start_of_list(rule)).keys;
  } else {
    machines_.drop(state, why);
    --rule_counters_[rule].keys;
  }
  tables_[table_of(rule)].partitions->give_state(partition, id, state_words(rule));
}

void Engine::free_partition_if_empty(uint32_t table, PartitionId partition) {
  KeyTable& partitions = *tables_[table].partitions;
  if (!partitions.has_states(partition)) partitions.remove(partition);
}

void Engine::sweep(size_t states_max) {
  for (; sweeps_.is_due(clock_us_) && states_max > 0; --states_max) {
    prefetch_swept();
    const uint32_t tag = sweeps_.next_tag();
    const Noted where = sweeps_.take();
    const RuleStateId id = find_state(where);
    if (id == index_none) continue;
    RuleState& state = state_at(id);
    if (state.noted != tag) continue;  // of one before it: this one has a note of its own
    const int64_t until_us = alive_until(state);
    if (until_us < clock_us_) {
      free_idle(where.partition, id, find_list(where.partition, where.rule));
      free_partition_if_empty(table_of(where.rule), where.partition);
    } else if (until_us == time_unbounded) {
      state.noted = 0;
    } else {
      state.noted = sweeps_.note(where, until_us, clock_us_);
    }
  }
}

// What will be looked at lies anywhere in memory, and one names the next: partition, rule states one by one or their
// row and one of it, run, captured event. Each is asked for a few states ahead. By the time that it is read it may be
// something else: then memory is asked for that nobody needs.
void Engine::prefetch_swept() {
  if (const auto [note, found] = sweeps_.coming(15); note != nullptr) {
    tables_[table_of(note->rule)].partitions->prefetch(note->hash);
    __builtin_prefetch(words_.at(note->partition));
  }
  if (const auto [note, found] = sweeps_.coming(12); note != nullptr) {
    *found = static_cast<const Partition*>(words_.at(note->partition))->first;
    if (is_state(*found)) prefetch_state(*found);
    if (KeyTable::is_row(*found)) tables_[table_of(note->rule)].partitions->prefetch_row(*found);
  }
  for (const uint32_t ahead : {10u, 8u, 6u}) {
    const auto [note, found] = sweeps_.coming(ahead);
    if (note == nullptr || !is_state(*found) || state_at(*found).rule == note->rule) continue;
    *found = state_at(*found).next;
    if (is_state(*found)) prefetch_state(*found);
  }
  for (const uint32_t ahead : {10u, 8u}) {
    const auto [note, found] = sweeps_.coming(ahead);
    if (note == nullptr || !KeyTable::is_row(*found)) continue;
    const StateRow* const row = tables_[table_of(note->rule)].partitions->row(note->partition, note->hash);
    if (row == nullptr) continue;
    if (ahead == 10) {
      row->prefetch(note->rule);
    } else if (*found = row->find(note->rule); *found != index_none) {
      prefetch_state(*found);
    }
  }
  if (const auto [note, found] = sweeps_.coming(4); note != nullptr && is_state(*found)) {
    const RuleState& state = state_at(*found);
    if (state.rule != note->rule) return;
    if (starts_.is_list(state.rule)) {
      SharedStarts::prefetch_event(state);
    } else if (has_runs_[state.rule] && words_.has(state.first, run_words)) {
      __builtin_prefetch(words_.at(state.first));
    }
  }
  if (const auto [note, found] = sweeps_.coming(2); note != nullptr && is_state(*found)) {
    const RuleState& state = state_at(*found);
    if (state.rule != note->rule || !has_runs_[state.rule]) return;
    if (words_.has(state.first, run_words))
      captures_.prefetch(static_cast<const Run*>(words_.at(state.first))->captures);
  }
}

// `rule` may be a list of starts. Limits know settled keys only: newcomers settle from half of a limit on.
void Engine::enforce_limits(RuleId rule) {
  const bool is_list = starts_.is_list(rule);
  if (!take_room_for_newcomer(table_of(rule))) {
    for (const uint32_t table : newcomer_tables_) settle_oldest(table, settled_per_event);
  }
  const StartId start = is_list ? starts_.start_of_list(rule) : start_none;
  if ((is_list ? starts_.at(start).keys : rule_counters_[rule].keys) > limits_.max_keys) {
    const uint32_t table = is_list ? starts_.at(start).table : table_of_rule_[rule];
    evict_oldest(table, table + 1, &rule, oldest_[rule]);
  }
  if (state_bytes() > limits_.max_state_bytes || words_.bytes() > KeyTable::words_bytes_max) {
    evict_oldest(0, static_cast<uint32_t>(tables_.size()), nullptr, oldest_of_all_);
  }
}

// A rule forgets with its state which starts it has begun: they go too.
void Engine::evict(Noted where, RuleStateId id) {
  if (starts_.is_list(where.rule)) {
    for (RuleId rule : starts_.at(starts_.start_of_list(where.rule)).rules) ++rule_counters_[rule].keys_evicted;
  } else {
    ++rule_counters_[where.rule].keys_evicted;
    const RuleStateId list = find_list(where.partition, where.rule);
    if (list != index_none) free_state(where.partition, list, RunEnd::limit);
  }
  free_state(where.partition, id, RunEnd::limit);
}

// The rule states idle longest are found by a scan that remembers the next thousand, so that a scan is rare. One that
// was touched since then is no longer among them.
void Engine::evict_oldest(uint32_t first_table, uint32_t last_table, const RuleId* rule, std::vector<Oldest>& oldest) {
  for (int scans = 0; scans < 2; ++scans) {
    while (!oldest.empty()) {
      const Oldest next = oldest.back();
      oldest.pop_back();
      const RuleStateId id = find_state(next.where);
      if (id == index_none || state_at(id).touched != next.touched) continue;
      evict(next.where, id);
      free_partition_if_empty(table_of(next.where.rule), next.where.partition);
      return;
    }
    for (uint32_t table = first_table; table < last_table; ++table) {
      const KeyTable& partitions = *tables_[table].partitions;
      partitions.for_each([&](PartitionId partition) {
        partitions.each_state(partition, [&](RuleId of, RuleStateId id) {
          if (rule != nullptr && of != *rule) return;
          oldest.push_back({state_at(id).touched, {partition, partitions.at(partition).hash, of}});
        });
      });
    }
    auto newer = [&](const Oldest& a, const Oldest& b) {
      if (a.touched != b.touched || a.where.rule != b.where.rule)
        return std::tie(a.touched, a.where.rule) > std::tie(b.touched, b.where.rule);
      const KeyTable& partitions = *tables_[table_of(a.where.rule)].partitions;  // one event under several keys
      return partitions.key(a.where.partition) > partitions.key(b.where.partition);
    };
    if (oldest.size() > oldest_remembered) {
      const auto cut = oldest.end() - oldest_remembered;
      std::nth_element(oldest.begin(), cut, oldest.end(), newer);
      oldest.erase(oldest.begin(), cut);
    }
    std::sort(oldest.begin(), oldest.end(), newer);
  }
}

}  // namespace omen
