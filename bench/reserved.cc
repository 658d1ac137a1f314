#include "bench/reserved.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "bench/floor.h"
#include "runtime/core/reserve.h"

namespace omen::bench {

void add_reserve_option(CLI::App& app, uint64_t& bytes) {
  app.add_option("--reserve", bytes, "Ask for so much memory of states ahead")
      ->transform(CLI::AsSizeValue(false))
      ->type_name("BYTES");
}

bool reserve(uint64_t bytes) {
  if (bytes == 0) return true;
  const double begin_s = cpu_s();
  if (const Status filled = Reserve::of_process().fill(bytes); !filled) {
    fmt::print(stderr, "--reserve: {}\n", filled.message());
    return false;
  }
  fmt::print("{} MB asked for ahead: {:.1f} s\n", bytes >> 20, cpu_s() - begin_s);
  return true;
}

}  // namespace omen::bench
