#include "bench/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "bench/link.h"

namespace omen::bench {

pid_t start_child(std::vector<std::string> words, int in, int out, int error) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid < 0) give_up("no process can be started");
  if (pid > 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  signal(SIGPIPE, SIG_DFL);  // we may ignore it
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(in == null_stream ? null : in, 0);
  dup2(out == null_stream ? null : out, 1);
  dup2(error == null_stream ? null : error, 2);
  execvp(argv[0], argv.data());
  _exit(127);
}

void wait_for_child(pid_t pid, const std::string& name) {
  int status = 0;
  waitpid(pid, &status, 0);
  if (status != 0) give_up(fmt::format("{} ended with status {}", name, WIFEXITED(status) ? WEXITSTATUS(status) : -1));
}

Pipe::Pipe(Kind kind) {
  int ends[2];
  const int made =
      kind == Kind::pipe ? pipe2(ends, O_CLOEXEC) : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
  if (made != 0) give_up("no pipe can be made");
  read = ends[0];
  write = ends[1];
}

Pipe::~Pipe() {
  close_read();
  close_write();
}

void Pipe::close_read() {
  if (read >= 0) close(std::exchange(read, -1));
}

void Pipe::close_write() {
  if (write >= 0) close(std::exchange(write, -1));
}

}  // namespace omen::bench
