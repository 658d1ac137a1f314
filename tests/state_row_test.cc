// Rows of a key's rule states, and keys that have one while they have many, against a map.
#include "runtime/core/state_row.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>

#include "runtime/core/partition.h"

namespace omen {
namespace {

TEST_CASE("state row: it holds what a map holds, through growth and removal") {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    BytePool pool;
    StateRow row{};
    std::map<RuleId, uint32_t> expected;
    for (int step = 0; step < 20'000; ++step) {
      const RuleId rule = random() % 300 * (seed % 2 == 0 ? 64 : 1);
      const bool shrinks = step % 4'000 > 2'500;
      if (!expected.contains(rule) && !shrinks) {
        const uint32_t state = random() % 3 == 0 ? 0 : random() >> 1;
        row.add(pool, rule, state);
        expected[rule] = state;
      } else if (expected.contains(rule) && (shrinks || random() % 3 == 0)) {
        row.remove(pool, rule);
        expected.erase(rule);
      }
      REQUIRE(row.count == expected.size());
      REQUIRE((row.capacity <= 16 || row.count * 8 >= row.capacity));
      if (row.capacity == 0) continue;
      const RuleId asked = random() % 300 * (seed % 2 == 0 ? 64 : 1);
      const auto known = expected.find(asked);
      REQUIRE(row.find(asked) == (known == expected.end() ? WordPool::none : known->second));
    }
    std::map<RuleId, uint32_t> seen;
    row.for_each([&](RuleId rule, uint32_t state) { seen[rule] = state; });
    CHECK(seen == expected);
    row.release(pool);
    CHECK(pool.bytes() == 0);
  }
}

// The states of one key come and go; the row comes at the fourth and goes at the second.
TEST_CASE("state row: a key has one while it has many states, and a chain otherwise") {
  constexpr uint32_t rows_from = 4, rules = 12;
  WordPool words;
  BytePool blocks;
  Program program;
  CaptureStore captures(program);
  KeyTable table(words, blocks, captures);
  table.make_room(rule_state_words);
  table.make_rows_from(rows_from);
  const std::string key = "key";
  const uint32_t hash = KeyTable::hash(key);
  const PartitionId partition = table.add(key, hash);
  std::map<RuleId, RuleStateId> expected;
  std::mt19937 random(11);
  bool has_row = false;
  int rows_made = 0;
  for (int step = 0; step < 5'000; ++step) {
    const RuleId rule = random() % rules;
    const bool grows = step % 100 < 50;
    if (const auto known = expected.find(rule); known == expected.end()) {
      if (!grows && random() % 4 != 0) continue;
      const RuleStateId id = table.take_state(partition, rule_state_words);
      new (words.at(id)) RuleState{rule, index_none, index_none, index_none, 0, 0, index_none, 0, 0};
      table.link_state(partition, id);
      expected[rule] = id;
    } else if (!grows || random() % 4 == 0) {
      table.unlink_state(partition, known->second);
      table.give_state(partition, known->second, rule_state_words);
      expected.erase(known);
    }
    if (!has_row && expected.size() == rows_from) {
      has_row = true;
      ++rows_made;
    } else if (has_row && expected.size() == rows_from / 2) {
      has_row = false;
    }
    REQUIRE((table.row(partition) != nullptr) == has_row);
    REQUIRE((table.row(partition, hash) != nullptr) == has_row);
    std::set<RuleStateId> seen;
    table.each_state(partition, [&](RuleId, RuleStateId id) {
      REQUIRE(expected.at(static_cast<const RuleState*>(words.at(id))->rule) == id);
      seen.insert(id);
    });
    REQUIRE(seen.size() == expected.size());
    REQUIRE(table.has_states(partition) == !expected.empty());
    for (RuleId asked = 0; asked < rules; ++asked) {
      const auto known = expected.find(asked);
      REQUIRE(table.find_state(partition, asked) == (known == expected.end() ? index_none : known->second));
    }
  }
  CHECK(rows_made > 10);
  CHECK(table.row(partition ^ 1, hash) == nullptr);
  for (const auto& [rule, id] : expected) {
    table.unlink_state(partition, id);
    table.give_state(partition, id, rule_state_words);
  }
  table.remove(partition);
  CHECK(words.bytes() == 0);
  CHECK(blocks.bytes() == 0);
}

}  // namespace
}  // namespace omen
