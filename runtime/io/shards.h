// Shards: one engine, or several with the keys divided among them, behind one face. The matches are the same and in the
// same order, however many there are.
//
//   step, advance, end_stream   say what the stream does next; with one shard it is done at once
//   run                         with several: an engine for the bound rules (core/share), if there are any, goes over
//                               all that was said and notes how many events it has derived before each; then the others
//                               go side by side, on threads of their own, over what concerns their keys; then their
//                               matches become one list (io/round)
//
// An event that no rule looks at is nobody's: of several in sequence the last one tells the time.
//
// A round costs two wake-ups, so it should have some hundred events; a few are done by the caller alone. Who has
// threads of its own (io/side_by_side) keeps rounds itself and has each engine go over them with run_engine().
//
// The limits max_keys, max_state_bytes and max_history_bytes are divided: which key goes when one is reached depends on
// the number of shards, and nothing else does.
//
// INVARIANT: engines are touched by one thread at a time; between rounds by the owner's alone.
// NOT HERE: decoding and the order of the stream, which the owner does; what comes of matches.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/engine.h"
#include "runtime/io/crew.h"
#include "runtime/io/round.h"

namespace omen {

inline constexpr uint32_t shards_max = 64;

class Shards {
 public:
  struct Raised {
    uint32_t engine;  // of engines()
    uint32_t match;   // of the engine's
    uint64_t cause;   // of the step or advance that made it
  };

  // `count`: 1 to shards_max. `program` outlives it.
  Shards(const Program& program, const Limits& limits, uint32_t count = 1, bool only_counts = false);
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;

  // Likewise of Engine. `cause`: the owner's number for it.
  void prefetch(std::span<const Event> events);
  // With several shards the event stays where it is until run().
  void step(const Event& event, uint64_t cause) {
    if (count_ > 1) return add(round_, event, cause);
    engines_[0]->step(event);  // at once: what nothing comes of need not be remembered
    if (!engines_[0]->matches().empty()) note_raised(cause);
  }
  void advance(int64_t time_us, uint64_t cause);
  void end_stream(uint64_t cause);
  void free_what_is_over();  // which time alone does bit by bit

  // What was said happens.
  void run();
  // Raised since the last clear, in order. After run().
  std::span<const Raised> matches() const { return raised_; }
  const Match& match(const Raised& raised) const { return engines_[raised.engine]->matches()[raised.match]; }
  void clear_matches();

  // Rounds that the caller keeps. They are filled one after the other, and closed; an engine goes over them in the same
  // order, that of the bound rules over each before the others. What it raises is the engine's, from
  // engine.matches().size() on.
  void add(Round& round, const Event& event, uint64_t cause);
  void add_advance(Round& round, int64_t time_us, uint64_t cause);  // INT64_MAX: to the end of the stream
  void close(Round& round);
  void run_engine(Round& round, size_t engine);
  // Of engines(): the last one, if there is one.
  bool has_bound() const { return engines_.size() > count_; }

  // After run(), when the matches are cleared; any number of shards loads what any other has saved.
  void save(std::string& out) const;
  Result<LoadedState> load(std::string_view bytes, Decoder& decoder, const Rebuilt& rebuilt = {},
                           const GivenUp* is_given_up = nullptr);
  void set_table(uint32_t table, const std::shared_ptr<const LookupTable>& rows);
  // Likewise of Engine, after run(). With several shards neither the rules that go nor those that come are bound ones.
  void let_go(std::span<const RuleId> rules);
  Status take_on(std::span<const RuleId> rules, std::string_view rebuilt, Decoder& decoder);

  // Rounds of fewer steps and advances than this are the caller's alone.
  void set_wake_up_at(size_t tasks) { wake_up_at_ = tasks; }

  Crew& crew() { return crew_; }  // as large as there are shards, at work in run() only
  std::span<const std::unique_ptr<Engine>> engines() const { return engines_; }
  int64_t clock_us() const { return engines_[0]->clock_us(); }
  std::optional<int64_t> next_deadline_us() const;
  // Of all engines together.
  RuleCounters counters_of(RuleId rule) const;
  EngineCounters counters() const;
  uint64_t live_runs() const;
  uint64_t pending_runs() const;
  uint64_t partitions() const;
  uint64_t state_bytes() const;
  uint64_t waiting_absences() const;  // these three look at all keys
  uint64_t true_conditions() const;
  uint64_t panes() const;

 private:
  static void act(Engine& engine, const Round::Task& task);
  void look_ahead(const Round& round, size_t engine, size_t from);
  void note_raised(uint64_t cause);
  void add_passed(Round& round);
  uint64_t sum_of(uint64_t (Engine::*figure)() const) const;

  const uint32_t count_;
  std::vector<std::unique_ptr<Engine>> engines_;  // the free ones, then that of the bound rules, if there are any
  std::vector<std::vector<const Event*>> ahead_;  // by engine: what it was told to foresee
  Round round_;                                   // to be run
  const Event* passed_ = nullptr;                 // newest event, where it meant nothing to any engine
  uint64_t passed_cause_ = 0;
  bool has_begun_ = false;
  std::string key_;
  std::vector<Raised> raised_;
  Crew crew_;
  size_t wake_up_at_ = 32;
};

}  // namespace omen
