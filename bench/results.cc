#include "bench/results.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>

namespace omen::bench {
namespace {

std::string json_of(double value) {
  if (!std::isfinite(value)) return "null";
  return value == std::trunc(value) ? fmt::format("{:.0f}", value) : fmt::format("{:.6g}", value);
}

}  // namespace

double quantile(std::vector<double> values, double q) {
  std::ranges::sort(values);
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

Spread spread_of(const std::vector<double>& values) {
  return {quantile(values, 0.25), quantile(values, 0.5), quantile(values, 0.75)};
}

// Names and groups are written in the benches: there is no quotation mark in them.
void Results::add(const std::string& name, const std::vector<Figure>& figures, const std::string& group) {
  std::string row = fmt::format(R"({{"bench":"{}",)", bench_);
  if (!group.empty()) row += fmt::format(R"("group":"{}",)", group);
  row += fmt::format(R"("name":"{}")", name);
  for (const Figure& figure : figures) row += fmt::format(R"(,"{}":{})", figure.name, json_of(figure.value));
  rows_.push_back(row + "}");
}

void Results::write(const std::string& path) const {
  if (path.empty()) return;
  std::ofstream file(path);
  file << fmt::format("{{\"rows\":[\n{}\n]}}\n", fmt::join(rows_, ",\n"));
  file.close();
  if (file) return;
  fmt::print(stderr, "{}: {} cannot be written\n", bench_, path);
  std::exit(2);
}

}  // namespace omen::bench
