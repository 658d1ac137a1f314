#include "runtime/io/stop.h"

#include <poll.h>

#include <cerrno>
#include <csignal>
#include <initializer_list>

namespace omen {
namespace {

volatile std::sig_atomic_t received = 0, reload = 0;

void receive(int signal) { received = signal; }

}  // namespace

void catch_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = receive;  // without SA_RESTART: a write that hangs ends
  for (const int signal : {SIGINT, SIGTERM}) sigaction(signal, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

int stop_signal() { return received; }

void catch_reload_signal() {
  struct sigaction action = {};
  action.sa_handler = [](int) { reload = 1; };
  action.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &action, nullptr);
}

bool take_reload_signal() {
  if (reload == 0) return false;
  reload = 0;
  return true;
}

bool wait_readable(int fd) {
  // Between the look at `received` and the wait no signal may slip through: they are let in by ppoll only.
  sigset_t stops, before;
  sigemptyset(&stops);
  sigaddset(&stops, SIGINT);
  sigaddset(&stops, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &stops, &before);
  pollfd waiting{fd, POLLIN, 0};
  while (received == 0 && ppoll(&waiting, 1, nullptr, &before) < 0 && errno == EINTR) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return received == 0;
}

}  // namespace omen
