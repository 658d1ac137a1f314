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

// The stream, event by event.
class Maker {
 public:
  explicit Maker(const StreamShape& shape) : shape_(shape), random_(shape.seed) {
    for (size_t i = 0; i < type_names().size(); ++i) bounds_.push_back(sum_ += 720'720 / (i + 1));
  }

  void append(std::string& out, bool has_time) {
    time_us_ += static_cast<int64_t>(random_.below(4)) * 1000;
    const uint64_t at = random_.below(sum_);
    size_t type = 0;
    while (bounds_[type] <= at) ++type;
    fmt::format_to(std::back_inserter(out), R"({{"type":"{}",)", type_names()[type]);
    if (has_time) {
      out += R"("ts":")";
      append_rfc3339(out, time_us_ - disorder_us());
      out += R"(",)";
    }
    if (shape_.size == EventSize::small) {
      fmt::format_to(std::back_inserter(out), R"("user_id":"u{:07}","amount":{:.2f},"ok":true)", draw_user(),
                     static_cast<double>(random_.below(50'000)) / 100);
    } else {
      fmt::format_to(std::back_inserter(out),
                     R"("id":"e{:09}","user_id":"u{:07}","session":"s{:08x}","amount":{:.2f},)"
                     R"("product_id":{},"country":"DE","page":"/p/{}","device":"mobile","ok":true)",
                     count_++, draw_user(), random_.below(1ull << 32), static_cast<double>(random_.below(50'000)) / 100,
                     1 + random_.below(99'999), 1 + random_.below(9'999));
    }
    if (shape_.size == EventSize::large) append_properties(out);
    out += "}\n";
  }

 private:
  uint64_t draw_user() {
    uint64_t user = random_.below(shape_.users);
    for (uint32_t i = 0; i < shape_.user_skew; ++i) user = random_.below(user + 1);
    return user;
  }

  int64_t disorder_us() {
    if (shape_.disorder_us == 0) return 0;
    return static_cast<int64_t>(random_.below(static_cast<uint64_t>(shape_.disorder_us)));
  }

  // Texts and numbers in turn.
  void append_properties(std::string& out) {
    for (int i = 0; i < 70; ++i) {
      out += i == 0 ? R"(,"properties":{)" : ",";
      if (i % 2 == 0) {
        fmt::format_to(std::back_inserter(out), R"("text_{:02}":"{:016x}")", i, random_.next());
      } else {
        fmt::format_to(std::back_inserter(out), R"("number_{:02}":{})", i, random_.below(1'000'000'000));
      }
    }
    out += "}";
  }

  const StreamShape shape_;
  Random random_;
  std::vector<uint64_t> bounds_;  // type i has a share of 1 / (i + 1)
  uint64_t sum_ = 0, count_ = 0;
  int64_t time_us_ = 1'767'600'000'000'000;
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

void write_events(const std::string& path, uint64_t count, const StreamShape& shape) {
  std::FILE* const file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) {
    std::perror(path.c_str());
    std::exit(2);
  }
  Maker maker(shape);
  std::string out;
  for (uint64_t i = 0; i < count; ++i) {
    maker.append(out, true);
    if (out.size() < (1 << 20) && i + 1 < count) continue;
    std::fwrite(out.data(), 1, out.size(), file);
    out.clear();
  }
  if (std::fclose(file) != 0) {
    std::perror(path.c_str());
    std::exit(2);
  }
}

std::vector<std::string> make_events(uint64_t count, const StreamShape& shape) {
  Maker maker(shape);
  std::vector<std::string> out(count);
  for (std::string& event : out) maker.append(event, false);
  return out;
}

}  // namespace omen::bench
