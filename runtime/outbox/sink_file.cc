#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "runtime/outbox/sink.h"

namespace omen {
namespace {

std::vector<SinkResult> all(size_t count, const SinkResult& result) { return std::vector<SinkResult>(count, result); }

class FileSink : public Sink {
 public:
  explicit FileSink(const Destination& destination) : destination_(destination) {}
  ~FileSink() override { close_file(); }

  std::vector<SinkResult> deliver(std::span<const Message> messages) override {
    if (const std::string fault = open_file(); !fault.empty()) return all(messages.size(), {Verdict::retry, 0, fault});
    std::string lines;
    for (const Message& message : messages) lines += message.body + '\n';
    const off_t before = lseek(fd_, 0, SEEK_END);
    std::string fault = write_all(lines);
    if (fault.empty() && fdatasync(fd_) != 0 && errno != EINVAL) fault = strerror(errno);  // EINVAL: a pipe or device
    if (fault.empty()) return all(messages.size(), {});
    // What was written of a batch that failed would be half a line.
    if (before >= 0 && ftruncate(fd_, before) != 0) fault += ", and the part that was written remains";
    close_file();
    return all(messages.size(), {Verdict::retry, 0, "cannot write: " + fault});
  }

 private:
  // Opened anew when it was moved away (log rotation) or the path's secret has changed.
  std::string open_file() {
    const auto path = destination_.value("path");
    if (!path) return path.message();
    struct stat named {};
    struct stat opened {};
    const bool is_same = fd_ >= 0 && path.value() == path_ && stat(path_.c_str(), &named) == 0 &&
                         fstat(fd_, &opened) == 0 && named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
    if (is_same) return {};
    close_file();
    path_ = path.value();
    fd_ = open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    return fd_ >= 0 ? std::string() : std::string("cannot open: ") + strerror(errno);
  }

  std::string write_all(std::string_view rest) {
    while (!rest.empty()) {
      const ssize_t written = write(fd_, rest.data(), rest.size());
      if (written > 0) {
        rest.remove_prefix(static_cast<size_t>(written));
      } else if (errno != EINTR) {
        return strerror(errno);
      }
    }
    return {};
  }

  void close_file() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }

  const Destination destination_;
  std::string path_;
  int fd_ = -1;
};

class StandardOutputSink : public Sink {
 public:
  explicit StandardOutputSink(SinkOptions options) : options_(std::move(options)) {}

  std::vector<SinkResult> deliver(std::span<const Message> messages) override {
    std::vector<SinkResult> results;
    for (const Message& message : messages) {
      rest_.clear();
      if (message.is_record && options_.rewrite) {
        options_.rewrite(rest_, message.body);
      } else {
        rest_ = message.body + '\n';
      }
      results.push_back(write_rest());
    }
    return results;
  }

 private:
  // In pieces that a pipe takes at once when it says that it takes anything, so that it never blocks us.
  SinkResult write_rest() {
    std::string_view rest = rest_;
    while (!rest.empty()) {
      if (is_stopping() && rest.size() == rest_.size()) return {Verdict::returned, 0, {}};
      pollfd poller{options_.standard_output, POLLOUT, 0};
      const int ready = poll(&poller, 1, 100);
      if (ready == 0) {
        if (is_stopping()) return {Verdict::returned, 0, {}};
        continue;
      }
      const ssize_t written = write(options_.standard_output, rest.data(), std::min<size_t>(rest.size(), PIPE_BUF));
      if (written > 0) {
        rest.remove_prefix(static_cast<size_t>(written));
      } else if (errno != EINTR && errno != EAGAIN) {
        return {Verdict::retry, 0, std::string("standard output: ") + strerror(errno)};
      }
    }
    return {};
  }
  bool is_stopping() const { return options_.is_stopping != nullptr && *options_.is_stopping; }

  const SinkOptions options_;
  std::string rest_;
};

}  // namespace

std::unique_ptr<Sink> make_file_sink(const Destination& destination) { return std::make_unique<FileSink>(destination); }

std::unique_ptr<Sink> make_stdout_sink(const SinkOptions& options) {
  return std::make_unique<StandardOutputSink>(options);
}

}  // namespace omen
