// Overlap: what an event costs as the window grows, as a ratio to the shortest window of the same run. The pattern is
// a -> b -> c over events a millisecond apart, so an hour holds 3,600,000 of them, and a year all that there are.
//
//   overlap [EVENTS] [REPEATS] [--only READING] [--reserve BYTES]
//
//   counted                 `overlap all` as `omen run --count` has it; every tenth event is a c, which completes
//   kept                    `overlap all` with matches that are raised; a c once in 50,000 events
//   crowded                 the same with a c once in 1,000, at which more matches complete than are raised
//   latest, single, none    the same stream as for `kept`: under `none` every a begins a run, up to max_runs
//
// In the rows for programs the ratio is the other way round, so that more is better.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/floor.h"
#include "bench/reserved.h"
#include "bench/results.h"
#include "bench/scratch.h"
#include "bench/workloads.h"
#include "runtime/io/runner.h"
#include "runtime/io/tally.h"

namespace {

using namespace omen;
using namespace omen::bench;

struct Reading {
  const char *name, *overlap;
  bool only_counts;
  uint64_t c_every;
};
constexpr Reading readings[] = {{"counted", "all", true, 10},        {"kept", "all", false, 50'000},
                                {"crowded", "all", false, 1'000},    {"latest", "latest", false, 50'000},
                                {"single", "single", false, 50'000}, {"none", "none", false, 50'000}};

std::string write_stream(uint64_t events, const Reading& reading) {
  const std::string path = make_file();
  FILE* const file = std::fopen(path.c_str(), "w");
  for (uint64_t i = 1; i <= events; ++i) {
    const char type = i % reading.c_every == 0 ? 'c' : i % 2 == 0 ? 'a' : 'b';
    fmt::print(file, "{{\"type\":\"{}\",\"ts\":{}.{:03}}}\n", type, 1'767'225'600 + i / 1000, i % 1000);
  }
  std::fclose(file);
  return path;
}

double run_ns(const std::string& path, const std::string& window, const Reading& reading, uint64_t events,
              uint64_t& matches) {
  const Program program =
      compile_rules(fmt::format("rule r {{ match a -> b -> c within {} overlap {} }}", window, reading.overlap));
  RunOptions options;
  options.inputs = {path};
  options.only_counts = reading.only_counts;
  const double begin_s = cpu_s();
  Runner runner(program, options);
  Tally tally(program);
  runner.run(tally, [](const Progress&) {});
  const double elapsed_s = cpu_s() - begin_s;
  matches = runner.shards().counters_of(0).matches;
  return elapsed_s * 1e9 / static_cast<double>(events);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures what an event costs as the window grows", "bench/overlap");
  uint64_t events = 1'000'000;
  int repeats = 5;
  uint64_t reserve_bytes = 0;
  std::string json, only;
  app.add_option("events", events)->capture_default_str();
  app.add_option("repeats", repeats)->capture_default_str();
  app.add_option("--only", only, "One of them")->type_name("READING");
  add_reserve_option(app, reserve_bytes);
  app.add_option("--json", json, "Write the rows there as JSON too")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  if (!reserve(reserve_bytes)) return 2;
  Results results("overlap");
  fmt::print("{:<10}{:>10}{:>12}{:>14}{:>24}\n", "", "window", "ns/event", "of 1s", "matches");
  for (const Reading& reading : readings) {
    if (!only.empty() && only != reading.name) continue;
    const std::string path = write_stream(events, reading);
    const std::vector<std::string> windows = {"1s", "10s", "1m", "10m", "1h", "365d"};
    std::vector<std::vector<double>> ns(windows.size()), ratios(windows.size());
    std::vector<uint64_t> matches(windows.size());
    for (int repeat = 0; repeat < repeats; ++repeat) {
      for (size_t i = 0; i < windows.size(); ++i) {
        ns[i].push_back(run_ns(path, windows[i], reading, events, matches[i]));
        ratios[i].push_back(ns[0].back() / ns[i].back());
      }
    }
    unlink(path.c_str());
    for (size_t i = 0; i < windows.size(); ++i) {
      const double median = quantile(ns[i], 0.5);
      fmt::print("{:<10}{:>10}{:>12.0f}{:>14.2f}{:>24}\n", reading.name, windows[i], median,
                 median / quantile(ns[0], 0.5), matches[i]);
      const Spread ratio = spread_of(ratios[i]);
      results.add(fmt::format("{}, {}", reading.name, windows[i]), {{"events", static_cast<double>(events)},
                                                                    {"ns_per_event", median},
                                                                    {"ratio", ratio.median},
                                                                    {"q1", ratio.q1},
                                                                    {"q3", ratio.q3},
                                                                    {"matches", static_cast<double>(matches[i])}});
    }
  }
  results.write(json);
}
