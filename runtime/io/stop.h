// Stop: SIGINT and SIGTERM ask the process to finish what it has in hand, and are noticed while it waits for input.
#pragma once

#include <cstddef>

namespace omen {

// Installs the handlers; SIGPIPE is ignored from then on, a closed output shows as EPIPE.
void catch_stop_signals();
// The signal that asked to stop, or 0.
int stop_signal();
// SIGHUP asks to read the rules again, from then on; told once for each time.
void catch_reload_signal();
bool take_reload_signal();
// While it lives, a wait of this thread for input or output ends when the process is asked to stop, whichever thread
// has got the signal. The first thread of a process is reached in any case.
class ReachedByStop {
 public:
  ReachedByStop();
  ~ReachedByStop();
  ReachedByStop(const ReachedByStop&) = delete;
  ReachedByStop& operator=(const ReachedByStop&) = delete;

 private:
  size_t place_;
};
// Waits until `fd` can be read. False when the process is asked to stop, also just before.
bool wait_readable(int fd);

}  // namespace omen
