// Stop: SIGINT and SIGTERM ask the process to finish what it has in hand, and are noticed while it waits for input.
#pragma once

namespace omen {

// Installs the handlers; SIGPIPE is ignored from then on, a closed output shows as EPIPE.
void catch_stop_signals();
// The signal that asked to stop, or 0.
int stop_signal();
// SIGHUP asks to read the rules again, from then on; told once for each time.
void catch_reload_signal();
bool take_reload_signal();
// Waits until `fd` can be read. False when the process is asked to stop, also just before.
bool wait_readable(int fd);

}  // namespace omen
