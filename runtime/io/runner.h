// Runner: the whole column for inputs that end: source -> decode -> reorder -> engine -> sink; in one thread, or with
// several shards in as many (side_by_side), and then with equal results. In one:
//
//   for each slice of each input, whatever its format (io/input)
//     for each batch of the decoder: into the stream, through the engine, matches to the sink
//     the sink is flushed: an alert is out before the next read can block
//   at the end: what was held back for its lateness; then the clock, if asked for
//
// A broken input ends with an error after what came of it was processed; the inputs after it are still read.
// NOT HERE: what the sink does with matches (alerts.h, tally.h); printing (cli).
#pragma once

#include <string>

#include "runtime/core/engine.h"
#include "runtime/io/column.h"
#include "runtime/io/health.h"
#include "runtime/io/quarantine.h"
#include "runtime/io/shards.h"
#include "runtime/io/tables.h"
#include "runtime/model/status.h"

namespace omen {

class Runner {
 public:
  Runner(const Program& program, const RunOptions& options) : column_(program, options) {}

  // Reads the tables and opens the quarantine file. Before run().
  Status open();
  RunReport run(MatchSink& sink, const ShowProgress& progress);

  // Counts how far runs come and what ends them. Before run(), and with one shard.
  void set_funnel(Funnel* funnel);

  const Shards& shards() const { return column_.shards; }
  const Tables& tables() const { return column_.tables; }
  const Quarantine& quarantine() const { return column_.stream.quarantine(); }
  const Health& health() const { return column_.stream.health(); }

 private:
  void run_alone(MatchSink& sink, const ShowProgress& progress);
  void take(Stream::Batch batch, MatchSink& sink);
  void finish(MatchSink& sink);
  void hand_over(MatchSink& sink);
  void note_peaks();
  bool flush(MatchSink& sink);
  bool is_over(const MatchSink& sink) const;

  Column column_;
  Reorder::Taken taken_;
  std::string described_;
};

}  // namespace omen
