#include "runtime/io/turns.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

namespace omen {
namespace {

constexpr uint64_t turn_ns = 200'000;  // the system's own on two cores: 1.4 ms
constexpr uint64_t reset_on_fork = 1;  // SCHED_FLAG_RESET_ON_FORK
constexpr int32_t back_by = 10, nice_max = 19;

// Of sched_setattr(2); not every C library has it.
struct Attributes {
  uint32_t size = sizeof(Attributes);
  uint32_t policy = SCHED_OTHER;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0, deadline_ns = 0, period_ns = 0;
};

// `change` is made to what the calling thread has.
template <typename Change>
void change_attributes(Change change) {
  Attributes attributes;
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return;
  if (attributes.policy != SCHED_OTHER) return;  // somebody has chosen another for the whole service
  change(attributes);
  [[maybe_unused]] const int64_t set = syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace

void take_short_turns() {
  change_attributes([](Attributes& attributes) {
    attributes.runtime_ns = turn_ns;
    // Threads and copies of the process that it makes take the system's again; a niceness below 0 would go with that.
    if (attributes.nice >= 0) attributes.flags |= reset_on_fork;
  });
}

void stand_back() {
  change_attributes([](Attributes& attributes) { attributes.nice = std::min(attributes.nice + back_by, nice_max); });
}

}  // namespace omen
