// Serving: listeners in this process with a writer that is none: it decodes what comes, keeps the lines in memory, and
// gives its word at once or when the test says so. And a client of bytes, for what no proper client would send.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/serve/intake.h"
#include "runtime/serve/listeners.h"

namespace omen {

class FakeWriter {
 public:
  explicit FakeWriter(Intake& intake) : intake_(intake), thread_([this] { run(); }) {}
  ~FakeWriter() {
    pause(false);
    intake_.close();
    thread_.join();
  }
  // Nothing is taken while it is paused.
  void pause(bool is_paused) { is_paused_ = is_paused; }
  // As on a full disk: nothing is accepted.
  void fail(bool is_failing) { is_failing_ = is_failing; }
  std::vector<std::string> lines() const {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  std::vector<std::string> sources() const {
    const std::lock_guard lock(mutex_);
    return sources_;
  }
  // "reason@offset" of what the listeners have rejected.
  std::vector<std::string> rejected() const {
    const std::lock_guard lock(mutex_);
    return rejected_;
  }
  // Once so many lines are there, or after five seconds.
  std::vector<std::string> wait_for(size_t count) const {
    std::unique_lock lock(mutex_);
    come_.wait_for(lock, std::chrono::seconds(5), [&] { return lines_.size() >= count; });
    return lines_;
  }

 private:
  void run() {
    std::vector<Batch> batches;
    Program program;
    program.types.emplace_back();  // that of all events, for no rule names one
    Decoder decoder(program);
    for (bool goes_on = true; goes_on;) {
      while (is_paused_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      batches.clear();
      goes_on = intake_.take(batches, std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
      for (Batch& batch : batches) decide(batch, decoder);
    }
  }

  void decide(Batch& batch, Decoder& decoder) {
    std::vector<EventOutcome> outcomes(batch.count);
    if (!is_failing_) {
      std::string lines = batch.events;
      const size_t size = lines.size();
      lines.append(slice_padding, '\0');
      decoder.open({lines.data(), size}, {1, 0}, batch.arrival_us);
      size_t seen = 0;
      const std::lock_guard lock(mutex_);
      for (auto some = decoder.next(); !some.is_empty(); some = decoder.next()) {
        seen += some.events.size() + some.rejections.size();
        for (size_t i = 0; i < some.events.size(); ++i) {
          outcomes.at(some.places[i].line - 1).sequence = 1;  // counted below, in order
        }
        for (const Rejection& rejection : some.rejections) {
          outcomes.at(rejection.place.line - 1).reason = rejection.reason;
          outcomes.at(rejection.place.line - 1).column = rejection.column;
        }
      }
      CHECK(seen == batch.count);
      size_t begin = 0;
      for (EventOutcome& outcome : outcomes) {
        const size_t end = batch.events.find('\n', begin);
        if (outcome.sequence > 0) {
          outcome.sequence = ++sequence_;
          lines_.push_back(batch.events.substr(begin, end - begin));
          sources_.push_back(batch.source);
        }
        begin = end + 1;
      }
      CHECK(begin == batch.events.size());
      for (const RejectedPiece& piece : batch.rejected) {
        rejected_.push_back(std::string(name_of(piece.reason)) + '@' + std::to_string(piece.place.offset));
      }
      come_.notify_all();
    }
    if (batch.done) batch.done(outcomes);
  }

  Intake& intake_;
  std::atomic<bool> is_paused_ = false, is_failing_ = false;
  mutable std::mutex mutex_;
  mutable std::condition_variable come_;
  std::vector<std::string> lines_, sources_, rejected_;
  uint64_t sequence_ = 0;
  std::thread thread_;
};

// A socket of a client. What does not come within five seconds does not come.
class Client {
 public:
  explicit Client(const std::string& address) {
    if (address.starts_with("unix:")) {
      fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_un to = {};
      to.sun_family = AF_UNIX;
      std::strncpy(to.sun_path, address.c_str() + 5, sizeof to.sun_path - 1);
      is_open_ = connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    } else {
      fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in to = {};
      to.sin_family = AF_INET;
      to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
      inet_pton(AF_INET, address.substr(0, address.rfind(':')).c_str(), &to.sin_addr);
      is_open_ = connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
  }
  ~Client() { end(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  bool is_open() const { return is_open_; }

  bool put(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }
  void end_sending() { shutdown(fd_, SHUT_WR); }
  void end() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  // Up to and with `mark`; what there is when it does not come.
  std::string until(const std::string& mark) {
    for (;;) {
      const size_t at = come_.find(mark);
      if (at != std::string::npos) {
        std::string text = come_.substr(0, at + mark.size());
        come_.erase(0, text.size());
        return text;
      }
      if (!more()) return std::exchange(come_, {});
    }
  }
  std::string line() { return until("\n"); }
  // To the end of the connection.
  std::string rest() {
    while (more()) {
    }
    return std::exchange(come_, {});
  }
  bool is_ended() { return !more(); }

  // A whole answer: "STATUS BODY".
  std::string answer() {
    std::string head = until("\r\n\r\n");
    if (head.size() < 12) return "nothing";
    head_ = head;
    const size_t at = head.find("Content-Length: ");
    std::string body;
    if (at != std::string::npos && !is_head_) {
      const size_t size = std::stoul(head.substr(at + 16));
      while (come_.size() < size && more()) {
      }
      body = come_.substr(0, size);
      come_.erase(0, size);
    }
    while (body.ends_with('\n')) body.pop_back();
    return head.substr(9, 3) + (body.empty() ? "" : " " + body);
  }
  const std::string& head() const { return head_; }
  void expect_head() { is_head_ = true; }

 private:
  bool more() {
    pollfd waiting{fd_, POLLIN, 0};
    char bytes[65536];
    if (poll(&waiting, 1, 5000) != 1) return false;
    const ssize_t got = recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) return false;
    come_.append(bytes, static_cast<size_t>(got));
    return true;
  }

  int fd_ = -1;
  bool is_open_ = false, is_head_ = false;
  std::string come_, head_;
};

// POST of a body, with headers each ended by \r\n.
inline std::string post(const std::string& path, const std::string& body, const std::string& headers = {}) {
  return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string get(const std::string& path, const std::string& headers = {}) {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}

// A service without its middle: HTTP and lines on the loopback.
struct Serving {
  explicit Serving(ListenLimits own = {}, const IntakeLimits& intake_limits = {})
      : limits(own), intake(intake_limits) {}
  void start(std::vector<ListenConfig> configs = {}) {
    if (configs.empty()) {
      configs.resize(2);
      configs[0].address = configs[1].address = "127.0.0.1:0";
      configs[1].protocol = ListenConfig::Protocol::lines;
    }
    auto started = Listeners::start(configs, context, limits);
    REQUIRE_MESSAGE(started.is_ok(), started.message());
    listeners = std::move(started.value());
    writer = std::make_unique<FakeWriter>(intake);
  }
  ~Serving() {
    if (listeners != nullptr) listeners->stop(std::chrono::milliseconds(200));
    writer.reset();
  }
  std::string http() const { return listeners->addresses()[0]; }
  std::string lines() const { return listeners->addresses()[1]; }
  std::string ask(const std::string& request) const {
    Client client(http());
    REQUIRE(client.is_open());
    client.put(request);
    return client.answer();
  }
  uint64_t closed(const char* reason) {
    return metrics.counter("omen_connections_closed_total", "", {{"reason", reason}}).value();
  }

  ListenLimits limits;
  Intake intake;
  TokenStore tokens;
  Metrics metrics;
  Subscribers subscribers;
  std::mutex log_mutex;
  std::vector<std::string> log;
  HttpContext context{intake, tokens, metrics, subscribers};
  std::unique_ptr<Listeners> listeners;
  std::unique_ptr<FakeWriter> writer;
};

}  // namespace omen
