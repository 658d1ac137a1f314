#include "bench/events.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "runtime/model/time.h"

namespace omen::bench {
namespace {

// splitmix64
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
  }
  uint64_t below(uint64_t bound) { return next() % bound; }

 private:
  uint64_t state_;
};

}  // namespace

const std::vector<std::string>& type_names() {
  static const std::vector<std::string> names = {
      "page_view",   "click",       "search", "scroll",           "impression", "hover",
      "add_to_cart", "video_play",  "login",  "video_pause",      "purchase",   "logout",
      "wishlist",    "checkout",    "share",  "comment",          "rate",       "coupon",
      "email_open",  "email_click", "signup", "remove_from_cart", "refund",     "support_ticket"};
  return names;
}

void write_events(const std::string& path, uint64_t count, uint32_t users, uint64_t seed) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) {
    std::perror(path.c_str());
    std::exit(2);
  }
  const std::vector<std::string>& types = type_names();
  std::vector<uint64_t> bounds;  // type i has a share of 1 / (i + 1)
  uint64_t sum = 0;
  for (size_t i = 0; i < types.size(); ++i) bounds.push_back(sum += 720'720 / (i + 1));
  Random random(seed);
  int64_t time_us = 1'767'600'000'000'000;
  std::string out, time;
  for (uint64_t i = 0; i < count; ++i) {
    time_us += static_cast<int64_t>(random.below(4)) * 1000;
    const uint64_t at = random.below(sum);
    size_t type = 0;
    while (bounds[type] <= at) ++type;
    time.clear();
    append_rfc3339(time, time_us);
    fmt::format_to(std::back_inserter(out),
                   R"({{"type":"{}","ts":"{}","id":"e{:09}","user_id":"u{:07}","session":"s{:08x}","amount":{:.2f},)"
                   R"("product_id":{},"country":"DE","page":"/p/{}","device":"mobile","ok":true}})"
                   "\n",
                   types[type], time, i, random.below(users), random.below(1ull << 32),
                   static_cast<double>(random.below(50'000)) / 100, 1 + random.below(99'999), 1 + random.below(9'999));
    if (out.size() < (1 << 20) && i + 1 < count) continue;
    std::fwrite(out.data(), 1, out.size(), file);
    out.clear();
  }
  if (std::fclose(file) != 0) {
    std::perror(path.c_str());
    std::exit(2);
  }
}

}  // namespace omen::bench
