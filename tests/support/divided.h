// Divided: a program over a stream whose keys several engines share (io/shards), in rounds, and how many of them there
// are may change at any place. What was raised is written down as Resumed does, to be compared with it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/action.h"
#include "runtime/core/decode.h"
#include "runtime/io/shards.h"
#include "runtime/model/program.h"

namespace omen {

class Divided {
 public:
  Divided(const Program& program, const Limits& limits, uint32_t shards, bool only_counts = false);

  void feed(std::string_view line);
  void advance(int64_t time_us);
  void end_stream();
  void run();
  // Goes on with another number of shards, from what was saved; after run(). False: not all rules were kept.
  bool restart(uint32_t shards);

  const std::string& raised() const { return raised_; }
  const Shards& shards() const { return *shards_; }

 private:
  // A line that stays as it is decoded until the round is over.
  struct Line {
    std::string text;
    std::unique_ptr<Decoder> decoder;
  };

  void open(uint32_t shards);

  const Program& program_;
  const Limits limits_;
  const bool only_counts_;
  std::unique_ptr<Shards> shards_;
  std::vector<std::unique_ptr<Actions>> actions_;  // by engine
  std::vector<std::unique_ptr<Line>> lines_;
  size_t lines_used_ = 0;
  std::string raised_;
  uint64_t sequence_ = 0;
  int64_t clock_us_;
};

}  // namespace omen
