#include "runtime/io/shards.h"

#include <algorithm>
#include <utility>

namespace omen {
namespace {

constexpr size_t events_ahead = 64;
constexpr size_t raw_ahead = 256;  // of a line

void prefetch_bytes(const void* bytes, size_t size) {
  constexpr size_t line = 64;
  for (size_t at = 0; at < size; at += line) __builtin_prefetch(static_cast<const char*>(bytes) + at);
}

Limits divided(Limits limits, uint32_t count) {
  const auto part = [&](auto& limit) { limit = std::max<std::remove_reference_t<decltype(limit)>>(limit / count, 1); };
  part(limits.max_keys);
  part(limits.max_state_bytes);
  part(limits.max_history_bytes);
  return limits;
}

}  // namespace

Shards::Shards(const Program& program, const Limits& limits, uint32_t count, bool only_counts)
    : count_(count), round_(0), crew_(count) {
  OMEN_ASSERT(count >= 1 && count <= shards_max);
  if (count == 1) {
    engines_.push_back(std::make_unique<Engine>(program, limits, only_counts));
  } else {
    const Limits each = divided(limits, count);
    for (uint32_t i = 0; i < count; ++i) {
      engines_.push_back(std::make_unique<Engine>(program, each, only_counts, Share{Share::Rules::free, i, count}));
    }
    if (std::ranges::count(bound_rules(program), true) > 0) {
      engines_.push_back(std::make_unique<Engine>(program, limits, only_counts, Share{Share::Rules::bound, 0, 1}));
    }
  }
  ahead_.resize(engines_.size());
  round_ = Round(engines_.size());
}

// ---- what the stream does ----

void Shards::prefetch(std::span<const Event> events) {
  if (count_ == 1) engines_[0]->prefetch(events);
}

void Shards::advance(int64_t time_us, uint64_t cause) {
  if (count_ > 1) return add_advance(round_, time_us, cause);
  engines_[0]->advance(time_us);
  note_raised(cause);
}

void Shards::end_stream(uint64_t cause) {
  if (count_ > 1) return add_advance(round_, INT64_MAX, cause);
  engines_[0]->end_stream();
  note_raised(cause);
}

void Shards::free_what_is_over() {
  for (const auto& engine : engines_) engine->free_what_is_over();
}

void Shards::note_raised(uint64_t cause) {
  const size_t count = engines_[0]->matches().size();
  while (raised_.size() < count) raised_.push_back({0, static_cast<uint32_t>(raised_.size()), cause});
}

// ---- a round ----

void Shards::run() {
  close(round_);
  if (round_.tasks.empty()) return;
  if (has_bound()) run_engine(round_, count_);
  if (round_.tasks.size() < wake_up_at_) {
    for (size_t i = 0; i < count_; ++i) run_engine(round_, i);
  } else {
    crew_.run([this](uint32_t i) { run_engine(round_, i); });
  }
  round_.merge([&](uint32_t engine, uint32_t match, uint64_t cause) {
    const size_t before = engines_[engine]->matches().size() - round_.made[engine].size();  // of earlier rounds
    raised_.push_back({engine, static_cast<uint32_t>(before + match), cause});
  });
  round_.clear();
}

// The engine of the bound rules sees all events, for it says how many it has derived before each; and all engines the
// first one, with which the stream begins.
void Shards::add(Round& round, const Event& event, uint64_t cause) {
  constexpr uint64_t all = ~uint64_t{0};
  uint64_t engines = std::exchange(has_begun_, true) ? engines_[0]->sharers(event, key_) : all;
  if (has_bound() && count_ < 64) engines |= uint64_t{1} << count_;
  passed_ = &event;
  passed_cause_ = cause;
  if (engines == 0 && !has_bound()) return;
  passed_ = nullptr;
  round.step(event, cause, engines);
}

void Shards::add_advance(Round& round, int64_t time_us, uint64_t cause) {
  add_passed(round);
  round.advance(time_us, cause);
}

void Shards::close(Round& round) {
  add_passed(round);
  round.close();
}

void Shards::add_passed(Round& round) {
  if (passed_ != nullptr) round.step(*std::exchange(passed_, nullptr), passed_cause_, ~uint64_t{0});
}

void Shards::run_engine(Round& round, size_t i) {
  Engine& engine = *engines_[i];
  const bool is_bound = i == count_;
  std::vector<Round::Made>& made = round.made[i];
  const std::vector<uint32_t>& tasks = round.of[i];
  size_t known = engine.matches().size();
  for (size_t at = 0; at < tasks.size(); ++at) {
    if (at % events_ahead == 0) look_ahead(round, i, at);
    Round::Task& task = round.tasks[tasks[at]];
    if (!is_bound && has_bound() && task.event != nullptr) engine.set_derived(task.derived);
    act(engine, task);
    if (is_bound) task.derived = engine.derived_before_event();
    for (; known < engine.matches().size(); ++known) {
      const MatchPlace& place = engine.matches()[known].place;
      uint32_t number = tasks[at];
      if (place.deadline_us != INT64_MAX) {
        number = round.first_to_meet(place.deadline_us, at == 0 ? 0 : tasks[at - 1] + 1, number);
      }
      made.push_back({number, place});
    }
  }
  engine.prefetch(std::span<const Event>());
}

// What the core that has decoded them has in its cache, this one has to be sent: all of it is asked for at once.
void Shards::look_ahead(const Round& round, size_t i, size_t from) {
  std::vector<const Event*>& ahead = ahead_[i];
  ahead.clear();
  for (size_t at = from; at < std::min(from + events_ahead, round.of[i].size()); ++at) {
    const Event* const event = round.tasks[round.of[i][at]].event;
    if (event != nullptr) ahead.push_back(event);
  }
  for (const Event* event : ahead) prefetch_bytes(event, sizeof(Event));
  for (const Event* event : ahead) {
    __builtin_prefetch(event->fields);
    prefetch_bytes(event->raw.data(), std::min(event->raw.size(), raw_ahead));
  }
  engines_[i]->prefetch(std::span<const Event* const>(ahead));
}

void Shards::act(Engine& engine, const Round::Task& task) {
  if (task.event != nullptr) {
    engine.step(*task.event);
  } else if (task.time_us == INT64_MAX) {
    engine.end_stream();
  } else {
    engine.advance(task.time_us);
  }
}

void Shards::clear_matches() {
  for (const auto& engine : engines_) engine->clear_matches();
  raised_.clear();
}

// ---- all of them as one ----

void Shards::save(std::string& out) const {
  std::vector<const Engine*> engines;
  for (const auto& engine : engines_) engines.push_back(engine.get());
  Engine::save(engines, out);
}

Result<LoadedState> Shards::load(std::string_view bytes, Decoder& decoder, const Rebuilt& rebuilt,
                                 const GivenUp* is_given_up) {
  for (size_t i = 1; i < engines_.size(); ++i) {
    if (auto loaded = engines_[i]->load(bytes, decoder, rebuilt, is_given_up); !loaded) return loaded;
  }
  return engines_[0]->load(bytes, decoder, rebuilt, is_given_up);
}

void Shards::set_table(uint32_t table, const std::shared_ptr<const LookupTable>& rows) {
  for (const auto& engine : engines_) engine->set_table(table, rows);
}

void Shards::let_go(std::span<const RuleId> rules) {
  for (const auto& engine : engines_) engine->let_go(rules);
}

Status Shards::take_on(std::span<const RuleId> rules, std::string_view rebuilt, Decoder& decoder) {
  for (const auto& engine : engines_) {
    if (Status taken = engine->take_on(rules, rebuilt, decoder); !taken) return taken;
  }
  return Status::ok();
}

std::optional<int64_t> Shards::next_deadline_us() const {
  std::optional<int64_t> next_us;
  for (const auto& engine : engines_) {
    const std::optional<int64_t> deadline_us = engine->next_deadline_us();
    if (deadline_us && (!next_us || *deadline_us < *next_us)) next_us = deadline_us;
  }
  return next_us;
}

RuleCounters Shards::counters_of(RuleId rule) const {
  RuleCounters sum;
  for (const auto& engine : engines_) sum += engine->rule_counters()[rule];
  return sum;
}

EngineCounters Shards::counters() const {
  EngineCounters sum;
  for (const auto& engine : engines_) sum += engine->counters();
  sum.events = engines_[0]->counters().events;  // all have seen the last one
  return sum;
}

uint64_t Shards::sum_of(uint64_t (Engine::*figure)() const) const {
  uint64_t sum = 0;
  for (const auto& engine : engines_) sum += (engine.get()->*figure)();
  return sum;
}

uint64_t Shards::live_runs() const { return sum_of(&Engine::live_runs); }
uint64_t Shards::pending_runs() const { return sum_of(&Engine::pending_runs); }
uint64_t Shards::partitions() const { return sum_of(&Engine::partitions); }
uint64_t Shards::state_bytes() const { return sum_of(&Engine::state_bytes); }
uint64_t Shards::waiting_absences() const { return sum_of(&Engine::waiting_absences); }
uint64_t Shards::true_conditions() const { return sum_of(&Engine::true_conditions); }
uint64_t Shards::panes() const { return sum_of(&Engine::panes); }

}  // namespace omen
