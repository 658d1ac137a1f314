// Keys: what an event costs among 100 thousand, a million and ten million keys with one waiting run each, and how long
// one batch of 128 events takes at most: while keys are added, while they are known, and while they expire and others
// come.
//
//   keys [KEYS…] [--reserve BYTES]
//
// Times are the thread's processor time, page faults of fresh memory included; generating the lines is not. With
// --reserve the memory of states is asked for ahead, as by the option of `omen serve`: then no batch waits for the
// system, and a virtual machine's for its host.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

#include "bench/floor.h"
#include "bench/reserved.h"
#include "bench/results.h"
#include "bench/workloads.h"
#include "runtime/core/decode.h"
#include "runtime/core/engine.h"
#include "runtime/core/reserve.h"

namespace {

using namespace omen;
using namespace omen::bench;

constexpr size_t batch_events = 128;
constexpr int64_t begin_us = 1'767'600'000'000'000, hour_us = 3'600'000'000;

double resident_mb() {
  unsigned long pages = 0, resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%lu %lu", &pages, &resident) != 2) std::exit(2);
  std::fclose(file);
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

class Stream {
 public:
  explicit Stream(const Program& program) : decoder_(program), engine_(program, {}) {}

  // A batch of events of the users that `user` gives, each a microsecond later than the one before.
  template <typename User>
  void feed(int64_t time_us, User user) {
    lines_.clear();
    for (size_t i = 0; i < batch_events; ++i) {
      fmt::format_to(std::back_inserter(lines_), "{{\"type\":\"login\",\"ts\":{},\"user_id\":\"u{:09}\"}}\n",
                     time_us + static_cast<int64_t>(i), user(i));
    }
    const size_t size = lines_.size();
    lines_.append(slice_padding, '\0');
    const double begin_s = cpu_s();
    decoder_.open({lines_.data(), size}, {}, 0);
    for (auto batch = decoder_.next(); !batch.is_empty(); batch = decoder_.next()) {
      engine_.prefetch(batch.events);
      for (Event& event : batch.events) {
        event.sequence = ++sequence_;
        engine_.step(event);
        engine_.clear_matches();
      }
    }
    batches_us_.push_back(1e6 * (cpu_s() - begin_s));
  }

  // What the batches since the last call took.
  void print(uint64_t keys, std::string phase, Results& results) {
    if (Reserve::of_process().free_bytes() > 0) phase += ", reserved";
    double sum = 0;
    for (const double us : batches_us_) sum += us;
    const auto events = static_cast<double>(batches_us_.size() * batch_events);
    const double ns = sum * 1e3 / events, p50_us = quantile(batches_us_, 0.5), p999_us = quantile(batches_us_, 0.999),
                 most_us = *std::ranges::max_element(batches_us_), mb = resident_mb();
    fmt::print("{:>12}  {:<37}{:>10.0f}{:>12.0f}{:>12.0f}{:>12.0f}{:>12}{:>10.0f}\n", keys, phase, ns, p50_us, p999_us,
               most_us, engine_.partitions(), mb);
    results.add(fmt::format("{} keys, {}", keys, phase), {{"events", events},
                                                          {"ns_per_event", ns},
                                                          {"batch_p50_us", p50_us},
                                                          {"batch_p999_us", p999_us},
                                                          {"batch_most_us", most_us},
                                                          {"resident_mb", mb}});
    batches_us_.clear();
  }

 private:
  Decoder decoder_;
  Engine engine_;
  std::string lines_;
  uint64_t sequence_ = 0;
  std::vector<double> batches_us_;
};

void measure(const Program& program, uint64_t keys, Results& results) {
  Stream stream(program);
  const uint64_t batches = keys / batch_events;
  int64_t time_us = begin_us;
  uint64_t added = 0;
  const auto add = [&](size_t) { return added++; };
  for (uint64_t i = 0; i < batches; ++i, time_us += batch_events) stream.feed(time_us, add);
  stream.print(keys, "each event a new key", results);
  uint64_t random = 1;
  const auto known = [&](size_t) { return (random = random * 6364136223846793005u + 1442695040888963407u) % keys; };
  for (uint64_t i = 0; i < std::min<uint64_t>(batches, 10'000); ++i, time_us += batch_events)
    stream.feed(time_us, known);
  stream.print(keys, "known keys at random", results);
  time_us += 2 * hour_us;  // the windows have passed: those keys go while others come
  for (uint64_t i = 0; i < batches; ++i, time_us += batch_events) stream.feed(time_us, add);
  stream.print(keys, "old keys go, new ones come", results);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures what an event costs among many keys", "bench/keys");
  std::vector<uint64_t> sizes = {100'000, 1'000'000, 10'000'000};
  std::string json;
  uint64_t reserve_bytes = 0;
  app.add_option("keys", sizes)->capture_default_str();
  add_reserve_option(app, reserve_bytes);
  app.add_option("--json", json, "Write the rows there as JSON too")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  const Program program = compile_rules("rule waiting { by user_id match login as a -> purchase as b within 1h }");
  if (!reserve(reserve_bytes)) return 2;
  Results results("keys");
  fmt::print("{:>12}  {:<37}{:>10}{:>12}{:>12}{:>12}{:>12}{:>10}\n", "keys", "", "ns/event", "batch us", "p99.9",
             "longest", "keys now", "MB");
  for (const uint64_t keys : sizes) measure(program, std::max<uint64_t>(keys, batch_events), results);
  results.write(json);
}
