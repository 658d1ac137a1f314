#include "bench/probes.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <string_view>

#include "bench/events.h"
#include "bench/link.h"

namespace omen::bench {

uint64_t Probes::send(int64_t at_ns) {
  const uint64_t number = next_++;
  if (number >= probes_max) give_up("there are more probes than it has room for");
  sent_ns_[number] = at_ns;
  return number;
}

void Probes::arrived(uint64_t number, int64_t at_ns) {
  if (number >= next_ || took_ns_[number] != 0) give_up(fmt::format("alert {} came twice, or was never due", number));
  took_ns_[number] = std::max<int64_t>(at_ns - sent_ns_[number], 1);
  ++arrived_;
}

void Probes::take(std::string& text, int64_t at_ns) {
  constexpr std::string_view name = "\"id\":\"p";
  size_t done = 0;
  // memmem is several times as fast as std::string::find, and there may be much between two probes.
  while (const void* const found = memmem(text.data() + done, text.size() - done, name.data(), name.size())) {
    const auto at = static_cast<size_t>(static_cast<const char*>(found) - text.data());
    const size_t end = text.find('\n', at);
    if (end == text.npos) break;  // it is there when all of its line is
    uint64_t number = 0;
    std::from_chars(text.data() + at + name.size(), text.data() + end, number);
    arrived(number, at_ns);
    done = end;
  }
  const size_t last = text.rfind('\n');
  if (last != text.npos) text.erase(0, last + 1);
}

uint64_t Probes::missing_after(double patience_s, uint64_t at_most) const {
  const int64_t end_ns = now_ns() + static_cast<int64_t>(patience_s * 1e9);
  while (next_ - arrived_ > at_most && now_ns() < end_ns) sleep_until_ns(now_ns() + 50'000);
  return next_ - arrived_;
}

std::vector<int64_t> Probes::latencies_since(uint64_t first) const {
  std::vector<int64_t> out;
  for (uint64_t i = first; i < next_; ++i) {
    if (took_ns_[i] != 0) out.push_back(took_ns_[i]);
  }
  std::ranges::sort(out);
  return out;
}

Latencies latencies_of(const std::vector<int64_t>& sorted_ns) {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  const auto at = [&](double share) {
    const auto beyond = static_cast<double>(sorted_ns.size()) * (1 - share);
    if (beyond < 1) return none;  // one value has to be beyond it at least
    return static_cast<double>(sorted_ns[static_cast<size_t>(share * static_cast<double>(sorted_ns.size()))]) / 1e6;
  };
  return {sorted_ns.size(), at(0.5), at(0.99), at(0.999),
          sorted_ns.empty() ? none : static_cast<double>(sorted_ns.back()) / 1e6};
}

std::string probe_rules(size_t count) {
  const std::vector<std::string>& types = type_names();
  std::string out = "rule probe { match probe as p alert \"{p.id}\" }\n";
  for (size_t i = 1; i < count; ++i) {
    out +=
        fmt::format("rule r{} {{ by user_id match {} as a -> {}[amount > {}] as b within 1s alert \"{{user_id}}\" }}\n",
                    i, types[i % types.size()], types[(i * 7 + 3) % types.size()], 490 + i % 10);
  }
  return out;
}

}  // namespace omen::bench
