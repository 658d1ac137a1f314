// Tally: matches counted and not shown: for each rule how many alerts, of how many keys, at how many moments.
//
// A moment is an event that completed at least one match, or for a match that an absence completed, its key and end.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/io/sink.h"
#include "runtime/model/program.h"

namespace omen {

class Tally : public MatchSink {
 public:
  explicit Tally(const Program& program) : rules_(program.rules.size()) {}

  struct Rule {
    uint64_t alerts = 0;
    uint64_t resolved = 0;  // of a measure rule: what was raised is over
    uint64_t moments = 0;
    boost::unordered_flat_set<std::string> keys;

    uint64_t last_sequence = 0;  // of the newest moment that is an event
    int64_t last_end_us = 0;     // of the newest deadlines, and the keys that had one then
    boost::unordered_flat_set<std::string> keys_at_end;
  };
  const std::vector<Rule>& rules() const { return rules_; }

  // Its key.
  void describe(uint32_t shard, const Engine& engine, const Match& match, std::string& out) override;
  void take(const Match& match, std::string_view described) override;
  Status flush() override { return Status::ok(); }
  bool is_closed() const override { return false; }

 private:
  std::vector<Rule> rules_;
  std::string key_;
};

}  // namespace omen
