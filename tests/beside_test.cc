// Beside: who does the work, and when its end is known.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>

#include "runtime/serve/beside.h"

namespace omen {
namespace {

using Manner = Beside::Manner;

std::optional<Status> until_ended(Beside& beside) {
  for (;;) {
    if (auto ended = beside.ended()) return ended;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

TEST_CASE("beside: a thread does the work while the one that began it goes on, and wakes it at the end") {
  std::atomic<int> woken = 0;
  std::atomic<bool> may_end = false;
  Beside beside(Manner::thread, [&] { ++woken; });
  CHECK_FALSE(beside.ended());
  CHECK_FALSE(beside.wait());
  const auto own = std::this_thread::get_id();
  std::thread::id worker;
  beside.begin([&] {
    worker = std::this_thread::get_id();
    may_end.wait(false);
    return Status::error("so it is");
  });
  CHECK(beside.is_under_way());
  CHECK_FALSE(beside.ended());
  may_end = true;
  may_end.notify_all();
  CHECK(until_ended(beside)->message() == "so it is");
  CHECK(worker != own);
  CHECK_FALSE(beside.is_under_way());
  CHECK_FALSE(beside.ended());
  for (int i = 0; i < 100; ++i) {
    int done = 0;
    beside.begin([&] { return ++done, Status::ok(); });
    REQUIRE(*beside.wait());
    REQUIRE(done == 1);
  }
  while (woken < 101) std::this_thread::yield();
}

// Whoever has chosen another policy for the whole has chosen for this thread, too.
TEST_CASE("beside: the thread stands back for the one that began it") {
  const int own = getpriority(PRIO_PROCESS, 0);
  int niceness = -1;
  Beside beside(Manner::thread, [] {});
  beside.begin([&] {
    niceness = getpriority(PRIO_PROCESS, 0);  // of the calling thread
    return Status::ok();
  });
  CHECK(beside.wait());
  CHECK(niceness == (sched_getscheduler(0) == SCHED_OTHER ? std::min(own + 10, 19) : own));
  CHECK(getpriority(PRIO_PROCESS, 0) == own);
}

TEST_CASE("beside: what is under way is done to its end before it goes") {
  bool is_done = false;
  {
    Beside beside(Manner::thread, [] {});
    beside.begin([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      is_done = true;
      return Status::ok();
    });
  }
  CHECK(is_done);
}

TEST_CASE("beside: at once it is done by begin(), later by whoever asks for its end") {
  int done = 0;
  const auto work = [&] { return ++done, Status::ok(); };
  Beside at_once(Manner::at_once, [] {}), later(Manner::later, [] {});
  at_once.begin(work);
  CHECK(done == 1);
  CHECK(at_once.is_under_way());
  CHECK(*at_once.ended());
  later.begin(work);
  CHECK(done == 1);
  CHECK(*later.wait());
  CHECK(done == 2);
  later.begin(work);
  CHECK(*later.ended());
  CHECK(done == 3);
  later.begin(work);  // and is not done any more
}

}  // namespace omen
