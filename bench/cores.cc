// Cores: whole runs over a file by the clock on the wall, with one shard and with several, in turn; the alerts are
// formatted and thrown away. What several shards are good for is the ratio; both must raise as many alerts. What the
// machine allows is the ceiling: as many runs with one shard side by side, which share nothing. Cores of a virtual
// machine may be halves of one.
//
//   cores [EVENTS] [REPEATS] [SHARDS] [TEXT]     TEXT: only workloads with it in their names
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "bench/events.h"
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
      engines_.push_back(engine.get());
      actions_.push_back(std::make_unique<Actions>(program, engine->prepared(), engine->captures()));
    }
  }
  void take(const Engine& engine, std::span<const Match> matches) override {
    size_t of = 0;
    while (engines_[of] != &engine) ++of;
    for (const Match& match : matches) {
      record_.clear();
      const std::vector<std::string_view> key = engine.match_key(match);
      actions_[of]->append_record(record_, engine.view(match, key), program_.rules[match.rule].actions[0]);
      ++alerts_;
    }
  }
  Status flush() override { return Status::ok(); }
  bool is_closed() const override { return false; }
  uint64_t alerts() const { return alerts_; }

 private:
  const Program& program_;
  std::vector<const Engine*> engines_;
  std::vector<std::unique_ptr<Actions>> actions_;
  std::string record_;
  uint64_t alerts_ = 0;
};

double run(const Program& program, const std::string& path, uint32_t shards, uint64_t& alerts) {
  RunOptions options;
  options.inputs = {path};
  options.shards = shards;
  Runner runner(program, options);
  Formatted sink(program, runner.shards());
  const auto begin = std::chrono::steady_clock::now();
  runner.run(sink, [](const Progress&) {});
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begin;
  alerts = sink.alerts();
  return elapsed.count();
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
  const uint64_t events = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const int repeats = argc > 2 ? std::atoi(argv[2]) : 5;
  const uint32_t shards = argc > 3 ? static_cast<uint32_t>(std::atoi(argv[3])) : 2;
  const std::string only = argc > 4 ? argv[4] : "";
  std::string path = "/tmp/omen-bench-XXXXXX";
  close(mkstemp(path.data()));
  write_events(path, events, 100'000, 1);
  fmt::print("{:<20}{:>16}{:>16}{:>8}{:>16}{:>10}{:>12}\n", fmt::format("{} events", events), "1 shard, M/s",
             fmt::format("{} shards, M/s", shards), "ratio", "quartiles", "ceiling", "alerts");
  int exit_code = 0;
  for (const bool all_types : {false, true}) {
    for (const size_t rules : {1, 100, 1'000}) {
      const std::string name =
          fmt::format("{} {}, {}", rules, rules == 1 ? "rule" : "rules", all_types ? "all" : "rare");
      if (name.find(only) == std::string::npos) continue;
      const Program program = compile_rules(rules_text(rules, all_types));
      std::vector<double> one, several, ratios, ceilings;
      uint64_t alerts = 0, alerts_of_several = 0;
      for (int repeat = 0; repeat < repeats; ++repeat) {
        one.push_back(run(program, path, 1, alerts));
        several.push_back(run(program, path, shards, alerts_of_several));
        ratios.push_back(one.back() / several.back());
        ceilings.push_back(one.back() * shards / run_side_by_side(program, path, shards));
        if (alerts != alerts_of_several) exit_code = 1;
      }
      const double million = static_cast<double>(events) / 1e6;
      fmt::print("{:<20}{:>16.2f}{:>16.2f}{:>8.2f}{:>16}{:>10.2f}{:>12}\n", name, million / quantile(one, 0.5),
                 million / quantile(several, 0.5), quantile(ratios, 0.5),
                 fmt::format("{:.2f} to {:.2f}", quantile(ratios, 0.25), quantile(ratios, 0.75)),
                 quantile(ceilings, 0.5), alerts);
    }
  }
  unlink(path.c_str());
  if (exit_code != 0) fmt::print(stderr, "cores: with several shards there were other alerts\n");
  return exit_code;
}
