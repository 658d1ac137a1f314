// Floor: the least that any engine pays for a stream of JSON lines: read it and let simdjson's on-demand parser give
// type, key, time and one number of each event. It checks less than Omen does: what it does not touch may be no JSON.
//
// On-demand is compiled for one instruction set; the floor is built for AVX2, the rest of Omen chooses at run time.
#pragma once

#include <cstdint>
#include <string>

namespace omen::bench {

struct Floor {
  uint64_t events = 0;
  double sum = 0;  // of what was read, so that reading is not optimised away
};
Floor read_with_simdjson(const std::string& path);

double cpu_s();  // of this thread

}  // namespace omen::bench
