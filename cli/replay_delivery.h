// Replay delivery: what a replay raises, for the outbox of the running service.
//
// Messages keep the ids that the engine gives, so that what the outbox has is not added again: "a restart or a replay
// never raises an alert twice" (docs/language.md). They go over in pieces, each of which the service takes whole.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/model/status.h"
#include "runtime/outbox/message.h"

namespace omen::cli {

class ReplayDelivery {
 public:
  void add(Message message);
  bool is_full() const { return bytes_ > piece_bytes; }
  // Hands over what has been added.
  Status send(const std::string& data);
  // The rest, and says what came of all, or what would have. The exit code.
  int finish(const std::string& data, bool is_yes);

 private:
  static constexpr size_t piece_bytes = 4u << 20;

  std::string lines_;
  size_t bytes_ = 0;
  std::map<std::string, uint64_t> by_destination_;
  uint64_t added_ = 0, known_ = 0;
};

}  // namespace omen::cli
