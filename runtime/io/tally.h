// Tally: matches counted and not shown: for each rule how many alerts, of how many keys, at how many moments.
//
// A moment is an event that completed at least one match, or for a match that an absence completed, its key and end.
//
// Keys are numbered, so that what each rule has met is a set of small numbers; the matches of an event mostly have one.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <string>
#include <string_view>
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
    boost::unordered_flat_set<uint32_t> keys;

    uint64_t last_sequence = 0;  // of the newest moment that is an event
    int64_t last_end_us = 0;     // of the newest deadlines, and the keys that had one then
    boost::unordered_flat_set<uint32_t> keys_at_end;
  };
  const std::vector<Rule>& rules() const { return rules_; }

  // Its key.
  void describe(uint32_t shard, const Engine& engine, const Match& match, std::string& out) override;
  void take(const Match& match, std::string_view described) override;
  Status flush() override { return Status::ok(); }
  bool is_closed() const override { return false; }

 private:
  uint32_t number_of(std::string_view key);

  std::vector<Rule> rules_;
  boost::unordered_flat_map<std::string, uint32_t> numbers_;
  std::string key_;  // the newest, and its number
  uint32_t number_ = 0;
};

}  // namespace omen
