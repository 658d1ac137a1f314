// history(D): the key's events of the last D, whatever their type, against a literal reading of the stream.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "cli/virtual_run.h"
#include "compiler/compile.h"
#include "tests/support/json.h"

namespace omen {

namespace {

Program compiled(const std::string& text) {
  Sources sources;
  sources.files.push_back({"rules.omen", text});
  Compilation compilation = compile(sources);
  for (const Diagnostic& diagnostic : compilation.diagnostics.items)
    FAIL_CHECK(render_text(diagnostic, sources, false));
  REQUIRE(compilation.program);
  return *compilation.program;
}

std::string text_of(const VirtualAlert& alert) { return reference::parse_json(alert.record).find("text")->text; }

struct Line {
  int64_t second;
  std::string key, json;
};

std::vector<Line> random_stream(uint32_t seed, int size) {
  std::mt19937 random(seed);
  std::vector<Line> out;
  int64_t second = 1000;
  for (int i = 0; i < size; ++i) {
    second += static_cast<int64_t>(random() % 3);
    const std::string key(1, static_cast<char>('p' + random() % 3));
    const std::string type(1, static_cast<char>('a' + random() % 4));
    out.push_back({second, key,
                   "{\"type\":\"" + type + "\",\"ts\":" + std::to_string(second) + ",\"k\":\"" + key +
                       "\",\"n\":" + std::to_string(i) + "}"});
  }
  return out;
}

}  // namespace

TEST_CASE("history: oldest first, both ends included, the completing event too, other keys not") {
  const Program program = compiled("rule r { by k match a as x alert \"{history(5s)} {len(history(2s))}\" }");
  for (uint32_t seed = 1; seed <= 50; ++seed) {
    INFO("seed " << seed);
    const std::vector<Line> stream = random_stream(seed, 60);
    VirtualRun run(program);
    std::vector<std::string> expected;
    for (size_t i = 0; i < stream.size(); ++i) {
      REQUIRE(run.feed(stream[i].json));
      if (stream[i].json.find("\"type\":\"a\"") == std::string::npos) continue;
      std::string list;
      int recent = 0;
      for (size_t k = 0; k <= i; ++k) {
        if (stream[k].key != stream[i].key || stream[k].second < stream[i].second - 5) continue;
        if (stream[k].second >= stream[i].second - 2) ++recent;
        list += (list.empty() ? "" : ", ") + stream[k].json;
      }
      expected.push_back(list + " " + std::to_string(recent));
    }
    REQUIRE(run.alerts().size() == expected.size());
    for (size_t i = 0; i < expected.size(); ++i) CHECK(text_of(run.alerts()[i]) == expected[i]);
  }
}

TEST_CASE("history in where, at deadlines, and of rules whose steps name the key otherwise") {
  {
    const Program program = compiled("rule r { by k match a where len(history(10s)) >= 3 }");
    VirtualRun run(program);
    for (const Line& line : random_stream(7, 100)) REQUIRE(run.feed(line.json));
    CHECK(run.alerts().size() > 5);
  }
  {
    const Program program = compiled("rule r { by k match a -> not b for 10s alert \"{len(history(1m))}\" }");
    VirtualRun run(program);
    for (const char* line : {R"({"type":"a","ts":1,"k":"p"})", R"({"type":"z","ts":5,"k":"p"})",
                             R"({"type":"z","ts":6,"k":"q"})", R"({"type":"b","ts":12,"k":"p"})"}) {
      REQUIRE(run.feed(line));
    }
    REQUIRE(run.alerts().size() == 1);
    CHECK(text_of(run.alerts()[0]) == "2");  // at the deadline the b has not come
  }
  {
    const Program program = compiled("rule r { by k match a -> b by owner within 1h alert \"{len(history(1m))}\" }");
    VirtualRun run(program);
    for (const char* line : {R"({"type":"a","ts":1,"k":"p"})", R"({"type":"b","ts":2,"owner":"p","k":"q"})"}) {
      REQUIRE(run.feed(line));
    }
    REQUIRE(run.alerts().size() == 1);
    CHECK(text_of(run.alerts()[0]) == "2");
  }
}

TEST_CASE("history: bounded by events a key and by bytes, and gone when nobody asks any more") {
  const Program program = compiled("rule r { by k match a alert \"{len(history(1h))}\" }");
  Limits limits;
  limits.max_history_events = 3;
  {
    VirtualRun run(program, limits);
    for (int i = 0; i < 5; ++i) REQUIRE(run.feed(R"({"type":"a","ts":)" + std::to_string(i) + R"(,"k":"p"})"));
    CHECK(text_of(run.alerts().back()) == "3");
    CHECK(run.engine().counters().history_events_dropped == 2);
  }
  limits.max_history_bytes = 2000;
  {
    VirtualRun run(program, limits);
    for (int i = 0; i < 100; ++i) {
      REQUIRE(run.feed(R"({"type":"z","ts":)" + std::to_string(i) + R"(,"k":")" + std::to_string(i) + "\"}"));
    }
    CHECK(run.engine().counters().history_keys_dropped > 50);
    CHECK(run.engine().state_bytes() < 10'000);
  }
  {
    VirtualRun run(program);
    const uint64_t empty = run.engine().state_bytes();
    for (int i = 0; i < 10; ++i) {
      REQUIRE(run.feed(R"({"type":"z","ts":)" + std::to_string(i) + R"(,"k":")" + std::to_string(i % 4) + "\"}"));
    }
    CHECK(run.engine().state_bytes() > empty + 1000);
    run.advance(3609 * int64_t{1'000'000} + 1);
    CHECK(run.engine().state_bytes() < empty + 150);  // the key table keeps its places
  }
}

}  // namespace omen
