// A thread's turns are its own affair (io/turns): whose they are, and what stays as it was chosen. How long they are
// the system may decide.
#include "runtime/io/turns.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/resource.h>

#include <thread>

namespace omen {
namespace {

// What the system says of a thread that has taken short turns, under this policy and niceness, and of one that it
// makes.
struct Policies {
  int own = -1, child = -1, niceness = -1;
};

Policies policies_of(int policy, int niceness) {
  Policies out;
  std::thread thread([&] {
    const sched_param none{};
    REQUIRE(sched_setscheduler(0, policy, &none) == 0);
    REQUIRE(setpriority(PRIO_PROCESS, 0, niceness) == 0);  // of the thread alone
    take_short_turns();
    out.own = sched_getscheduler(0);
    out.niceness = getpriority(PRIO_PROCESS, 0);
    std::thread([&] { out.child = sched_getscheduler(0); }).join();
  });
  thread.join();
  return out;
}

TEST_CASE("turns: they are of the calling thread alone, and leave its niceness, and a policy that was chosen") {
  const int before = sched_getscheduler(0);
  const Policies usual = policies_of(SCHED_OTHER, 19);
  CHECK(usual.own == (SCHED_OTHER | SCHED_RESET_ON_FORK));
  CHECK(usual.child == SCHED_OTHER);
  CHECK(usual.niceness == 19);
  const Policies chosen = policies_of(SCHED_BATCH, 19);
  CHECK(chosen.own == SCHED_BATCH);
  CHECK(chosen.child == SCHED_BATCH);
  CHECK(sched_getscheduler(0) == before);
}

}  // namespace
}  // namespace omen
