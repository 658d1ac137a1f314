// --reserve of a bench: memory of states that is asked for before anything is measured (core/reserve), as by the option
// of `omen serve`.
#pragma once

#include <cstdint>

namespace CLI {
class App;
}

namespace omen::bench {

void add_reserve_option(CLI::App& app, uint64_t& bytes);
// Says how long it took. False: there is not so much, which it has said.
bool reserve(uint64_t bytes);

}  // namespace omen::bench
