#include "runtime/serve/aside.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

namespace omen {
namespace {

constexpr size_t link_bytes_max = 4096;   // a socket takes as much at once
constexpr char done = 'd', failed = 'f';  // what the answer begins with

// Never returns.
[[noreturn]] void work_in_copy(const std::function<Status()>& work, int link, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it ended before that was said
  // Sockets and the folder's lock must not outlive the process because of the copy.
  constexpr int kept = STDERR_FILENO + 1;
  if (link != kept && dup2(link, kept) < 0) _exit(1);
  if (close_range(kept + 1, ~0u, 0) != 0) {
    for (int other = static_cast<int>(sysconf(_SC_OPEN_MAX)) - 1; other > kept; --other) close(other);
  }
  // Without memory for both it is the copy that has to go.
  if (const int score = open("/proc/self/oom_score_adj", O_WRONLY); score >= 0) {
    [[maybe_unused]] const ssize_t raised = write(score, "1000", 4);
    close(score);
  }
  char leave = 0;
  if (read(kept, &leave, 1) != 1) _exit(1);
  const Status worked = work();
  const std::string all = worked ? std::string(1, done) : (failed + worked.message()).substr(0, link_bytes_max);
  [[maybe_unused]] const ssize_t said = write(kept, all.data(), all.size());
  _exit(0);
}

}  // namespace

Status Aside::begin(const std::function<Status()>& work, Start start) {
  OMEN_ASSERT(child_ == 0);
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return Status::error(std::string("no sockets: ") + strerror(errno));
  }
  // The handlers of this process must not run in the copy.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) work_in_copy(work, ends[1], parent);
  const int fault = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    return Status::error(std::string("no copy of the process: ") + strerror(fault));
  }
  child_ = child;
  link_ = ends[0];
  if (start == Start::at_once) go_on();
  return Status::ok();
}

// One that is dead says so when it is waited for.
void Aside::go_on() { [[maybe_unused]] const ssize_t told = send(link_, "g", 1, MSG_NOSIGNAL); }

std::optional<Status> Aside::ended() {
  if (child_ == 0) return std::nullopt;
  int exit_status = 0;
  const pid_t waited = waitpid(child_, &exit_status, WNOHANG);
  if (waited == 0 || (waited < 0 && errno == EINTR)) return std::nullopt;
  child_ = 0;
  return result(waited > 0 ? exit_status : 0);
}

Status Aside::result(int exit_status) {
  char answer[link_bytes_max];
  const ssize_t size = read(link_, answer, sizeof answer);
  close(link_);
  link_ = -1;
  if (size > 0 && answer[0] == done) return Status::ok();
  if (size > 0) return Status::error(std::string(answer + 1, static_cast<size_t>(size - 1)));
  return Status::error(WIFSIGNALED(exit_status)
                           ? "the copy of the process was ended by signal " + std::to_string(WTERMSIG(exit_status))
                           : "the copy of the process has failed");
}

void Aside::stop() {
  if (child_ == 0) return;
  kill(child_, SIGKILL);
  while (waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
  }
  child_ = 0;
  close(link_);
  link_ = -1;
}

}  // namespace omen
