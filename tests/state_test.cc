// The state of an engine as bytes: what is kept when the program changes, what it costs, and that bytes which are none
// do no harm. That nothing is lost is shown by state_differential_test.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "runtime/core/reorder.h"
#include "runtime/core/state_bytes.h"
#include "tests/support/resumed.h"
#include "tests/support/state_rules.h"

namespace omen {

namespace {

Program compiled(std::string_view text, const OptimizeOptions& options = {}) {
  Sources sources;
  sources.files.push_back({"rules.omen", std::string(text)});
  Compilation compilation = compile(sources, options);
  for (const Diagnostic& diagnostic : compilation.diagnostics.items) {
    if (diagnostic.severity == Severity::error) FAIL_CHECK(render_text(diagnostic, sources, false));
  }
  REQUIRE(compilation.program);
  return std::move(*compilation.program);
}

std::vector<std::string> names_of(const Program& program, const std::vector<RuleId>& rules) {
  std::vector<std::string> out;
  for (RuleId rule : rules) out.push_back(program.rules[rule].name);
  return out;
}

// What of the lines speaks of the rule.
std::string lines_of(const std::string& text, const std::string& rule) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at) + 1;
    if (text.compare(at, rule.size() + 1, rule + " ") == 0) out += text.substr(at, end - at);
    at = end;
  }
  return out;
}

