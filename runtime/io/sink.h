// Sink: where matches go.
//
//   describe   on the thread that has the match's engine, beside others: what is read from the engine, made to bytes
//   take       on one thread, the matches of all engines in order, each with its bytes
//
// INVARIANT: describe() changes nothing of the sink that another engine's describe(), or take(), looks at.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/core/engine.h"
#include "runtime/model/status.h"

namespace omen {

class MatchSink {
 public:
  virtual ~MatchSink() = default;
  // Appends to `out`. The engine is the `shard`th of those that the run has (Shards::engines).
  virtual void describe(uint32_t shard, const Engine& engine, const Match& match, std::string& out) = 0;
  // The match without what stands in the engine: captures, key, values.
  virtual void take(const Match& match, std::string_view described) = 0;
  // All up to and including this time has been seen.
  virtual void pass_time(int64_t /*clock_us*/) {}
  // No match comes any more.
  virtual void end() {}
  virtual Status flush() = 0;
  // Nobody reads any more: the run may end.
  virtual bool is_closed() const = 0;
};

}  // namespace omen
