// Latency: from a line that goes into `omen run` by a pipe, or into `omen serve` by a socket, to its alert coming out:
// on the standard output of the one, at a subscriber (`GET /v1/alerts/stream`) of the other. p50, p99, p99.9 and the
// longest at 10 %, 50 % and 90 % of the top rate, which is measured first.
//
//   top     closed loop: events a second with at most 8,000 under way
//   paced   events are due one after the other, and a line counts from when it was due, not from when it could be sent:
//           one that stalls is not spared what it has kept from being sent. A sender that wakes late sends all that has
//           become due; its lateness is in the figures. It sleeps so long at a time: a sleep costs it some 35 us of a
//           core on a virtual machine, and one for each line took half a core from what is measured
//
// Every hundredth event raises an alert. What sender, reader and machine need without Omen say the same rates with
// another program in its place: `cat` between the pipes, and between unix sockets `grep`, which answers as seldom as
// the service does.
#include <fmt/format.h>
#include <sys/prctl.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/piped.h"
#include "bench/results.h"
#include "bench/scratch.h"
#include "bench/senders.h"
#include "runtime/io/turns.h"

namespace {

using namespace omen;
using namespace omen::bench;

constexpr size_t probe_every = 100;
constexpr size_t under_way_max = 8'000;
constexpr size_t chunk_events = 100;  // of the closed loop
constexpr double patience_s = 10;     // for alerts
constexpr size_t send_bytes = 64 * 1024;
constexpr int64_t sleep_ns = 200'000;
constexpr double shares[] = {0.1, 0.5, 0.9};

struct Options {
  std::string omen = "build-bench/omen", folder, durability = "off", only, json;
  double seconds = 5, rate = 0;
  size_t rules = 10;
  bool is_quick = false;
};

// A way in, and the probes that come out.
struct Way {
  std::string name;
  Probes& probes;
  std::function<void(std::string_view)> send;
};

struct Paced {
  double due_per_s = 0, sent_per_s = 0;
  Latencies latencies;
};

void expect_all(const Way& way) {
  if (const uint64_t missing = way.probes.missing_after(patience_s); missing > 0)
    give_up(fmt::format("{}: {} alerts did not come", way.name, missing));
}

double top_rate(const Way& way, double seconds) {
  BatchWriter writer(0, Protocol::tcp_lines, chunk_events, probe_every, false);
  const int64_t begin_ns = now_ns(), end_ns = begin_ns + static_cast<int64_t>(seconds * 1e9);
  uint64_t events = 0;
  for (; now_ns() < end_ns; events += chunk_events) {
    constexpr uint64_t probes_max = under_way_max / probe_every;
    if (way.probes.missing_after(patience_s, probes_max) > probes_max) break;
    way.send(writer.write(way.probes, now_ns()));
  }
  expect_all(way);
  return static_cast<double>(events) * 1e9 / static_cast<double>(now_ns() - begin_ns);
}

// Ends after twice the time, however much is then left to send.
Paced send_paced(const Way& way, double events_per_s, double seconds) {
  BatchWriter writer(0, Protocol::tcp_lines, 1, probe_every, false);
  const uint64_t first = way.probes.sent();
  const auto events = static_cast<uint64_t>(events_per_s * seconds);
  const int64_t begin_ns = now_ns(), end_ns = begin_ns + static_cast<int64_t>(2e9 * seconds);
  const auto due_ns = [&](uint64_t i) {
    return begin_ns + static_cast<int64_t>(static_cast<double>(i) * 1e9 / events_per_s);
  };
  std::string lines;
  uint64_t sent = 0;
  int64_t awake_ns = begin_ns;
  while (sent < events && now_ns() < end_ns) {
    if (due_ns(sent) > now_ns()) sleep_until_ns(std::max(due_ns(sent), awake_ns + sleep_ns));
    awake_ns = now_ns();
    lines.clear();
    for (; sent < events && due_ns(sent) <= awake_ns && lines.size() < send_bytes; ++sent)
      lines += writer.write(way.probes, due_ns(sent));
    way.send(lines);
  }
  const double took_s = static_cast<double>(now_ns() - begin_ns) / 1e9;
  expect_all(way);
  return {events_per_s, static_cast<double>(sent) / took_s, latencies_of(way.probes.latencies_since(first))};
}

void print_head() {
  fmt::print("{:<18}{:>8}{:>14}{:>14}{:>10}{:>10}{:>10}{:>10}{:>10}\n", "", "of top", "events/s due", "sent", "p50 ms",
             "p99 ms", "p99.9 ms", "longest", "alerts");
}

std::string shown(double value_ms) { return std::isnan(value_ms) ? "-" : fmt::format("{:.3f}", value_ms); }

// The rates: shares of the top, or the one that was asked for.
void measure_paced(const Way& way, double top_per_s, double asked_per_s, double seconds, Results& results) {
  std::vector<double> of_top(std::begin(shares), std::end(shares));
  if (asked_per_s > 0) of_top = {asked_per_s / top_per_s};
  for (const double share : of_top) {
    const Paced paced = send_paced(way, top_per_s * share, seconds);
    const Latencies& of = paced.latencies;
    const std::string rate =
        asked_per_s > 0 ? fmt::format("{:.0f}", asked_per_s) : fmt::format("{:.0f} %", share * 100);
    fmt::print("{:<18}{:>8}{:>14.0f}{:>14.0f}{:>10}{:>10}{:>10}{:>10}{:>10}\n", way.name, rate, paced.due_per_s,
               paced.sent_per_s, shown(of.p50_ms), shown(of.p99_ms), shown(of.p999_ms), shown(of.most_ms), of.count);
    std::fflush(stdout);
    results.add(way.name + ", " + rate, {{"due_per_s", paced.due_per_s},
                                         {"sent_per_s", paced.sent_per_s},
                                         {"alerts", static_cast<double>(of.count)},
                                         {"p50_ms", of.p50_ms},
                                         {"p99_ms", of.p99_ms},
                                         {"p999_ms", of.p999_ms},
                                         {"most_ms", of.most_ms}});
  }
}

// The top, and then the rates. Returns the top.
double measure(const Way& way, double asked_per_s, double seconds, Results& results) {
  top_rate(way, seconds / 10);  // until caches are warm
  const double top_per_s = top_rate(way, seconds);
  fmt::print("{:<18}{:>8}{:>14}{:>14.0f}\n", way.name, "top", "", top_per_s);
  results.add(way.name + ", top", {{"events_per_s", top_per_s}, {"ns_per_event", 1e9 / top_per_s}});
  measure_paced(way, top_per_s, asked_per_s, seconds, results);
  return top_per_s;
}

// At the rates of what it takes the place of.
void measure_in_place(const std::string& name, Piped& piped, double top_per_s, double asked_per_s, double seconds,
                      Results& results) {
  measure_paced({name, piped.probes(), [&](std::string_view lines) { piped.send(lines); }}, top_per_s, asked_per_s,
                seconds, results);
}

bool is_wanted(const Options& options, const std::string& name) { return name.find(options.only) != name.npos; }

void measure_pipes(const Options& options, double seconds, Results& results) {
  const std::string folder = make_folder(options.folder), rules = folder + "/rules.omen";
  std::ofstream(rules) << probe_rules(options.rules);
  double top_per_s = 0;
  {
    Piped piped({options.omen, "run", rules});
    top_per_s = measure({"pipe", piped.probes(), [&](std::string_view lines) { piped.send(lines); }}, options.rate,
                        seconds, results);
  }
  std::filesystem::remove_all(folder);
  Piped piped({"cat"});
  measure_in_place("pipe through cat", piped, top_per_s, options.rate, seconds, results);
}

double measure_socket(Protocol protocol, const Options& options, double seconds, Results& results) {
  MeasuredService service({options.omen,
                           options.folder,
                           probe_rules(options.rules),
                           {"--durability", options.durability, "--retain-bytes", "1000000000"}});
  Link link(address_of(service, protocol));
  const auto send = [&](std::string_view lines) {
    if (!link.send(lines)) give_up(fmt::format("the service has hung up on {}", name_of(protocol)));
  };
  return measure({name_of(protocol), service.probes(), send}, options.rate, seconds, results);
}

int run(const Options& options) {
  // A sleep ends when it is to end, not up to 50 us later.
  prctl(PR_SET_TIMERSLACK, 1);
  take_short_turns();  // so that it waits for no core while somebody else's turn lasts: that would not be Omen's time
  const double seconds = options.is_quick ? std::min(options.seconds, 1.2) : options.seconds;
  Results results("latency");
  fmt::print("{} rules; the service with durability {}\n\n", options.rules, options.durability);
  print_head();
  if (is_wanted(options, "pipe")) measure_pipes(options, seconds, results);
  for (const Protocol protocol : {Protocol::unix_lines, Protocol::tcp_lines}) {
    if (!is_wanted(options, name_of(protocol))) continue;
    const double top_per_s = measure_socket(protocol, options, seconds, results);
    if (protocol != Protocol::unix_lines) continue;
    Piped piped({"env", "LC_ALL=C", "grep", "-F", "--line-buffered", R"("type":"probe")"}, Pipe::Kind::unix_socket);
    measure_in_place("unix through grep", piped, top_per_s, options.rate, seconds, results);
  }
  results.write(options.json);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures the time from a line to its alert", "bench/latency");
  Options options;
  options.folder = scratch_folder();
  app.add_option("--omen", options.omen, "The program")->capture_default_str();
  app.add_option("--folder", options.folder, "Where data folders are made")->capture_default_str();
  app.add_option("--durability", options.durability, "Of the service: off, fsync, or a duration")
      ->capture_default_str();
  app.add_option("--rules", options.rules, "How many")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds, "Of each measurement")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--rate", options.rate, "Events a second, instead of shares of the top: to compare two programs")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  app.add_flag("--quick", options.is_quick, "Within half a minute, with wide errors");
  app.add_option("--only", options.only, "pipe, unix lines or tcp lines")->type_name("NAME");
  app.add_option("--json", options.json, "Write the rows there as JSON too")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