std::string event(const std::string& type, int64_t second, const std::string& rest = {}) {
  return "{\"type\":\"" + type + "\",\"ts\":" + std::to_string(1'700'000'000 + second) + ",\"u\":\"k\"" + rest + "}";
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("state: every kind of it goes on where it was, and every rule has some") {
  const Program program = compiled(state_rules);
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    Resumed whole(program), stopped(program);
    for (const std::string& line : state_stream(seed, 300)) {
      whole.feed(line);
      stopped.feed(line);
      REQUIRE(stopped.restart());
    }
    whole.end_stream();
    stopped.end_stream();
    CHECK(whole.raised() == stopped.raised());
    for (const RuleProgram& rule : program.rules) {
      CAPTURE(rule.name);
      if (seed == 1) CHECK(!lines_of(whole.raised(), rule.name).empty());
    }
  }
}

TEST_CASE("state: rules that have not changed go on in a program that has others, and the others begin") {
  const Program before = compiled(state_rules);
  // Other numbers for rules, types and fields; another text, cooldown and pattern.
  std::string text = "rule new { by q, u match z[zz > 1] -> a[ww == 2] within 1h }\n" + std::string(state_rules);
  text.replace(text.find("rule pairs"), text.find("rule quiet") - text.find("rule pairs"), "");
  text.replace(text.find("cooldown 30s"), 12, "cooldown 31s alert \"{asked.v}\"");
  text.replace(text.find("match c as x alert"), 18, "match d as x alert");
  text.replace(text.find("for 3s within 20s"), 17, "for 3s within 21s");
  const Program after = compiled(text);
  const std::vector<std::string> stream = state_stream(7, 400);
  Resumed whole(before), changed(before);
  for (size_t i = 0; i < 200; ++i) whole.feed(stream[i]), changed.feed(stream[i]);
  const size_t raised_before = whole.raised().size();
  const Result<LoadedState> loaded = changed.resume(after, changed.saved());
  REQUIRE_MESSAGE(loaded, loaded.message());
  CHECK(names_of(after, loaded.value().empty) == Texts{"new", "told", "reads"});
  CHECK(loaded.value().gone == Texts{"pairs", "told", "reads"});
  CHECK(loaded.value().kept.size() == after.rules.size() - 3);
  for (size_t i = 200; i < stream.size(); ++i) whole.feed(stream[i]), changed.feed(stream[i]);
  for (const std::string& rule : names_of(after, loaded.value().kept)) {
    CAPTURE(rule);
    if (rule == "quiet") continue;  // it has another text
    CHECK(lines_of(whole.raised(), rule) == lines_of(changed.raised(), rule));
    CHECK(!lines_of(whole.raised().substr(raised_before), rule).empty());
  }
}

TEST_CASE("state: rules that shared their keys and no longer do, and the other way round") {
  const Program apart = compiled("rule r { by u match a -> b within 1h } rule s { by w match a -> b within 1h }");
  const Program together = compiled("rule t { by u match b } rule r { by u match a -> b within 1h }");
  Resumed run(apart);
  run.feed(event("a", 1, ",\"w\":\"l\""));
  REQUIRE(run.resume(together, run.saved()));
  CHECK(run.engine().partitions() == 1);
  REQUIRE(run.restart());
  const Result<LoadedState> loaded = run.resume(apart, run.saved());
  REQUIRE(loaded);
  CHECK(loaded.value().gone == Texts{"t"});
  run.feed(event("b", 2, ",\"w\":\"l\""));
  CHECK(!lines_of(run.raised(), "r").empty());
  CHECK(lines_of(run.raised(), "s").empty());
}

TEST_CASE("state: a rule without events that is new is at work from the moment of loading on") {
  const Program before = compiled("rule r { by u match a }");
  const Program after = compiled("rule s { measure n = count(a) over 4s every 2s when n == 0 }");
  Resumed run(before);
  run.feed(event("a", 1));
  REQUIRE(run.resume(after, run.saved()));
  run.advance((1'700'000'000 + 10) * 1'000'000ll);
  CHECK(lines_of(run.raised(), "s").find("s x1") == 0);
}

TEST_CASE("state: a rule that has changed comes from an engine that has seen the stream once more") {
  const std::string kept = "rule r { by u match a as x -> b as y within 1h overlap starts alert \"{history(1m)}\" }\n";
  const std::string emits = "rule e { by u match a as x emit p { u: u, v: x.v } }\n";
  const Program before = compiled(kept + "rule s { by u match a -> c within 1h overlap starts }");
  const Program after = compiled(kept + emits + "rule s { by u match p as p -> b as b within 1h overlap starts }");
  const std::vector<std::string> stream = state_stream(5, 120);
  Resumed old(before), again(after);
  for (size_t i = 0; i < 60; ++i) old.feed(stream[i]), again.feed(stream[i]);
  const std::string raised = again.raised();
  const std::string first = old.saved(), second = again.saved();
  const Result<LoadedState> loaded = old.resume(after, first, second);
  REQUIRE_MESSAGE(loaded, loaded.message());
  CHECK(loaded.value().empty.empty());
  CHECK(loaded.value().gone == Texts{"s"});
  CHECK(names_of(after, loaded.value().rebuilt) == Texts{"e", "s"});
  const size_t mark = old.raised().size();
  for (size_t i = 60; i < stream.size(); ++i) old.feed(stream[i]), again.feed(stream[i]);
  CHECK(old.raised().substr(mark) == again.raised().substr(raised.size()));
  CHECK(!lines_of(old.raised().substr(mark), "s").empty());
  // Of another place in the stream.
  old.advance(1'800'000'000'000'000);
  const std::string later = old.saved();
  CHECK(!old.resume(after, later, second));
}

TEST_CASE("state: an event is there once, whoever holds it, and a list that several runs share too") {
  const Program program = compiled(
      "rule r { by u match a as x -> a as y -> a as z -> b within 1h overlap starts }\n"
      "rule s { by u match a as x -> a as y -> a as z -> b within 1h overlap all }\n"
      "rule t { by u match b alert \"{history(1h)}\" }");
  Resumed run(program);
  const std::string filler(1000, 'x');
  for (int i = 0; i < 10; ++i) run.feed(event("a", i, ",\"t\":\"" + filler + "\""));
  CHECK(run.saved().size() < 12 * 1200);
  CHECK(run.saved().size() > 10 * 1000);
  const uint64_t bytes = run.engine().captures().bytes();
  REQUIRE(run.restart());
  CHECK(run.engine().captures().bytes() == bytes);
}

TEST_CASE("state: it does not depend on how it came about") {
  const Program program = compiled("rule r { by u match a -> b within 10s overlap starts }");
  Resumed direct(program), detour(program);
  // Keys that come and go leave tables larger and free memory in another order.
  for (int i = 0; i < 5000; ++i) {
    detour.feed("{\"type\":\"a\",\"ts\":1,\"u\":" + std::to_string(i) + "}");
  }
  for (int i = 0; i < 5000; ++i) direct.feed("{\"type\":\"c\",\"ts\":1,\"u\":1}");
  for (Resumed* run : {&direct, &detour}) {
    for (int i = 0; i < 100; ++i) run->feed("{\"type\":\"a\",\"ts\":100,\"u\":" + std::to_string(i * 7 % 50) + "}");
    // Each frees some of what is over.
    for (int second = 101; second <= 105; ++second) run->advance(second * 1'000'000);
  }
  // The counters tell them apart, and nothing else.
  const std::string a = direct.saved(), b = detour.saved();
  CHECK(a.size() <= b.size());
  CHECK(a.size() + 8 >= b.size());
  CHECK(a.substr(a.size() - 500) == b.substr(b.size() - 500));
}

TEST_CASE("state: a key that was busy gives its memory back, and sums stay exact over it") {
  const Program program =
      compiled("rule r { by u measure n = count(a) over 10s measure t = sum(a, v) over 10s when n > 0 }");
  Resumed whole(program), stopped(program);
  int64_t ms = 0;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 2000; ++i) {
      ms += i < 1000 ? 5 : 3000;
      const std::string line = "{\"type\":\"a\",\"ts\":" + std::to_string(1'700'000'000'000 + ms) +
                               ",\"u\":1,\"v\":0." + std::to_string(i) + "}";
      whole.feed(line);
      stopped.feed(line);
      if (i % 100 == 50) REQUIRE(stopped.restart());
    }
    CHECK(whole.engine().state_bytes() < 4'000);
  }
  CHECK(whole.raised() == stopped.raised());
}

// ---- bytes that are none ----

TEST_CASE("state: what was over when it was saved goes a few keys an event, too") {
  const Program program = compiled("rule r { by w match a -> b within 1m }");
  Resumed run(program);
  for (int i = 0; i < 1'000; ++i) run.feed(event("a", 0, ",\"w\":" + std::to_string(i)));
  REQUIRE(run.restart());
  run.feed(event("b", 3'600, ",\"w\":\"nobody\""));
  CHECK(run.engine().partitions() >= 900);
  CHECK(run.engine().partitions() < 1'000);
}

TEST_CASE("state: bytes that are cut or changed are refused, or make an engine that can go on") {
  OptimizeOptions all_shared;  // so that there are lists of starts, too
  all_shared.share_starts_from = 1;
  const Program program = compiled(state_rules, all_shared);
  const std::vector<std::string> stream = state_stream(3, 160);
  Resumed full(program);
  for (size_t i = 0; i < 120; ++i) full.feed(stream[i]);
  const std::string bytes = full.saved();
  std::mt19937 random(5);
  uint64_t refused = 0, accepted = 0;
  const auto try_bytes = [&](const std::string& wrong) {
    Resumed run(program);
    if (!run.resume(program, wrong)) {
      ++refused;
      return;
    }
    ++accepted;
    for (size_t i = 120; i < 130; ++i) run.feed(stream[i]);
    run.advance(1'700'000'900'000'000);
    CHECK(!run.saved().empty());
  };
  for (size_t size = 0; size < bytes.size(); size += 1 + random() % 97) try_bytes(bytes.substr(0, size));
  CHECK(accepted == 0);
  for (int i = 0; i < 1500; ++i) {
    std::string wrong = bytes;
    for (uint32_t edits = 1 + random() % 2; edits > 0; --edits) {
      wrong[random() % wrong.size()] = static_cast<char>(random() % 4 == 0 ? random() % 256 : random() % 8);
    }
    try_bytes(wrong);
  }
  try_bytes(bytes);
  try_bytes(bytes + "x");
  CHECK(refused > 500);
  CHECK(accepted > 10);
}

TEST_CASE("state: of another version, or of nothing at all") {
  const Program program = compiled("rule r { by u match a }");
  Resumed run(program);
  std::string bytes = run.saved();
  CHECK(run.resume(program, bytes));
  ++bytes[8];
  CHECK(run.resume(program, bytes).message().find("another version") != std::string::npos);
  CHECK(!run.resume(program, ""));
  CHECK(!run.resume(program, "OMENSTAT"));
}

TEST_CASE("state: reading ends with the record in hand when it is not wanted any more") {
  ByteWriter texts;
  for (const char* text : {"a", "b", "c"}) texts.text(text);
  std::atomic<bool> is_given_up = false;
  ByteReader reader(texts.bytes(), &is_given_up);
  CHECK(reader.text() == "a");
  is_given_up = true;
  CHECK(reader.text().empty());
  CHECK(reader.status().message().find("not wanted any more") != std::string::npos);

  const Program program = compiled(state_rules);
  Resumed run(program);
  for (const std::string& line : state_stream(3, 120)) run.feed(line);
  Engine engine(program, {});
  Decoder decoder(program);
  CHECK(engine.load(run.saved(), decoder, {}, &is_given_up).message().find("not wanted") != std::string::npos);
  CHECK(engine.partitions() == 0);
}

// ---- the order of the stream ----

namespace {

// A stream in order of time, stopped now and then.
struct Ordered {
  const Program& program;
  const StreamOrder order{.lateness_us = 2'000'000, .max_ahead_us = {}, .dedupe_us = 5'000'000};
  Decoder decoder{program};
  std::unique_ptr<Reorder> reorder = std::make_unique<Reorder>(program, order);
  std::string line = {}, out = {};
  Reorder::Taken taken = {};

  void take(const Event& event) {
    out += std::to_string(event.sequence) + "@" + std::to_string(event.time_us) + " " + std::string(event.raw);
    for (FieldId field : program.types[event.type].fields) append_text(out, event.fields[field]);
    out += '\n';
  }
  void feed(const std::string& json) {
    line = json;
    line.append(slice_padding, '\0');
    decoder.open(std::string_view(line).substr(0, json.size()), {}, 0);
    for (Decoder::Batch batch = decoder.next(); !batch.is_empty(); batch = decoder.next()) {
      for (Event& event : batch.events) {
        if (reorder->offer(event) == Reorder::Verdict::next) take(event);
        while (const Event* due = reorder->due(taken)) take(*due);
      }
    }
  }
  std::string saved() const {
    std::string bytes;
    reorder->save(bytes);
    return bytes;
  }
  Status resume(std::string_view bytes) {
    reorder = std::make_unique<Reorder>(program, order);
    return reorder->load(bytes, decoder);
  }
};

}  // namespace

TEST_CASE("state: what is held for its time and which ids were there is kept") {
  const Program program = compiled(state_rules);
  Ordered whole{program}, stopped{program};
  std::vector<std::string> stream = state_stream(9, 400);
  std::mt19937 random(2);
  for (size_t i = 0; i + 4 < stream.size(); ++i) std::swap(stream[i], stream[i + random() % 4]);
  for (size_t i = 20; i < stream.size(); i += 7) stream[i] = stream[i - random() % 12];  // duplicates
  for (const std::string& json : stream) {
    whole.feed(json);
    stopped.feed(json);
    const std::string bytes = stopped.saved();
    REQUIRE(stopped.resume(bytes));
    REQUIRE(stopped.saved() == bytes);
  }
  CHECK(stopped.reorder->held() > 0);
  for (Ordered* one : {&whole, &stopped}) {
    while (const Event* rest = one->reorder->rest(one->taken)) one->take(*rest);
  }
  CHECK(whole.out == stopped.out);
  CHECK(whole.reorder->duplicates() > 5);
  CHECK(whole.reorder->duplicates() == stopped.reorder->duplicates());
}

TEST_CASE("state: a stream's order is not read to its end when it is not wanted any more") {
  const Program program = compiled(state_rules);
  Ordered run{program};
  for (const std::string& line : state_stream(9, 50)) run.feed(line);
  const std::atomic<bool> is_given_up = true;
  Reorder reorder(program, run.order);
  CHECK(reorder.load(run.saved(), run.decoder, &is_given_up).message().find("not wanted") != std::string::npos);
  CHECK(reorder.held() == 0);
}

TEST_CASE("state: bytes of a stream's order that are cut or changed do no harm") {
  const Program program = compiled(state_rules);
  const std::vector<std::string> stream = state_stream(4, 60);
  Ordered run{program};
  for (size_t i = 0; i < 50; ++i) run.feed(stream[i]);
  const std::string bytes = run.saved();
  std::mt19937 random(6);
  uint64_t accepted = 0;
  for (size_t i = 0; i < 1000; ++i) {
    std::string wrong = bytes;
    wrong[random() % wrong.size()] = static_cast<char>(random() % 256);
    if (i < bytes.size()) wrong = bytes.substr(0, i);
    if (!run.resume(wrong)) continue;
    ++accepted;
    CHECK(i >= bytes.size());
    for (size_t k = 50; k < stream.size(); ++k) run.feed(stream[k]);
  }
  CHECK(accepted < 1000);
  CHECK(run.resume(bytes));
  CHECK(!run.resume(bytes + "x"));
}

}  // namespace omen
