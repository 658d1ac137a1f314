// The scripts that judge and draw what has been measured: made-up results go in, and what they say comes out.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/wait.h>

#include <cstdio>
#include <string>
#include <string_view>

#include "tests/support/folder.h"

namespace {

using omen::Folder;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

struct Said {
  int exit_code;
  std::string text;
};

Said run_script(const std::string& script, const std::string& arguments) {
  const std::string command = fmt::format("'{}/bench/{}' {} 2>&1", OMEN_SOURCE_ROOT, script, arguments);
  std::FILE* const out = popen(command.c_str(), "r");
  REQUIRE(out != nullptr);
  Said said;
  char bytes[4096];
  for (size_t got = 0; (got = fread(bytes, 1, sizeof bytes, out)) > 0;) said.text.append(bytes, got);
  said.exit_code = WEXITSTATUS(pclose(out));
  return said;
}

std::string throughput_row(const std::string& name, double ratio, double q1, double q3, int alerts = 5,
                           int events = 1000) {
  return fmt::format(
      R"({{"bench":"throughput","group":"usual","name":"{}","events":{},"ns_per_event":200,"ratio":{},"q1":{},"q3":{},"alerts":{}}})",
      name, events, ratio, q1, q3, alerts);
}

std::string memory_row(int bytes) {
  return fmt::format(R"({{"bench":"memory","name":"a key","events":1000,"bytes":{}}})", bytes);
}

// What bench/compare says of two results with these rows.
Said compare(const std::string& old_rows, const std::string& new_rows) {
  const Folder folder;
  folder.write("old.json", R"({"machine":{"cores":2},"rows":[)" + old_rows + "]}");
  folder.write("new.json", R"({"machine":{"cores":2},"rows":[)" + new_rows + "]}");
  return run_script("compare", fmt::format("'{}' '{}'", folder.path("old.json"), folder.path("new.json")));
}

}  // namespace

TEST_CASE("bench/compare: only what is beyond the quartiles of both and 3 % has changed") {
  const std::string old = throughput_row("a", 0.50, 0.49, 0.51);
  CHECK(compare(old, old).exit_code == 0);
  const Said slower = compare(old, throughput_row("a", 0.45, 0.44, 0.46));
  CHECK(slower.exit_code == 1);
  CHECK(has(slower.text, "throughput: a"));
  CHECK(has(slower.text, "-10%  slower\n"));
  const Said faster = compare(old, throughput_row("a", 0.55, 0.54, 0.56));
  CHECK(faster.exit_code == 0);
  CHECK(has(faster.text, "+10%  faster\n"));
  const Said noisy = compare(old, throughput_row("a", 0.45, 0.40, 0.49));
  CHECK(noisy.exit_code == 0);
  CHECK(!has(noisy.text, "slower"));
  const Said little = compare(throughput_row("a", 0.500, 0.499, 0.501), throughput_row("a", 0.490, 0.489, 0.491));
  CHECK(little.exit_code == 0);
  CHECK(!has(little.text, "slower"));
}

TEST_CASE("bench/compare: alerts must stay, events must be as many, bytes count too") {
  const std::string old = throughput_row("a", 0.50, 0.49, 0.51);
  const Said alerts = compare(old, throughput_row("a", 0.50, 0.49, 0.51, 6));
  CHECK(alerts.exit_code == 1);
  CHECK(has(alerts.text, "other alerts"));
  const Said events = compare(old, throughput_row("a", 0.30, 0.29, 0.31, 3, 500));
  CHECK(events.exit_code == 0);
  CHECK(has(events.text, "not over as many events"));
  CHECK(compare(memory_row(100), memory_row(102)).exit_code == 0);
  const Said larger = compare(memory_row(100), memory_row(110));
  CHECK(larger.exit_code == 1);
  CHECK(has(larger.text, "+10%  larger\n"));
  CHECK(has(compare(memory_row(100), memory_row(90)).text, "-10%  smaller\n"));
}

