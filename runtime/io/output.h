// Output: a file descriptor written in large pieces. What is appended to buffer() goes out with flush().
//
// A reader that has gone (EPIPE) is no error: is_closed() tells, and nothing is written any more.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/model/status.h"

namespace omen {

class Output {
 public:
  // Appends to the file; makes it when there is none.
  static Result<std::unique_ptr<Output>> append_to(const std::string& path);
  Output(std::string name, int fd) : name_(std::move(name)), fd_(fd) {}
  ~Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  std::string& buffer() { return buffer_; }
  // Writes the buffer when it has grown large.
  Status flush_if_large() { return buffer_.size() < large ? Status::ok() : flush(); }
  Status flush();
  bool is_closed() const { return is_closed_; }

 private:
  static constexpr size_t large = 64 * 1024;
  std::string name_;
  int fd_;
  bool is_closed_ = false;
  std::string buffer_;
};

}  // namespace omen
