// Counts of alerts, keys and moments against sets, for more rules than one word has bits.
#include "runtime/io/tally.h"

#include <doctest/doctest.h>

#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace omen {
namespace {

TEST_CASE("tally: it counts what sets count, of many rules and keys") {
  constexpr RuleId rules = 200;
  Program program;
  program.rules.resize(rules);
  Tally tally(program);
  struct Expected {
    uint64_t alerts = 0, resolved = 0;
    std::set<std::string> keys;
    std::set<uint64_t> events;
    std::set<std::pair<int64_t, std::string>> deadlines;
  };
  std::vector<Expected> expected(rules);
  std::mt19937 random(3);
  for (uint64_t moment = 1; moment <= 3'000; ++moment) {
    // The matches of an event come in the order of their rules, mostly of one key.
    const bool at_deadline = random() % 4 == 0;
    std::string key = "k" + std::to_string(random() % 300);
    for (RuleId rule = random() % 40; rule < rules; rule += 1 + random() % 40) {
      if (random() % 10 == 0) key = "k" + std::to_string(random() % 300);
      Match match;
      match.rule = rule;
      match.count = 1 + random() % 3;
      match.at_deadline = at_deadline;
      match.resolves = random() % 20 == 0;
      match.end_us = static_cast<int64_t>(moment / 3);
      match.end_sequence = at_deadline ? 0 : moment;
      tally.take(match, key);
      Expected& one = expected[rule];
      if (match.resolves) {
        ++one.resolved;
        continue;
      }
      one.alerts += match.count;
      one.keys.insert(key);
      if (at_deadline) {
        one.deadlines.insert({match.end_us, key});
      } else {
        one.events.insert(moment);
      }
    }
  }
  for (RuleId rule = 0; rule < rules; ++rule) {
    CAPTURE(rule);
    const Tally::Rule& told = tally.rules()[rule];
    CHECK(told.alerts == expected[rule].alerts);
    CHECK(told.resolved == expected[rule].resolved);
    CHECK(told.keys == expected[rule].keys.size());
    CHECK(told.moments == expected[rule].events.size() + expected[rule].deadlines.size());
  }
}

}  // namespace
}  // namespace omen
