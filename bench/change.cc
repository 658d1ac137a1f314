// Change: what it takes to add a rule to a running service, to change it and to take it away, while many others are
// loaded: from the command until the rule is in force, processor time of the whole process, time on the wall, and the
// longest pause of the writer's thread, during which no event is taken.
//
//   change [RULES] [FILES] [EVENTS] [REPEATS] [--keys N] [--others N]
//
// The log has so many events, within the rule's window: they are played for it. With keys it has as many more, each the
// first event of another key, of a type that is this rule's alone; with others, of a type of another rule with the same
// `by`. The snapshot behind a change is not measured.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/events.h"
#include "bench/results.h"
#include "bench/scratch.h"
#include "bench/workloads.h"
#include "cli/rule_compiler.h"
#include "runtime/io/clock.h"
#include "runtime/serve/service.h"

namespace {

using namespace omen;
using namespace omen::bench;

constexpr std::array<const char*, 3> names = {"the rule comes", "changes", "goes"};

struct Options {
  size_t rules = 9'999, files = 100, events = 10'000, repeats = 5, keys = 0, others = 0;
  std::string json;
  bool is_whole = false;
};

double cpu_ms() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

RuleSet rules_of(const Options& options) {
  const std::string text = rules_text(options.rules, false);
  const size_t lines = (options.rules + options.files - 1) / options.files;
  RuleSet out;
  if (options.others > 0) {
    out.files.push_back({"rules/other.omen",
                         "rule other { by user_id match other_started as a -> purchase[amount > 300] as b within 15m "
                         "alert \"{user_id}\" }\n",
                         false});
  }
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    for (size_t line = 0; line < lines && end < text.size(); ++line) end = text.find('\n', end) + 1;
    out.files.push_back({fmt::format("rules/{:05}.omen", out.files.size()), text.substr(begin, end - begin), false});
    begin = end;
  }
  return out;
}

std::vector<std::string> lines_of(const Options& options) {
  StreamShape shape;
  shape.users = 1'000;
  std::vector<std::string> lines = make_events(options.events, shape);
  for (size_t key = 0; key < options.keys + options.others; ++key) {
    lines.push_back(
        fmt::format("{{\"type\":\"{}_started\",\"user_id\":\"k{}\"}}\n", key < options.keys ? "more" : "other", key));
  }
  return lines;
}

void feed(Service& service, const std::vector<std::string>& lines) {
  constexpr size_t at_once = 500;
  for (size_t begin = 0; begin < lines.size(); begin += at_once) {
    const size_t end = std::min(begin + at_once, lines.size());
    Batch batch;
    for (size_t i = begin; i < end; ++i) batch.events += lines[i];
    batch.count = end - begin;
    batch.source = "bench";
    batch.arrival_us = wall_clock_us();
    std::promise<void> done;
    batch.done = [&](auto) { done.set_value(); };
    service.intake().offer(std::move(batch));
    done.get_future().get();
  }
}

RuleSet with(const RuleSet& rules, const char* amount, const Options& options) {
  RuleSet out = rules;
  out.files.push_back({"rules/more.omen",
                       fmt::format("rule more {{ by user_id match {} as a -> purchase[amount > {}] as b "
                                   "within 15m alert \"{{user_id}}\" }}\n",
                                   options.keys > 0 ? "more_started" : "checkout_started", amount),
                       true});
  return out;
}

// Beats with each round of the writer.
class Pulse {
 public:
  void beat(Service& service) {
    note();
    service.ask([this](Service& writer) {
      if (!is_over_) beat(writer);
    });
  }
  void end() {
    note();
    is_over_ = true;
  }
  double longest_ms() const { return static_cast<double>(longest_us_) / 1e3; }

 private:
  void note() {
    const int64_t now_us = steady_clock_us();
    longest_us_ = std::max(longest_us_, now_us - std::exchange(last_us_, now_us));
  }
  int64_t last_us_ = steady_clock_us(), longest_us_ = 0;
  bool is_over_ = false;
};

