#include "runtime/core/engine.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "runtime/model/status.h"

namespace omen {

namespace {

constexpr uint32_t rule_state_words = sizeof(RuleState) / sizeof(uint64_t);
constexpr size_t sweep_states_per_event = 64;
constexpr size_t oldest_remembered = 1024;

bool names_type(const StepProgram& step, TypeId type) {
  return step.types.empty() || std::ranges::find(step.types, type) != step.types.end();
}

bool cares_for(const RuleProgram& rule, TypeId type) {
  return rule.sees_all_types ||
         std::ranges::any_of(rule.steps, [&](const StepProgram& step) { return names_type(step, type); });
}

// A key of one part is its text; of several, each part's text behind its size in two bytes.
void append_key_part(std::string& out, std::string_view part) {
  const auto size = static_cast<uint16_t>(part.size());
  out.append(reinterpret_cast<const char*>(&size), sizeof(size));
  out.append(part);
}

template <typename Take>
void for_each_key_part(std::string_view key, size_t parts, Take take) {
  if (parts == 1) {
    take(key);
    return;
  }
  while (parts-- > 0) {
    uint16_t size = 0;
    std::memcpy(&size, key.data(), sizeof(size));
    take(key.substr(sizeof(size), size));
    key.remove_prefix(sizeof(size) + size);
  }
}

}  // namespace

Engine::Engine(const Program& program, const Limits& limits)
    : program_(program),
      limits_(limits),
      prepared_(std::make_unique<Prepared>(program)),
      captures_(program),
      rule_counters_(program.rules.size()),
      matcher_(program_, *prepared_, limits_, captures_, words_, timers_, rule_counters_),
      clock_us_(std::numeric_limits<int64_t>::min()),
      stepped_at_(program.rules.size(), 0),
      limit_windows_(program.rules.size()),
      oldest_(program.rules.size()) {
  build_tables();
  build_interests();
}

Engine::~Engine() { clear_matches(); }

// ---- what goes where, decided once ----

void Engine::build_tables() {
  table_of_rule_.resize(program_.rules.size());
  for (RuleId rule = 0; rule < program_.rules.size(); ++rule) {
    const std::vector<Route>& routes = program_.rules[rule].routes;
    uint32_t table = 0;
    while (table < tables_.size() &&
           (routes.size() > 1 || tables_[table].has_routes || tables_[table].key != routes[0].key)) {
      ++table;
    }
    if (table == tables_.size()) {
      tables_.push_back({routes[0].key, routes.size() > 1, {}, std::make_unique<KeyTable>(words_, key_blocks_)});
    }
    tables_[table].rules.push_back(rule);
    table_of_rule_[rule] = table;
  }
}

void Engine::build_interests() {
  interests_.resize(program_.types.size());
  for (TypeId type = 0; type < program_.types.size(); ++type) {
    for (uint32_t table = 0; table < tables_.size(); ++table) {
      Interest interest;
      interest.table = table;
      interest.cares.resize(program_.rules.size());
      bool any = false;
      for (RuleId rule : tables_[table].rules) {
        if (!cares_for(program_.rules[rule], type)) continue;
        any = true;
        interest.cares[rule] = true;
        build_starts(type, interest, rule);
      }
      if (!any) continue;
      if (tables_[table].has_routes) {
        const std::vector<Route>& routes = program_.rules[tables_[table].rules[0]].routes;
        for (uint8_t route = 0; route < routes.size(); ++route) {
          const std::vector<TypeId>& types = routes[route].types;
          if (types.empty() || std::ranges::find(types, type) != types.end()) interest.routes.push_back(route);
        }
      }
      interests_[type].push_back(std::move(interest));
    }
  }
}

// A rule is looked at when one of the predicates that its first step (or a leading absence) asks holds; a step without
// a shared predicate makes that every time.
void Engine::build_starts(TypeId type, Interest& interest, RuleId id) const {
  const RuleProgram& rule = program_.rules[id];
  std::vector<PredicateId> asked;
  auto ask = [&](StepId step_id) {
    const StepProgram& step = rule.steps[step_id];
    if (!names_type(step, type)) return;
    const PredicateId predicate = step.is_shared ? step.predicate : predicate_none;
    if (std::ranges::find(asked, predicate) == asked.end()) asked.push_back(predicate);
  };
  for (StateId initial : rule.initial) {
    for (const Transition& way : rule.states[initial].transitions) ask(way.step);
  }
  for (const AbsenceProgram& absence : rule.leading) std::ranges::for_each(absence.steps, ask);
  if (std::ranges::find(asked, predicate_none) != asked.end()) asked = {predicate_none};
  for (PredicateId predicate : asked) {
    auto group = std::ranges::find(interest.starts, predicate, &Starts::predicate);
    if (group == interest.starts.end()) group = interest.starts.insert(group, Starts{predicate, {}});
    group->rules.push_back(id);
  }
}

// ---- one event ----

void Engine::step(const Event& event) {
  OMEN_ASSERT(event.time_us >= clock_us_);
  if (event.time_us > clock_us_) {
    if (!timers_.empty() && timers_.earliest().deadline_us < event.time_us) meet_deadlines(event.time_us - 1);
    clock_us_ = event.time_us;
    if (!sweeps_.empty() && sweeps_.begin()->first < clock_us_) sweep(sweep_states_per_event);
  }
  ++counters_.events;
  const std::vector<Interest>& interests = interests_[event.type];
  if (interests.empty()) return;
  matcher_.set_event(event);
  const size_t matches_begin = matches_.size();
  const bool is_foreseen = &event >= coming_.data() && &event < coming_.data() + coming_.size();
  uint32_t hashes = is_foreseen ? first_hash_[static_cast<size_t>(&event - coming_.data())] : 0;
  for (const Interest& interest : interests) {
    const Table& table = tables_[interest.table];
    if (table.has_routes) {
      visit_routes(interest, event);
      continue;
    }
    const uint32_t foreseen = is_foreseen ? hashes_[hashes++] : 0;
    bool is_too_long = false;
    const std::optional<std::string_view> key = read_key(table.key, event, key_, is_too_long);
    counters_.keys_too_long += is_too_long ? 1 : 0;
    if (key) visit(interest, 1, *key, is_foreseen ? foreseen : KeyTable::hash(*key));
  }
  sort_matches(matches_begin);
  matcher_.end_event();
}

// Three rounds over the events, each asking for the memory that the next one reads: the key's place in its table, the
// partition that stands there, its first rule state.
void Engine::prefetch(std::span<const Event> events) {
  coming_ = events;
  hashes_.clear();
  first_hash_.clear();
  auto for_each_lookup = [&](auto&& act) {
    size_t next = 0;
    for (const Event& event : events) {
      for (const Interest& interest : interests_[event.type]) {
        if (!tables_[interest.table].has_routes) act(*tables_[interest.table].partitions, hashes_[next++]);
      }
    }
  };
  for (const Event& event : events) {
    first_hash_.push_back(static_cast<uint32_t>(hashes_.size()));
    for (const Interest& interest : interests_[event.type]) {
      const Table& table = tables_[interest.table];
      if (table.has_routes) continue;
      bool is_too_long = false;
      const std::optional<std::string_view> key = read_key(table.key, event, key_, is_too_long);
      hashes_.push_back(key ? KeyTable::hash(*key) : 0);
      table.partitions->prefetch(hashes_.back());
    }
  }
  for_each_lookup([](const KeyTable& table, uint32_t hash) { table.prefetch_partition(hash); });
  for_each_lookup([](const KeyTable& table, uint32_t hash) { table.prefetch_rule_state(hash); });
}

// The key's text; a text of one part stands in the event itself, all others in `buffer`. Nothing when the event has no
// key, or one that is too long.
std::optional<std::string_view> Engine::read_key(const std::vector<FieldId>& fields, const Event& event,
                                                 std::string& buffer, bool& is_too_long) {
  buffer.clear();
  for (FieldId field : fields) {
    const Value& value = event.fields[field];
    if (value.is_missing() || (value.kind == Kind::text && value.size == 0)) return std::nullopt;
    if (value.has_bytes() && value.size > key_bytes_max) {
      is_too_long = true;
      return std::nullopt;
    }
    if (fields.size() == 1) {
      if (value.has_bytes()) return value.bytes();
      append_text(buffer, value);
    } else {
      const size_t begin = buffer.size();
      append_key_part(buffer, {});
      append_text(buffer, value);
      const auto size = static_cast<uint16_t>(buffer.size() - begin - sizeof(uint16_t));
      std::memcpy(buffer.data() + begin, &size, sizeof(size));
    }
  }
  return buffer;
}

void Engine::visit(const Interest& interest, uint32_t routes, std::string_view key, uint32_t hash) {
  KeyTable& table = *tables_[interest.table].partitions;
  PartitionId partition = table.find(key, hash);
  if (partition == index_none && interest.starts.empty()) return;
  ++visit_number_;
  set_key_values(interest.table, key);
  if (partition != index_none) {
    for (RuleStateId id = table.at(partition).first; id != index_none;) {
      const RuleState& state = state_at(id);
      const RuleStateId next = state.next;
      if (interest.cares[state.rule]) {
        stepped_at_[state.rule] = visit_number_;
        step_rule(interest.table, partition, id, routes);
      }
      id = next;
    }
  }
  for (const Starts& starts : interest.starts) {
    if (starts.predicate != predicate_none && !matcher_.shared_holds(starts.predicate)) continue;
    for (RuleId rule : starts.rules) {
      if (stepped_at_[rule] == visit_number_) continue;
      stepped_at_[rule] = visit_number_;
      if (!matcher_.may_start(rule, routes, key_values_) && !matcher_.remembers(rule, routes)) continue;
      if (partition == index_none) partition = table.find_or_add(key, hash);
      step_rule(interest.table, partition, add_rule_state(partition, rule), routes);
      enforce_limits(rule);
      if (!table.contains(partition, hash)) partition = index_none;
    }
  }
  if (partition != index_none) free_partition_if_empty(interest.table, partition);
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
    counters_.keys_too_long += is_too_long ? 1 : 0;
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
    visit(interest, same, route_views_[route], KeyTable::hash(route_views_[route]));
    open &= ~same;
  }
}

