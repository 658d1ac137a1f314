// Load: `omen serve` on the loopback. Events that it acknowledges a second, as a ratio to what appending the same
// bytes to the log takes in the same run; and how long it is from an event going into the socket to its alert at a
// subscriber.
//
//   busy   closed loop: what the service takes. Every hundredth event raises an alert
//   calm   at most 200 batches a second and a tenth of that: what a single event waits for. The last of each batch
//          raises an alert, and every hundredth event
//   raw    one append and one sync, as the durability asks for, a batch
//
// And how late absences are when nothing comes at all: 50 of them, against their deadlines.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "bench/events.h"
#include "bench/overload.h"
#include "bench/results.h"
#include "bench/scratch.h"
#include "bench/senders.h"
#include "runtime/log/disk.h"
#include "runtime/log/log.h"
#include "runtime/model/time.h"

namespace {

using namespace omen;
using namespace omen::bench;

constexpr size_t batch_sizes[] = {1, 100, 1000};
constexpr int64_t interval_us = 100'000;
constexpr size_t absences = 50;

struct Options {
  std::string omen = "build-bench/omen", folder;
  double seconds = 5;
  bool is_quick = false;
  int overload_s = 0;
  std::string only, json;
};

struct Row {
  Protocol protocol = Protocol::http;
  size_t batch = 0, rules = 0;
  Durability::Mode mode = Durability::Mode::fsync;
  double events_per_s = 0, raw_per_s = 0;
  Latencies busy, calm;
  uint64_t missing = 0;
};

const char* name_of(Durability::Mode mode) { return mode == Durability::Mode::fsync ? "fsync" : "interval"; }

// Events a second that the log alone takes, a batch at a time.
double raw_rate(const std::string& below, const Durability& durability, size_t batch, double seconds) {
  const std::string folder = make_folder(below);
  LogOptions options;
  options.durability = durability;
  const auto now_us = [] { return now_ns() / 1000; };
  auto log = Log::open(real_disk(), folder + "/log", options, now_us());
  if (!log) give_up(log.message());
  const std::vector<std::string> events = make_events(20'000, {});
  std::vector<LogRecord> records(batch);
  const int64_t begin_ns = now_ns(), end_ns = begin_ns + static_cast<int64_t>(seconds * 1e9);
  uint64_t count = 0;
  while (now_ns() < end_ns) {
    for (LogRecord& record : records) {
      std::string_view text = events[count++ % events.size()];
      text.remove_suffix(1);
      record = {RecordKind::event, now_us(), text};
    }
    const Appended appended = log.value()->append(records, now_us());
    if (appended.outcome != Appended::Outcome::done) give_up(appended.problem);
    if (Status settled = log.value()->settle(now_us()); !settled) give_up(settled.message());
  }
  const double took_s = static_cast<double>(now_ns() - begin_ns) / 1e9;
  std::filesystem::remove_all(folder);
  return static_cast<double>(count) / took_s;
}

// HTTP answers one request of a connection after the other, so it has more connections. About 8,000 events
// are under way at once where the protocol allows it: enough to keep the disk busy, without measuring a queue.
Shape busy_shape(Protocol protocol, size_t batch) {
  if (protocol != Protocol::http) return {protocol, batch, 4, std::max<size_t>(2, 2000 / batch), 0};
  return {protocol, batch, batch == 1 ? 64ul : 8ul, 2, 0};
}

Row measure(MeasuredService& service, Row row, double seconds) {
  Probes& probes = service.probes();
  const Shape busy = busy_shape(row.protocol, row.batch);
  send_load(service, busy, seconds / 10);  // until caches and the file are warm
  row.missing += probes.missing_after(10);
  uint64_t first = probes.sent();
  row.events_per_s = send_load(service, busy, seconds).events_per_s();
  row.missing += probes.missing_after(10);
  row.busy = latencies_of(probes.latencies_since(first));
  first = probes.sent();
  Shape calm = busy;
  calm.connections = 4;
  calm.batches_per_s = std::min(200.0, row.events_per_s / static_cast<double>(row.batch) / 10);
  send_load(service, calm, seconds);
  row.missing += probes.missing_after(10);
  row.calm = latencies_of(probes.latencies_since(first));
  return row;
}

std::string shown(double value_ms) { return std::isnan(value_ms) ? "-" : fmt::format("{:.1f}", value_ms); }

void print_head() {
  fmt::print("{:<11}{:>6}{:>10}{:>6}{:>12}{:>12}{:>7}  {:>24}  {:>24}\n", "", "batch", "durable", "rules", "events/s",
             "raw log/s", "ratio", "busy p50/p99/p99.9 ms", "calm p50/p99/p99.9 ms");
}

void print_row(const Row& row) {
  const auto all = [](const Latencies& of) {
    return fmt::format("{} / {} / {}", shown(of.p50_ms), shown(of.p99_ms), shown(of.p999_ms));
  };
  fmt::print("{:<11}{:>6}{:>10}{:>6}{:>12.0f}{:>12.0f}{:>7.2f}  {:>24}  {:>24}\n", name_of(row.protocol), row.batch,
             name_of(row.mode), row.rules, row.events_per_s, row.raw_per_s, row.events_per_s / row.raw_per_s,
             all(row.busy), all(row.calm));
  if (row.missing > 0) fmt::print("           {} alerts did not come\n", row.missing);
  std::fflush(stdout);
}

void add_to(Results& results, const std::string& name, const Row& row) {
  results.add(name, {{"events_per_s", row.events_per_s},
                     {"raw_log_per_s", row.raw_per_s},
                     {"of_raw_log", row.events_per_s / row.raw_per_s},
                     {"alerts", static_cast<double>(row.busy.count + row.calm.count)},
                     {"missing", static_cast<double>(row.missing)},
                     {"busy_p50_ms", row.busy.p50_ms},
                     {"busy_p99_ms", row.busy.p99_ms},
                     {"busy_p999_ms", row.busy.p999_ms},
                     {"calm_p50_ms", row.calm.p50_ms},
                     {"calm_p99_ms", row.calm.p99_ms},
                     {"calm_p999_ms", row.calm.p999_ms}});
}

// 50 absences whose deadlines are 36 ms apart, all of one batch that says when its events happened; after it silence.
Latencies measure_absences(const Options& options, uint64_t& missing) {
  constexpr int64_t wait_us = 2'000'000, apart_us = 36'000, head_start_us = 100'000;
  ServeOptions serve{options.omen, options.folder, {}, {}};
  serve.rules = "rule alone { by user_id match ask as p -> not answer for 2s alert \"{p.id}\" }\n";
  MeasuredService service(serve);
  const int64_t wall_us =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  const int64_t begin_ns = now_ns();
  std::string lines;
  for (size_t i = 0; i < absences; ++i) {
    const int64_t from_now_us = head_start_us + static_cast<int64_t>(i) * apart_us;
    const uint64_t number = service.probes().send(begin_ns + from_now_us * 1000);
    std::string ts;
    append_rfc3339(ts, wall_us + from_now_us - wait_us);
    lines += fmt::format(R"({{"type":"ask","id":"p{:09}","ts":"{}","user_id":{}}})"
                         "\n",
                         number, ts, i);
  }
  Link link(service.tcp_lines());
  link.send(lines);
  missing = service.probes().missing_after(5);
  return latencies_of(service.probes().latencies_since(0));
}

int run(const Options& options) {
  const double seconds = options.is_quick ? 0.4 : options.seconds;
  Results results("load");
  uint64_t missing = 0, absences_missing = 0;
  fmt::print("{} cores; interval is {} ms\n\n", std::thread::hardware_concurrency(), interval_us / 1000);
  print_head();
  for (const Durability::Mode mode : {Durability::Mode::fsync, Durability::Mode::interval}) {
    const Durability durability{mode, interval_us};
    double raw[std::size(batch_sizes)] = {};  // as soon as they are wanted
    for (const size_t rules : {1, 100}) {
      ServeOptions serve{options.omen, options.folder, probe_rules(rules), {"--retain-bytes", "1000000000"}};
      if (mode == Durability::Mode::interval) {
        serve.arguments.insert(serve.arguments.end(), {"--durability", fmt::format("{}ms", interval_us / 1000)});
      }
      MeasuredService service(serve);
      for (const Protocol protocol : {Protocol::http, Protocol::tcp_lines, Protocol::unix_lines}) {
        if (options.is_quick && protocol == Protocol::unix_lines) continue;
        for (size_t i = 0; i < std::size(batch_sizes); ++i) {
          Row row;
          row.protocol = protocol;
          row.batch = batch_sizes[i];
          row.rules = rules;
          row.mode = mode;
          const std::string name = fmt::format("{} {} {} {}", name_of(protocol), row.batch, name_of(mode), rules);
          if (!options.only.empty() && options.only != name) continue;
          if (raw[i] == 0) raw[i] = raw_rate(options.folder, durability, row.batch, seconds);
          row.raw_per_s = raw[i];
          row = measure(service, row, seconds);
          missing += row.missing;
          print_row(row);
          add_to(results, name, row);
        }
      }
    }
  }
  const Latencies late = measure_absences(options, absences_missing);
  fmt::print("\n{} absences without traffic: at the subscriber {} ms after their deadlines at p50, {} ms at most\n",
             late.count, shown(late.p50_ms), shown(late.most_ms));
  results.add("absences",
              {{"alerts", static_cast<double>(late.count)}, {"p50_ms", late.p50_ms}, {"most_ms", late.most_ms}});
  results.write(options.json);
  return missing + absences_missing == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures `omen serve` on the loopback", "bench/load");
  Options options;
  options.folder = scratch_folder();
  app.add_option("--omen", options.omen, "The program")->capture_default_str();
  app.add_option("--folder", options.folder, "Where data folders are made: on the disk that is to be measured")
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "Of each measurement")->capture_default_str();
  app.add_flag("--quick", options.is_quick, "Within a minute, with wide errors");
  app.add_option("--json", options.json, "Write the rows there as JSON too")->type_name("FILE");
  app.add_option("--only", options.only, "One row: its name, as in \"http 100 fsync 1\"")->type_name("NAME");
  app.add_option("--overload", options.overload_s, "Instead: ten times what it takes, for so many seconds")
      ->type_name("SECONDS");
  CLI11_PARSE(app, argc, argv);
  return options.overload_s > 0 ? run_overload(options.omen, options.folder, options.overload_s) : run(options);
}
