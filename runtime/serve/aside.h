// Aside: a piece of work that is done by a copy of the process, which has all memory as it is at this moment, while the
// process goes on: pages that either changes are copied by the kernel (copy on write, as Redis saves its data set).
//
//   begin(work)   forks; the copy does the work and ends. It costs the pages' table: about 10 ms for a gigabyte
//   go_on()       when begin() was told that the copy shall wait: until then it only has the memory of that moment
//   ended()       what came of it, once
//
// Of the threads only the one that calls begin() is in the copy. So the work may use memory, for the C library sees to
// its own locks, and files that it opens itself: it has no other descriptors. It may not wait for a thread, take a
// lock that another thread may hold, or write a log.
//
// The copy ends with the process, however that ends, and knows no signal but SIGKILL. It needs the memory of what it
// makes, and of all pages that are written to meanwhile; where there is not enough, the kernel ends it first. That the
// work is done the copy says itself, so that it is known where SIGCHLD is ignored, too, and the kernel keeps no status.
//
// NOT HERE: what is done by it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "runtime/model/status.h"

namespace omen {

class Aside {
 public:
  Aside() = default;
  ~Aside() { stop(); }
  Aside(const Aside&) = delete;
  Aside& operator=(const Aside&) = delete;

  enum class Start : uint8_t { at_once, when_told };
  // None may be under way. An error: there can be no copy, and nothing was begun.
  Status begin(const std::function<Status()>& work, Start start = Start::at_once);
  // Any thread, while it is under way.
  void go_on();
  bool is_under_way() const { return child_ > 0; }
  // Nothing: it is under way, or there is none. A copy that was killed from elsewhere is an error, too.
  std::optional<Status> ended();
  // Ends it where it is. Its files are as a crash leaves them.
  void stop();

 private:
  Status result(int exit_status);

  pid_t child_ = 0;
  int link_ = -1;  // a socket: a byte for the copy to go on; from it, that it is done, or what was wrong
};

}  // namespace omen
