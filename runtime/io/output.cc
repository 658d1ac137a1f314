#include "runtime/io/output.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include "runtime/io/stop.h"

namespace omen {
namespace {

bool takes_more(int fd) {
  constexpr int patience_ms = 100;
  pollfd waiting{fd, POLLOUT, 0};
  return poll(&waiting, 1, patience_ms) != 0;
}

}  // namespace

Result<std::unique_ptr<Output>> Output::append_to(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0) return Status::error("cannot write " + path + ": " + strerror(errno));
  return std::make_unique<Output>(path, fd);
}

Output::~Output() {
  if (fd_ > STDERR_FILENO) close(fd_);
}

Status Output::flush() {
  std::string_view rest = buffer_;
  while (!rest.empty() && !is_closed_) {
    // Asked to stop, perhaps in the middle of the last write: so much that it cannot hang, as long as somebody reads.
    const bool is_stopping = stop_signal() != 0;
    if (is_stopping && !takes_more(fd_)) break;
    const ssize_t written =
        write(fd_, rest.data(), is_stopping ? std::min<size_t>(rest.size(), PIPE_BUF) : rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<size_t>(written));
    } else if (errno == EPIPE) {
      is_closed_ = true;
    } else if (errno == EINTR && stop_signal() != 0) {
      is_closed_ = true;  // asked to stop while the reader does not read
    } else if (errno != EINTR) {
      buffer_.clear();
      return Status::error("cannot write " + name_ + ": " + strerror(errno));
    }
  }
  is_closed_ = is_closed_ || !rest.empty();
  buffer_.clear();
  return Status::ok();
}

}  // namespace omen
