// Begun against an ordered map, over rules that are set, forgotten and set again.
#include "runtime/core/begun.h"

#include <doctest/doctest.h>

#include <map>
#include <random>

namespace omen {
namespace {

TEST_CASE("begun: knows what a map knows, and gives its memory back") {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    BytePool pool;
    Begun begun{};
    std::map<RuleId, uint64_t> expected;
    std::mt19937 random(seed);
    CHECK(begun.of(3) == 0);
    begun.forget(3);
    for (uint64_t sequence = 1; sequence < 5'000; ++sequence) {
      const RuleId rule = random() % 10 == 0 ? random() % 10'000 : random() % 60;
      if (random() % 3 == 0) {
        begun.forget(rule);
        expected.erase(rule);
      } else {
        begun.set(pool, rule, sequence);
        expected[rule] = sequence;
      }
      const auto known = expected.find(rule);
      REQUIRE(begun.of(rule) == (known == expected.end() ? 0 : known->second));
    }
    size_t seen = 0;
    begun.for_each([&](RuleId rule, uint64_t sequence) {
      ++seen;
      CHECK(expected.at(rule) == sequence);
    });
    CHECK(seen == expected.size());
    begun.release(pool);
    CHECK(pool.bytes() == 0);
  }
}

}  // namespace
}  // namespace omen
