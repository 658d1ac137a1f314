#include "bench/scratch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace omen::bench {
namespace {

// Of mkstemp(3), which puts letters there.
std::string pattern_below(const std::string& folder) { return folder + "/omen-bench-" + std::string(6, 'X'); }

void check(bool is_made, const std::string& path) {
  if (is_made) return;
  fmt::print(stderr, "bench: {}: {}\n", path, std::strerror(errno));
  std::exit(2);
}

}  // namespace

std::string scratch_folder() {
  const char* const temporary = std::getenv("TMPDIR");
  return temporary == nullptr ? "/var/tmp" : temporary;
}

std::string make_file() {
  std::string path = pattern_below(scratch_folder());
  const int file = mkstemp(path.data());
  check(file >= 0, path);
  close(file);
  return path;
}

std::string make_folder(const std::string& below) {
  std::string path = pattern_below(below);
  check(mkdtemp(path.data()) != nullptr, path);
  return path;
}

}  // namespace omen::bench
