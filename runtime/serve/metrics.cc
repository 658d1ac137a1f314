#include "runtime/serve/metrics.h"

#include <fmt/format.h>

#include <algorithm>

namespace omen {
namespace {

std::string escaped(std::string_view text, bool is_label) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\\' || (is_label && c == '"')) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string label_text(const Labels& labels, std::string_view bound = {}) {
  if (labels.empty() && bound.empty()) return {};
  std::string out;
  const auto add = [&](std::string_view name, std::string_view value) {
    out += out.empty() ? '{' : ',';
    out += fmt::format("{}=\"{}\"", name, escaped(value, true));
  };
  for (const auto& [name, value] : labels) add(name, value);
  if (!bound.empty()) add("le", bound);
  return out + '}';
}

}  // namespace

void Histogram::observe(double value) {
  const auto at = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::string& MetricsText::lines_of(std::string_view name, std::string_view help, std::string_view kind) {
  const auto [at, is_new] = families_.try_emplace(std::string(name));
  if (is_new) at->second.head = fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, escaped(help, false), kind);
  return at->second.lines;
}

void MetricsText::counter(std::string_view name, std::string_view help, uint64_t value, const Labels& labels) {
  lines_of(name, help, "counter") += fmt::format("{}{} {}\n", name, label_text(labels), value);
}

void MetricsText::gauge(std::string_view name, std::string_view help, double value, const Labels& labels) {
  lines_of(name, help, "gauge") += fmt::format("{}{} {}\n", name, label_text(labels), value);
}

void MetricsText::histogram(std::string_view name, std::string_view help, const Histogram& histogram,
                            const Labels& labels) {
  std::string& lines = lines_of(name, help, "histogram");
  uint64_t count = 0;
  for (size_t i = 0; i <= histogram.bounds().size(); ++i) {
    count += histogram.count(i);
    const std::string bound = i < histogram.bounds().size() ? fmt::format("{}", histogram.bounds()[i]) : "+Inf";
    lines += fmt::format("{}_bucket{} {}\n", name, label_text(labels, bound), count);
  }
  lines += fmt::format("{0}_sum{1} {2}\n{0}_count{1} {3}\n", name, label_text(labels), histogram.sum(), count);
}

std::string MetricsText::text() const {
  std::string out;
  for (const auto& [name, family] : families_) out += family.head + family.lines;
  return out;
}

template <typename T, typename... Arguments>
T& Metrics::find_or_add(std::deque<Named<T>>& all, const std::string& name, const std::string& help,
                        const Labels& labels, Arguments&&... arguments) {
  for (Named<T>& each : all) {
    if (each.name == name && each.labels == labels) return each.value;
  }
  return all.emplace_back(name, help, labels, std::forward<Arguments>(arguments)...).value;
}

Counter& Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return find_or_add(counters_, name, help, labels);
}

Gauge& Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return find_or_add(gauges_, name, help, labels);
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                              const Labels& labels) {
  const std::lock_guard lock(mutex_);
  return find_or_add(histograms_, name, help, labels, bounds);
}

void Metrics::add_source(std::function<void(MetricsText&)> source) {
  const std::lock_guard lock(mutex_);
  sources_.push_back(std::move(source));
}

std::string Metrics::text() const {
  MetricsText text;
  const std::lock_guard lock(mutex_);
  for (const auto& each : counters_) text.counter(each.name, each.help, each.value.value(), each.labels);
  for (const auto& each : gauges_)
    text.gauge(each.name, each.help, static_cast<double>(each.value.value()), each.labels);
  for (const auto& each : histograms_) text.histogram(each.name, each.help, each.value, each.labels);
  for (const auto& source : sources_) source(text);
  return text.text();
}

}  // namespace omen
