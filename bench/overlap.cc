// Overlap: what an event costs under `overlap all` as the window grows, as a ratio to the shortest window of the same
// run. The pattern is a -> b -> c over events a millisecond apart, so an hour holds 3,600,000 of them.
//
//   overlap [EVENTS] [REPEATS]
//
// In the rows for programs the ratio is the other way round, so that more is better.
//
// `counted` is `omen run --count`, where every c completes; `kept` raises matches, with a c once in 50,000 events.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bench/floor.h"
#include "bench/results.h"
#include "compiler/compile.h"
#include "runtime/io/runner.h"
#include "runtime/io/tally.h"

namespace {

using namespace omen;
using namespace omen::bench;

std::string write_stream(uint64_t events, uint64_t c_every) {
  std::string path = "/tmp/omen-bench-XXXXXX";
  FILE* file = fdopen(mkstemp(path.data()), "w");
  for (uint64_t i = 1; i <= events; ++i) {
    const char type = i % c_every == 0 ? 'c' : i % 2 == 0 ? 'a' : 'b';
    fmt::print(file, "{{\"type\":\"{}\",\"ts\":{}.{:03}}}\n", type, 1'767'225'600 + i / 1000, i % 1000);
  }
  std::fclose(file);
  return path;
}

double run_ns(const std::string& path, const std::string& window, bool only_counts, uint64_t events,
              uint64_t& matches) {
  const Compilation compilation =
      compile(Sources{{{"rules.omen", "rule r { match a -> b -> c within " + window + " overlap all }"}}});
  RunOptions options;
  options.inputs = {path};
  options.only_counts = only_counts;
  const double begin_s = cpu_s();
  Runner runner(*compilation.program, options);
  Tally tally(*compilation.program);
  runner.run(tally, [](const Progress&) {});
  const double elapsed_s = cpu_s() - begin_s;
  matches = runner.shards().counters_of(0).matches;
  return elapsed_s * 1e9 / static_cast<double>(events);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures `overlap all` as the window grows", "bench/overlap");
  uint64_t events = 1'000'000;
  int repeats = 5;
  std::string json;
  app.add_option("events", events)->capture_default_str();
  app.add_option("repeats", repeats)->capture_default_str();
  app.add_option("--json", json, "Write the rows there as JSON too")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  Results results("overlap");
  fmt::print("{:<10}{:>10}{:>12}{:>14}{:>24}\n", "", "window", "ns/event", "of 1s", "matches");
  for (const bool only_counts : {true, false}) {
    const std::string path = write_stream(events, only_counts ? 10 : 50'000);
    const std::vector<std::string> windows = {"1s", "10s", "1m", "10m", "1h"};
    std::vector<std::vector<double>> ns(windows.size()), ratios(windows.size());
    std::vector<uint64_t> matches(windows.size());
    for (int repeat = 0; repeat < repeats; ++repeat) {
      for (size_t i = 0; i < windows.size(); ++i) {
        ns[i].push_back(run_ns(path, windows[i], only_counts, events, matches[i]));
        ratios[i].push_back(ns[0].back() / ns[i].back());
      }
    }
    unlink(path.c_str());
    for (size_t i = 0; i < windows.size(); ++i) {
      const char* const name = only_counts ? "counted" : "kept";
      const double median = quantile(ns[i], 0.5);
      fmt::print("{:<10}{:>10}{:>12.0f}{:>14.2f}{:>24}\n", name, windows[i], median, median / quantile(ns[0], 0.5),
                 matches[i]);
      const Spread ratio = spread_of(ratios[i]);
      results.add(fmt::format("{}, {}", name, windows[i]), {{"events", static_cast<double>(events)},
                                                            {"ns_per_event", median},
                                                            {"ratio", ratio.median},
                                                            {"q1", ratio.q1},
                                                            {"q3", ratio.q3},
                                                            {"matches", static_cast<double>(matches[i])}});
    }
  }
  results.write(json);
}
