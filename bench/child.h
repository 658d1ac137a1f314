// Child: another program, started with streams of ours. It does not outlive the bench, however that ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace omen::bench {

// /dev/null, as one of the streams.
constexpr int null_stream = -1;

// A path, arguments, and what the child has as standard input, output and error; those stay open here.
pid_t start_child(std::vector<std::string> words, int in, int out, int error);
// Waits until it ends; ends the bench when its exit status is not 0.
void wait_for_child(pid_t pid, const std::string& name);

// Both ends are closed in children, except as a stream of theirs.
struct Pipe {
  enum class Kind : uint8_t { pipe, unix_socket };
  explicit Pipe(Kind kind = Kind::pipe);
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  void close_read();
  void close_write();
  int read = -1, write = -1;
};

}  // namespace omen::bench
