// Memory: a million keys with one waiting run each, what is left of them when all their windows have passed, and what
// it costs to save and to load them.
//
//   memory [KEYS]
//
// A run that waits has captured its event, which is kept as it came: those bytes are counted apart.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string>

#include "bench/results.h"
#include "compiler/compile.h"
#include "runtime/core/engine.h"

namespace {

using namespace omen;
using namespace omen::bench;

uint64_t resident_bytes() {
  unsigned long pages = 0, resident = 0;
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr || std::fscanf(file, "%lu %lu", &pages, &resident) != 2) std::exit(2);
  std::fclose(file);
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

struct Saved {
  double mb, save_s, load_s;
};

// Saves the engine, and loads another one with it.
Saved save_and_load(const Program& program, const Engine& engine) {
  std::string bytes;
  const std::clock_t saving = std::clock();
  engine.save(bytes);
  const std::clock_t saved = std::clock();
  Engine other(program, {});
  Decoder decoder(program);
  const std::clock_t loading = std::clock();
  const Result<LoadedState> loaded = other.load(bytes, decoder);
  if (!loaded) std::exit(1);
  const Saved out = {static_cast<double>(bytes.size()) / 1e6, static_cast<double>(saved - saving) / CLOCKS_PER_SEC,
                     static_cast<double>(std::clock() - loading) / CLOCKS_PER_SEC};
  fmt::print("saved: {:.1f} MB in {:.2f} s, loaded in {:.2f} s of CPU time, {} runs\n", out.mb, out.save_s, out.load_s,
             other.live_runs());
  return out;
}

constexpr int64_t begin_us = 1'700'000'000'000'000;

class Feeder {
 public:
  Feeder(const Program& program, Engine& engine) : program_(program), engine_(engine), row_(program.fields.size()) {}

  void feed(const std::string& type, uint64_t user, int64_t time_us) {
    key_ = fmt::format("u{}", user);
    raw_ = fmt::format(R"({{"type":"{}","ts":{},"user_id":"{}"}})", type, time_us, key_);
    Event event;
    event.time_us = event.ts_us = time_us;
    event.sequence = ++sequence_;
    event.type_name = type;
    event.raw = raw_;
    for (TypeId id = 1; id < program_.types.size(); ++id)
      event.type = program_.types[id].name == type ? id : event.type;
    for (const FieldId field : program_.types[event.type].fields) row_[field] = Value::of_text(key_);
    event.fields = row_.data();
    raw_bytes_ += raw_.size();
    engine_.step(event);
    engine_.clear_matches();
  }
  uint64_t raw_bytes() const { return raw_bytes_; }

 private:
  const Program& program_;
  Engine& engine_;
  std::vector<Value> row_;
  std::string key_, raw_;
  uint64_t sequence_ = 0, raw_bytes_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Measures what keys with a waiting run each take", "bench/memory");
  uint64_t keys = 1'000'000;
  std::string json;
  app.add_option("keys", keys)->capture_default_str();
  app.add_option("--json", json, "Write the rows there as JSON too")->type_name("FILE");
  CLI11_PARSE(app, argc, argv);
  const Compilation compilation = compile(Sources{
      {{"rules.omen", "rule waiting { by user_id match login as a -> purchase as b within 1h alert \"{user_id}\" }"}}});
  if (!compilation.program) return 1;
  const Program& program = *compilation.program;
  Engine engine(program, {});
  Feeder feeder(program, engine);
  const auto print = [&](const char* when, uint64_t base_bytes) {
    const uint64_t resident = resident_bytes() - base_bytes;
    fmt::print("{:<34}{:>10} runs{:>10} keys{:>9.1f} MB state{:>9.1f} MB resident\n", when, engine.live_runs(),
               engine.partitions(), static_cast<double>(engine.state_bytes()) / 1e6,
               static_cast<double>(resident) / 1e6);
    return resident;
  };
  const uint64_t base_bytes = resident_bytes();
  print("empty", base_bytes);
  for (uint64_t i = 0; i < keys; ++i) feeder.feed("login", i, begin_us + static_cast<int64_t>(i));
  const uint64_t full_bytes = print("one waiting run for each key", base_bytes);
  const uint64_t captured_bytes = engine.captured_bytes(), raw_bytes = feeder.raw_bytes();
  const Saved saved = save_and_load(program, engine);
  constexpr int64_t hour_us = 3'600'000'000;
  engine.advance(begin_us + 6 * hour_us);
  engine.free_what_is_over();
  print("after all windows have passed", base_bytes);
  const auto each = [&](uint64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(keys); };
  fmt::print(
      "\n{:.0f} bytes a key and run in all, {:.0f} beside its captured event; that takes {:.0f}, of them {:.0f} its "
      "JSON\n",
      each(full_bytes), each(full_bytes - captured_bytes), each(captured_bytes), each(raw_bytes));
  Results results("memory");
  results.add("a key with a waiting run", {{"events", static_cast<double>(keys)},
                                           {"bytes", each(full_bytes - captured_bytes)},
                                           {"captured_bytes", each(captured_bytes)}});
  results.add("saved", {{"events", static_cast<double>(keys)},
                        {"bytes", saved.mb * 1e6 / static_cast<double>(keys)},
                        {"save_s", saved.save_s},
                        {"load_s", saved.load_s}});
  results.write(json);
}
