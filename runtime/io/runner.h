// Runner: the whole column for inputs that end: source -> decode -> reorder -> engine -> sink; in one thread, or with
// several shards in as many, and then with equal results.
//
//   for each slice of each input, whatever its format (io/input)
//     for each round of its batches (decoders): into the stream, through the engines (shards), matches to the sink
//     the sink is flushed: an alert is out before the next read can block
//   at the end: what was held back for its lateness; then the clock, if asked for
//
// A broken input ends with an error after what came of it was processed; the inputs after it are still read.
// NOT HERE: what the sink does with matches (alerts.h, tally.h); printing (cli).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/core/engine.h"
#include "runtime/core/reorder.h"
#include "runtime/io/decoders.h"
#include "runtime/io/health.h"
#include "runtime/io/input.h"
#include "runtime/io/quarantine.h"
#include "runtime/io/shards.h"
#include "runtime/io/tables.h"
#include "runtime/model/limits.h"
#include "runtime/model/status.h"

namespace omen {

// Where matches go.
class MatchSink {
 public:
  virtual ~MatchSink() = default;
  // Captures and keys are read from the engine, one of the runner's shards, and stay until the call returns.
  virtual void take(const Engine& engine, std::span<const Match> matches) = 0;
  // All up to and including this time has been seen.
  virtual void pass_time(int64_t /*clock_us*/) {}
  // No match comes any more.
  virtual void end() {}
  virtual Status flush() = 0;
  // Nobody reads any more: the run may end.
  virtual bool is_closed() const = 0;
};

struct RunOptions {
  std::vector<std::string> inputs;  // in the order given; "-" is standard input
  Format format;
  Envelope envelope;
  bool strict_types = false;  // an event of a type without a declaration is broken
  StreamOrder order;
  Limits limits;
  uint32_t shards = 1;
  bool only_counts = false;              // matches are counted, not looked at
  bool advance_at_end = false;           // absences that are still pending come true
  std::optional<int64_t> advance_to_us;  // the clock at the end
  std::string quarantine_path;           // empty: rejected lines are only counted
};

// How far a run is, for the progress bar.
struct Progress {
  const Source& source;
  uint64_t events;
};

// How an input was read.
struct InputReport {
  std::string name, format;
  bool is_sniffed = false;
};

struct RunReport {
  uint64_t events = 0;              // in the stream
  std::optional<int64_t> begin_us;  // of the first event that came
  uint64_t lines = 0;
  int64_t elapsed_us = 0;
  uint64_t duplicates = 0;
  uint64_t ids_forgotten = 0;
  uint64_t without_time = 0;
  uint64_t held = 0;       // for their lateness, when the run was stopped
  uint64_t runs_peak = 0;  // the largest seen between batches
  uint64_t keys_peak = 0;
  uint64_t state_bytes_peak = 0;
  std::vector<InputReport> inputs;
  std::vector<std::string> input_errors;
  std::string output_error;  // empty when there was none
  int signal = 0;            // that stopped it, or 0
};

class Runner {
 public:
  Runner(const Program& program, const RunOptions& options);

  // Reads the tables and opens the quarantine file. Before run().
  Status open();
  RunReport run(MatchSink& sink, const std::function<void(const Progress&)>& progress);

  // Counts how far runs come and what ends them. Before run(), and with one shard.
  void set_funnel(Funnel* funnel);

  const Shards& shards() const { return shards_; }
  const Tables& tables() const { return tables_; }
  const Quarantine& quarantine() const { return quarantine_; }
  const Health& health() const { return health_; }

 private:
  void run_input(Input& input, MatchSink& sink);
  void decode(const Input::Slice& slice, const Input& input, MatchSink& sink);
  void take(const Decoders::Batch& made, const Input& input);
  void offer(Event& event, LinePlace place, const Input& input);
  void note_broken(const Event& event, LinePlace place, const Input& input);
  void finish(MatchSink& sink);
  void take_due();
  void hand_over(MatchSink& sink);
  void note_peaks();
  bool flush(MatchSink& sink);
  bool is_over(const MatchSink& sink) const;

  const Program& program_;
  const RunOptions options_;
  Shards shards_;
  Tables tables_;
  Decoders decoders_;
  Reorder reorder_;
  Quarantine quarantine_;
  Health health_;
  std::vector<Violation> violations_;
  size_t due_count_ = 0;  // of the events held for their lateness, given to the shards since they ran
  RunReport report_;
  const std::function<void(const Progress&)>* progress_ = nullptr;
};

}  // namespace omen
