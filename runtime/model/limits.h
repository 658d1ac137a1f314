// Every bound of Omen in one place: its default, and what happens when it is reached.
//
// A limit is reached by somebody's input sooner or later; each therefore has a name that can be set, a counter
// that tells how often it was met, and an effect that is stated here and in docs/language.md.
#pragma once

#include <cstddef>
#include <cstdint>

namespace omen {

// Limits on what the machine keeps. Set with `--limit-NAME` (underscores become dashes).
struct Limits {
  uint32_t max_runs = 10'000;               // per rule and key: no further run starts; counted runs_refused
  uint32_t max_loop_events = 10'000;        // taken by one loop of a run: the loop takes no more; counted loops_full
  uint32_t max_matches = 1'000;             // at one moment of a key, overlap all: the rest is counted, matches_cut
  uint32_t max_derived = 10'000;            // at one event or deadline: no further one; counted emits_refused
  uint32_t max_entries = 1'000'000;         // per rule and key, overlap all: an event is not taken; entries_refused
  uint32_t max_window_entries = 1'000'000;  // panes and values of one measure and key: the oldest goes early;
                                            // counted panes_given_up
  uint32_t max_keys = 100'000'000;          // per rule: the key idle longest goes, with its runs; counted keys_evicted
  uint32_t max_held = 100'000;          // deliveries in quiet hours: the next one goes out early; counted sent_early
  uint32_t max_history_events = 1'000;  // per key, of history(D): the oldest goes; counted history_events_dropped
  uint64_t max_history_bytes = 1ull << 30;  // of all histories: the key idle longest goes; counted history_keys_dropped
  uint64_t max_state_bytes = 16ull << 30;   // of all keys: the key idle longest goes; counted keys_evicted
};

// Limits on what is read. An event beyond one is rejected with the reason named and kept in quarantine.
inline constexpr uint32_t event_bytes_max = 1u << 20;  // too_long
inline constexpr uint32_t event_depth_max = 64;        // too_deep
inline constexpr uint32_t event_members_max = 1024;    // too_many_members
inline constexpr uint32_t key_bytes_max = 1024;        // key_too_long: longer key texts are not seen by the rule

// Limits on what `--dedupe` remembers: beyond it the oldest id is forgotten; counted ids_forgotten.
inline constexpr uint32_t dedupe_ids_max = 10'000'000;

// Limits on what is remembered of types without a declaration: events of further ones are counted together.
inline constexpr uint32_t undeclared_names_max = 1'000;

// Limits on what waits between listeners and the writer (runtime/serve/intake): beyond them senders are asked to come
// again (HTTP: 503) or are not read from (lines); counted intake_refused.
inline constexpr size_t intake_bytes_max = 64u << 20;
inline constexpr size_t intake_batches_max = 10'000;
inline constexpr size_t taken_bytes_max = 16u << 20;  // by the writer at once: what is beyond comes with the next frame

// Limits on lookup tables: one beyond it is not read.
inline constexpr uint64_t table_rows_max = 10'000'000;

// Limits on rule text: beyond one the rule does not compile.
inline constexpr uint32_t rule_file_bytes_max = 1u << 20;
inline constexpr uint32_t rules_max = 10'000;
inline constexpr uint32_t expression_depth_max = 64;
inline constexpr size_t expression_nodes_max = 1'000'000;  // of all rules, constants and patterns put in place
inline constexpr uint32_t pattern_states_max = 20'000;     // places of one rule after unrolling its loops
inline constexpr uint32_t key_parts_max = 16;              // of a `by`
inline constexpr uint32_t measures_max = 64;               // of one rule
inline constexpr uint32_t slots_max = 64;                  // steps of one rule: one bit each in a name's mask
inline constexpr uint32_t group_loops_max = 16;            // repeated groups of one rule
inline constexpr uint32_t registers_max = 16;              // time marks of one run
inline constexpr uint32_t shared_states_max = 60;          // places of a rule whose matches are shared
inline constexpr uint32_t shared_transitions_max = 64;     // ways between them
inline constexpr int64_t duration_us_max = 100ll * 366 * 86'400 * 1'000'000;  // a window of a hundred years

}  // namespace omen
