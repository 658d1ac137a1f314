// Link: one connection of a sender or a reader to the service that is measured, and what is read from it.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace omen::bench {

// A blocking socket. Errors of the link end the bench: a service that hangs up on it is a finding, and is said.
class Link {
 public:
  // "127.0.0.1:PORT" or "unix:PATH".
  explicit Link(const std::string& address);
  ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  // All of it, however long the other side takes. False: the other side has hung up.
  bool send(std::string_view bytes);
  // What there is, after waiting for it; 0 bytes: the other side has hung up.
  std::string_view receive();
  // As much as the socket takes at once.
  size_t send_some(std::string_view bytes);
  // Whether something is there to be read, within that time; with `or_room`, or the socket takes bytes again.
  bool wait(int64_t wait_ns, bool or_room = false);
  bool is_over() const { return is_over_; }

 private:
  int fd_ = -1;
  bool is_over_ = false;
  std::string buffer_;
};

// Answers to what was sent, as they come in pieces: of HTTP or of lines. Counts what they say.
struct AnswerCounts {
  uint64_t answers = 0;   // HTTP: replies; lines: acknowledgements
  uint64_t accepted = 0;  // events
  uint64_t refused = 0;   // replies 429 and 503
  uint64_t others = 0;    // replies and lines that say anything else
  std::string problem;    // the first of the others
};
class HttpAnswers {
 public:
  void put(std::string_view bytes, AnswerCounts& counts);

 private:
  std::string rest_;
};
class LineAnswers {
 public:
  void put(std::string_view bytes, AnswerCounts& counts);

 private:
  std::string rest_;
};

int64_t now_ns();  // CLOCK_MONOTONIC: one clock for all threads
void sleep_until_ns(int64_t at_ns);
[[noreturn]] void give_up(const std::string& why);

}  // namespace omen::bench
