// Results: what a bench has measured, for programs: bench/run makes one file of the rows of all benches, bench/compare
// and bench/chart read it. A row has a name, and figures whose names mean the same in every bench:
//
//   events          how many there were
//   ns_per_event    of processor time, or of the clock on the wall where the bench says so
//   ratio, q1, q3   median and quartiles over the repeats of what can be compared between two runs; more is better
//   alerts
//
// Others are the bench's own. Also here: the statistics that the tables for people have as well.
#pragma once

#include <string>
#include <vector>

namespace omen::bench {

double quantile(std::vector<double> values, double q);

// Median and quartiles.
struct Spread {
  double q1 = 0, median = 0, q3 = 0;
};
Spread spread_of(const std::vector<double>& values);

struct Figure {
  const char* name;
  double value;  // NaN: there is none
};

class Results {
 public:
  explicit Results(std::string bench) : bench_(std::move(bench)) {}

  // `group`: what rows of one bench have in common, such as their events.
  void add(const std::string& name, const std::vector<Figure>& figures, const std::string& group = "");
  // To a file; without a path nowhere. Ends the program when it cannot be written.
  void write(const std::string& path) const;

 private:
  const std::string bench_;
  std::vector<std::string> rows_;  // a JSON object each
};

}  // namespace omen::bench