void Engine::set_key_values(uint32_t table, std::string_view key) {
  key_values_.clear();
  const size_t parts = tables_[table].key.size();
  if (parts == 0) return;
  for_each_key_part(key, parts, [&](std::string_view part) { key_values_.push_back(Value::of_text(part)); });
}

RuleStateId Engine::add_rule_state(PartitionId partition, RuleId rule) {
  const RuleStateId id = words_.take(rule_state_words);
  Partition& owner = *static_cast<Partition*>(words_.at(partition));
  auto* state = new (words_.at(id)) RuleState{rule, owner.first, index_none, index_none, 0, 0, index_none, 0};
  matcher_.init_memory(*state);
  owner.first = id;
  ++rule_counters_[rule].keys;
  return id;
}

void Engine::step_rule(uint32_t table, PartitionId partition, RuleStateId id, uint32_t routes) {
  RuleState& state = state_at(id);
  completions_.clear();
  matcher_.step(state, partition, routes, key_values_, completions_);
  if (!completions_.empty()) take_completions(state, tables_[table].partitions->key(partition));
  if (is_idle(state)) {
    free_state(partition, id);
  } else if (!state.is_noted) {
    const int64_t until_us = matcher_.alive_until(state);
    if (until_us != time_unbounded) {
      state.is_noted = 1;
      note_for_sweep({table, partition, tables_[table].partitions->at(partition).hash, state.rule}, until_us);
    }
  }
}

