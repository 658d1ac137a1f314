// Cycles: random lives of something over a disk that fails, one for each seed; a cycle returns what is wrong, or
// nothing.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <optional>
#include <string>

#include "tests/support/cases.h"

namespace omen {

// Reports what is wrong with `cycles` of them, from first_seed() on: five at most.
template <typename Cycle>
void check_cycles(uint64_t cycles, const Cycle& cycle) {
  const uint64_t seed = first_seed();
  uint64_t wrong = 0;
  for (uint64_t i = 0; i < cycles && wrong < 5; ++i) {
    const std::string problem = cycle(seed + i);
    if (problem.empty()) continue;
    ++wrong;
    FAIL_CHECK("OMEN_SEED=" << seed + i << " OMEN_CASES=1: " << problem);
  }
}

// The number of the first cycle in which something was found, from 1 on.
template <typename Cycle>
std::optional<uint64_t> first_found(uint64_t cycles, const Cycle& cycle) {
  for (uint64_t seed = 1; seed <= cycles; ++seed) {
    if (!cycle(seed).empty()) return seed;
  }
  return std::nullopt;
}

}  // namespace omen
