// Windows of measures: what they hold against what they should, sketches against exact quantiles, limits and memory.
#include "runtime/core/windows.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "cli/virtual_run.h"
#include "compiler/compile.h"
#include "tests/support/program_of.h"

namespace omen {
namespace {

constexpr int64_t second_us = 1'000'000;

// The windows of one key over one series.
class OneKey {
 public:
  OneKey(SeriesProgram::Keeps keeps, int64_t over_us, int64_t pane_us, uint32_t entries_max = 1'000'000) {
    measures_.series.push_back({0, 0, keeps, Kind::number, over_us});
    measures_.windows.push_back({0, over_us, 0});
    measures_.pane_us = pane_us;
    windows_.emplace(measures_, pool_, entries_max);
    key_.resize(windows_->bytes() / sizeof(uint64_t));
    windows_->init(block());
  }
  ~OneKey() { windows_->release(block()); }

  uint32_t add(int64_t time_us, double number) { return windows_->add(block(), 0, time_us, Value::of_number(number)); }
  Value read(Aggregate aggregate, int64_t time_us) {
    windows_->move_to(block(), time_us);
    return windows_->read(block(), {"m", aggregate, 0}, time_us);
  }
  uint64_t bytes() const { return pool_.bytes(); }
  uint64_t panes() { return windows_->panes(block()); }
  void release() { windows_->release(block()); }

 private:
  std::byte* block() { return reinterpret_cast<std::byte*>(key_.data()); }

