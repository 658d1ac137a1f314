// Tally: matches counted and not shown: for each rule how many alerts, of how many keys, at how many moments.
//
// A moment is an event that completed at least one match, or for a match that an absence completed, its key and end.
//
// Keys are numbered. Which rules a key has met are bits, 64 rules to a word: the matches of an event mostly have one
// key and come in the order of the rules, so what is asked of them stands together, however many rules there are.
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
  explicit Tally(const Program& program) : rules_(program.rules.size()), deadlines_(program.rules.size()) {}

  struct Rule {
    uint64_t alerts = 0;
    uint64_t resolved = 0;  // of a measure rule: what was raised is over
    uint64_t moments = 0;
    uint64_t keys = 0;
    uint64_t last_sequence = 0;  // of the newest moment that is an event
  };
  const std::vector<Rule>& rules() const { return rules_; }

  // Its key.
  void describe(uint32_t shard, const Engine& engine, const Match& match, std::string& out) override;
  void take(const Match& match, std::string_view described) override;
  Status flush() override { return Status::ok(); }
  bool is_closed() const override { return false; }

 private:
  struct Deadlines {
    int64_t end_us = 0;  // of the newest ones, and the keys that had one then
    boost::unordered_flat_set<uint32_t> keys;
  };
  uint32_t number_of(std::string_view key);
  bool meets(uint32_t key, RuleId rule);  // for the first time

  std::vector<Rule> rules_;
  std::vector<Deadlines> deadlines_;                   // by rule
  boost::unordered_flat_map<uint64_t, uint64_t> met_;  // by key and 64 rules
  uint64_t block_ = 0;                                 // the newest of these
  uint64_t* bits_ = nullptr;                           // and what it has; nullptr: there is none yet
  boost::unordered_flat_map<std::string, uint32_t> numbers_;
  std::string key_;  // the newest, and its number
  uint32_t number_ = 0;
};

}  // namespace omen
