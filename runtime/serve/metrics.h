// Metrics: what the service counts, as Prometheus reads it (text format 0.0.4).
//
//   Counter& sent = metrics.counter("omen_events_total", "Events accepted", {{"source", "http"}});   once
//   sent.add(5);                                                                                      from any thread
//   metrics.add_source([&](MetricsText& text) { text.gauge("omen_log_bytes", "…", bytes()); });       asked when read
//
// INVARIANT: a family has one HELP and one TYPE, and its lines stand together, whoever gives them. Never a user's key
// or any other text of events as a label: labels are of a small set that is ours.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace omen {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Counter {
 public:
  void add(uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_ = 0;
};

class Gauge {
 public:
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(int64_t change) { value_.fetch_add(change, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_ = 0;
};

// Counts of observations up to each bound, and their sum. Bounds ascend; what is beyond the last is in +Inf.
class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}
  void observe(double value);
  const std::vector<double>& bounds() const { return bounds_; }
  uint64_t count(size_t i) const { return counts_[i].load(std::memory_order_relaxed); }  // between two bounds
  double sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_ = 0;
};

// The page while it is written.
class MetricsText {
 public:
  void counter(std::string_view name, std::string_view help, uint64_t value, const Labels& labels = {});
  void gauge(std::string_view name, std::string_view help, double value, const Labels& labels = {});
  void histogram(std::string_view name, std::string_view help, const Histogram& histogram, const Labels& labels = {});
  std::string text() const;

 private:
  struct Family {
    std::string head, lines;
  };
  std::string& lines_of(std::string_view name, std::string_view help, std::string_view kind);
  std::map<std::string, Family, std::less<>> families_;
};

class Metrics {
 public:
  // The same one for the same name and labels; it lives as long as this.
  Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  Histogram& histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                       const Labels& labels = {});
  // Called by whoever reads the page, from a thread of the listeners: it takes what others have published.
  void add_source(std::function<void(MetricsText&)> source);

  std::string text() const;

 private:
  template <typename T>
  struct Named {
    std::string name, help;
    Labels labels;
    T value;
    template <typename... Arguments>
    Named(std::string n, std::string h, Labels l, Arguments&&... arguments)
        : name(std::move(n)), help(std::move(h)), labels(std::move(l)), value(std::forward<Arguments>(arguments)...) {}
  };
  template <typename T, typename... Arguments>
  static T& find_or_add(std::deque<Named<T>>& all, const std::string& name, const std::string& help,
                        const Labels& labels, Arguments&&... arguments);

  mutable std::mutex mutex_;
  std::deque<Named<Counter>> counters_;
  std::deque<Named<Gauge>> gauges_;
  std::deque<Named<Histogram>> histograms_;
  std::vector<std::function<void(MetricsText&)>> sources_;
};

}  // namespace omen
