#include "runtime/core/engine.h"

#include <algorithm>
#include <new>

#include "runtime/core/key.h"
#include "runtime/model/status.h"

namespace omen {

namespace {

constexpr size_t swept_per_event = 16;  // for the time that has passed; and first events of newcomers that are over
// Of a key, at most: more would not stay in the cache until their event comes.
constexpr int states_ahead = 32;
constexpr size_t keys_between = 6;  // steps of asking for one key's memory

bool takes_type(const StepProgram& step, TypeId type, bool is_derived) {
  if (step.types.empty()) return !is_derived;
  return std::ranges::find(step.types, type) != step.types.end();
}

std::vector<bool> rules_of(const Share& share, const Program& program) {
  if (share.rules == Share::Rules::all) return std::vector<bool>(program.rules.size(), true);
  std::vector<bool> rules = bound_rules(program);
  if (share.rules == Share::Rules::free) rules.flip();
  return rules;
}

}  // namespace

Engine::Engine(const Program& program, const Limits& limits, bool only_counts, const Share& share)
    : program_(program),
      limits_(limits),
      only_counts_(only_counts),
      share_(share),
      works_for_(rules_of(share, program)),
      prepared_(std::make_unique<Prepared>(program)),
      captures_(program),
      rule_counters_(program.rules.size()),
      machines_(program_, *prepared_, limits_, captures_, words_, timers_, rule_counters_, only_counts),
      table_of_rule_(build_tables()),
      starts_(program, works_for_, table_of_rule_, captures_, words_, key_blocks_),
      clock_us_(std::numeric_limits<int64_t>::min()),
      stepped_at_(program.rules.size(), 0),
      lists_seen_(starts_.size()),
      sharing_seen_(starts_.empty() ? 0 : program.rules.size()),
      limit_windows_(program.rules.size()),
      oldest_(starts_.list_of(starts_.size())) {
  has_runs_.assign(oldest_.size(), false);
  for (RuleId rule = 0; rule < program.rules.size(); ++rule) {
    has_runs_[rule] = program.rules[rule].machine == Machine::runs;
  }
  build_histories();
  build_interests(false, interests_);
  build_interests(true, derived_interests_);
  note_seen_types();
  admit_newcomers();
  prepare_emits();
  prepare_violations();
}

Engine::~Engine() { clear_matches(); }

// ---- what goes where, decided once ----

bool Engine::cares_for(const RuleProgram& rule, TypeId type, bool is_derived) {
  return (rule.sees_all_types && !is_derived) ||
         std::ranges::any_of(rule.steps, [&](const StepProgram& step) { return takes_type(step, type, is_derived); });
}

std::vector<uint32_t> Engine::build_tables() {
  std::vector<uint32_t> table_of_rule(program_.rules.size());
  for (RuleId rule = 0; rule < program_.rules.size(); ++rule) table_of_rule[rule] = add_to_table(rule);
  for (Table& table : tables_) {
    const bool has_lists =
        std::ranges::any_of(table.rules, [&](RuleId rule) { return program_.rules[rule].shares_start; });
    if (!has_lists) table.partitions->make_room(rule_state_words);
  }
  return table_of_rule;
}

uint32_t Engine::add_to_table(RuleId rule) {
  const std::vector<Route>& routes = program_.rules[rule].routes;
  uint32_t table = 0;
  while (table < tables_.size() &&
         (routes.size() > 1 || tables_[table].has_routes || tables_[table].key != routes[0].key)) {
    ++table;
  }
  if (table == tables_.size()) {
    auto& added = tables_.emplace_back();
    added.key = routes[0].key;
    added.has_routes = routes.size() > 1;
    added.partitions = std::make_unique<KeyTable>(words_, key_blocks_, captures_);
    added.partitions->make_rows_from(program_.state_rows_from);
    added.partitions->make_room(start_list_words);  // unless its rules have no lists, as build_tables() may know
  }
  tables_[table].rules.insert(std::ranges::upper_bound(tables_[table].rules, rule), rule);
  return table;
}

// As far back as any rule of the table asks, whoever works for it: what engines that share a stream have of a key is
// the same.
void Engine::build_histories() {
  for (Table& table : tables_) {
    int64_t back_us = -1;
    bool is_asked = false;
    for (RuleId rule : table.rules) {
      is_asked |= works_for_[rule] && !program_.rules[rule].histories.empty();
      for (uint32_t history : program_.rules[rule].histories) {
        back_us = std::max(back_us, program_.code.histories_us[history]);
      }
    }
    if (!is_asked) continue;
    table.history = std::make_unique<History>(back_us, limits_, captures_, words_, key_blocks_, counters_);
    has_histories_ = true;
  }
}

void Engine::build_interests(bool is_derived, std::vector<std::vector<Interest>>& interests) const {
  interests.resize(program_.types.size());
  for (TypeId type = 0; type < program_.types.size(); ++type) build_interests_of(type, is_derived, interests[type]);
}

void Engine::build_interests_of(TypeId type, bool is_derived, std::vector<Interest>& interests) const {
  interests.clear();
  for (const Table& table : tables_) {
    for (RuleId rule : table.rules) add_interest(type, is_derived, interests, rule);
  }
}

// Rules come in their order. Of a table the first one makes the interest.
void Engine::add_interest(TypeId type, bool is_derived, std::vector<Interest>& interests, RuleId rule) const {
  if (!works_for_[rule] || !cares_for(program_.rules[rule], type, is_derived)) return;
  const uint32_t table = table_of_rule_[rule];
  auto interest = std::ranges::lower_bound(interests, table, {}, &Interest::table);
  if (interest == interests.end() || interest->table != table) {
    interest = interests.insert(interest, Interest());
    interest->table = table;
    interest->cares.resize(program_.rules.size());
    if (tables_[table].has_routes) {
      const std::vector<Route>& routes = program_.rules[rule].routes;
      for (uint8_t route = 0; route < routes.size(); ++route) {
        const std::vector<TypeId>& types = routes[route].types;
        if (types.empty() || std::ranges::find(types, type) != types.end()) interest->routes.push_back(route);
      }
    }
  }
  interest->cares[rule] = true;
  if (starts_.start_of(rule) == start_none) {
    build_starts(type, is_derived, *interest, rule);
  } else {
    build_followers(type, is_derived, *interest, rule);
  }
}

void Engine::note_seen_types() {
  is_seen_.resize(interests_.size());
  for (TypeId type = 0; type < is_seen_.size(); ++type) {
    is_seen_[type] = has_histories_ || !interests_[type].empty() ? 1 : 0;
  }
}

// A rule is looked at when one of the predicates that its first step (or a leading absence) asks holds; a step without
// a shared predicate makes that every time.
void Engine::build_starts(TypeId type, bool is_derived, Interest& interest, RuleId id) const {
  const RuleProgram& rule = program_.rules[id];
  std::vector<PredicateId> asked;
  auto ask = [&](StepId step_id) {
    const StepProgram& step = rule.steps[step_id];
    if (!takes_type(step, type, is_derived)) return;
    const PredicateId predicate = step.is_shared ? step.predicate : predicate_none;
    if (std::ranges::find(asked, predicate) == asked.end()) asked.push_back(predicate);
  };
  for (StateId initial : rule.initial) {
    for (const Transition& way : rule.states[initial].transitions) ask(way.step);
  }
  for (const AbsenceProgram& absence : rule.leading) std::ranges::for_each(absence.steps, ask);
  if (rule.measures) {
    for (const SeriesProgram& series : rule.measures->series) ask(series.step);
  }
  if (std::ranges::find(asked, predicate_none) != asked.end()) asked = {predicate_none};
  for (PredicateId predicate : asked) {
    auto group = std::ranges::find(interest.starts, predicate, &Starts::predicate);
    if (group == interest.starts.end()) group = interest.starts.insert(group, Starts{predicate, {}});
    group->rules.push_back(id);
  }
}

// ---- one event ----

void Engine::take(const Event& event) {
  OMEN_ASSERT(event.time_us >= clock_us_ || event.is_derived);
  if (event.time_us > clock_us_) pass_time(event.time_us);
  // At each event, not only when the clock moves: a whole batch may have one time, and must free as much as it makes.
  if (!event.is_derived) {
    if (sweeps_.is_due(clock_us_)) {
      sweep(sweeps_.take_allowance(clock_us_, swept_per_event));
    } else {
      sweeps_.pass(clock_us_);
    }
    if (newcomers_due_us_ < clock_us_) let_newcomers_go(swept_per_event);
  }
  const size_t first_match = matches_.size();
  if (event.is_derived) {
    see_derived(event);
  } else {
    number(event);
    if (event.is_broken) [[unlikely]]
      return step_broken(event);
    see_received(event);
  }
  if (matches_.size() > first_match) emit_from(first_match);
}

void Engine::see_received(const Event& event) {
  const std::vector<Interest>& interests = interests_[event.type];
  if (interests.empty() && !has_histories_) return;
  const Foreseen* const keys = foreseen_keys(event);
  if (derived_ == 0) return see(event, interests, keys);
  Event numbered = event;
  numbered.sequence = sequence_;
  numbered.derived_so_far = derived_;
  see(numbered, interests, keys);
}

void Engine::pass_time(int64_t time_us) {
  if (clock_us_ == std::numeric_limits<int64_t>::min()) begin_stream(time_us);
  if (!timers_.empty() && timers_.earliest().deadline_us < time_us) meet_deadlines(time_us - 1);
  clock_us_ = time_us;
}

// `keys` are those that prefetch() has of the event, if it has them.
void Engine::see(const Event& event, const std::vector<Interest>& interests, const Foreseen* keys) {
  present().begin(event);
  if (has_histories_ && !event.is_derived) remember(event);
  const size_t matches_begin = matches_.size();
  for (const Interest& interest : interests) {
    const Table& table = tables_[interest.table];
    if (table.has_routes) {
      visit_routes(interest, event);
      continue;
    }
    const Foreseen* const foreseen = keys != nullptr ? keys++ : nullptr;
    if (foreseen != nullptr && !foreseen->text.empty()) {
      if (share_.owns(foreseen->hash)) visit(interest, 1, foreseen->text, foreseen->hash);
      continue;
    }
    bool is_too_long = false;
    const std::optional<std::string_view> key = read_key(table.key, event, key_, is_too_long);
    counters_.keys_too_long += is_too_long && share_.index == 0 ? 1 : 0;
    if (!key) continue;
    const uint32_t hash = foreseen != nullptr ? foreseen->hash : KeyTable::hash(*key);
    if (share_.owns(hash)) visit(interest, 1, *key, hash);
  }
  if (matches_.size() > matches_begin + 1) sort_matches(matches_begin);
  present().end();
}

void Engine::prefetch(std::span<const Event> events) {
  coming_ = events;
  listed_ = {};
  prefetch_keys(events.size(), [&](size_t i) -> const Event& { return events[i]; });
}

void Engine::prefetch(std::span<const Event* const> events) {
  coming_ = {};
  listed_ = events;
  next_listed_ = 0;
  prefetch_keys(events.size(), [&](size_t i) -> const Event& { return *events[i]; });
}

// Each step asks for the memory that the next one reads: the key's place in its table, the partition that stands there,
// its rule states one by one, and their newest runs. So that it has come by then, a step is made of a key when some
// others have had the one before. Of a key with a row of states see prefetch_rows().
template <typename At>
void Engine::prefetch_keys(size_t count, const At& at) {
  foreseen_.clear();
  first_key_.resize(count);
  lookups_.clear();
  rows_.clear();
  size_t asked = 0, found = 0, states = 0;  // keys of which these steps have been made; those found stand first
  const auto look_for_partitions = [&](size_t end) {
    for (; asked < end; ++asked) {
      const Lookup lookup = lookups_[asked];
      const PartitionId partition = lookup.table->prefetch_partition(lookup.hash);
      if (partition == index_none) continue;
      lookups_[found] = lookup;
      lookups_[found++].partition = partition;
    }
  };
  const auto look_for_states = [&](size_t end) {
    for (; states < end; ++states) {
      Lookup& lookup = lookups_[states];
      if (const StateRow* const row = lookup.table->row(lookup.partition); row != nullptr) {
        __builtin_prefetch(row);
        rows_.emplace_back(row, lookup.interest);
        continue;
      }
      lookup.state = lookup.table->at(lookup.partition).first;
      if (lookup.state != index_none) prefetch_state(lookup.state);
    }
  };
  for (size_t i = 0; i < count; ++i) {
    const Event& event = at(i);
    first_key_[i] = static_cast<uint32_t>(foreseen_.size());
    for (const Interest& interest : interests_[event.type]) {
      const Table& table = tables_[interest.table];
      if (table.has_routes) continue;
      const std::string_view text = text_key(table.key, event);
      const uint32_t hash = text.empty() ? hash_of_key(table, event) : KeyTable::hash(text);
      foreseen_.push_back({text, hash});
      if (!share_.owns(hash)) continue;
      table.partitions->prefetch(hash);
      lookups_.push_back({table.partitions.get(), &interest, hash, index_none, index_none});
      look_for_partitions(lookups_.size() - std::min(lookups_.size(), keys_between));
      look_for_states(found - std::min(found, keys_between));
    }
  }
  look_for_partitions(lookups_.size());
  lookups_.resize(found);
  look_for_states(found);
  prefetch_rows();
  for (int round = 0; round < states_ahead; ++round) {
    std::erase_if(lookups_, [](const Lookup& lookup) { return lookup.state == index_none; });
    if (lookups_.empty()) return;
    for (Lookup& lookup : lookups_) {
      const RuleState& state = state_at(lookup.state);
      if (state.last != index_none && has_runs_[state.rule]) __builtin_prefetch(words_.at(state.last));
      lookup.state = state.next;
      if (lookup.state != index_none) prefetch_state(lookup.state);
    }
  }
}

// Of keys with many states those that the events concern: lists of starts, and states of rules that care.
void Engine::prefetch_rows() {
  for (const auto& [row, interest] : rows_) row->prefetch_all();
  wanted_.clear();
  const auto want = [&](RuleStateId id) {
    if (id == index_none) return;
    prefetch_state(id);
    wanted_.push_back(id);
  };
  for (const auto& coming : rows_) {
    const StateRow* const row = coming.first;
    const Interest* const interest = coming.second;
    for (const StartId start : interest->shared_starts) want(row->find(starts_.list_of(start)));
    for (const Followers& followers : interest->followers) want(row->find(starts_.list_of(followers.start)));
    const size_t wanted_most = wanted_.size() + states_ahead;
    row->for_each([&](RuleId rule, RuleStateId id) {
      if (!starts_.is_list(rule) && interest->cares[rule] && wanted_.size() < wanted_most) want(id);
    });
  }
  for (const RuleStateId id : wanted_) {
    const RuleState& state = state_at(id);
    if (starts_.is_list(state.rule)) {
      starts_.prefetch_ends(state);
    } else if (state.last != index_none && has_runs_[state.rule]) {
      __builtin_prefetch(words_.at(state.last));
    }
  }
}

uint32_t Engine::hash_of_key(const Table& table, const Event& event) {
  bool is_too_long = false;
  const std::optional<std::string_view> key = read_key(table.key, event, key_, is_too_long);
  return key ? KeyTable::hash(*key) : 0;
}

// Those that prefetch() has of the event, if it has them.
const Engine::Foreseen* Engine::foreseen_keys(const Event& event) {
  if (&event >= coming_.data() && &event < coming_.data() + coming_.size()) {
    return foreseen_.data() + first_key_[static_cast<size_t>(&event - coming_.data())];
  }
  while (next_listed_ < listed_.size() && listed_[next_listed_] != &event) ++next_listed_;
  return next_listed_ < listed_.size() ? foreseen_.data() + first_key_[next_listed_] : nullptr;
}

uint64_t Engine::sharers(const Event& event, std::string& scratch) const {
  constexpr uint64_t all = ~uint64_t{0};
  if (has_histories_ || event.is_broken) return all;
  uint64_t sharers = 0;
  for (const Interest& interest : interests_[event.type]) {
    const Table& table = tables_[interest.table];
    if (table.has_routes) return all;
    bool is_too_long = false;
    const std::optional<std::string_view> key = read_key(table.key, event, scratch, is_too_long);
    if (key) sharers |= uint64_t{1} << share_.owner(KeyTable::hash(*key));
    if (is_too_long) sharers |= 1;  // who counts it
  }
  return sharers;
}

// An event of any type is part of its key's history, before any rule looks at it.
void Engine::remember(const Event& event) {
  for (Table& table : tables_) {
    if (table.history == nullptr) continue;
    if (table.has_routes) {
      remember_routes(table, event);
      continue;
    }
    bool is_too_long = false;
    const std::optional<std::string_view> key = read_key(table.key, event, key_, is_too_long);
    if (key && share_.owns(KeyTable::hash(*key))) table.history->add(*key, present().kept());
  }
}

void Engine::remember_routes(Table& table, const Event& event) {
  const std::vector<Route>& routes = program_.rules[table.rules[0]].routes;
  route_keys_.resize(routes.size());
  route_views_.clear();
  for (size_t i = 0; i < routes.size(); ++i) {
    if (!routes[i].types.empty() && std::ranges::find(routes[i].types, event.type) == routes[i].types.end()) continue;
    bool is_too_long = false;
    const std::optional<std::string_view> key = read_key(routes[i].key, event, route_keys_[i], is_too_long);
    if (!key || std::ranges::find(route_views_, *key) != route_views_.end()) continue;
    if (!share_.owns(KeyTable::hash(*key))) continue;
    table.history->add(*key, present().kept());
    route_views_.push_back(*key);
  }
}

void Engine::visit(const Interest& interest, uint32_t routes, std::string_view key, uint32_t hash) {
  KeyTable& table = *tables_[interest.table].partitions;
  PartitionId partition = table.find(key, hash);
  if (partition == index_none && interest.starts.empty() && interest.shared_starts.empty()) return;
  set_key(interest.table, key);
  const bool is_newcomer = Newcomers::is_newcomer(partition);
  if (interest.admits_newcomers && (is_newcomer || partition == index_none) &&
      stays_new(interest, partition, key, hash)) {
    return;
  }
  if (is_newcomer) partition = settle(interest.table, partition);
  ++visit_number_;
  added_.clear();
  stepped_sharing_.clear();
  if (partition != index_none) {
    step_states(interest, partition, routes);
    if (!starts_.empty()) step_sharing(interest, partition, routes);
  }
  for (const Starts& starts : interest.starts) {
    if (starts.predicate != predicate_none && !present().shared_holds(starts.predicate)) continue;
    for (RuleId rule : starts.rules) {
      if (stepped_at_[rule] == visit_number_) continue;
      stepped_at_[rule] = visit_number_;
      if (!machines_.may_begin(rule, routes)) continue;
      if (partition == index_none) partition = table.add(key, hash);
      step_rule(interest.table, partition, add_rule_state(partition, rule), routes);
      added_.push_back(rule);
    }
  }
  for (StartId start : interest.shared_starts) {
    const PredicateId predicate = starts_.at(start).predicate;
    if (predicate != predicate_none && !present().shared_holds(predicate)) continue;
    if (partition == index_none) partition = table.add(key, hash);
    add_start(partition, start);
  }
  if (partition != index_none) free_partition_if_empty(interest.table, partition);
  for (RuleId rule : added_) enforce_limits(rule);
}

// Those of rules that share their start wait until all states have been seen. Of a key with a row no memory is read of
// those that the event does not concern.
void Engine::step_states(const Interest& interest, PartitionId partition, uint32_t routes) {
  to_step_.clear();
  to_step_first_.clear();
  tables_[interest.table].partitions->each_state(partition, [&](RuleId rule, RuleStateId id) {
    if (starts_.is_list(rule)) {
      lists_seen_[starts_.start_of_list(rule)] = {visit_number_, id};
    } else if (interest.cares[rule]) {
      if (starts_.start_of(rule) == start_none) {
        stepped_at_[rule] = visit_number_;
        to_step_first_.push_back(id);
      } else {
        sharing_seen_[rule] = {visit_number_, id};
        if (state_at(id).first != index_none) to_step_.push_back(id);
      }
    }
  });
  for (const RuleStateId id : to_step_first_) step_rule(interest.table, partition, id, routes);
}

// A rule whose steps name the key in several ways sees the event once under each different key, by all the routes
// that give it.
void Engine::visit_routes(const Interest& interest, const Event& event) {
  const std::vector<Route>& routes = program_.rules[tables_[interest.table].rules[0]].routes;
  route_keys_.resize(routes.size());
  route_views_.resize(routes.size());
  uint32_t open = 0;
  for (uint8_t route : interest.routes) {
    bool is_too_long = false;
    const std::optional<std::string_view> key = read_key(routes[route].key, event, route_keys_[route], is_too_long);
    counters_.keys_too_long += is_too_long && share_.index == 0 ? 1 : 0;
    if (!key) continue;
    route_views_[route] = *key;
    open |= 1u << route;
  }
  for (uint8_t route : interest.routes) {
    if ((open >> route & 1) == 0) continue;
    uint32_t same = 0;
    for (uint8_t other : interest.routes) {
      if ((open >> other & 1) != 0 && route_views_[other] == route_views_[route]) same |= 1u << other;
    }
    open &= ~same;
    const uint32_t hash = KeyTable::hash(route_views_[route]);
    if (!share_.owns(hash)) continue;
    if (place_.deadline_us == INT64_MAX) place_.route = route;
    visit(interest, same, route_views_[route], hash);
    if (place_.deadline_us == INT64_MAX) place_.route = 0;
  }
}

void Engine::set_key(uint32_t table, std::string_view key) {
  const size_t parts = tables_[table].key.size();
  if (key_values_.size() != parts) key_values_.resize(parts);
  if (parts == 1) {
    key_values_[0] = Value::of_text(key);
  } else if (parts > 0) {
    Value* next = key_values_.data();
    for_each_key_part(key, parts, [&](std::string_view part) { *next++ = Value::of_text(part); });
  }
  present().set_key(key_values_);
  present().set_history(tables_[table].history.get(), key);
}

RuleStateId Engine::add_rule_state(PartitionId partition, RuleId rule) {
  const RuleStateId id = tables_[table_of(rule)].partitions->take_state(partition, state_words(rule));
  auto* state = new (words_.at(id)) RuleState{rule, index_none, index_none, index_none, 0, 0, index_none, 0, 0};
  tables_[table_of(rule)].partitions->link_state(partition, id);
  if (starts_.is_list(rule)) {
    starts_.init(*state);
    ++starts_.at(starts_.start_of_list(rule)).keys;
  } else {
    machines_.init(*state);
    ++rule_counters_[rule].keys;
  }
  return id;
}

// `list` are the starts of a rule that shares them.
void Engine::step_rule(uint32_t table, PartitionId partition, RuleStateId id, uint32_t routes, RuleStateId list) {
  RuleState& state = state_at(id);
  if (list != index_none) begin_starts(state, list);
  completions_.clear();
  machines_.step(state, partition, routes, completions_);
  if (!completions_.empty()) take_completions(state, tables_[table].partitions->key(partition));
  free_or_note(table, partition, id, list);
}

// A sweep will look at a state that nothing can come of after some time.
void Engine::note_state(uint32_t table, PartitionId partition, RuleState& state) {
  if (state.noted != 0) return;
  const int64_t until_us = alive_until(state);
  if (until_us == time_unbounded) return;
  state.noted =
      sweeps_.note({partition, tables_[table].partitions->at(partition).hash, state.rule}, until_us, clock_us_);
}

}  // namespace omen
