#include "cli/memory.h"

#include <unistd.h>

#include <cstdio>

#include "cli/command.h"
#include "cli/print.h"
#include "runtime/core/reserve.h"

namespace omen::cli {

void add_reserve_option(Command verb, uint64_t& bytes) {
  verb.add_option(
          "--reserve", bytes,
          "Ask the system for so much memory for states at the start, so that no event waits for it: 500MB, 4GB")
      .as_size()
      .type_name("BYTES");
}

Status reserve_memory(uint64_t bytes) {
  if (bytes == 0) return Status::ok();
  const bool is_shown = is_terminal(STDERR_FILENO);
  const Status filled = Reserve::of_process().fill(bytes, [&](uint64_t touched) {
    if (is_shown)
      std::fprintf(stderr, "\rasking for memory: %3.0f %%",
                   100.0 * static_cast<double>(touched) / static_cast<double>(bytes));
  });
  if (is_shown) std::fputs("\r\033[K", stderr);
  return filled ? filled : Status::error("--reserve: " + filled.message() + "; ask for less");
}

}  // namespace omen::cli
