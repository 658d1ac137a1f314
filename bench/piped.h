// Piped: a program between two pipes, or two sockets, `omen run` or one that Omen is held against: lines into its
// standard input; a thread of ours looks for probes in what its standard output says.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/child.h"
#include "bench/probes.h"

namespace omen::bench {

class Piped {
 public:
  explicit Piped(const std::vector<std::string>& words, Pipe::Kind kind = Pipe::Kind::pipe);
  ~Piped();  // ends its input, and waits until it has ended
  Piped(const Piped&) = delete;
  Piped& operator=(const Piped&) = delete;

  // All of it, however long the other side takes.
  void send(std::string_view bytes);
  Probes& probes() { return probes_; }

 private:
  void follow();

  const std::string name_;
  Pipe in_, out_;
  pid_t pid_ = -1;
  Probes probes_;
  std::thread follower_;
};

}  // namespace omen::bench
