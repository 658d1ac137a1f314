// Throughput: `omen run --count` over generated events, as nanoseconds an event and as a ratio to the floor. Floor and
// engine take turns; medians over the repeats, with the spread between quartiles.
//
// What counts is the second half of the stream: windows are full, so as much goes as comes, and memory is what it was.
// While windows fill, memory is asked of the system, which takes what it takes there (column `first half`).
//
//   throughput [EVENTS] [REPEATS] [TEXT] [--reserve BYTES]     TEXT: only workloads with it in their names
//
// What is measured stands in streams.h, the rules of sequences in workloads.h. Each stream has its own floor.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "bench/floor.h"
#include "bench/reserved.h"
#include "bench/results.h"
#include "bench/scratch.h"
#include "bench/streams.h"
#include "bench/workloads.h"
#include "runtime/core/action.h"
#include "runtime/io/runner.h"
#include "runtime/io/tally.h"

namespace {

using namespace omen;
using namespace omen::bench;

struct Options {
  uint64_t events = 2'000'000;
  int repeats = 3;
  std::string only, json;
  bool is_quick = false;
  uint64_t reserve_bytes = 0;
};

struct Measured {
  const Workload& workload;
  Program program;
  uint64_t alerts = 0;
  std::vector<double> ratios = {}, ns = {}, first_ns = {};
};

// Nanoseconds an event.
struct Cost {
  double first_half, second_half;
};

// Makes each alert to its record, as `omen run` does, and keeps none.
class Written : public MatchSink {
 public:
  Written(const Program& program, const Shards& shards)
      : program_(program), actions_(program, shards.engines()[0]->prepared(), shards.engines()[0]->captures()) {}
  void describe(uint32_t /*shard*/, const Engine& engine, const Match& match, std::string& out) override {
    engine.match_key(match, key_);
    actions_.append_record(out, engine.view(match, key_), program_.rules[match.rule].actions[0]);
  }
  void take(const Match& match, std::string_view described) override {
    if (!described.empty()) alerts_ += match.count;
  }
  Status flush() override { return Status::ok(); }
  bool is_closed() const override { return false; }
  uint64_t alerts() const { return alerts_; }

 private:
  const Program& program_;
  Actions actions_;
  std::vector<std::string_view> key_;
  uint64_t alerts_ = 0;
};

Program program_of(const Workload& workload) {
  if (!workload.rules.empty()) return compile_rules(workload.rules);
  Program program;
  program.types.resize(1);
  return program;
}

Cost run(const Measured& one, const MeasuredStream& stream, const std::string& path, uint64_t events,
         uint64_t& alerts) {
  RunOptions options;
  options.inputs = {path};
  options.only_counts = one.workload.only_counts;
  if (stream.lateness_us > 0) options.order.lateness_us = stream.lateness_us;
  Runner runner(one.program, options);
  Tally tally(one.program);
  Written written(one.program, runner.shards());
  uint64_t half = 0;
  const double begin_s = cpu_s();
  double half_s = begin_s;
  runner.run(one.workload.is_written ? static_cast<MatchSink&>(written) : tally, [&](const Progress& progress) {
    if (half > 0 || progress.events < events / 2) return;
    half = progress.events;
    half_s = cpu_s();
  });
  const double end_s = cpu_s();
  alerts = written.alerts();
  for (const Tally::Rule& rule : tally.rules()) alerts += rule.alerts;
  return {(half_s - begin_s) * 1e9 / static_cast<double>(half),
          (end_s - half_s) * 1e9 / static_cast<double>(events - half)};
}

void print_rows(const std::vector<Measured>& rows) {
  fmt::print("{:<36}{:>10}{:>14}{:>16}{:>18}{:>14}{:>12}\n", "", "ns/event", "M events/s", "of the floor", "quartiles",
             "first half", "alerts");
  for (const Measured& row : rows) {
    const double ns = quantile(row.ns, 0.5);
    const Spread ratio = spread_of(row.ratios);
    fmt::print("{:<36}{:>10.0f}{:>14.2f}{:>16.2f}{:>18}{:>14.0f}{:>12}\n", row.workload.name, ns, 1e3 / ns,
               ratio.median, fmt::format("{:.2f} to {:.2f}", ratio.q1, ratio.q3), quantile(row.first_ns, 0.5),
               row.alerts);
  }
}

// False: the floor has found other events than were written.
bool measure(const MeasuredStream& stream, std::vector<Measured>& rows, const Options& options, Results& results) {
  const auto events = static_cast<uint64_t>(static_cast<double>(options.events) * stream.share);
  const double per_event = 1e9 / static_cast<double>(events);
  const std::string path = make_file();
  write_events(path, events, stream.shape);
  std::vector<double> floors;
  bool is_whole = true;
  for (int repeat = 0; repeat < options.repeats && is_whole; ++repeat) {
    for (Measured& row : rows) {
      const double begin_s = cpu_s();
      is_whole &= read_with_simdjson(path).events == events;
      const double floor_ns = (cpu_s() - begin_s) * per_event;
      const Cost cost = run(row, stream, path, events, row.alerts);
      floors.push_back(floor_ns);
      row.ns.push_back(cost.second_half);
      row.first_ns.push_back(cost.first_half);
      row.ratios.push_back(floor_ns / cost.second_half);
    }
  }
  unlink(path.c_str());
  if (!is_whole) return false;
  const Spread floor = spread_of(floors);
  fmt::print("{} events, {} repeats. The floor: {:.0f} ns an event ({:.0f} to {:.0f}).\n\n", events, options.repeats,
             floor.median, floor.q1, floor.q3);
  print_rows(rows);
  std::fflush(stdout);
  for (const Measured& row : rows) {
    const Spread ratio = spread_of(row.ratios);
    results.add(row.workload.name,
                {{"events", static_cast<double>(events)},
                 {"ns_per_event", quantile(row.ns, 0.5)},
                 {"first_half_ns", quantile(row.first_ns, 0.5)},
                 {"floor_ns", floor.median},
                 {"ratio", ratio.median},
                 {"q1", ratio.q1},
                 {"q3", ratio.q3},
                 {"alerts", static_cast<double>(row.alerts)}},
                stream.title);
  }
  return true;
}

int run_all(const Options& options) {
  Results results("throughput");
  bool is_first = true;
  for (const MeasuredStream& stream : measured_streams()) {
    std::vector<Measured> rows;
    for (const Workload& workload : stream.workloads) {
      if (workload.name.find(options.only) == std::string::npos || (options.is_quick && !workload.is_quick)) continue;
      rows.push_back({workload, program_of(workload)});
    }
    if (rows.empty()) continue;
    fmt::print("{}{}: ", is_first ? "" : "\n", stream.title);
    is_first = false;
    if (!measure(stream, rows, options, results)) return 1;
  }
  if (is_first) {
    fmt::print(stderr, "throughput: no workload has `{}` in its name\n", options.only);
    return 2;
  }
  results.write(options.json);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures `omen run --count` against the floor", "bench/throughput");
  Options options;
  app.add_option("events", options.events, "Of the usual stream")->capture_default_str();
  app.add_option("repeats", options.repeats, "Of each workload")->capture_default_str();
  app.add_option("text", options.only, "Only workloads with it in their names");
  app.add_flag("--quick", options.is_quick, "Only some workloads");
  add_reserve_option(app, options.reserve_bytes);
  app.add_option("--json", options.json, "Write the rows there as JSON too")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  return reserve(options.reserve_bytes) ? run_all(options) : 2;
}
