// Throughput: `omen run --count` over generated events with 0, 1, 10, 100, 1,000 and 10,000 rules, as nanoseconds an
// event and as a ratio to the floor. Floor and engine take turns; medians over the repeats, with the spread between
// quartiles.
//
//   throughput [EVENTS] [REPEATS] [TEXT]     TEXT: only workloads with it in their names
//
// Sequence rules are those of workloads.h. Measure rules name `page_view`, a quarter of the events. With
// `declared` every type has a declaration of its eight fields, with constraints, which every event keeps to.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "bench/events.h"
#include "bench/floor.h"
#include "bench/workloads.h"
#include "runtime/io/runner.h"
#include "runtime/io/tally.h"

namespace {

using namespace omen;
using namespace omen::bench;

std::string declarations_text() {
  std::string out;
  for (const std::string& type : type_names()) {
    out += fmt::format(
        "event {} {{ user_id: string max_length 36, session: string, amount: number 0..10000, product_id: int,\n"
        "  country: string in [\"AT\", \"CH\", \"DE\"], page: string, device?: string, ok: bool }}\n",
        type);
  }
  return out;
}

struct MeasureRule {
  const char* name;
  const char* text;
};
constexpr MeasureRule measure_rules[] = {
    {"measures by user, every 1m",
     "rule m { by user_id measure n = count(page_view) over 10m measure s = sum(page_view, amount) over 10m every 1m "
     "when n > 3 and s > 1000 }"},
    {"a week of hours, every 1m",
     "rule m { by country measure a = count(page_view) over 1h measure b = count(page_view) over 1h ago 1w every 1m "
     "when a < b / 2 }"},
    {"measures at each event",
     "rule m { measure n = count(page_view) over 10s measure x = avg(page_view, amount) over 10s measure y = "
     "max(page_view, amount) over 10s when n > 100000 or x > 400 or y < 1 }"},
    {"p95, distinct, every 10s",
     "rule m { measure p = p95(page_view, amount) over 10m measure d = distinct(page_view, user_id) over 10m every 10s "
     "when p > 1000 and d > 10 }"},
    {"p95 at each event", "rule m { measure p = p95(page_view, amount) over 10m when p > 1000 }"},
};

struct Workload {
  std::string name;
  Program program;
  uint64_t alerts = 0;
  std::vector<double> ratios, ns;
};

// CPU seconds, and the alerts.
double run(const Program& program, const std::string& path, uint64_t& alerts) {
  RunOptions options;
  options.inputs = {path};
  const double begin_s = cpu_s();
  Runner runner(program, options);
  Tally tally(program);
  runner.run(tally, [](const Progress&) {});
  const double elapsed_s = cpu_s() - begin_s;
  alerts = 0;
  for (const Tally::Rule& rule : tally.rules()) alerts += rule.alerts;
  return elapsed_s;
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const int repeats = argc > 2 ? std::atoi(argv[2]) : 7;
  const std::string only = argc > 3 ? argv[3] : "";
  std::string path = "/tmp/omen-bench-XXXXXX";
  close(mkstemp(path.data()));
  write_events(path, events, 1'000'000, 1);

  std::vector<Workload> workloads;
  workloads.push_back({"no rule", {}, 0, {}, {}});
  workloads.back().program.types.resize(1);
  for (const bool all_types : {false, true}) {
    for (const size_t rules : {1, 10, 100, 1'000, 10'000}) {
      const std::string name =
          fmt::format("{} {}, {}", rules, rules == 1 ? "rule" : "rules", all_types ? "all" : "rare");
      workloads.push_back({name, compile_rules(rules_text(rules, all_types)), 0, {}, {}});
    }
  }
  for (const bool all_types : {false, true}) {
    workloads.push_back({all_types ? "1 declared, all" : "1 declared, rare",
                         compile_rules(declarations_text() + rules_text(1, all_types)),
                         0,
                         {},
                         {}});
  }
  for (const MeasureRule& rule : measure_rules) workloads.push_back({rule.name, compile_rules(rule.text), 0, {}, {}});
  std::erase_if(workloads, [&](const Workload& one) { return one.name.find(only) == std::string::npos; });
  if (workloads.empty()) {
    fmt::print(stderr, "throughput: no workload has `{}` in its name\n", only);
    unlink(path.c_str());
    return 2;
  }
  std::vector<double> floors;
  const double per_event = 1e9 / static_cast<double>(events);
  for (int repeat = 0; repeat < repeats; ++repeat) {
    for (Workload& workload : workloads) {
      const double begin_s = cpu_s();
      if (read_with_simdjson(path).events != events) return 1;
      const double floor_ns = (cpu_s() - begin_s) * per_event;
      const double ns = run(workload.program, path, workload.alerts) * per_event;
      floors.push_back(floor_ns);
      workload.ns.push_back(ns);
      workload.ratios.push_back(floor_ns / ns);
    }
  }
  unlink(path.c_str());
  fmt::print("{} events, {} repeats. The floor: {:.0f} ns an event ({:.0f} to {:.0f}).\n\n", events, repeats,
             quantile(floors, 0.5), quantile(floors, 0.25), quantile(floors, 0.75));
  fmt::print("{:<28}{:>10}{:>14}{:>16}{:>18}{:>12}\n", "", "ns/event", "M events/s", "of the floor", "quartiles",
             "alerts");
  for (const Workload& workload : workloads) {
    const double ns = quantile(workload.ns, 0.5);
    fmt::print("{:<28}{:>10.0f}{:>14.2f}{:>16.2f}{:>18}{:>12}\n", workload.name, ns, 1e3 / ns,
               quantile(workload.ratios, 0.5),
               fmt::format("{:.2f} to {:.2f}", quantile(workload.ratios, 0.25), quantile(workload.ratios, 0.75)),
               workload.alerts);
  }
}
