#include "runtime/io/shards.h"

#include <algorithm>

namespace omen {
namespace {

constexpr size_t events_ahead = 64;

Limits divided(Limits limits, uint32_t count) {
  const auto part = [&](auto& limit) { limit = std::max<std::remove_reference_t<decltype(limit)>>(limit / count, 1); };
  part(limits.max_keys);
  part(limits.max_state_bytes);
  part(limits.max_history_bytes);
  return limits;
}

}  // namespace

Shards::Shards(const Program& program, const Limits& limits, uint32_t count, bool only_counts)
    : count_(count), crew_(count) {
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
  tasks_of_.resize(engines_.size());
  next_.resize(engines_.size());
}

// ---- what the stream does ----

void Shards::prefetch(std::span<const Event> events) {
  if (count_ == 1) engines_[0]->prefetch(events);
}

void Shards::step(const Event& event, uint64_t cause) { take({&event, 0, cause, 0, false}); }
void Shards::advance(int64_t time_us, uint64_t cause) { take({nullptr, time_us, cause, 0, false}); }
void Shards::end_stream(uint64_t cause) { take({nullptr, 0, cause, 0, true}); }

// A single engine does it at once: what nothing comes of need not be remembered.
void Shards::take(const Task& task) {
  if (count_ > 1) return tasks_.push_back(task);
  const Engine& engine = *engines_[0];
  act(*engines_[0], task);
  if (engine.matches().size() == tasks_of_[0].size()) return;
  tasks_.push_back(task);
  tasks_of_[0].resize(engine.matches().size(), static_cast<uint32_t>(tasks_.size() - 1));
}

void Shards::do_task(size_t i, const Task& task) {
  Engine& engine = *engines_[i];
  act(engine, task);
  tasks_of_[i].resize(engine.matches().size(), static_cast<uint32_t>(&task - tasks_.data()));
}

void Shards::act(Engine& engine, const Task& task) {
  if (task.event != nullptr) {
    engine.step(*task.event);
  } else if (task.is_end) {
    engine.end_stream();
  } else {
    engine.advance(task.time_us);
  }
}

// ---- a round ----

void Shards::run() {
  if (count_ > 1 && !tasks_.empty()) {
    if (has_bound()) run_bound();
    if (tasks_.size() < wake_up_at_) {
      for (size_t i = 0; i < count_; ++i) run_share(i);
    } else {
      crew_.run([this](uint32_t i) { run_share(i); });
    }
  }
  merge();
  tasks_.clear();
}

void Shards::run_bound() {
  const size_t bound = count_;
  for (Task& task : tasks_) {
    do_task(bound, task);
    task.derived = engines_[bound]->derived_before_event();
  }
}

void Shards::run_share(size_t i) {
  Engine& engine = *engines_[i];
  size_t foreseen = 0;
  for (size_t t = 0; t < tasks_.size(); ++t) {
    const Task& task = tasks_[t];
    if (t == foreseen && task.event != nullptr) {
      const Event* const first = task.event;
      while (foreseen < tasks_.size() && foreseen - t < events_ahead &&
             tasks_[foreseen].event == first + (foreseen - t)) {
        ++foreseen;
      }
      engine.prefetch({first, foreseen - t});
    } else if (t == foreseen) {
      ++foreseen;
    }
    if (has_bound() && task.event != nullptr) engine.set_derived(task.derived);
    do_task(i, task);
  }
  engine.prefetch({});
}

// Each engine has its matches in order: the least of their next ones is the next of all.
void Shards::merge() {
  const auto task_of = [&](size_t engine) { return tasks_of_[engine][next_[engine]]; };
  const auto match_of = [&](size_t engine) -> const Match& { return engines_[engine]->matches()[next_[engine]]; };
  const auto is_before = [&](size_t a, size_t b) {
    return task_of(a) != task_of(b) ? task_of(a) < task_of(b) : match_of(a).place < match_of(b).place;
  };
  for (;;) {
    size_t first = engines_.size();
    for (size_t i = 0; i < engines_.size(); ++i) {
      if (next_[i] < tasks_of_[i].size() && (first == engines_.size() || is_before(i, first))) first = i;
    }
    if (first == engines_.size()) break;
    raised_.push_back({static_cast<uint32_t>(first), next_[first], tasks_[task_of(first)].cause});
    ++next_[first];
  }
}

void Shards::clear_matches() {
  for (size_t i = 0; i < engines_.size(); ++i) {
    engines_[i]->clear_matches();
    tasks_of_[i].clear();
    next_[i] = 0;
  }
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
  sum.events = engines_[0]->counters().events;  // each has seen all
  return sum;
}

uint64_t Shards::sum_of(uint64_t (Engine::*figure)() const) const {
  uint64_t sum = 0;
  for (const auto& engine : engines_) sum += (engine.get()->*figure)();
  return sum;
}

uint64_t Shards::live_runs() const { return sum_of(&Engine::live_runs); }
uint64_t Shards::partitions() const { return sum_of(&Engine::partitions); }
uint64_t Shards::state_bytes() const { return sum_of(&Engine::state_bytes); }
uint64_t Shards::waiting_absences() const { return sum_of(&Engine::waiting_absences); }
uint64_t Shards::true_conditions() const { return sum_of(&Engine::true_conditions); }
uint64_t Shards::panes() const { return sum_of(&Engine::panes); }

}  // namespace omen
