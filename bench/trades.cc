// Trades: what an event costs under `overlap all` on a day of trades, as the papers on complex event recognition ask:
// sequences of three, six and nine trades by name and side, and one with a disjunction, as windows grow. No match is
// enumerated; all are counted, exactly.
//
//   trades [STREAM] [--repeats N]
//
//   STREAM    JSON lines with `type` (BUY, SELL) and `name`; without it, a stream of that shape from a seed
//   whole     `omen run --count`: reading and decoding included
//   memory    the engine alone, over events that are decoded
//
// Cost is processor time; the ratios are to the shortest window of the same run. In the rows for programs they are the
// other way round, so that more is better.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/decoded.h"
#include "bench/floor.h"
#include "bench/results.h"
#include "bench/scratch.h"
#include "bench/trade_stream.h"
#include "bench/workloads.h"
#include "runtime/io/runner.h"
#include "runtime/io/tally.h"

namespace {

using namespace omen;
using namespace omen::bench;

struct Pattern {
  const char *name, *match;
};
constexpr Pattern patterns[] = {
    {"three", R"(SELL[name == "MSFT"] -> BUY[name == "ORCL"] -> BUY[name == "CSCO"])"},
    {"six",
     R"(SELL[name == "MSFT"] -> BUY[name == "ORCL"] -> BUY[name == "CSCO"] -> SELL[name == "AMAT"] -> BUY[name == "INTC"]
     -> SELL[name == "QQQ"])"},
    {"nine",
     R"(SELL[name == "MSFT"] -> BUY[name == "ORCL"] -> BUY[name == "CSCO"] -> SELL[name == "AMAT"] -> BUY[name == "INTC"]
     -> SELL[name == "QQQ"] -> BUY[name == "DELL"] -> SELL[name == "YHOO"] -> BUY[name == "IPIX"])"},
    {"either",
     R"(SELL[name == "MSFT"] -> (BUY[name == "ORCL"] or SELL[name == "ORCL"]) -> (BUY[name == "CSCO"] or SELL[name == "AMAT"])
     -> BUY[name == "INTC"])"},
};

struct Measured {
  std::vector<double> whole_ns, memory_ns;  // an event, by repeat
  uint64_t matches = 0;
};

double whole_ns(const Program& program, const std::string& path, Measured& out) {
  RunOptions options;
  options.inputs = {path};
  options.only_counts = true;
  const double begin_s = cpu_s();
  Runner runner(program, options);
  Tally tally(program);
  runner.run(tally, [](const Progress&) {});
  const double elapsed_s = cpu_s() - begin_s;
  out.matches = runner.shards().counters_of(0).matches;
  return 1e9 * elapsed_s / static_cast<double>(runner.shards().counters().events);
}

double memory_ns(const Program& program, std::span<const Event> events) {
  const double begin_s = cpu_s();
  Engine engine(program, Limits{}, true);
  for (size_t begin = 0; begin < events.size(); begin += Decoder::batch_events_max) {
    const auto batch = events.subspan(begin, std::min(Decoder::batch_events_max, events.size() - begin));
    engine.prefetch(batch);
    for (const Event& event : batch) engine.step(event);
    engine.clear_matches();
  }
  engine.end_stream();
  return 1e9 * (cpu_s() - begin_s) / static_cast<double>(events.size());
}

void measure(const Program& program, const std::string& path, const std::string& lines, Measured& out) {
  out.whole_ns.push_back(whole_ns(program, path, out));
  const Decoded stream(program, lines);
  out.memory_ns.push_back(memory_ns(program, stream.events()));
}

// Of each repeat the cost in the first window to that in this one.
Spread ratio_of(const std::vector<double>& first, const std::vector<double>& here) {
  std::vector<double> ratios;
  for (size_t i = 0; i < here.size(); ++i) ratios.push_back(first[i] / here[i]);
  return spread_of(ratios);
}

std::string write_file(const std::string& lines) {
  const std::string path = make_file();
  FILE* const file = std::fopen(path.c_str(), "w");
  std::fwrite(lines.data(), 1, lines.size(), file);
  std::fclose(file);
  return path;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures what an event costs on a day of trades, as the window grows", "bench/trades");
  std::string given, json;
  uint64_t events = 200'000;
  int repeats = 5;
  app.add_option("stream", given, "JSON lines; otherwise a stream is made")->type_name("FILE");
  app.add_option("--events", events, "Of the stream that is made")->capture_default_str();
  app.add_option("--repeats", repeats)->capture_default_str();
  app.add_option("--json", json, "Write the rows there as JSON too")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  const std::string lines = given.empty() ? make_trades(events, 1) : content_of(given);
  const std::string path = write_file(lines);
  events = static_cast<uint64_t>(std::ranges::count(lines, '\n'));
  Results results("trades");
  fmt::print("{:<8}{:>8}{:>16}{:>8}{:>8}{:>16}{:>8}{:>8}{:>22}\n", "", "window", "whole: M ev/s", "ns", "of 1s",
             "memory: M ev/s", "ns", "of 1s", "matches");
  for (const Pattern& pattern : patterns) {
    const std::vector<std::string> windows = {"1s", "10s", "1m", "10m", "1h"};
    std::vector<Measured> measured(windows.size());
    for (int repeat = 0; repeat < repeats; ++repeat) {
      for (size_t i = 0; i < windows.size(); ++i) {
        const Program program =
            compile_rules(fmt::format("rule r {{ match {} within {} overlap all }}", pattern.match, windows[i]));
        measure(program, path, lines, measured[i]);
      }
    }
    for (size_t i = 0; i < windows.size(); ++i) {
      const Measured& here = measured[i];
      const double whole = quantile(here.whole_ns, 0.5), memory = quantile(here.memory_ns, 0.5);
      const Spread whole_ratio = ratio_of(measured[0].whole_ns, here.whole_ns);
      const Spread memory_ratio = ratio_of(measured[0].memory_ns, here.memory_ns);
      fmt::print("{:<8}{:>8}{:>16.1f}{:>8.0f}{:>8.2f}{:>16.1f}{:>8.0f}{:>8.2f}{:>22}\n", pattern.name, windows[i],
                 1e3 / whole, whole, 1 / whole_ratio.median, 1e3 / memory, memory, 1 / memory_ratio.median,
                 here.matches);
      const auto add = [&](const char* what, double ns, const Spread& ratio) {
        results.add(fmt::format("{}, {}, {}", pattern.name, windows[i], what),
                    {{"events", static_cast<double>(events)},
                     {"ns_per_event", ns},
                     {"ratio", ratio.median},
                     {"q1", ratio.q1},
                     {"q3", ratio.q3},
                     {"matches", static_cast<double>(here.matches)}});
      };
      add("whole", whole, whole_ratio);
      add("memory", memory, memory_ratio);
    }
  }
  unlink(path.c_str());
  results.write(json);
}
