// Program: omen as its users have it, started by a test with pipes to its standard input and output, in a folder of the
// test's own.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/folder.h"

namespace omen {

// A running omen with a pipe to its standard input and one from its standard output; standard error goes to a file.
class Omen {
 public:
  Omen(const Folder& folder, std::vector<std::string> arguments) : error_path_(folder.path("stderr")) {
    // A program that ends early fails its own test, and does not end all of them.
    std::signal(SIGPIPE, SIG_IGN);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    int in[2], out[2];
    REQUIRE(pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(pipe2(out, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, error_path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    arguments.insert(arguments.begin(), "omen");
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    REQUIRE(posix_spawn(&process_, OMEN_BINARY, &actions, &attributes, argv.data(), environ) == 0);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    in_ = in[1];
    out_ = out[0];
  }
  ~Omen() {
    end_input();
    close_output();
    if (process_ > 0) wait();
  }
  void put(const std::string& text) {
    CHECK(write(in_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  void end_input() { close(std::exchange(in_, -1)); }
  void close_output() { close(std::exchange(out_, -1)); }
  // A line, if one comes within five seconds.
  std::string line() {
    std::string text;
    pollfd waiting{out_, POLLIN, 0};
    char c = 0;
    while (poll(&waiting, 1, 5000) == 1 && read(out_, &c, 1) == 1 && c != '\n') text += c;
    return text;
  }
  std::string rest() {
    std::string text;
    char bytes[4096];
    for (ssize_t got = 0; (got = read(out_, bytes, sizeof bytes)) > 0;) text.append(bytes, static_cast<size_t>(got));
    return text;
  }
  void signal(int number) const { kill(process_, number); }
  int wait() {
    int status = 0;
    waitpid(std::exchange(process_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }
  std::string errors() const {
    std::ostringstream text;
    text << std::ifstream(error_path_).rdbuf();
    return text.str();
  }

 private:
  std::string error_path_;
  pid_t process_ = -1;
  int in_ = -1, out_ = -1;
};

struct Outcome {
  std::string out, errors;
  int exit_code;
};

// Runs omen to its end.
inline Outcome run_omen(const Folder& folder, const std::vector<std::string>& arguments,
                        const std::string& input = {}) {
  Omen omen(folder, arguments);
  omen.put(input);
  omen.end_input();
  Outcome outcome;
  outcome.out = omen.rest();
  outcome.exit_code = omen.wait();
  outcome.errors = omen.errors();
  return outcome;
}

}  // namespace omen