// ---- matches ----

void Engine::take_completions(RuleState& state, std::string_view key) {
  const RuleProgram& rule = program_.rules[state.rule];
  RuleCounters& counters = rule_counters_[state.rule];
  for (const Completion& completion : completions_) {
    ++counters.matches;
    bool raised = !matcher_.is_cooling(state, completion.end_us);
    if (!raised) ++counters.held_by_cooldown;
    if (raised && rule.limit_count > 0) {
      Window& window = limit_windows_[state.rule];
      int64_t number = completion.end_us / rule.limit_per_us;
      if (completion.end_us % rule.limit_per_us < 0) --number;
      if (window.number != number || window.count == 0) window = {number, 0};
      raised = window.count < rule.limit_count;
      if (raised) {
        ++window.count;
      } else {
        ++counters.held_by_limit;
      }
    }
    if (!raised) {
      captures_.release(completion.captures);
      continue;
    }
    ++counters.raised;
    matcher_.start_cooldown(state, completion.end_us);
    Match match;
    match.rule = state.rule;
    match.captures = completion.captures;
    match.start_us = completion.start_us;
    match.end_us = completion.end_us;
    match.at_deadline = completion.at_deadline;
    match.end_sequence = completion.at_deadline ? 0 : captures_.at(completion.captures).event->sequence;
    match.key_begin = static_cast<uint32_t>(match_keys_.size());
    match.key_size = static_cast<uint32_t>(key.size());
    match_keys_.append(key);
    matches_.push_back(match);
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
  matches_.clear();
  match_keys_.clear();
}

std::vector<std::string_view> Engine::match_key(const Match& match) const {
  std::vector<std::string_view> parts;
  const size_t count = program_.rules[match.rule].routes[0].key.size();
  if (count == 0) return parts;
  const std::string_view key = std::string_view(match_keys_).substr(match.key_begin, match.key_size);
  for_each_key_part(key, count, [&](std::string_view part) { parts.push_back(part); });
  return parts;
}

// ---- time ----

void Engine::advance(int64_t time_us) {
  if (time_us < clock_us_) return;
  meet_deadlines(time_us);
  clock_us_ = time_us;
  sweep(SIZE_MAX);
}

void Engine::meet_deadlines(int64_t until_us) {
  while (!timers_.empty() && timers_.earliest().deadline_us <= until_us) {
    const Timer timer = timers_.take_earliest();
    const uint32_t table = table_of_rule_[timer.rule];
    const RuleStateId id = find_state({table, timer.partition, timer.hash, timer.rule});
    if (id == index_none) continue;
    RuleState& state = state_at(id);
    key_ = tables_[table].partitions->key(timer.partition);
    set_key_values(table, key_);
    completions_.clear();
    clock_us_ = std::max(clock_us_, timer.deadline_us);
    matcher_.meet_deadline(state, timer.partition, timer, key_values_, completions_);
    if (!completions_.empty()) take_completions(state, key_);
    if (is_idle(state)) {
      free_state(timer.partition, id);
      free_partition_if_empty(table, timer.partition);
    }
  }
}

RuleStateId Engine::find_state(const Noted& where) const {
  const KeyTable& table = *tables_[where.table].partitions;
  if (!table.contains(where.partition, where.hash)) return index_none;
  RuleStateId id = table.at(where.partition).first;
  while (id != index_none && state_at(id).rule != where.rule) id = state_at(id).next;
  return id;
}

// ---- what is over goes ----

bool Engine::is_idle(const RuleState& state) const {
  return state.first == index_none &&
         (state.memory == index_none || matcher_.alive_until(state) == std::numeric_limits<int64_t>::min());
}

void Engine::free_state(PartitionId partition, RuleStateId id) {
  Partition& owner = *static_cast<Partition*>(words_.at(partition));
  RuleStateId* link = &owner.first;
  while (*link != id) link = &state_at(*link).next;
  RuleState& state = state_at(id);
  *link = state.next;
  matcher_.drop_runs(state);
  matcher_.drop_memory(state);
  --rule_counters_[state.rule].keys;
  words_.give(id, rule_state_words);
}

void Engine::free_partition_if_empty(uint32_t table, PartitionId partition) {
  KeyTable& partitions = *tables_[table].partitions;
  if (partitions.at(partition).first == index_none) partitions.remove(partition);
}

// Buckets grow with the distance, so that there are few of them and none is early.
void Engine::note_for_sweep(const Noted& where, int64_t until_us) {
  until_us = std::max(until_us, clock_us_);  // what can come to nothing already goes with the next sweep
  int64_t width_us = 1'000'000;
  while (width_us < (until_us - clock_us_) / 32) width_us *= 2;
  int64_t end_us = 0;
  if (__builtin_add_overflow(until_us, width_us, &end_us)) end_us = time_unbounded;
  sweeps_[end_us - end_us % width_us].push_back(where);
}

void Engine::sweep(size_t states_max) {
  while (!sweeps_.empty() && sweeps_.begin()->first < clock_us_ && states_max > 0) {
    std::vector<Noted>& bucket = sweeps_.begin()->second;
    for (; !bucket.empty() && states_max > 0; --states_max) {
      const Noted where = bucket.back();
      bucket.pop_back();
      const RuleStateId id = find_state(where);
      if (id == index_none) continue;
      RuleState& state = state_at(id);
      const int64_t until_us = matcher_.alive_until(state);
      if (until_us < clock_us_) {
        free_state(where.partition, id);
        free_partition_if_empty(where.table, where.partition);
      } else if (until_us == time_unbounded) {
        state.is_noted = 0;
      } else {
        note_for_sweep(where, until_us);
      }
    }
    if (bucket.empty()) sweeps_.erase(sweeps_.begin());
  }
}

void Engine::enforce_limits(RuleId rule) {
  if (rule_counters_[rule].keys > limits_.max_keys) {
    const uint32_t table = table_of_rule_[rule];
    evict_oldest(table, table + 1, &rule, oldest_[rule]);
  }
  if (state_bytes() > limits_.max_state_bytes) {
    evict_oldest(0, static_cast<uint32_t>(tables_.size()), nullptr, oldest_of_all_);
  }
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
      ++rule_counters_[next.where.rule].keys_evicted;
      free_state(next.where.partition, id);
      free_partition_if_empty(next.where.table, next.where.partition);
      return;
    }
    for (uint32_t table = first_table; table < last_table; ++table) {
      const KeyTable& partitions = *tables_[table].partitions;
      partitions.for_each([&](PartitionId partition) {
        for (RuleStateId id = partitions.at(partition).first; id != index_none; id = state_at(id).next) {
          const RuleState& state = state_at(id);
          if (rule != nullptr && state.rule != *rule) continue;
          oldest.push_back({state.touched, {table, partition, partitions.at(partition).hash, state.rule}});
        }
      });
    }
    auto newer = [](const Oldest& a, const Oldest& b) {
      return std::tie(a.touched, a.where.rule, a.where.partition) >
             std::tie(b.touched, b.where.rule, b.where.partition);
    };
    if (oldest.size() > oldest_remembered) {
      const auto cut = oldest.end() - oldest_remembered;
      std::nth_element(oldest.begin(), cut, oldest.end(), newer);
      oldest.erase(oldest.begin(), cut);
    }
    std::sort(oldest.begin(), oldest.end(), newer);
  }
}

