// The whole engine as bytes, and back (state_writer.h).
#include <algorithm>
#include <array>
#include <limits>
#include <tuple>
#include <unordered_map>

#include "runtime/core/engine.h"
#include "runtime/core/key.h"
#include "runtime/core/rule_shape.h"
#include "runtime/core/state_reader.h"
#include "runtime/core/state_writer.h"
#include "runtime/model/link.h"

namespace omen {

namespace {

constexpr int64_t never_us = std::numeric_limits<int64_t>::min();

// In the order of the format; `keys` counts again what is loaded.
constexpr std::array saved_of_rule = {
    &RuleCounters::matches,         &RuleCounters::raised,       &RuleCounters::held_by_cooldown,
    &RuleCounters::held_by_limit,   &RuleCounters::matches_cut,  &RuleCounters::emitted,
    &RuleCounters::emits_refused,   &RuleCounters::runs_started, &RuleCounters::runs_refused,
    &RuleCounters::entries_refused, &RuleCounters::loops_full,   &RuleCounters::resolved,
    &RuleCounters::panes_given_up,  &RuleCounters::keys_evicted,
};
constexpr std::array saved_of_engine = {&EngineCounters::events, &EngineCounters::keys_too_long,
                                        &EngineCounters::history_events_dropped, &EngineCounters::history_keys_dropped};

// What is said of the stream.
struct Head {
  int64_t clock_us = never_us;
  uint64_t sequence = 0, derived = 0;
  bool is_ended = false;
  bool has_starts = false;  // behind the histories
  EngineCounters counters;
};

Head read_head(StateReader& in) {
  Head head;
  if (!in.expect(state_magic)) return head;
  const uint64_t version = in.number();
  in.check(version >= state_version_without_starts && version <= state_version, "it is of another version of Omen");
  head.has_starts = version > state_version_without_starts;
  head.clock_us = in.signed_number();
  in.check(head.clock_us == never_us || (head.clock_us >= -in.time_max_us && head.clock_us <= in.time_max_us),
           "the clock is out of range");
  in.set_clock(head.clock_us);
  head.sequence = in.number_up_to(uint64_t{1} << 57);
  head.derived = in.number_up_to(head.sequence);
  head.is_ended = in.flag();
  for (const auto counter : saved_of_engine) head.counters.*counter = in.number();
  return head;
}

// Of a rule state and of its timers.
constexpr auto place_of = [](const auto& one) { return std::tie(one.rule, one.hash, one.partition); };

}  // namespace

// ---- writing ----

void Engine::save(std::string& out) const {
  const Engine* const whole = this;
  save({&whole, 1}, out);
}

void Engine::save(std::span<const Engine* const> shares, std::string& out) {
  const Engine& first = *shares[0];
  EngineCounters counters;
  uint64_t sequence = 0, derived = 0;
  for (const Engine* share : shares) {
    OMEN_ASSERT(share->matches_.empty() && share->clock_us_ == first.clock_us_);
    sequence = std::max(sequence, share->sequence_);
    derived = std::max(derived, share->derived_);
    counters += share->counters_;
  }
  counters.events = first.counters_.events;  // all have seen the last one
  StateWriter writer(first.captures_, first.clock_us_);
  std::vector<SavedPlaces> places;
  for (const Engine* share : shares) places.push_back(share->places_to_save());
  save_rules(shares, places, writer);
  save_histories(shares, writer);
  save_starts(shares, places, writer);
  ByteWriter head;
  head.append(state_magic);
  head.number(state_version);
  head.signed_number(first.clock_us_);
  head.number(sequence);
  head.number(derived);
  head.byte(first.machines_.measures().is_ended() ? 1 : 0);
  for (const auto counter : saved_of_engine) head.number(counters.*counter);
  writer.finish(out, head);
}

// A table whose rule names its key in several ways has that rule alone, and goes by it. What bound and free rules have
// of one table is the same.
void Engine::save_histories(std::span<const Engine* const> shares, StateWriter& out) {
  const Program& program = shares[0]->program_;
  std::vector<std::vector<const History*>> histories(shares[0]->tables_.size());
  for (const Engine* share : shares) {
    for (size_t i = 0; i < histories.size(); ++i) {
      const History* const history = share->tables_[i].history.get();
      if (history == nullptr) continue;
      if (share->share_.rules == Share::Rules::bound || share->share_.index == 0) histories[i].clear();
      histories[i].push_back(history);
    }
  }
  out.number(static_cast<uint64_t>(std::ranges::count_if(histories, [](const auto& parts) { return !parts.empty(); })));
  for (size_t i = 0; i < histories.size(); ++i) {
    if (histories[i].empty()) continue;
    const Table& table = shares[0]->tables_[i];
    out.number(table.key.size());
    for (FieldId field : table.key) out.text(program.fields[field].text);
    out.text(table.has_routes ? program.rules[table.rules[0]].name : std::string_view());
    const size_t begin = out.open();
    History::save(histories[i], out);
    out.close(begin);
  }
}

// The keys of a share have the hashes between those of the share before it and those of the next: one behind the other
// they are in order.
void Engine::save_rules(std::span<const Engine* const> shares, std::vector<SavedPlaces>& places, StateWriter& out) {
  const Program& program = shares[0]->program_;
  out.number(program.rules.size());
  for (RuleId id = 0; id < program.rules.size(); ++id) {
    const RuleProgram& rule = program.rules[id];
    out.text(rule.name);
    out.text(rule.version);
    out.fixed(shares[0]->shape(id));
    const size_t begin = out.open();
    RuleCounters counters;
    Window window;
    uint64_t keys = 0;
    for (size_t i = 0; i < shares.size(); ++i) {
      counters += shares[i]->rule_counters_[id];
      if (shares[i]->works_for_[id]) window = shares[i]->limit_windows_[id];
      keys += places[i].keys[id];
    }
    for (const auto counter : saved_of_rule) out.number(counters.*counter);
    out.signed_number(rule.limit_per_us);
    out.signed_number(window.number);
    out.number(window.count);
    out.number(keys);
    out.forget_captures();
    for (size_t i = 0; i < shares.size(); ++i) {
      out.use(shares[i]->captures_);
      shares[i]->save_keys(id, places[i], out);
    }
    out.close(begin);
  }
}

// Of ten thousand rules it takes as long as to write their states.
uint64_t Engine::shape(RuleId rule) const {
  shapes_.resize(program_.rules.size());
  if (shapes_[rule] == 0) shapes_[rule] = shape_of(program_.rules[rule], machines_.is_counted(rule));
  return shapes_[rule];
}

Engine::SavedPlaces Engine::places_to_save() const {
  SavedPlaces saved;
  std::vector<SavedPlaces::Place>& places = saved.places;
  for (const Table& table : tables_) {
    table.partitions->for_each([&](PartitionId partition) {
      const Partition& owner = table.partitions->at(partition);
      table.partitions->each_state(partition, [&](RuleId, RuleStateId id) {
        const RuleState& state = state_at(id);
        places.push_back({state.rule, owner.hash, partition, id, state.touched});
        if (!starts_.is_list(state.rule)) return;
        const bool has_late = !starts_.at(starts_.start_of_list(state.rule)).late.empty();
        starts_.each_begun(state, [&](RuleId rule, uint64_t begun) {
          if (has_late && find_state({partition, owner.hash, rule}) != index_none) return;
          places.push_back({rule, owner.hash, partition, index_none, begun});
        });
      });
    });
    table.partitions->for_each_newcomer([&](PartitionId newest) { note_newcomer_places(table, newest, places); });
  }
  std::ranges::sort(places, [&](const SavedPlaces::Place& a, const SavedPlaces::Place& b) {
    if (a.rule != b.rule || a.hash != b.hash) return std::tie(a.rule, a.hash) < std::tie(b.rule, b.hash);
    const KeyTable& partitions = *tables_[table_of(a.rule)].partitions;
    return partitions.key(a.partition) < partitions.key(b.partition);
  });
  saved.keys.resize(starts_.list_of(starts_.size()));
  for (const SavedPlaces::Place& place : places) ++saved.keys[place.rule];
  saved.timers = timers_.all();
  std::ranges::sort(saved.timers, [&](const Timer& a, const Timer& b) {
    return std::tuple_cat(place_of(a), std::tie(a.deadline_us, a.start_sequence, a.route)) <
           std::tuple_cat(place_of(b), std::tie(b.deadline_us, b.start_sequence, b.route));
  });
  return saved;
}

// Rules come in their order.
void Engine::save_keys(RuleId rule, SavedPlaces& saved, StateWriter& out) const {
  for (; saved.next < saved.places.size() && saved.places[saved.next].rule == rule; ++saved.next) {
    const SavedPlaces::Place& place = saved.places[saved.next];
    const RuleState nothing{rule, index_none, index_none, index_none, 0, 0, index_none, place.touched, 0};
    out.text(tables_[table_of_rule_[rule]].partitions->key(place.partition));
    out.number(place.touched);
    machines_.save(out, place.state == index_none ? nothing : state_at(place.state));
    const auto begin_set = std::ranges::lower_bound(saved.timers, place_of(place), {}, place_of);
    const auto end_set = std::ranges::upper_bound(saved.timers, place_of(place), {}, place_of);
    out.number(static_cast<uint64_t>(end_set - begin_set));
    for (auto timer = begin_set; timer != end_set; ++timer) {
      out.time(timer->deadline_us);
      out.number(timer->start_sequence);
      out.number(timer->route);
    }
  }
}

// ---- reading ----

Result<LoadedState> Engine::load(std::string_view bytes, Decoder& decoder, const Rebuilt& rebuilt,
                                 const GivenUp* is_given_up) {
  OMEN_ASSERT(clock_us_ == never_us && counters_.events == 0);
  StateReader in(bytes, program_, captures_, decoder, is_given_up);
  const Head head = read_head(in);
  if (!in.is_ok()) return in.status();
  clock_us_ = head.clock_us;
  sequence_ = head.sequence;
  derived_ = head.derived;
  if (share_.index == 0 && share_.rules != Share::Rules::bound) counters_ = head.counters;
  counters_.events = head.counters.events;
  if (head.is_ended) machines_.measures().end_stream();
  in.read_events();
  LoadedState loaded;
  const std::vector<RuleId> numbers = load_rules(in, loaded, std::vector<bool>(program_.rules.size(), true));
  LoadedState histories = loaded;
  if (!rebuilt.state.empty()) {  // theirs reach as far as any of the same key
    histories.rebuilt = loaded.empty;
    histories.rebuilt.insert(histories.rebuilt.end(), rebuilt.histories.begin(), rebuilt.histories.end());
  }
  load_histories(in, histories);
  if (head.has_starts) load_starts(in, numbers);
  in.check(in.is_at_end(), "there is more than was expected");
  if (!in.is_ok()) return in.status();
  sweeps_.pass(clock_us_);  // what was noted has been paid for long ago
  if (!rebuilt.state.empty()) {
    if (Status taken = load_rebuilt(rebuilt, decoder, loaded, is_given_up); !taken) return taken;
  }
  for (RuleId rule : loaded.empty) {
    if (clock_us_ != never_us) begin_rule(rule, clock_us_);
  }
  return loaded;
}

// What the head says of the stream is known; only the rules that have no state yet, and histories that nobody has.
// Events to come stand behind those of both, whatever has been derived in either.
Status Engine::load_rebuilt(const Rebuilt& rebuilt, Decoder& decoder, LoadedState& loaded, const GivenUp* is_given_up) {
  StateReader in(rebuilt.state, program_, captures_, decoder, is_given_up);
  const Head head = read_head(in);
  in.check(head.clock_us == never_us || head.clock_us == clock_us_, "the rebuilt state is of another time");
  if (!in.is_ok()) return in.status();
  sequence_ = std::max(sequence_, head.sequence);
  derived_ = std::max(derived_, head.derived);
  in.read_events();
  std::vector<bool> wanted(program_.rules.size());
  for (const RuleId rule : loaded.empty) wanted[rule] = true;
  LoadedState made;
  const std::vector<RuleId> numbers = load_rules(in, made, wanted);
  LoadedState histories = made;
  histories.kept.insert(histories.kept.end(), rebuilt.histories.begin(), rebuilt.histories.end());
  load_histories(in, histories);
  if (head.has_starts) load_starts(in, numbers);
  in.check(in.is_at_end(), "there is more than was expected");
  if (!in.is_ok()) return in.status();
  loaded.rebuilt = std::move(made.kept);
  std::erase_if(loaded.empty,
                [&](RuleId rule) { return std::ranges::find(loaded.rebuilt, rule) != loaded.rebuilt.end(); });
  return Status::ok();
}

// tables_.size() when none of the rules that go on asks for it.
uint32_t Engine::table_of_history(StateReader& in, const LoadedState& loaded) const {
  std::vector<std::string_view> key(in.count());
  for (std::string_view& part : key) part = in.text();
  const std::string_view owner = in.text();
  const auto is_it = [&](const Table& table) {
    const auto text = [&](FieldId field) { return std::string_view(program_.fields[field].text); };
    return table.history != nullptr && std::ranges::equal(table.key, key, {}, text) &&
           (table.has_routes ? program_.rules[table.rules[0]].name == owner : owner.empty());
  };
  const auto table = static_cast<uint32_t>(std::ranges::find_if(tables_, is_it) - tables_.begin());
  const bool is_asked = std::ranges::any_of(loaded.kept, [&](RuleId rule) {
    return table_of_rule_[rule] == table && !program_.rules[rule].histories.empty();
  });
  return is_asked ? table : static_cast<uint32_t>(tables_.size());
}

void Engine::load_histories(StateReader& in, const LoadedState& loaded) {
  std::vector<bool> has_history(tables_.size());  // that came with rules before: theirs stays
  for (size_t i = 0; i < tables_.size(); ++i) {
    has_history[i] = tables_[i].history != nullptr && tables_[i].history->keys() > 0;
  }
  for (uint64_t left = in.count(); left > 0 && in.is_ok(); --left) {
    const uint32_t id = table_of_history(in, loaded);
    const bool comes_rebuilt = std::ranges::any_of(loaded.rebuilt, [&](RuleId rule) {
      return table_of_rule_[rule] == id && !program_.rules[rule].histories.empty();
    });
    if (id == tables_.size() || has_history[id] || comes_rebuilt) {
      in.skip();
      continue;
    }
    in.open();
    in.check(tables_[id].history->keys() == 0, "a history is there twice");
    if (in.is_ok()) tables_[id].history->load(in, tables_[id].key.size(), share_);
    in.close();
  }
}

// The rules that go on, by their places in the bytes.
std::vector<RuleId> Engine::load_rules(StateReader& in, LoadedState& loaded, const std::vector<bool>& wanted) {
  std::vector<bool> is_kept(program_.rules.size());
  std::vector<RuleId> numbers;
  std::unordered_map<std::string_view, RuleId> rules;
  for (RuleId id = 0; id < program_.rules.size(); ++id) {
    if (wanted[id] && !is_place_empty(program_.rules[id])) rules.emplace(program_.rules[id].name, id);
  }
  for (uint64_t left = in.count(); left > 0 && in.is_ok(); --left) {
    const std::string_view name = in.text(), version = in.text();
    const uint64_t shape = in.fixed();
    const auto known = rules.find(name);
    const RuleId id = known == rules.end() ? 0 : known->second;
    numbers.push_back(rule_none);
    if (known == rules.end() || program_.rules[id].version != version || this->shape(id) != shape) {
      if (!name.empty()) loaded.gone.emplace_back(name);  // a place may be empty
      in.skip();
      continue;
    }
    if (!in.check(!is_kept[id], "a rule is there twice")) break;
    is_kept[id] = true;
    numbers.back() = id;
    if (!works_for_[id]) {
      in.skip();
      continue;
    }
    in.open();
    load_rule(in, id);
    in.close();
  }
  for (RuleId id = 0; id < program_.rules.size(); ++id) (is_kept[id] ? loaded.kept : loaded.empty).push_back(id);
  return numbers;
}

void Engine::load_rule(StateReader& in, RuleId id) {
  const RuleProgram& rule = program_.rules[id];
  for (const auto counter : saved_of_rule) {
    const uint64_t count = in.number();
    if (share_.index == 0) rule_counters_[id].*counter = count;  // one has what all have counted together
  }
  const int64_t limit_per_us = in.signed_number(), number = in.signed_number();
  const auto count = static_cast<uint32_t>(in.number_up_to(UINT32_MAX));
  if (limit_per_us == rule.limit_per_us) limit_windows_[id] = {number, std::min(count, rule.limit_count)};
  in.forget_captures();
  constexpr uint64_t least_state_bytes = 4;
  for (uint64_t left = in.count(least_state_bytes); left > 0 && in.is_ok(); --left) load_rule_state(in, id);
}

void Engine::load_rule_state(StateReader& in, RuleId rule) {
  const uint32_t table = table_of_rule_[rule];
  const std::string_view key = in.text();
  const uint64_t touched = in.number_up_to(sequence_);
  if (!in.check(is_key(key, tables_[table].key.size()), "a rule has no such key")) return;
  const uint32_t hash = KeyTable::hash(key);
  const bool is_ours = share_.owns(hash);
  const PartitionId partition = partition_of(table, key, hash);
  if (!in.check(find_state({partition, hash, rule}) == index_none, "a key is there twice")) return;
  RuleState& state = state_at(add_rule_state(partition, rule));
  state.touched = touched;
  if (starts_.joined(rule) > 0) loaded_late_.push_back({partition, hash, rule});
  machines_.load(in, state, clock_us_);
  constexpr uint64_t least_timer_bytes = 3;
  for (uint64_t left = in.count(least_timer_bytes); left > 0 && in.is_ok(); --left) {
    Timer timer{in.time(), in.number(), rule, partition, hash, 0};
    timer.route = static_cast<uint32_t>(in.number_up_to(31));
    // An evaluation sets the next one: from long ago it would be a long way.
    in.check(!program_.rules[rule].measures || timer.deadline_us >= clock_us_,
             "an evaluation is from before the clock");
    if (in.is_ok() && is_ours) timers_.set(timer);
  }
  if (!in.is_ok()) return;
  if (is_ours) return note_state(table, partition, state);
  free_state(partition, find_state({partition, hash, rule}), RunEnd::limit);
  free_partition_if_empty(table, partition);
}

}  // namespace omen
