// Messages: matches -> what their destinations are to be told, one message for each destination of each action.
//
// An alert without a destination goes to standard output. Matches of paused rules are counted and tell nobody.
// NOT HERE: rows and their order of delivery (outbox); derived events (the engine feeds them itself).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/action.h"
#include "runtime/io/shards.h"
#include "runtime/model/program.h"
#include "runtime/outbox/message.h"
#include "runtime/serve/rule_set.h"

namespace omen {

class Messages {
 public:
  // Both outlive it.
  Messages(const Program& program, const Shards& shards);

  // Rules of the program have come, or others have taken their places (Pipeline::change).
  void take_on(std::span<const RuleId> rules);
  void set_paused(const RuleSet& rules);
  // Appends those of matches of the shards whose causes, records of the log, are behind `after`. `now_us`: wall clock.
  void append(uint64_t after, int64_t now_us, std::vector<Message>& out);

  const std::vector<uint64_t>& matches() const { return matches_; }  // by rule, those of paused rules too
  uint64_t held_by_pause() const { return held_by_pause_; }

 private:
  void append(Actions& actions, const MatchView& match, const ActionProgram& action, size_t place, Message& base,
              std::vector<Message>& out) const;

  const Program& program_;
  const Shards& shards_;
  std::vector<std::unique_ptr<Actions>> actions_;  // by engine
  std::vector<bool> is_paused_;                    // by rule
  std::vector<uint64_t> matches_;
  uint64_t held_by_pause_ = 0;
};

}  // namespace omen
