// Derived events: how they are made, what they are known by, and their bounds.
#include "runtime/core/derive.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "cli/virtual_run.h"
#include "compiler/compile.h"
#include "runtime/model/time.h"
#include "tests/support/program_of.h"

namespace omen {
namespace {

constexpr int64_t start_s = 1'767'600'000;

std::string event(const std::string& type, int64_t second, const std::string& rest = {}) {
  return fmt::format(R"({{"type":"{}","ts":{},"u":"x"{}}})", type, start_s + second, rest);
}

std::string id_of(const VirtualAlert& alert) { return alert.record.substr(7, 32); }

TEST_CASE("derive: an event is made of a type, a time, an id and an object") {
  const Program program = program_of(R"(rule r { match `a "b"`[n.m > 1 and missing(s)] })");
  Derive derive(program);
  const Event* made = derive.make("a \"b\"", start_s * us_per_second, "id\t1", R"({"n":{"m":2},"s":null})");
  REQUIRE(made != nullptr);
  CHECK(made->is_derived);
  CHECK(made->type_name == "a \"b\"");
  CHECK(made->id == "id\t1");
  CHECK(made->time_us == start_s * us_per_second);
  CHECK(made->raw ==
        "{\"type\":\"a \\\"b\\\"\",\"ts\":\"2026-01-05T08:00:00Z\",\"id\":\"id\\t1\",\"n\":{\"m\":2},\"s\":null}");
  CHECK(derive.make("a", 0, "i", "{}")->raw == R"({"type":"a","ts":"1970-01-01T00:00:00Z","id":"i"})");
  std::string deep = "1";
  for (uint32_t i = 0; i <= event_depth_max; ++i) deep = R"({"a":)" + deep + "}";
  CHECK(derive.make("a", 0, "i", deep) == nullptr);
  CHECK(derive.make("a", 0, "i", R"({"a":")" + std::string(event_bytes_max, 'x') + "\"}") == nullptr);
}

TEST_CASE("derive: one from outside is the next event of the stream") {
  const Program program = program_of(
      "rule r { match schema_violation as v alert \"{v.field} {v.ts}\" }\n"
      "rule s { match * => b }\nrule t { match a -> not b for 10s }");
  Engine engine(program, {});
  Derive derive(program);
  Event received;
  received.time_us = start_s * us_per_second;
  received.sequence = 1;
  received.type = type_unnamed;
  received.type_name = "other";
  engine.step(received);
  engine.step(*derive.make("schema_violation", 0, "v1", R"({"field":"price"})"));  // from before the clock
  REQUIRE(engine.matches().size() == 1);
  CHECK(engine.matches()[0].end_us == start_s * us_per_second);
  CHECK(engine.counters().events == 1);
}

TEST_CASE("derive: an identity does not hang on what other rules emit") {
  const std::string rule = "rule r { by u match a -> c within 1h }\n";
  const Program alone = program_of(rule);
  const Program beside = program_of(rule + "rule e { by u match b emit d { u: u } }\nrule s { match d as only }");
  std::vector<std::string> ids;
  for (const Program* program : {&alone, &beside}) {
    VirtualRun run(*program);
    for (const char* type : {"b", "a", "b", "c"}) REQUIRE(run.feed(event(type, 1)));
    for (const VirtualAlert& alert : run.alerts()) {
      if (program->rules[alert.rule].name == "r") ids.push_back(id_of(alert));
    }
  }
  REQUIRE(ids.size() == 2);
  CHECK(ids[0] == ids[1]);
}

TEST_CASE("derive: an id is the match's identity and the place among its emits, so that a replay repeats it") {
  const Program program = program_of(
      "rule e { by u match b alert \"first\" emit d { u: u } emit d { u: u } }\n"
      "rule s { by u match d as one overlap starts }");
  std::vector<std::string> records;
  for (int replay = 0; replay < 2; ++replay) {
    VirtualRun run(program);
    REQUIRE(run.feed(event("b", 1)));
    REQUIRE(run.alerts().size() == 3);
    for (int place = 1; place <= 2; ++place) {
      const std::string id = fmt::format("\"id\":\"{}-{}\"", id_of(run.alerts()[0]), place);
      CHECK(run.alerts()[static_cast<size_t>(place)].record.find(id) != std::string::npos);
    }
    std::string all;
    for (const VirtualAlert& alert : run.alerts()) all += alert.record + "\n";
    records.push_back(all);
  }
  CHECK(records[0] == records[1]);
}

TEST_CASE("derive: max_derived: at one event no further one is made, and it is counted") {
  const Program program = program_of(
      "rule e { by u match a -> b within 1h overlap starts emit d { u: u } }\n"
      "rule s { by u match d as one overlap starts emit f { u: u } }\nrule t { match f as one overlap starts }");
  Limits limits;
  limits.max_derived = 7;
  VirtualRun run(program, limits);
  for (int i = 0; i < 5; ++i) REQUIRE(run.feed(event("a", i)));
  REQUIRE(run.feed(event("b", 6)));
  const std::vector<RuleCounters>& counters = run.engine().rule_counters();
  CHECK(counters[0].emitted == 5);
  CHECK(counters[1].emitted == 2);
  CHECK(counters[1].emits_refused == 3);
  CHECK(counters[2].raised == 2);
  REQUIRE(run.feed(event("a", 7)));
  REQUIRE(run.feed(event("b", 8)));  // another event has room of its own
  CHECK(counters[1].emitted == 3);
}

TEST_CASE("derive: an event too large is not made, and it is counted") {
  const Program program =
      program_of("rule e { by u match a+ as many -> b within 1h emit d { all: many.s } }\nrule s { match d as one }");
  VirtualRun run(program);
  const std::string large = fmt::format(R"(,"s":"{}")", std::string(event_bytes_max / 2, 'x'));
  for (int i = 0; i < 3; ++i) REQUIRE(run.feed(event("a", i, large)));
  REQUIRE(run.feed(event("b", 4)));
  CHECK(run.engine().rule_counters()[0].emits_refused == 1);
  CHECK(run.engine().rule_counters()[1].raised == 0);
}

}  // namespace
}  // namespace omen