TEST_CASE("bench/compare: time that a change takes and the top rate are judged from a fifth on, the slowest never") {
  const auto change = [](double cpu_ms) {
    return fmt::format(R"({{"bench":"change","name":"the rule comes","cpu_ms":{},"wall_ms":{}}})", cpu_ms, cpu_ms + 1);
  };
  CHECK(compare(change(5), change(5.9)).exit_code == 0);
  const Said slower = compare(change(5), change(6.5));
  CHECK(slower.exit_code == 1);
  CHECK(has(slower.text, "change: the rule comes     5.00     6.50     +30%  slower\n"));
  CHECK(has(compare(change(5), change(3.5)).text, "-30%  faster\n"));

  const auto top = [](int per_s) {
    return fmt::format(R"({{"bench":"latency","name":"pipe, top","events_per_s":{},"ns_per_event":1}})", per_s);
  };
  CHECK(compare(top(1'000'000), top(850'000)).exit_code == 0);
  const Said less = compare(top(1'000'000), top(700'000));
  CHECK(less.exit_code == 1);
  CHECK(has(less.text, "-30%  slower\n"));
  CHECK(has(compare(top(1'000'000), top(1'300'000)).text, "+30%  faster\n"));

  const auto paced = [](double p99_ms, int alerts) {
    return fmt::format(
        R"({{"bench":"latency","name":"pipe, 10 %","due_per_s":1,"alerts":{},"p50_ms":0.1,"p99_ms":{}}},)"
        R"({{"bench":"load","name":"http 1","events_per_s":1000,"alerts":{},"busy_p50_ms":0.1,"busy_p99_ms":{}}})",
        alerts, p99_ms, alerts, p99_ms);
  };
  const Said shown = compare(paced(1, 5), paced(9, 6));
  CHECK(shown.exit_code == 0);
  CHECK(has(shown.text, "latency: pipe, 10 %     1.00     9.00    +800%  not judged\n"));
  CHECK(has(shown.text, "load: http 1            1.00     9.00    +800%  not judged\n"));
}

TEST_CASE("bench/compare: rows that only one has; nothing in common and no JSON are no answer") {
  const std::string a = throughput_row("a", 0.50, 0.49, 0.51), b = throughput_row("b", 0.50, 0.49, 0.51);
  const Said fewer = compare(a + "," + b, a);
  CHECK(fewer.exit_code == 0);
  CHECK(has(fewer.text, "throughput: b  only in the old one\n"));
  const Said none = compare(a, b);
  CHECK(none.exit_code == 2);
  CHECK(has(none.text, "no row in common"));
  CHECK(compare(a, "not JSON").exit_code == 2);
  CHECK(run_script("compare", "").exit_code == 2);
}

TEST_CASE("bench/chart: a bar a workload of throughput, for light and dark") {
  const Folder folder;
  const std::string latency = R"({"bench":"latency","name":"pipe, 10 %","p99_ms":0.2})";
  folder.write("results.json", R"({"machine":{"cpu":"x < y","cores":2},"rows":[)" + latency + "," +
                                   throughput_row("A -> B", 0.50, 0.49, 0.51) + "," +
                                   throughput_row("no rule", 1.3, 1.2, 1.4) + "]}");
  const auto draw = [&](const std::string& texts) {
    return run_script("chart",
                      fmt::format("'{}' '{}' {}", folder.path("results.json"), folder.path("chart.svg"), texts));
  };
  const auto bars = [&] {
    const std::string svg = folder.read("chart.svg");
    size_t count = 0;
    for (size_t at = 0; (at = svg.find("class=\"bar\"", at)) != svg.npos; ++at) ++count;
    return count;
  };
  REQUIRE(draw("").exit_code == 0);
  const std::string svg = folder.read("chart.svg");
  CHECK(svg.starts_with("<svg xmlns="));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(bars() == 2);
  CHECK(has(svg, "A -&gt; B"));
  CHECK(has(svg, "x &lt; y, 2 cores"));
  CHECK(has(svg, "1.30, 5.0 M/s"));
  CHECK(has(svg, "prefers-color-scheme: dark"));
  REQUIRE(draw("'no rule'").exit_code == 0);
  CHECK(bars() == 1);
  CHECK(draw("'no such'").exit_code == 2);
  CHECK(run_script("chart", "").exit_code == 2);
}

TEST_CASE("scripts/flame_graph: counts what a run does, by itself and with what it calls") {
  const Folder folder;
  const std::string run = "\t    1a f_run+0x1 (x)\n\t    2b omen::Runner::run(int)+0x2 (x)\n\t    3c main (x)\n\n";
  const std::string made = "omen 1 1.0: 1 cpu-clock:\n\t    9f omen::Engine::step(omen::Event const&)+0x9 (x)\n" + run;
  const std::string not_of_a_run = "omen 1 1.0: 1 cpu-clock:\n\t    9f write_events+0x9 (x)\n\t    3c main (x)\n\n";
  folder.write("stacks", made + made + "omen 1 1.0: 1 cpu-clock:\n" + run + not_of_a_run);
  const std::string in = fmt::format("< '{}'", folder.path("stacks"));

  const Said table = run_script("../scripts/flame_graph", "--table 5 " + in);
  CHECK(table.exit_code == 0);
  CHECK(has(table.text, "66.7%  Engine::step"));
  CHECK(has(table.text, "33.3%  f_run"));
  CHECK(has(table.text, "100.0%  f_run"));
  CHECK_FALSE(has(table.text, "write_events"));
  const Said graph = run_script("../scripts/flame_graph", "'a title' " + in);
  CHECK(has(graph.text, "a title"));
  CHECK(has(graph.text, "<title>Engine::step: 66.7%</title>"));
  folder.write("others", not_of_a_run);
  CHECK(run_script("../scripts/flame_graph", fmt::format("t < '{}'", folder.path("others"))).exit_code == 1);
}