// The writer's longest pause, where it is asked for: to look for it takes a processor.
double change(Service& service, const RuleSet& rules, bool with_pause) {
  std::promise<void> done;
  Pulse pulse;
  service.ask([&](Service& writer) {
    writer.change_rules(rules, [&](const Result<std::vector<RuleChange>>& changes) {
      if (!changes) fmt::print(stderr, "{}\n", changes.message());
      if (with_pause) pulse.end();
      done.set_value();
    });
    if (with_pause) pulse.beat(writer);
  });
  done.get_future().get();
  if (with_pause) {  // its last command may be on its way
    std::promise<void> over;
    service.ask([&](Service&) { over.set_value(); });
    over.get_future().get();
  }
  return pulse.longest_ms();
}

int run(const Options& options) {
  const std::string data = make_folder(scratch_folder());
  cli::RuleCompiler compiler;
  ServiceOptions service_options;
  service_options.data = data;
  service_options.delivery.standard_output = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (!options.is_whole) {
    service_options.compile_change = [&](const auto& before, const auto& after) {
      return compiler.compile_change(before, after);
    };
  }
  const RuleSet rules = rules_of(options);
  auto opened = Service::open(
      std::move(service_options), [&](const auto& files) { return compiler.compile(files); }, rules);
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.message());
    return 1;
  }
  Service& service = *opened.value();
  std::thread writer([&] { (void)service.run(); });
  feed(service, lines_of(options));
  std::this_thread::sleep_for(std::chrono::seconds(2));  // alerts on their way
  const std::array<RuleSet, 3> steps = {with(rules, "300", options), with(rules, "400", options), rules};
  const bool with_pause = options.keys + options.others > 0;
  std::array<std::vector<double>, 3> cpu, wall, pause;
  for (size_t repeat = 0; repeat < options.repeats; ++repeat) {
    for (size_t step = 0; step < steps.size(); ++step) {
      const uint64_t snapshots = service.view()->snapshots;
      const double begin_ms = cpu_ms();
      const int64_t begin_us = steady_clock_us();
      const double longest_ms = change(service, steps[step], with_pause);
      if (with_pause) pause[step].push_back(longest_ms);
      cpu[step].push_back(cpu_ms() - begin_ms);
      wall[step].push_back(static_cast<double>(steady_clock_us() - begin_us) / 1e3);
      while (service.view()->snapshots == snapshots) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  service.stop();
  writer.join();
  opened.value().reset();
  std::filesystem::remove_all(data);
  Results results("change");
  fmt::print("{} rules in {} files, {} events, {} keys and {} others in the log; medians of {}\n\n", options.rules,
             options.files, options.events, options.keys, options.others, options.repeats);
  fmt::print("{:<20}{:>12}{:>12}{:>12}\n", "", "cpu ms", "wall ms", with_pause ? "pause ms" : "");
  for (size_t step = 0; step < steps.size(); ++step) {
    const double cpu_median = quantile(cpu[step], 0.5), wall_median = quantile(wall[step], 0.5);
    fmt::print("{:<20}{:>12.1f}{:>12.1f}", names[step], cpu_median, wall_median);
    std::vector<Figure> figures = {{"cpu_ms", cpu_median}, {"wall_ms", wall_median}};
    if (with_pause) {
      figures.push_back({"pause_ms", quantile(pause[step], 0.5)});
      fmt::print("{:>12.1f}", figures.back().value);
    }
    fmt::print("\n");
    results.add(names[step], figures);
  }
  results.write(options.json);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("What it takes to change one rule among many");
  app.add_option("RULES", options.rules, "How many others");
  app.add_option("FILES", options.files, "In so many files");
  app.add_option("EVENTS", options.events, "In the log");
  app.add_option("REPEATS", options.repeats);
  app.add_option("--keys", options.keys, "Keys of which the rule has something to remember; the writer's pause, too");
  app.add_option("--others", options.others, "Keys of which another rule has; likewise");
  app.add_flag("--whole", options.is_whole, "Have all rules compiled each time");
  app.add_option("--json", options.json, "Rows for programs");
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
