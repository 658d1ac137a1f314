// Process: events a second of whole processes, by the clock on the wall, each as a ratio to what reading the same file
// with simdjson takes by that clock (the floor).
//
//   file          `omen run --count` over a file: its start and its end are in it
//   pipe          `cat FILE | omen run --count`, through a pipe as the shell makes it
//   unix lines    `omen serve` without durability, over a socket: lines that are acknowledged, in a closed loop with
//   tcp lines     8,000 under way, for about as long
//
// Ten rules over the rarest types, and one that an event in a hundred comes true for, which only the sockets have.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "bench/child.h"
#include "bench/events.h"
#include "bench/floor.h"
#include "bench/results.h"
#include "bench/scratch.h"
#include "bench/senders.h"
#include "bench/workloads.h"

namespace {

using namespace omen;
using namespace omen::bench;

struct Options {
  std::string omen = "build-bench/omen", folder, json;
  uint64_t events = 2'000'000;
  int repeats = 5;
};

// Seconds of `what`.
double seconds_of(const std::function<void()>& what) {
  const int64_t begin_ns = now_ns();
  what();
  return static_cast<double>(now_ns() - begin_ns) / 1e9;
}

class Bench {
 public:
  explicit Bench(const Options& options)
      : options_(options),
        folder_(make_folder(options.folder)),
        rules_(folder_ + "/rules.omen"),
        events_(folder_ + "/events.ndjson"),
        rules_text_(probe_rules(1) + rules_text(10, false)) {
    std::ofstream(rules_) << rules_text_;
    write_events(events_, options.events, {});
  }
  ~Bench() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  void run() {
    fmt::print("{:<14}{:>12}{:>14}{:>16}{:>18}\n", fmt::format("{} events", options_.events), "ns/event", "M events/s",
               "of the floor", "quartiles");
    measure("file", [&] { return seconds_of([&] { run_file(); }); });
    measure("pipe", [&] { return seconds_of([&] { run_pipe(); }); });
    for (const Protocol protocol : {Protocol::unix_lines, Protocol::tcp_lines}) {
      MeasuredService service({options_.omen, options_.folder, rules_text_, {"--durability", "off"}});
      const Shape shape = {protocol, 1'000, 4, 2, 0};
      const double seconds = static_cast<double>(options_.events) / 2e6;
      send_load(service, shape, seconds / 10);  // until caches are warm
      measure(name_of(protocol),
              [&] { return static_cast<double>(options_.events) / send_load(service, shape, seconds).events_per_s(); });
    }
    results_.write(options_.json);
  }

 private:
  // `once` gives the seconds that all events take.
  void measure(const std::string& name, const std::function<double()>& once) {
    const auto events = static_cast<double>(options_.events);
    std::vector<double> ns, ratios;
    for (int repeat = 0; repeat < options_.repeats; ++repeat) {
      const double floor_s = seconds_of([&] {
        if (read_with_simdjson(events_).events != options_.events) give_up("the floor has found other events");
      });
      const double took_s = once();
      ns.push_back(took_s * 1e9 / events);
      ratios.push_back(floor_s / took_s);
    }
    const Spread ratio = spread_of(ratios);
    const double median_ns = quantile(ns, 0.5);
    fmt::print("{:<14}{:>12.0f}{:>14.2f}{:>16.2f}{:>18}\n", name, median_ns, 1e3 / median_ns, ratio.median,
               fmt::format("{:.2f} to {:.2f}", ratio.q1, ratio.q3));
    std::fflush(stdout);
    results_.add(
        name,
        {{"events", events}, {"ns_per_event", median_ns}, {"ratio", ratio.median}, {"q1", ratio.q1}, {"q3", ratio.q3}});
  }

  void run_file() {
    const std::vector<std::string> words = {options_.omen, "run", rules_, "--events", events_, "--count"};
    wait_for_child(start_child(words, null_stream, null_stream, null_stream), options_.omen);
  }

  void run_pipe() {
    Pipe pipe;
    const pid_t cat = start_child({"cat", events_}, null_stream, pipe.write, null_stream);
    const pid_t omen = start_child({options_.omen, "run", rules_, "--count"}, pipe.read, null_stream, null_stream);
    pipe.close_read();
    pipe.close_write();
    wait_for_child(cat, "cat");
    wait_for_child(omen, options_.omen);
  }

  const Options options_;
  const std::string folder_, rules_, events_, rules_text_;
  Results results_{"process"};
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures whole processes: a file, a pipe, sockets", "bench/process");
  Options options;
  options.folder = scratch_folder();
  app.add_option("events", options.events, "Of the file")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("repeats", options.repeats)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--omen", options.omen, "The program")->capture_default_str();
  app.add_option("--folder", options.folder, "Where the file and data folders are made")->capture_default_str();
  app.add_option("--json", options.json, "Write the rows there as JSON too")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  Bench(options).run();
}