// ---- inspection ----

uint64_t Engine::partitions() const {
  uint64_t sum = 0;
  for (const Table& table : tables_) sum += table.partitions->size();
  return sum;
}

uint64_t Engine::state_bytes() const {
  uint64_t sum = captures_.bytes() + words_.bytes() + key_blocks_.bytes();
  for (const Table& table : tables_) sum += table.partitions->bytes();
  return sum;
}

uint64_t Engine::waiting_absences() const {
  uint64_t count = 0;
  for (const Table& table : tables_) {
    table.partitions->for_each([&](PartitionId partition) {
      for (RuleStateId id = table.partitions->at(partition).first; id != index_none; id = state_at(id).next) {
        const std::vector<State>& states = program_.rules[state_at(id).rule].states;
        for (RunId run_id = state_at(id).first; run_id != index_none; run_id = matcher_.run(run_id).next) {
          RunId thread = run_id;
          while (thread != index_none && !states[matcher_.run(thread).state].waits)
            thread = matcher_.run(thread).thread;
          count += thread != index_none;
        }
      }
    });
  }
  return count;
}

std::vector<RunView> Engine::runs() const {
  std::vector<RunView> out;
  for (const Table& table : tables_) {
    table.partitions->for_each([&](PartitionId partition) {
      for (RuleStateId id = table.partitions->at(partition).first; id != index_none; id = state_at(id).next) {
        for (RunId run_id = state_at(id).first; run_id != index_none; run_id = matcher_.run(run_id).next) {
          const Run& run = matcher_.run(run_id);
          RunView view{state_at(id).rule,
                       std::string(table.partitions->key(partition)),
                       run.start_sequence,
                       run.start_us,
                       {},
                       {}};
          for (RunId thread = run_id; thread != index_none; thread = matcher_.run(thread).thread) {
            view.threads.push_back(matcher_.run(thread).state);
            view.captures.push_back(matcher_.run(thread).captures);
          }
          out.push_back(std::move(view));
        }
      }
    });
  }
  std::ranges::sort(out, {}, [](const RunView& view) { return std::tie(view.rule, view.key, view.start_sequence); });
  return out;
}

}  // namespace omen
