#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "runtime/io/clock.h"
#include "runtime/outbox/sink.h"

namespace omen {
namespace {

constexpr int temporary_failure = 75;  // sysexits.h
constexpr int look_ms = 20;

class ExecSink : public Sink {
 public:
  ExecSink(const Destination& destination, const SinkOptions& options) : destination_(destination), options_(options) {}

  std::vector<SinkResult> deliver(std::span<const Message> messages) override {
    std::vector<SinkResult> results;
    for (const Message& message : messages) {
      results.push_back(is_stopping() ? SinkResult{Verdict::returned, 0, {}} : run(message));
    }
    return results;
  }

 private:
  SinkResult run(const Message& message) {
    if (!options_.allow_exec) {
      return {Verdict::refused, 0, "commands are off: start the service with --allow-exec"};
    }
    auto words = destination_.values("command");
    if (!words) return {Verdict::retry, 0, "command: " + words.message()};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return {Verdict::retry, 0, strerror(errno)};
    const pid_t child = spawn(words.value(), message, ends[0]);
    const int fault = errno;
    close(ends[0]);
    if (child < 0) {
      close(ends[1]);
      return {Verdict::refused, 0, std::string("cannot start the command: ") + strerror(fault)};
    }
    const int64_t until_us = steady_clock_us() + destination_.timeout_us();
    feed(ends[1], message.body, until_us);
    close(ends[1]);
    return wait_for(child, until_us);
  }

  // In a process group of its own, so that what it starts ends with it. No secret is in its environment.
  static pid_t spawn(std::vector<std::string>& words, const Message& message, int input) {
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    std::string path = "PATH=/usr/local/bin:/usr/bin:/bin", id = "OMEN_ID=" + message.id;
    char* environment[] = {path.data(), id.data(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    pid_t child = -1;
    const int fault = posix_spawn(&child, arguments[0], &actions, &attributes, arguments.data(), environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    errno = fault;
    return fault == 0 ? child : -1;
  }

  // A command may end, or not read, before it has seen everything: its exit status decides.
  void feed(int out, std::string_view rest, int64_t until_us) const {
    fcntl(out, F_SETFL, O_NONBLOCK);
    while (!rest.empty() && steady_clock_us() < until_us && !is_stopping()) {
      pollfd poller{out, POLLOUT, 0};
      if (poll(&poller, 1, look_ms) == 0) continue;
      const ssize_t written = write(out, rest.data(), rest.size());
      if (written > 0) {
        rest.remove_prefix(static_cast<size_t>(written));
      } else if (errno != EAGAIN && errno != EINTR) {
        return;
      }
    }
  }

  SinkResult wait_for(pid_t child, int64_t until_us) const {
    bool is_killed = false;
    for (;;) {  // it stays a zombie, and its number its own, until its group has been ended with it
      siginfo_t ended{};
      const int result = waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT | (is_killed ? 0 : WNOHANG));
      if (result != 0 && errno != EINTR) return {Verdict::retry, 0, strerror(errno)};
      if (result == 0 && ended.si_pid == child) break;
      if (is_killed) continue;
      if (steady_clock_us() >= until_us || is_stopping()) {
        kill(-child, SIGKILL);
        is_killed = true;
      } else {
        poll(nullptr, 0, look_ms);
      }
    }
    kill(-child, SIGKILL);  // what it has left behind
    int status = 0;
    waitpid(child, &status, 0);
    if (is_killed && is_stopping()) return {Verdict::returned, 0, {}};
    if (is_killed) return {Verdict::retry, 0, "the command did not end in time"};
    if (WIFSIGNALED(status)) {
      return {Verdict::retry, 0, "the command was ended by signal " + std::to_string(WTERMSIG(status))};
    }
    const int code = WEXITSTATUS(status);
    if (code == 0) return {};
    return {code == temporary_failure ? Verdict::retry : Verdict::refused, code,
            "the command has ended with exit status " + std::to_string(code)};
  }

  bool is_stopping() const { return options_.is_stopping != nullptr && *options_.is_stopping; }

  const Destination destination_;
  const SinkOptions options_;
};

}  // namespace

std::unique_ptr<Sink> make_exec_sink(const Destination& destination, const SinkOptions& options) {
  return std::make_unique<ExecSink>(destination, options);
}

}  // namespace omen
