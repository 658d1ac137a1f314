// How many random cases a test runs, and from which seed: OMEN_CASES and OMEN_SEED in the environment.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace omen {

inline uint64_t number_from(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}
inline uint64_t cases(uint64_t otherwise) { return number_from("OMEN_CASES", otherwise); }
inline uint64_t first_seed() { return number_from("OMEN_SEED", 1); }

}  // namespace omen
