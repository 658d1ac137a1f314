#include "bench/piped.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "bench/link.h"
#include "runtime/io/turns.h"

namespace omen::bench {

Piped::Piped(const std::vector<std::string>& words, Pipe::Kind kind) : name_(words[0]), in_(kind), out_(kind) {
  signal(SIGPIPE, SIG_IGN);  // a program that does not start is told by what writing says
  pid_ = start_child(words, in_.read, out_.write, null_stream);
  in_.close_read();
  out_.close_write();
  follower_ = std::thread([this] { follow(); });
}

Piped::~Piped() {
  in_.close_write();
  follower_.join();
  wait_for_child(pid_, name_);
}

void Piped::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(in_.write, bytes.data(), bytes.size());
    if (wrote < 0 && errno != EINTR) give_up(fmt::format("{}: {}", name_, std::strerror(errno)));
    if (wrote > 0) bytes.remove_prefix(static_cast<size_t>(wrote));
  }
}

void Piped::follow() {
  take_short_turns();
  std::string buffer(64u << 10, '\0'), rest;
  for (ssize_t got = 0; (got = read(out_.read, buffer.data(), buffer.size())) > 0;) {
    const int64_t at_ns = now_ns();
    rest.append(buffer, 0, static_cast<size_t>(got));
    probes_.take(rest, at_ns);
  }
}

}  // namespace omen::bench
