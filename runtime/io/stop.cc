#include "runtime/io/stop.h"

#include <poll.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <initializer_list>

namespace omen {
namespace {

volatile std::sig_atomic_t received = 0, reload = 0;

// Threads that wait, too. A free place is nobody's.
constexpr size_t threads_max = 64;
struct Place {
  std::atomic<bool> is_taken = false;
  std::atomic<bool> is_set = false;
  pthread_t thread;
};
Place places[threads_max];

void receive(int signal, siginfo_t* info, void* /*context*/) {
  received = signal;
  if (info->si_code == SI_TKILL) return;  // passed on by another thread
  const int before = errno;
  for (const Place& place : places) {
    if (place.is_set && pthread_equal(place.thread, pthread_self()) == 0) pthread_kill(place.thread, signal);
  }
  errno = before;
}

}  // namespace

void catch_stop_signals() {
  struct sigaction action = {};
  action.sa_sigaction = receive;
  action.sa_flags = SA_SIGINFO;  // without SA_RESTART: a write that hangs ends
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

ReachedByStop::ReachedByStop() : place_(0) {
  while (place_ < threads_max && places[place_].is_taken.exchange(true)) ++place_;
  if (place_ == threads_max) return;
  places[place_].thread = pthread_self();
  places[place_].is_set = true;
}

ReachedByStop::~ReachedByStop() {
  if (place_ == threads_max) return;
  places[place_].is_set = false;
  places[place_].is_taken = false;
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
