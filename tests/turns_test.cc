// A thread's turns are its own affair (io/turns): whose they are, and what stays as it was chosen. How long they are
// the system may decide.
#include "runtime/io/turns.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
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

// The niceness that a thread has of its own when it has stood back.
int niceness_of(int policy, int niceness) {
  int out = -1;
  std::thread([&] {
    const sched_param none{};
    REQUIRE(sched_setscheduler(0, policy, &none) == 0);
    REQUIRE(setpriority(PRIO_PROCESS, 0, niceness) == 0);
    stand_back();
    out = getpriority(PRIO_PROCESS, 0);
  }).join();
  return out;
}

TEST_CASE("turns: who stands back is ten nicer, where nobody has chosen another policy") {
  const int before = getpriority(PRIO_PROCESS, 0);  // a lower one nobody may choose
  for (int niceness = before; niceness <= 19; ++niceness) {
    CHECK(niceness_of(SCHED_OTHER, niceness) == std::min(niceness + 10, 19));
    CHECK(niceness_of(SCHED_BATCH, niceness) == niceness);
  }
  CHECK(getpriority(PRIO_PROCESS, 0) == before);
}

}  // namespace
}  // namespace omen
