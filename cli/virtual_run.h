// Virtual run: a program over events from memory, with a clock that stands where it is put. What `omen test` and the
// tests of the meaning run rules on.
//
// An event older than the clock is taken at the clock's time, as in a stream in the order of arrival.
//
// NOT HERE: files, the wall clock, lateness (io/runner).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/action.h"
#include "runtime/core/decode.h"
#include "runtime/core/engine.h"
#include "runtime/model/program.h"
#include "runtime/model/status.h"

namespace omen {

// An alert, or the match of a rule that raises none but sends or emits.
struct VirtualAlert {
  RuleId rule = 0;
  int64_t start_us = 0, end_us = 0;
  std::string record;  // as `omen run` writes it
};

class VirtualRun {
 public:
  explicit VirtualRun(const Program& program, const Limits& limits = {});

  // One event as a line of JSON; an error says why it was rejected. `before` sees it as the engine is about to.
  using Observer = std::function<void(const Event&)>;
  Status feed(std::string_view line, const Observer& before = {});
  void advance(int64_t time_us);
  // Reads the program's tables from their files. Before the first event.
  Status load_tables();
  void end_stream();

  const std::vector<VirtualAlert>& alerts() const { return alerts_; }
  const Engine& engine() const { return engine_; }
  const Validator& validator() const { return decoder_.validator(); }
  int64_t clock_us() const { return clock_us_; }

 private:
  void take_matches();

  const Program& program_;
  Engine engine_;
  Decoder decoder_;
  Actions actions_;
  std::string slice_;
  uint64_t sequence_ = 0;
  int64_t clock_us_;
  std::vector<VirtualAlert> alerts_;
};

}  // namespace omen
