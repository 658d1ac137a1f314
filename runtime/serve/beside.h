// Beside: a piece of work that is done by a thread of its own while the one that began it goes on; one at a time. What
// the work uses is the thread's until its end has been taken.
//
//   begin(work)   none may be under way
//   ended()       what came of it, once; nothing: it is under way, or there is none
//   wait()        the same, and waits for it
//
// at_once: begin() does the work itself, and only ended() tells: then it is an ordinary call. later: ended() and wait()
// do it, so that something may come between all the same: for tests whose disk and store want one thread.
//
// NOT HERE: what is done; work that needs all memory as it is at a moment (aside.h).
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "runtime/model/status.h"

namespace omen {

class Beside {
 public:
  enum class Manner : uint8_t { at_once, thread, later };

  // `wake` is called by the thread when the work has ended.
  Beside(Manner manner, std::function<void()> wake) : manner_(manner), wake_(std::move(wake)) {}
  ~Beside();  // the work under way is done to its end, but for one that is to be done later
  Beside(const Beside&) = delete;
  Beside& operator=(const Beside&) = delete;

  void begin(std::function<Status()> work);
  bool is_under_way() const { return is_under_way_; }
  std::optional<Status> ended();
  std::optional<Status> wait();

 private:
  void run();
  std::optional<Status> take();

  const Manner manner_;
  const std::function<void()> wake_;
  bool is_under_way_ = false;  // the end has not been taken
  std::thread thread_;         // with the first work
  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<Status()> work_;  // to be done, or being done
  std::optional<Status> result_;
  bool is_over_ = false;
};

}  // namespace omen
