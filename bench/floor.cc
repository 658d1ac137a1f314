#include "bench/floor.h"

#include <fcntl.h>
#include <simdjson.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <vector>

namespace omen::bench {
namespace {

constexpr size_t read_size = 256 * 1024;

// Not inlined: GCC's inlining of on-demand into its surroundings moves the figure by a quarter either way.
[[gnu::noinline]] void read_document(simdjson::ondemand::document_reference document, Floor& floor) {
  std::string_view type, time, key;
  double amount = 0;
  simdjson::ondemand::object object;
  if (document.get_object().get(object) != simdjson::SUCCESS) return;
  if (object["type"].get(type) == simdjson::SUCCESS) floor.sum += static_cast<double>(type.size());
  if (object["ts"].get(time) == simdjson::SUCCESS) floor.sum += static_cast<double>(time.size());
  if (object["user_id"].get(key) == simdjson::SUCCESS) floor.sum += static_cast<double>(key.size());
  if (object["amount"].get(amount) == simdjson::SUCCESS) floor.sum += amount;
  ++floor.events;
}

}  // namespace

Floor read_with_simdjson(const std::string& path) {
  Floor floor;
  const int fd = open(path.c_str(), O_RDONLY);
  std::vector<char> buffer(2 * read_size + simdjson::SIMDJSON_PADDING);
  simdjson::ondemand::parser parser;
  size_t filled = 0;
  for (ssize_t got = 0; (got = read(fd, buffer.data() + filled, read_size)) > 0;) {
    filled += static_cast<size_t>(got);
    const auto* const last = static_cast<const char*>(memrchr(buffer.data(), '\n', filled));
    if (last == nullptr) continue;
    const size_t size = static_cast<size_t>(last + 1 - buffer.data());
    simdjson::ondemand::document_stream documents;
    if (parser.iterate_many(buffer.data(), size, size + simdjson::SIMDJSON_PADDING).get(documents) ==
        simdjson::SUCCESS) {
      for (auto document : documents) read_document(document.value_unsafe(), floor);
    }
    memmove(buffer.data(), buffer.data() + size, filled - size);
    filled -= size;
  }
  close(fd);
  return floor;
}

double cpu_s() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

}  // namespace omen::bench
