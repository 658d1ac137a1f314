// Shared starts as bytes, and back (shared_starts.h, state_writer.h).
#include <algorithm>
#include <unordered_map>

#include "runtime/core/engine.h"
#include "runtime/core/key.h"
#include "runtime/core/state_reader.h"
#include "runtime/core/state_writer.h"

namespace omen {

// Engines that divide the keys of the same rules have the same starts.
void Engine::save_starts(std::span<const Engine* const> shares, std::vector<SavedPlaces>& places, StateWriter& out) {
  constexpr Share::Rules kinds[] = {Share::Rules::all, Share::Rules::free, Share::Rules::bound};
  uint64_t count = 0;
  std::vector<std::vector<size_t>> alike;
  for (const Share::Rules kind : kinds) {
    std::vector<size_t>& members = alike.emplace_back();
    for (size_t i = 0; i < shares.size(); ++i) {
      if (shares[i]->share_.rules == kind) members.push_back(i);
    }
    if (!members.empty()) count += shares[members[0]]->starts_.size();
  }
  out.number(count);
  for (const std::vector<size_t>& members : alike) {
    if (members.empty()) continue;
    const SharedStarts& starts = shares[members[0]]->starts_;
    for (StartId start = 0; start < starts.size(); ++start) {
      out.number(starts.at(start).rules.size());
      for (RuleId rule : starts.at(start).rules) out.number(rule);
      const size_t begin = out.open();
      uint64_t keys = 0;
      for (size_t i : members) keys += places[i].keys[starts.list_of(start)];
      out.number(keys);
      for (size_t i : members) shares[i]->save_lists(start, places[i], out);
      out.close(begin);
    }
  }
}

void Engine::save_lists(StartId start, SavedPlaces& saved, StateWriter& out) const {
  const RuleId rule = starts_.list_of(start);
  for (; saved.next < saved.places.size() && saved.places[saved.next].rule == rule; ++saved.next) {
    const SavedPlaces::Place& place = saved.places[saved.next];
    const KeyTable& keys = *tables_[starts_.at(start).table].partitions;
    out.text(keys.key(place.partition));
    if (Newcomers::is_newcomer(place.partition)) {
      save_newcomer(keys.newcomers(), place.partition, start, out);
      continue;
    }
    const RuleState& list = state_at(place.state);
    out.number(list.run_count);
    for (const BeginEvent& begin : SharedStarts::events(list)) out.event(*begin.event);
  }
}

// As if it had settled.
void Engine::save_newcomer(const Newcomers& newcomers, PartitionId newest, StartId start, StateWriter& out) const {
  std::vector<const KeptEvent*> events;
  for (const FirstEvent* first = &newcomers.at(newest); first != nullptr; first = newcomers.previous(*first)) {
    if (first->start == start && starts_.waits(start, first->event()->sequence)) events.push_back(first->event());
  }
  out.number(events.size());
  while (!events.empty()) {
    out.event(*events.back());
    events.pop_back();
  }
}

// One for each list that it would have; and for each rule that has come later than its events, which says so.
void Engine::note_newcomer_places(const Table& table, PartitionId newest,
                                  std::vector<SavedPlaces::Place>& places) const {
  const Newcomers& newcomers = table.partitions->newcomers();
  const size_t begin = places.size();
  for (const FirstEvent* first = &newcomers.at(newest); first != nullptr; first = newcomers.previous(*first)) {
    const RuleId list = starts_.list_of(first->start);
    const auto is_it = [&](const SavedPlaces::Place& place) { return place.rule == list; };
    if (!starts_.waits(first->start, first->event()->sequence)) continue;
    if (std::any_of(places.begin() + static_cast<ptrdiff_t>(begin), places.end(), is_it)) continue;
    places.push_back({list, first->hash, newest, index_none, first->event()->sequence});
    for (const RuleId rule : starts_.at(first->start).late) {
      places.push_back({rule, first->hash, newest, index_none, starts_.joined(rule)});
    }
  }
}

// `numbers` are the rules that go on, by their places in the bytes; rule_none: it does not. Where all rules that share
// a start now have shared it before, the lists go on as they are; any other rule begins its runs at once.
void Engine::load_starts(StateReader& in, const std::vector<RuleId>& numbers) {
  for (uint64_t left = in.count(); left > 0 && in.is_ok(); --left) {
    std::vector<RuleId> rules;
    for (uint64_t count = in.count(); count > 0; --count) {
      const uint64_t number = in.number();
      if (!in.check(number < numbers.size(), "starts are of no rule")) return;
      if (numbers[number] != rule_none && works_for_[numbers[number]]) rules.push_back(numbers[number]);
    }
    std::ranges::sort(rules);
    rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
    const auto is_alike = [&](RuleId rule) {
      return table_of_rule_[rule] == table_of_rule_[rules[0]] && only_start(program_.rules[rule]) != nullptr;
    };
    if (rules.empty()) {
      in.skip();
      continue;
    }
    if (!in.check(std::ranges::all_of(rules, is_alike), "these rules share no start")) return;
    in.open();
    const LoadedStarts loaded = loaded_starts(rules);
    constexpr uint64_t least_list_bytes = 3;
    for (uint64_t keys = in.count(least_list_bytes); keys > 0 && in.is_ok(); --keys) load_list(in, loaded);
    in.close();
  }
}

// `rules` are in their order.
Engine::LoadedStarts Engine::loaded_starts(const std::vector<RuleId>& rules) const {
  LoadedStarts loaded{rules[0], {}, {}};
  std::unordered_map<StartId, size_t> members;  // of each start, those that go on
  for (const RuleId rule : rules) ++members[starts_.start_of(rule)];
  for (const RuleId rule : rules) {
    const StartId start = starts_.start_of(rule);
    if (start == start_none || members.at(start) < starts_.at(start).rules.size()) {
      loaded.apart.push_back(rule);
    } else if (starts_.at(start).rules[0] == rule) {
      loaded.starts.push_back(start);
    }
  }
  return loaded;
}

void Engine::load_list(StateReader& in, const LoadedStarts& loaded) {
  const uint32_t table = table_of_rule_[loaded.rule];
  const std::string_view key = in.text();
  if (!in.check(is_key(key, tables_[table].key.size()), "a start has no such key")) return;
  const std::vector<KeptEvent*> events = load_list_events(in, program_.rules[loaded.rule]);
  const uint32_t hash = KeyTable::hash(key);
  if (!in.is_ok() || !share_.owns(hash)) return;
  const PartitionId partition = partition_of(table, key, hash);
  for (RuleId rule : loaded.apart) begin_loaded(partition, rule, events);
  for (StartId start : loaded.starts) {
    const RuleId list = starts_.list_of(start);
    if (!in.check(find_state({partition, hash, list}) == index_none, "a key is there twice")) return;
    RuleState& state = state_at(add_rule_state(partition, list));
    for (KeptEvent* event : events) starts_.append(state, event);
    note_state(table, partition, state);
    free_idle_of(start, partition);
  }
  free_partition_if_empty(table, partition);
}

// What the rules of a start have begun is the list's to know, of those without runs.
void Engine::free_idle_of(StartId start, PartitionId partition) {
  const RuleStateId list = find_list(partition, starts_.at(start).rules[0]);
  std::vector<RuleStateId> idle;
  tables_[starts_.at(start).table].partitions->each_state(partition, [&](RuleId rule, RuleStateId id) {
    if (!starts_.is_list(rule) && starts_.start_of(rule) == start && machines_.is_idle(state_at(id)))
      idle.push_back(id);
  });
  for (const RuleStateId id : idle) free_idle(partition, id, list);
}

// They belong to the reader.
std::vector<KeptEvent*> Engine::load_list_events(StateReader& in, const RuleProgram& rule) {
  const std::vector<TypeId>& types = rule.steps[only_start(rule)->step].types;
  std::vector<KeptEvent*> events;
  uint64_t count = in.count();
  in.check(count > 0, "a list of starts is empty");
  for (; count > 0 && in.is_ok(); --count) {
    KeptEvent* const event = in.event();
    if (event == nullptr) break;
    in.check(std::ranges::find(types, event->type) != types.end(), "an event is of another type than its start");
    in.check(event->time_us <= clock_us_ && event->sequence <= sequence_, "a start is yet to come");
    in.check(events.empty() || (events.back()->sequence < event->sequence && events.back()->time_us <= event->time_us),
             "starts are out of order");
    events.push_back(event);
  }
  return events;
}

void Engine::begin_loaded(PartitionId partition, RuleId rule, const std::vector<KeptEvent*>& events) {
  const uint32_t table = table_of_rule_[rule];
  const uint32_t hash = tables_[table].partitions->at(partition).hash;
  RuleStateId id = find_state({partition, hash, rule});
  if (id == index_none) {
    id = add_rule_state(partition, rule);
    if (starts_.joined(rule) > 0) loaded_late_.push_back({partition, hash, rule});
  }
  RuleState& state = state_at(id);
  for (KeptEvent* event : events) {
    if (event->sequence <= state.touched || clock_us_ - event->time_us > program_.rules[rule].within_us) continue;
    machines_.begin_past(state, event);
  }
  state.touched = std::max(state.touched, events.back()->sequence);
  if (machines_.is_idle(state)) return free_state(partition, id, RunEnd::out_of_time);
  note_state(table, partition, state);
}

}  // namespace omen
