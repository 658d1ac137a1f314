// How many random cases a test runs, and from which seed: OMEN_CASES and OMEN_SEED in the environment.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace omen {

inline uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}
// Of a test that runs one `part`-th of them; one at least.
inline uint64_t cases(uint64_t otherwise, uint64_t part = 1) {
  return std::max<uint64_t>(1, number_from("OMEN_CASES", otherwise) / part);
}
inline uint64_t first_seed() { return number_from("OMEN_SEED", 1); }

// What runs the case that is `i`-th of the running test alone; a test may add to the seed what is its own.
inline std::string alone(uint64_t i) {
  std::string test = doctest::getContextOptions()->currentTest->m_name;
  if (const size_t comma = test.find(','); comma != std::string::npos) test.replace(comma, std::string::npos, "*");
  return "OMEN_SEED=" + std::to_string(first_seed() + i) + " OMEN_CASES=1 build/tests/omen-tests -tc='" + test + "'";
}

}  // namespace omen
