#include "runtime/io/clock.h"

#include <chrono>

namespace omen {
namespace {

template <typename Clock>
int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(Clock::now().time_since_epoch()).count();
}

}  // namespace

int64_t wall_clock_us() { return now_us<std::chrono::system_clock>(); }
int64_t steady_clock_us() { return now_us<std::chrono::steady_clock>(); }

}  // namespace omen
