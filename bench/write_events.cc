// Writes the stream that is measured to a file, for programs that are not ours to read (bench/peers).
//
//   write-events PATH EVENTS USERS
#include <cstdio>
#include <cstdlib>

#include "bench/events.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("write-events PATH EVENTS USERS\n", stderr);
    return 2;
  }
  const auto users = static_cast<uint32_t>(std::strtoul(argv[3], nullptr, 10));
  omen::bench::write_events(argv[1], std::strtoull(argv[2], nullptr, 10), {.users = users});
}
