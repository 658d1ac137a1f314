// Cores: whole runs over a file by the clock on the wall, with one shard and with several, in turn; the alerts are
// formatted and thrown away. What several shards are good for is the ratio; both must raise as many alerts. What the
// machine allows is the ceiling: as many runs with one shard side by side, which share nothing. Cores of a virtual
// machine may be halves of one. Where others use the cores, look at `work`: the processor time that several take for
// what one takes 1 for. With cores of their own, and no waiting, they would be the number of shards by `work` times as
// fast.
//
//   cores [EVENTS] [REPEATS] [SHARDS] [TEXT]     TEXT: only workloads with it in their names
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "bench/events.h"
#include "bench/results.h"
#include "bench/scratch.h"
#include "bench/workloads.h"
#include "runtime/core/action.h"
#include "runtime/io/runner.h"

namespace {

using namespace omen;
using namespace omen::bench;

// Makes each match a record, as it would go out.
class Formatted : public MatchSink {
 public:
  Formatted(const Program& program, const Shards& shards) : program_(program) {
    for (const auto& engine : shards.engines()) {
      actions_.push_back(std::make_unique<Actions>(program, engine->prepared(), engine->captures()));
    }
  }
  void describe(uint32_t shard, const Engine& engine, const Match& match, std::string& out) override {
    const std::vector<std::string_view> key = engine.match_key(match);
    actions_[shard]->append_record(out, engine.view(match, key), program_.rules[match.rule].actions[0]);
  }
  void take(const Match& /*match*/, std::string_view /*described*/) override { ++alerts_; }
  Status flush() override { return Status::ok(); }
  bool is_closed() const override { return false; }
  uint64_t alerts() const { return alerts_; }

 private:
  const Program& program_;
  std::vector<std::unique_ptr<Actions>> actions_;
  uint64_t alerts_ = 0;
};

double process_cpu_s() {
  timespec used = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

struct Cost {
  double elapsed_s, cpu_s;
};

Cost run(const Program& program, const std::string& path, uint32_t shards, uint64_t& alerts) {
  RunOptions options;
  options.inputs = {path};
  options.shards = shards;
  Runner runner(program, options);
  Formatted sink(program, runner.shards());
  const double begin_cpu_s = process_cpu_s();
  const auto begin = std::chrono::steady_clock::now();
  runner.run(sink, [](const Progress&) {});
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  alerts = sink.alerts();
  return {elapsed.count(), process_cpu_s() - begin_cpu_s};
}

// As many runs with one shard at once; seconds until the last is done.
double run_side_by_side(const Program& program, const std::string& path, uint32_t count) {
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> runs;
  for (uint32_t i = 0; i < count; ++i) {
    runs.emplace_back([&] {
      uint64_t alerts = 0;
      run(program, path, 1, alerts);
    });
  }
  for (std::thread& each : runs) each.join();
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  return elapsed.count();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures `omen run --shards` against one shard", "bench/cores");
  uint64_t events = 1'000'000;
  int repeats = 5;
  uint32_t shards = 2;
  std::string only, json;
  app.add_option("events", events)->capture_default_str();
  app.add_option("repeats", repeats)->capture_default_str();
  app.add_option("shards", shards)->capture_default_str();
  app.add_option("text", only, "Only workloads with it in their names");
  app.add_option("--json", json, "Write the rows there as JSON too")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  const std::string path = make_file();
  write_events(path, events, {.users = 100'000});
  Results results("cores");
  fmt::print("{:<20}{:>16}{:>16}{:>8}{:>16}{:>10}{:>8}{:>12}\n", fmt::format("{} events", events), "1 shard, M/s",
             fmt::format("{} shards, M/s", shards), "ratio", "quartiles", "ceiling", "work", "alerts");
  int exit_code = 0;
  for (const bool all_types : {false, true}) {
    for (const size_t rules : {1, 100, 1'000}) {
      const std::string name =
          fmt::format("{} {}, {}", rules, rules == 1 ? "rule" : "rules", all_types ? "all" : "rare");
      if (name.find(only) == std::string::npos) continue;
      const Program program = compile_rules(rules_text(rules, all_types));
      std::vector<double> one, several, ratios, ceilings, work;
      uint64_t alerts = 0, alerts_of_several = 0;
      for (int repeat = 0; repeat < repeats; ++repeat) {
        const Cost alone = run(program, path, 1, alerts);
        const Cost shared = run(program, path, shards, alerts_of_several);
        one.push_back(alone.elapsed_s);
        several.push_back(shared.elapsed_s);
        work.push_back(shared.cpu_s / alone.cpu_s);
        ratios.push_back(one.back() / several.back());
        ceilings.push_back(one.back() * shards / run_side_by_side(program, path, shards));
        if (alerts != alerts_of_several) exit_code = 1;
      }
      const auto count = static_cast<double>(events);
      const Spread ratio = spread_of(ratios);
      const double ceiling = quantile(ceilings, 0.5);
      fmt::print("{:<20}{:>16.2f}{:>16.2f}{:>8.2f}{:>16}{:>10.2f}{:>8.2f}{:>12}\n", name,
                 count / 1e6 / quantile(one, 0.5), count / 1e6 / quantile(several, 0.5), ratio.median,
                 fmt::format("{:.2f} to {:.2f}", ratio.q1, ratio.q3), ceiling, quantile(work, 0.5), alerts);
      results.add(name, {{"events", count},
                         {"shards", static_cast<double>(shards)},
                         {"ns_per_event", quantile(several, 0.5) * 1e9 / count},
                         {"ratio", ratio.median},
                         {"q1", ratio.q1},
                         {"q3", ratio.q3},
                         {"ceiling", ceiling},
                         {"work", quantile(work, 0.5)},
                         {"alerts", static_cast<double>(alerts)}});
    }
  }
  unlink(path.c_str());
  results.write(json);
  if (exit_code != 0) fmt::print(stderr, "cores: with several shards there were other alerts\n");
  return exit_code;
}