  Measures measures_;
  BytePool pool_;
  std::optional<Windows> windows_;
  std::vector<uint64_t> key_;
};

double exact_quantile(std::vector<double> numbers, uint32_t percent) {
  std::sort(numbers.begin(), numbers.end());
  return numbers[(numbers.size() * percent + 99) / 100 - 1];
}

double number_of(const Value& value) {
  return value.kind == Kind::integer ? static_cast<double>(value.integer) : value.number;
}

// Numbers of one distribution in a window that moves on, each quantile against the exact one at every stop.
void check_quantiles(const std::string& name, int64_t pane_us, const std::function<double()>& next) {
  OneKey key(SeriesProgram::Keeps::spread, 100 * second_us, pane_us);
  std::deque<std::pair<int64_t, double>> held;
  uint64_t sketched = 0, exact = 0;
  double worst = 0;
  int64_t time_us = 0;
  for (int i = 0; i < 30'000; ++i) {
    // Dense for a while, then sparse, so that the window passes 1,000 values both ways.
    time_us += i % 10'000 < 8'000 ? 20'000 : 400'000;
    const double number = next();
    key.add(time_us, number);
    held.emplace_back(time_us, number);
    if (i % 997 != 0) continue;
    const int64_t at_us = pane_us == 0 ? time_us : (time_us + pane_us - 1) / pane_us * pane_us;
    while (!held.empty() && held.front().first <= at_us - 100 * second_us) held.pop_front();
    std::vector<double> numbers;
    for (const auto& [_, held_number] : held) numbers.push_back(held_number);
    for (const auto& [aggregate, percent] : {std::pair(Aggregate::p50, 50u), std::pair(Aggregate::p90, 90u),
                                             std::pair(Aggregate::p95, 95u), std::pair(Aggregate::p99, 99u)}) {
      const double expected = exact_quantile(numbers, percent);
      const double actual = number_of(key.read(aggregate, at_us));
      if (numbers.size() <= exact_values_max) {
        CHECK(actual == expected);
        ++exact;
      } else {
        const double error = expected == 0 ? std::abs(actual) : std::abs(actual - expected) / std::abs(expected);
        worst = std::max(worst, error);
        ++sketched;
      }
    }
    if (at_us > time_us) time_us = at_us;
  }
  CHECK(sketched > 20);
  CHECK(exact > 20);
  CHECK_MESSAGE(worst <= sketch_error * 1.000001, name << ": " << worst);
  MESSAGE(name << ": " << exact << " quantiles exact, " << sketched << " within " << worst);
}

TEST_CASE("windows: quantiles are exact up to 1,000 values and within 1 % above, whatever enters and leaves") {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> latencies(5, 2);
  std::normal_distribution<double> around_zero(0, 50);
  std::uniform_real_distribution<double> uniform(0.001, 1000);
  for (const int64_t pane_us : {int64_t{0}, 10 * second_us}) {
    CAPTURE(pane_us);
    check_quantiles("latencies", pane_us, [&] { return latencies(random); });
    check_quantiles("around zero", pane_us, [&] { return around_zero(random); });
    check_quantiles("uniform", pane_us, [&] { return uniform(random); });
    check_quantiles("one value", pane_us, [] { return 42.0; });
  }
}

TEST_CASE("windows: a sketch's bucket is within the error of every number that falls into it") {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> exponent(-250, 250);
  for (int i = 0; i < 100'000; ++i) {
    const double number = (i % 2 == 0 ? 1 : -1) * std::pow(10.0, exponent(random));
    const double read = sketch_number(sketch_key(number));
    REQUIRE(std::abs(read - number) <= std::abs(number) * sketch_error * 1.000001);
  }
  CHECK(sketch_key(0) == 0);
  CHECK(sketch_number(0) == 0);
  CHECK(sketch_key(-1) == -sketch_key(1));
  CHECK(sketch_key(1e-300) > 0);
}

TEST_CASE("windows: different values are counted exactly while they come and go") {
  std::mt19937_64 random(3);
  for (const int64_t pane_us : {int64_t{0}, 5 * second_us}) {
    OneKey key(SeriesProgram::Keeps::different, 60 * second_us, pane_us);
    std::deque<std::pair<int64_t, double>> held;
    for (int64_t time_us = 0, i = 0; i < 5'000; ++i) {
      time_us += static_cast<int64_t>(random() % 300'000);
      const double number = static_cast<double>(random() % 400) / 2;
      key.add(time_us, number);
      held.emplace_back(time_us, number);
      if (i % 53 != 0) continue;
      const int64_t at_us = pane_us == 0 ? time_us : (time_us + pane_us - 1) / pane_us * pane_us;
      while (held.front().first <= at_us - 60 * second_us) held.pop_front();
      std::set<double> different;
      for (const auto& [_, held_number] : held) different.insert(held_number);
      REQUIRE(key.read(Aggregate::distinct, at_us).integer == static_cast<int64_t>(different.size()));
      time_us = at_us;
    }
  }
}

TEST_CASE("windows: what has left leaves nothing behind in a sum") {
  OneKey key(SeriesProgram::Keeps::sum, 10 * second_us, 0);
  key.add(1 * second_us, 1e300);
  for (int64_t i = 2; i <= 11; ++i) key.add(i * second_us, 0.5);
  CHECK(number_of(key.read(Aggregate::sum, 11 * second_us)) == 5);
  CHECK(number_of(key.read(Aggregate::avg, 11 * second_us)) == 0.5);
}

TEST_CASE("windows: with panes the memory of a key does not grow with the events") {
  for (const auto keeps : {SeriesProgram::Keeps::count, SeriesProgram::Keeps::sum, SeriesProgram::Keeps::least,
                           SeriesProgram::Keeps::spread}) {
    OneKey key(keeps, 60 * second_us, 10 * second_us);
    uint64_t most = 0;
    for (int64_t i = 0; i < 200'000; ++i) {
      const int64_t time_us = i * 10'000;
      key.add(time_us, static_cast<double>(i % 1000));
      if (time_us % (10 * second_us) == 0) (void)key.read(Aggregate::p50, time_us);
      most = std::max(most, key.bytes());
    }
    CHECK(key.panes() <= 7);
    CHECK(most < 200'000);
    key.release();
    CHECK(key.bytes() == 0);
  }
}

TEST_CASE("windows: max_window_entries: the oldest goes early, and it is counted") {
  OneKey counts(SeriesProgram::Keeps::count, 100 * second_us, 0, 3);
  uint32_t given_up = 0;
  for (int64_t i = 1; i <= 5; ++i) given_up += counts.add(i * second_us, 1);
  CHECK(given_up == 2);
  CHECK(counts.read(Aggregate::count, 5 * second_us).integer == 3);

  OneKey values(SeriesProgram::Keeps::spread, 100 * second_us, 0, 6);  // a pane and its value are two entries
  given_up = 0;
  for (int64_t i = 1; i <= 5; ++i) {
    given_up += values.add(i * second_us, static_cast<double>(i));
    (void)values.read(Aggregate::p50, i * second_us);
  }
  CHECK(given_up == 2);
  CHECK(number_of(values.read(Aggregate::p50, 5 * second_us)) == 4);

  OneKey crowded(SeriesProgram::Keeps::different, 100 * second_us, 10 * second_us, 4);  // all in one pane
  given_up = 0;
  for (int i = 0; i < 10; ++i) given_up += crowded.add(second_us, i);
  CHECK(given_up == 7);
  CHECK(crowded.read(Aggregate::distinct, 10 * second_us).integer == 3);
}

std::string event(int64_t second, const std::string& key) {
  return fmt::format(R"({{"type":"a","ts":{},"k":"{}","v":1}})", 1'767'600'000 + second, key);
}

TEST_CASE("measures: keys whose windows are empty are gone, with their memory") {
  for (const char* every : {"every 10s", ""}) {
    const Program program = program_of(fmt::format(
        "rule r {{ by k measure n = count(a) over 1m measure d = distinct(a, v) over 1m {} when n + d > 3 }}", every));
    VirtualRun run(program);
    for (int i = 0; i < 1000; ++i) REQUIRE(run.feed(event(i / 100, fmt::format("u{}", i % 500))));
    CHECK(run.engine().partitions() == 500);
    run.advance((1'767'600'000 + 3600) * second_us);
    REQUIRE(run.feed(event(7200, "last")));
    run.advance((1'767'600'000 + 10'000) * second_us);
    CHECK(run.engine().partitions() == 0);
    CHECK(run.engine().panes() == 0);
  }
}

TEST_CASE("measures: the cooldown outlives the key's windows") {
  const Program program = program_of("rule r { by k measure n = count(a) over 10s every 1s when n >= 1 cooldown 1h }");
  VirtualRun run(program);
  for (const int64_t second : {0, 100, 3599, 3700}) REQUIRE(run.feed(event(second, "x")));
  run.advance((1'767'600'000 + 20'000) * second_us);
  CHECK(run.alerts().size() == 2);
  CHECK(run.engine().rule_counters()[0].held_by_cooldown == 2);
  CHECK(run.engine().partitions() == 0);
}

TEST_CASE("measures: after the end of the stream nothing is asked for ever") {
  const Program program = program_of(
      "rule r { measure n = count(a) over 1m every 1m when n == 0 and hour(end) >= 0 }\n"
      "rule s { by k measure n = count(a) over 1m every 1m when n == 0 for 1h }");
  VirtualRun run(program);
  REQUIRE(run.feed(event(0, "x")));
  run.end_stream();
  CHECK(run.alerts().size() == 2);
  CHECK(run.engine().true_conditions() == 2);
}

TEST_CASE(
    "measures: what another rule emits at an evaluation counts at that time, and so does what it emits in the end") {
  const Program program = program_of(
      "rule busy { by k measure n = count(a) over 10s every 5s when n >= 2\n"
      "  emit got_busy { k: k, n: n }\n  on resolve emit got_quiet { k: k, lasted: duration } }\n"
      "rule all_busy { measure n = count(got_busy) over 1m when n >= 2 alert \"{n} keys\" }\n"
      "rule calm { match got_quiet as q alert \"{q.k} {q.lasted}\" }");
  VirtualRun run(program);
  for (const char* key : {"x", "y"}) {
    for (const int64_t second : {1, 2}) REQUIRE(run.feed(event(second, key)));
  }
  run.advance((1'767'600'000 + 60) * second_us);
  REQUIRE(run.alerts().size() >= 3);
  uint64_t all_busy = 0, calm = 0;
  for (const VirtualAlert& alert : run.alerts()) {
    if (alert.rule == 1) {
      ++all_busy;
      CHECK(alert.end_us == (1'767'600'000 + 5) * second_us);
      CHECK(alert.record.find("\"2 keys\"") != std::string::npos);
    }
    if (alert.rule == 2) ++calm;
  }
  CHECK(all_busy == 1);
  CHECK(calm == 2);
}

}  // namespace
}  // namespace omen
