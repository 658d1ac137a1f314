// Probes: events that must raise an alert each, and how long each took to do so. Their id is "p" and nine digits, the
// number they have here. Senders ask for numbers, whoever reads the alerts looks for them; these may be two threads.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace omen::bench {

class Probes {
 public:
  Probes() : sent_ns_(probes_max), took_ns_(probes_max) {}

  // The next number, of a probe that is sent at that moment.
  uint64_t send(int64_t at_ns);
  // Looks for probes in lines that have come, and takes from the text what need not be looked at again. Each alert
  // has the event of its probe in it, once.
  void take(std::string& text, int64_t at_ns);
  // Waits until no more than so many have not arrived; how many have not.
  uint64_t missing_after(double patience_s, uint64_t at_most = 0) const;
  // Latencies of those sent since `first`, sorted, ns.
  std::vector<int64_t> latencies_since(uint64_t first) const;
  uint64_t sent() const { return next_; }

 private:
  void arrived(uint64_t number, int64_t at_ns);

  static constexpr size_t probes_max = 8u << 20;
  std::atomic<uint64_t> next_ = 0, arrived_ = 0;
  std::vector<std::atomic<int64_t>> sent_ns_, took_ns_;  // took: 0 until it has arrived
};

struct Latencies {
  size_t count = 0;
  double p50_ms = 0, p99_ms = 0, p999_ms = 0;  // NaN: too few to tell
  double most_ms = 0;
};
Latencies latencies_of(const std::vector<int64_t>& sorted_ns);

// The rule that the probes come true for; with more than one, sequences over all other types that come true now and
// then, by user.
std::string probe_rules(size_t count);

}  // namespace omen::bench
