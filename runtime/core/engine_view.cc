// What tests, explanations and summaries see of the engine (engine.h). Not for the hot path.
#include <algorithm>
#include <map>

#include "runtime/core/engine.h"

namespace omen {

uint64_t Engine::partitions() const {
  uint64_t sum = 0;
  for (const Table& table : tables_) sum += table.partitions->size();
  return sum;
}

uint64_t Engine::state_bytes() const {
  uint64_t sum = captures_.bytes() + words_.bytes() + key_blocks_.bytes() + machines_.bytes();
  for (const Table& table : tables_) {
    sum += table.partitions->bytes();
    if (table.history != nullptr) sum += table.history->bytes();
  }
  return sum;
}

uint64_t Engine::captured_bytes() const {
  uint64_t sum = captures_.bytes();
  for (const Table& table : tables_) sum += table.partitions->newcomers().bytes();
  return sum;
}

// Of those put off, the ones that a rule would begin now.
uint64_t Engine::pending_runs() const {
  uint64_t count = machines_.live_runs();
  std::map<RuleId, uint64_t> touched;  // of the partition in hand
  for (const Table& table : tables_) {
    table.partitions->for_each_newcomer([&](PartitionId newest) { count += pending_runs(table, newest); });
    table.partitions->for_each([&](PartitionId partition) {
      touched.clear();
      table.partitions->each_state(partition, [&](RuleId rule, RuleStateId id) {
        if (!starts_.is_list(rule)) touched[rule] = state_at(id).touched;
      });
      table.partitions->each_state(partition, [&](RuleId of, RuleStateId id) {
        if (!starts_.is_list(of)) return;
        const RuleState& list = state_at(id);
        for (RuleId rule : starts_.at(starts_.start_of_list(of)).rules) {
          const auto state = touched.find(rule);
          const uint64_t begun = state != touched.end() ? state->second : starts_.begun(list, rule);
          count += SharedStarts::events_after(list, begun, clock_us_ - program_.rules[rule].within_us).size();
        }
      });
    });
  }
  return count;
}

uint64_t Engine::pending_runs(const Table& table, PartitionId newest) const {
  uint64_t count = 0;
  const Newcomers& newcomers = table.partitions->newcomers();
  for (const FirstEvent* first = &newcomers.at(newest); first != nullptr; first = newcomers.previous(*first)) {
    const KeptEvent& event = *first->event();
    if (!starts_.waits(first->start, event.sequence)) continue;
    for (const RuleId rule : starts_.at(first->start).rules) {
      const bool is_over = clock_us_ - event.time_us > program_.rules[rule].within_us;
      count += !is_over && event.sequence > starts_.joined(rule) ? 1 : 0;
    }
  }
  return count;
}

template <typename Visit>
void Engine::each_state(Visit visit) const {
  for (const Table& table : tables_) {
    table.partitions->for_each([&](PartitionId partition) {
      table.partitions->each_state(partition,
                                   [&](RuleId, RuleStateId id) { visit(*table.partitions, partition, state_at(id)); });
    });
  }
}

uint64_t Engine::waiting_absences() const {
  uint64_t count = 0;
  each_state([&](const KeyTable&, PartitionId, const RuleState& state) {
    if (!has_runs_[state.rule]) return;
    const std::vector<State>& states = program_.rules[state.rule].states;
    for (RunId run_id = state.first; run_id != index_none; run_id = machines_.matcher().run(run_id).next) {
      RunId thread = run_id;
      while (thread != index_none && !states[machines_.matcher().run(thread).state].waits)
        thread = machines_.matcher().run(thread).thread;
      count += thread != index_none;
    }
  });
  return count;
}

template <typename Visit>
void Engine::each_measure_state(Visit visit) const {
  each_state([&](const KeyTable&, PartitionId, const RuleState& state) {
    if (!starts_.is_list(state.rule) && program_.rules[state.rule].measures) visit(state);
  });
}

uint64_t Engine::true_conditions() const {
  uint64_t count = 0;
  each_measure_state([&](const RuleState& state) { count += machines_.measures().is_true(state) ? 1 : 0; });
  return count;
}

uint64_t Engine::panes() const {
  uint64_t count = 0;
  each_measure_state([&](const RuleState& state) { count += machines_.measures().panes(state); });
  return count;
}

std::vector<RunView> Engine::runs() const {
  std::vector<RunView> out;
  each_state([&](const KeyTable& partitions, PartitionId partition, const RuleState& state) {
    if (!has_runs_[state.rule]) return;
    for (RunId run_id = state.first; run_id != index_none; run_id = machines_.matcher().run(run_id).next) {
      const Run& run = machines_.matcher().run(run_id);
      RunView view{state.rule, std::string(partitions.key(partition)), run.start_sequence, run.start_us, {}, {}};
      for (RunId thread = run_id; thread != index_none; thread = machines_.matcher().run(thread).thread) {
        view.threads.push_back(machines_.matcher().run(thread).state);
        view.captures.push_back(machines_.matcher().run(thread).captures);
      }
      out.push_back(std::move(view));
    }
  });
  std::ranges::sort(out, {}, [](const RunView& view) { return std::tie(view.rule, view.key, view.start_sequence); });
  return out;
}

}  // namespace omen
