// Clock: the only door to the machine's time. Event time never comes from here, except for events that bring none.
#pragma once

#include <cstdint>

namespace omen {

int64_t wall_clock_us();    // since 1970
int64_t steady_clock_us();  // for durations only

}  // namespace omen
