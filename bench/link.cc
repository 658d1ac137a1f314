#include "bench/link.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace omen::bench {
namespace {

// The number behind `name` in a text; 0 when there is none.
uint64_t number_after(std::string_view text, std::string_view name) {
  const size_t at = text.find(name);
  uint64_t number = 0;
  if (at != text.npos) std::from_chars(text.data() + at + name.size(), text.data() + text.size(), number);
  return number;
}

}  // namespace

int64_t now_ns() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

void sleep_until_ns(int64_t at_ns) {
  const timespec at = {at_ns / 1'000'000'000, at_ns % 1'000'000'000};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, nullptr);
}

void give_up(const std::string& why) {
  std::fflush(stdout);
  fmt::print(stderr, "bench: {}\n", why);
  std::exit(2);
}

Link::Link(const std::string& address) : buffer_(64u << 10, '\0') {
  const bool is_unix = address.starts_with("unix:");
  fd_ = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int connected = -1;
  if (is_unix) {
    sockaddr_un to = {};
    to.sun_family = AF_UNIX;
    std::strncpy(to.sun_path, address.c_str() + 5, sizeof to.sun_path - 1);
    connected = connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  } else {
    const size_t colon = address.rfind(':');
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::atoi(address.c_str() + colon + 1)));
    inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
    connected = connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to);
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (connected != 0) give_up(fmt::format("{}: {}", address, std::strerror(errno)));
}

Link::~Link() { close(fd_); }

bool Link::send(std::string_view bytes) {
  while (!bytes.empty() && !is_over_) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) is_over_ = true;
    if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return !is_over_;
}

size_t Link::send_some(std::string_view bytes) {
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) is_over_ = true;
  return sent < 0 ? 0 : static_cast<size_t>(sent);
}

std::string_view Link::receive() {
  for (;;) {
    const ssize_t got = recv(fd_, buffer_.data(), buffer_.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) is_over_ = true;
    return {buffer_.data(), static_cast<size_t>(std::max<ssize_t>(got, 0))};
  }
}

bool Link::wait(int64_t wait_ns, bool or_room) {
  pollfd one = {fd_, static_cast<short>(or_room ? POLLIN | POLLOUT : POLLIN), 0};
  const timespec time = {std::max<int64_t>(wait_ns, 0) / 1'000'000'000, std::max<int64_t>(wait_ns, 0) % 1'000'000'000};
  return ppoll(&one, 1, &time, nullptr) > 0 && (one.revents & ~POLLOUT) != 0;
}

void HttpAnswers::put(std::string_view bytes, AnswerCounts& counts) {
  rest_ += bytes;
  size_t begin = 0;
  for (;;) {
    const std::string_view text = std::string_view(rest_).substr(begin);
    const size_t head_end = text.find("\r\n\r\n");
    if (head_end == text.npos) break;
    const std::string_view head = text.substr(0, head_end);
    const size_t size = head_end + 4 + number_after(head, "Content-Length: ");
    if (text.size() < size) break;
    const uint64_t status = number_after(head, "HTTP/1.1 ");
    ++counts.answers;
    if (status == 200) {
      counts.accepted += number_after(text.substr(head_end), "\"accepted\":");
    } else if (status == 429 || status == 503) {
      ++counts.refused;
    } else if (counts.others++ == 0) {
      counts.problem = text.substr(0, size);
    }
    begin += size;
  }
  rest_.erase(0, begin);
}

void LineAnswers::put(std::string_view bytes, AnswerCounts& counts) {
  rest_ += bytes;
  size_t begin = 0;
  for (size_t end; (end = rest_.find('\n', begin)) != rest_.npos; begin = end + 1) {
    const std::string_view line = std::string_view(rest_).substr(begin, end - begin);
    if (line.starts_with("{\"ack\":")) {
      ++counts.answers;
      counts.accepted = number_after(line, "{\"ack\":");  // of all that this connection has sent
    } else if (counts.others++ == 0) {
      counts.problem = line;
    }
  }
  rest_.erase(0, begin);
}

}  // namespace omen::bench
