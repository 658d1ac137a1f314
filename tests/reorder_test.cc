// The stream's order: arrival, lateness, ahead, dedupe. Each case feeds times and asks for the stream and the verdicts.
#include "runtime/core/reorder.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace omen;

namespace {

using Verdict = Reorder::Verdict;

struct Stream {
  Program program;
  Reorder reorder;
  std::vector<Verdict> verdicts;
  std::vector<std::string> texts;  // "name@time_us #sequence" of each event that came out
  std::vector<Value> rows;         // the field of each
  Reorder::Taken taken;

  explicit Stream(const StreamOrder& order) : program(program_with_field()), reorder(program, order) {}

  static Program program_with_field() {
    Program program;
    program.types.resize(2);
    program.fields.resize(3);
    program.types[1].fields = {1};
    return program;
  }
  void out(const Event& event) {
    texts.push_back(std::string(event.raw) + "@" + std::to_string(event.time_us) + " #" +
                    std::to_string(event.sequence));
    rows.push_back(event.fields[1]);
  }
  // All memory of the event is gone when this returns.
  void feed(const std::string& name, int64_t ts_us, const std::string& id = {}) {
    const std::string raw = name, type_name = "t", text = name + "'s field", event_id = id;
    std::vector<Value> row(3);
    row[1] = Value::of_text(text);
    Event event;
    event.time_us = event.ts_us = ts_us;
    event.type = 1;
    event.type_name = type_name;
    event.id = event_id;
    event.raw = raw;
    event.fields = row.data();
    verdicts.push_back(reorder.offer(event));
    if (verdicts.back() == Verdict::next) out(event);
    while (const Event* due = reorder.due(taken)) check_and_out(*due);
    taken.clear();
  }
  void end() {
    while (const Event* rest = reorder.rest(taken)) check_and_out(*rest);
  }
  void check_and_out(const Event& event) {
    CHECK(event.fields[1].bytes() == std::string(event.raw) + "'s field");
    CHECK(event.type_name == "t");
    out(event);
  }
};

using Texts = std::vector<std::string>;
using Verdicts = std::vector<Verdict>;

}  // namespace

TEST_CASE("by arrival the clock never runs back") {
  Stream stream({});
  stream.feed("a", 10);
  stream.feed("b", 30);
  stream.feed("c", 20);
  stream.feed("d", 40);
  CHECK(stream.texts == Texts{"a@10 #1", "b@30 #2", "c@30 #3", "d@40 #4"});
}

TEST_CASE("with a lateness events are held, sorted by time and arrival, and late ones refused") {
  Stream stream({.lateness_us = 10, .max_ahead_us = {}, .dedupe_us = {}});
  stream.feed("a", 100);
  stream.feed("b", 95);
  stream.feed("c", 100);
  stream.feed("d", 90);  // at the clock: in order
  CHECK(stream.texts == Texts{"d@90 #1"});
  stream.feed("e", 89);  // older than the clock
  stream.feed("f", 110);
  CHECK(stream.texts == Texts{"d@90 #1", "b@95 #2", "a@100 #3", "c@100 #4"});
  stream.feed("g", 105);
  CHECK(stream.reorder.held() == 2);
  stream.end();
  CHECK(stream.texts == Texts{"d@90 #1", "b@95 #2", "a@100 #3", "c@100 #4", "g@105 #5", "f@110 #6"});
  CHECK(stream.verdicts == Verdicts{Verdict::held, Verdict::held, Verdict::held, Verdict::held, Verdict::late,
                                    Verdict::held, Verdict::held});
}

TEST_CASE("a lateness of nothing sorts nothing and refuses what is older") {
  Stream stream({.lateness_us = 0, .max_ahead_us = {}, .dedupe_us = {}});
  stream.feed("a", 10);
  stream.feed("b", 10);
  stream.feed("c", 9);
  CHECK(stream.texts == Texts{"a@10 #1", "b@10 #2"});
  CHECK(stream.verdicts.back() == Verdict::late);
}

TEST_CASE("an event too far ahead is refused and does not move the clock") {
  for (const std::optional<int64_t> lateness : {std::optional<int64_t>(), std::optional<int64_t>(5)}) {
    Stream stream({.lateness_us = lateness, .max_ahead_us = 100, .dedupe_us = {}});
    stream.feed("a", 1000);
    stream.feed("b", INT64_MAX / 2);
    stream.feed("c", 1050);
    stream.end();
    CHECK(stream.verdicts[1] == Verdict::ahead);
    CHECK(stream.texts == Texts{"a@1000 #1", "c@1050 #2"});
  }
}

TEST_CASE("an id is known for as long as asked, counted from the event that was kept") {
  Stream stream({.lateness_us = {}, .max_ahead_us = {}, .dedupe_us = 10});
  stream.feed("a", 0, "x");
  stream.feed("b", 10, "x");  // at exactly D: a duplicate
  stream.feed("c", 10, "y");
  stream.feed("d", 11, "x");  // 11 after the one that was kept
  stream.feed("e", 12, "x");
  stream.feed("f", 12);  // no id: never a duplicate
  stream.feed("g", 12);
  CHECK(stream.texts == Texts{"a@0 #1", "c@10 #2", "d@11 #3", "f@12 #4", "g@12 #5"});
  CHECK(stream.reorder.duplicates() == 2);
}

TEST_CASE("duplicates are found in the order of the stream, not of arrival") {
  Stream stream({.lateness_us = 100, .max_ahead_us = {}, .dedupe_us = 10});
  stream.feed("b", 50, "x");
  stream.feed("a", 45, "x");
  stream.end();
  CHECK(stream.texts == Texts{"a@45 #1"});
  CHECK(stream.reorder.duplicates() == 1);
}

TEST_CASE(
    "the clock may pass without events: by arrival what is older happens at its time, with a lateness it is late") {
  Stream by_arrival({});
  by_arrival.feed("a", 10);
  by_arrival.reorder.advance(30);
  by_arrival.reorder.advance(20);
  by_arrival.feed("b", 15);
  by_arrival.feed("c", 31);
  CHECK(by_arrival.texts == std::vector<std::string>{"a@10 #1", "b@30 #2", "c@31 #3"});

  Stream by_time({.lateness_us = 10, .max_ahead_us = {}, .dedupe_us = {}});
  by_time.feed("a", 12);
  by_time.feed("b", 11);
  CHECK(by_time.reorder.next_due_us() == 11);
  by_time.reorder.advance(13);
  by_time.feed("late", 12);
  by_time.feed("c", 13);
  CHECK(by_time.texts == std::vector<std::string>{"b@11 #1", "a@12 #2", "c@13 #3"});
  CHECK(by_time.verdicts == std::vector<Verdict>{Verdict::held, Verdict::held, Verdict::late, Verdict::held});
}
