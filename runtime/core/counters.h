// Counters: what the machine has done and which limits it met, per rule and in all. Never reset while running.
#pragma once

#include <cstdint>

namespace omen {

struct RuleCounters {
  uint64_t matches = 0;  // completed, raised or held back
  uint64_t raised = 0;
  uint64_t held_by_cooldown = 0;
  uint64_t held_by_limit = 0;
  uint64_t matches_cut = 0;  // max_matches was reached at their moment
  uint64_t emitted = 0;
  uint64_t emits_refused = 0;     // max_derived was reached, or the event would break a limit on what is read
  uint64_t runs_started = 0;      // of a rule that puts its runs off, those that it had to begin
  uint64_t runs_refused = 0;      // max_runs was reached
  uint64_t entries_refused = 0;   // max_entries was reached
  uint64_t loops_full = 0;        // max_loop_events was reached
  uint64_t resolved = 0;          // raised, and then no longer true
  uint64_t panes_given_up = 0;    // max_window_entries was reached
  uint64_t stretches_passed = 0;  // of runs waiting at one place, as one (stretches.cc); not kept in a snapshot
  uint64_t keys = 0;              // rule states now
  uint64_t keys_evicted = 0;      // max_keys or max_state_bytes was reached

  RuleCounters& operator+=(const RuleCounters& other) {
    matches += other.matches;
    raised += other.raised;
    held_by_cooldown += other.held_by_cooldown;
    held_by_limit += other.held_by_limit;
    matches_cut += other.matches_cut;
    emitted += other.emitted;
    emits_refused += other.emits_refused;
    runs_started += other.runs_started;
    runs_refused += other.runs_refused;
    entries_refused += other.entries_refused;
    loops_full += other.loops_full;
    resolved += other.resolved;
    panes_given_up += other.panes_given_up;
    stretches_passed += other.stretches_passed;
    keys += other.keys;
    keys_evicted += other.keys_evicted;
    return *this;
  }
};

struct EngineCounters {
  uint64_t events = 0;
  uint64_t keys_too_long = 0;
  uint64_t history_events_dropped = 0;  // max_history_events was reached
  uint64_t history_keys_dropped = 0;    // max_history_bytes was reached

  EngineCounters& operator+=(const EngineCounters& other) {
    events += other.events;
    keys_too_long += other.keys_too_long;
    history_events_dropped += other.history_events_dropped;
    history_keys_dropped += other.history_keys_dropped;
    return *this;
  }
};

}  // namespace omen
