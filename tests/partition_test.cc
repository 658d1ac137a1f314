// Key tables against an ordered map, over random keys that come and go.
#include "runtime/core/partition.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

namespace omen {
namespace {

TEST_CASE("partition: a key table holds what a map holds, through growth and removal") {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    WordPool words;
    BytePool blocks;
    Program program;
    CaptureStore captures(program);
    KeyTable table(words, blocks, captures);
    std::map<std::string, PartitionId> expected;
    std::mt19937 random(seed);
    for (int step = 0; step < 20'000; ++step) {
      // Short keys, keys of the inline size and longer ones; some share a long beginning.
      const uint32_t number = random() % 3'000;
      std::string key = std::to_string(number);
      if (number % 3 == 0) key = std::string(number % 40, 'k') + key;
      const uint32_t hash = KeyTable::hash(key);
      const auto known = expected.find(key);
      REQUIRE(table.find(key, hash) == (known == expected.end() ? index_none : known->second));
      const bool shrinks = step % 4'000 > 2'500;
      if (known == expected.end() && !shrinks) {
        const PartitionId id = table.find_or_add(key, hash);
        expected[key] = id;
        REQUIRE(table.key(id) == key);
      } else if (known != expected.end() && (shrinks || random() % 3 == 0)) {
        const PartitionId id = known->second;
        table.remove(id);
        expected.erase(known);
        REQUIRE_FALSE(table.contains(id, hash));
      }
      REQUIRE(table.size() == expected.size());
    }
    size_t seen = 0;
    table.for_each([&](PartitionId id) {
      ++seen;
      CHECK(expected.at(std::string(table.key(id))) == id);
    });
    CHECK(seen == expected.size());
    for (const auto& [key, id] : expected) table.remove(id);
    CHECK(words.bytes() == 0);
    CHECK(blocks.bytes() == 0);
  }
}

// As random hashes would: of as many keys as there are places, all but a share of 1/e of the places are somebody's. The
// lower bits place a key in its table, the upper ones say which shard it belongs to.
TEST_CASE("partition: keys that are numbered stand all over their table") {
  constexpr uint32_t count = 1u << 16;
  for (const char* const format : {"u{:07}", "{}", "{:016x}", "customer-{:08}", "{:08}@example.com", "{:012}-eu"}) {
    CAPTURE(format);
    std::vector<bool> lower(count), upper(count);
    for (uint32_t number = 0; number < count; ++number) {
      const uint32_t hash = KeyTable::hash(fmt::format(fmt::runtime(format), number));
      lower[hash % count] = true;
      upper[hash / (UINT32_MAX / count + 1)] = true;
    }
    CHECK(std::ranges::count(lower, true) > count * 6 / 10);
    CHECK(std::ranges::count(upper, true) > count * 6 / 10);
  }
}

TEST_CASE("partition: pools give back what they took, whatever its size") {
  BytePool blocks;
  std::vector<std::pair<std::byte*, uint32_t>> taken;
  std::mt19937 random(7);
  for (int i = 0; i < 5'000; ++i) {
    const uint32_t size = 1 + random() % 4'000;
    std::byte* block = blocks.take(size);
    CHECK(reinterpret_cast<uintptr_t>(block) % ((size + 7) / 8 % 2 == 0 ? 16 : 8) == 0);
    block[0] = block[size - 1] = std::byte{1};
    taken.emplace_back(block, size);
    if (random() % 2 == 0) {
      blocks.give(taken.front().first, taken.front().second);
      taken.erase(taken.begin());
    }
  }
  for (const auto& [block, size] : taken) blocks.give(block, size);
  CHECK(blocks.bytes() == 0);
}

}  // namespace
}  // namespace omen
