// Resumed: a program over a stream that can be stopped at any place: its state is saved, and a new engine goes on from
// the bytes. What was raised is written down in full, to be compared with a run that was not stopped.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "runtime/core/action.h"
#include "runtime/core/decode.h"
#include "runtime/core/engine.h"
#include "runtime/model/program.h"

namespace omen {

// All that a match tells, as a line; `only_counts`: without its records.
void append_match(std::string& out, const Program& program, const Engine& engine, Actions& actions, const Match& match,
                  bool only_counts);

class Resumed {
 public:
  explicit Resumed(const Program& program, const Limits& limits = {}, bool only_counts = false);

  void feed(std::string_view line);
  void advance(int64_t time_us);
  void end_stream();

  std::string saved() const;
  // Goes on with a new engine for the program, which may be another one, that has loaded the bytes.
  Result<LoadedState> resume(const Program& program, std::string_view bytes, std::string_view rebuilt = {});
  // Stops and goes on with the same program. False: not all rules were kept, or what is saved then is something else.
  bool restart();

  const std::string& raised() const { return raised_; }
  const Engine& engine() const { return *engine_; }

 private:
  void open(const Program& program);
  void take_matches();

  const Program* program_;
  const Limits limits_;
  const bool only_counts_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Actions> actions_;
  std::string slice_, raised_;
  uint64_t sequence_ = 0;
  int64_t clock_us_;
};

}  // namespace omen
