// In memory: the engine alone. All events are decoded first; then, again and again by a fresh engine, every event is
// stepped, every match made to its alert record and counted, and the record forgotten.
//
//   in-memory RULES EVENTS [PASSES]      prints a line a pass: alerts, nanoseconds, those of the processor
//
// It is what `omen run` does between its decoder and its output, with the same batches. The first pass warms caches
// and heap and is worth less than the others.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "bench/decoded.h"
#include "bench/floor.h"
#include "compiler/compile.h"
#include "runtime/core/action.h"
#include "runtime/core/decode.h"
#include "runtime/core/engine.h"

namespace {

using namespace omen;

// Makes the alerts of the matches and counts them.
class AlertCount {
 public:
  AlertCount(const Program& program, const Engine& engine)
      : program_(program), engine_(engine), actions_(program, engine.prepared(), engine.captures()) {}

  void take() {
    for (const Match& match : engine_.matches()) {
      const std::vector<std::string_view> key = engine_.match_key(match);
      record_.clear();
      actions_.append_record(record_, engine_.view(match, key), program_.rules[match.rule].actions[0]);
      ++count_;
    }
  }
  uint64_t count() const { return count_; }

 private:
  const Program& program_;
  const Engine& engine_;
  Actions actions_;
  std::string record_;
  uint64_t count_ = 0;
};

uint64_t run(const Program& program, std::span<const Event> events) {
  Engine engine(program, Limits{});
  AlertCount alerts(program, engine);
  for (size_t begin = 0; begin < events.size(); begin += Decoder::batch_events_max) {
    const auto batch = events.subspan(begin, std::min(Decoder::batch_events_max, events.size() - begin));
    engine.prefetch(batch);
    for (const Event& event : batch) engine.step(event);
    alerts.take();
    engine.clear_matches();
  }
  engine.end_stream();
  alerts.take();
  return alerts.count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "in-memory RULES EVENTS [PASSES]\n");
    return 2;
  }
  const Compilation compilation = compile(Sources{{{argv[1], bench::content_of(argv[1])}}});
  for (const Diagnostic& diagnostic : compilation.diagnostics.items) fmt::print(stderr, "{}\n", diagnostic.message);
  if (!compilation.program) return 1;
  const bench::Decoded stream(*compilation.program, bench::content_of(argv[2]));
  for (int pass = argc > 3 ? std::atoi(argv[3]) : 4; pass > 0; --pass) {
    const auto begin = std::chrono::steady_clock::now();
    const double cpu_begin_s = bench::cpu_s();
    const uint64_t alerts = run(*compilation.program, stream.events());
    const std::chrono::nanoseconds elapsed = std::chrono::steady_clock::now() - begin;
    fmt::print("{} {} {:.0f}\n", alerts, elapsed.count(), 1e9 * (bench::cpu_s() - cpu_begin_s));
  }
}
