// Rules of a running service that change in place (serve/rules_part.h): what comes of it is what comes of compiling all
// rules and going on from a saved state, also when the service ends or is killed behind it.
#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "cli/rule_compiler.h"
#include "runtime/log/repair.h"
#include "tests/support/running_service.h"

namespace omen {
namespace {

using Texts = std::vector<std::string>;

RuleFile file(const std::string& name, const std::string& pattern, const std::string& clauses = "") {
  return {name + ".omen",
          "rule " + name + " {\n  by u\n  match " + pattern + "\n  within 1h\n  " + clauses + "\n  alert \"" + name +
              " {u} {start}\"\n}\n",
          false};
}

const RuleFile first = file("first", "a -> b");
const RuleFile second = file("second", "a -> c", "overlap starts");
const RuleFile third = file("third", "b -> not c for 20s");

constexpr int64_t start_s = 1'900'000'000;  // the wall clock has no say

Texts stream(int from, int to) {
  Texts lines;
  for (int i = from; i < to; ++i) {
    lines.push_back(std::string(R"({"type":")") + "abcad"[i % 5] + R"(","ts":)" + std::to_string(start_s + i) +
                    R"(,"u":"u)" + std::to_string(i / 3 % 5) + "\"}");
  }
  return lines;
}

// A service with a compiler for changes; or without it, so that each change goes the whole way.
struct Changing : Running {
  cli::RuleCompiler compiler;
  std::atomic<int> in_place = 0;
  const bool is_whole;

  Changing(const char* name, bool goes_whole) : Running(name), is_whole(goes_whole) {
    compile = [this](const std::vector<RuleFile>& files) { return compiler.compile(files); };
  }
  void begin(const RuleSet& rules, ServiceOptions options = {}) {
    if (!is_whole) {
      options.compile_change = [this](const auto& before, const auto& after) {
        auto changed = compiler.compile_change(before, after);
        in_place += changed ? 1 : 0;
        return changed;
      };
    }
    start(rules, std::move(options));
  }
};

std::string fates(const Result<std::vector<RuleChange>>& changes) {
  REQUIRE_MESSAGE(changes, changes.message());
  std::string out;
  for (const RuleChange& change : changes.value()) {
    out += change.rule + ' ' + std::string(name_of(change.fate));
    if (change.horizon_us) out += ' ' + std::to_string(*change.horizon_us / 1'000'000) + 's';
    out += '\n';
  }
  return out;
}

// The first record that has this text is damaged, and a repair gives it up, with the others of its frame.
void give_up_record_with(const std::string& text, const std::string& folder) {
  const fs::path path = fs::directory_iterator(folder)->path();
  {
    std::fstream segment(path, std::ios::in | std::ios::out | std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(segment), {}};
    const size_t at = bytes.find(text);
    REQUIRE(at != std::string::npos);
    segment.seekp(static_cast<std::streamoff>(at));
    segment.put('*');
  }
  REQUIRE(repair_log(real_disk(), folder, 0, wall_clock_us()));
}

bool has_said(const Running& omen, const std::string& what) {
  return std::ranges::any_of(omen.said, [&](const auto& line) { return line.find(what) != std::string::npos; });
}

struct Story {
  Texts messages;
  std::string fates;
};

// `ends`: 0: never; 1: behind each change; 2: likewise, and its snapshots are lost.
Story play(bool is_whole, uint32_t shards, int ends, Durability::Mode durability) {
  Changing omen("omen-service-part", is_whole);
  ServiceOptions options;
  options.pipeline.shards = shards;
  options.log.durability.mode = durability;
  RuleSet rules{{first, third}, {}};
  Story story;
  omen.begin(rules, options);
  int at = 0;
  const auto feed = [&] {
    omen.feed(stream(at, at + 37), (start_s + at) * 1'000'000);
    at += 37;
  };
  const auto change = [&](RuleSet next) {
    feed();
    rules = std::move(next);
    story.fates += fates(omen.change(rules)) + '\n';
    if (ends == 0) return;
    feed();
    omen.end();
    if (ends == 2) fs::remove_all(omen.data + "/snapshots");
    omen.begin(rules, options);
  };
  change({{first, third, second}, {}});
  change({{first, third, file("second", "a -> c", "overlap starts cooldown 3s")}, {}});
  change({{first, file("third", "b -> not c for 10s"), second}, {"second"}});
  change({{file("first", "a -> b", "cooldown 1s"), file("third", "b -> not c for 10s"), second}, {}});
  change({{first, second, file("fourth", "a -> b -> d", "limit 4 per 1h")}, {}});
  change({{first, second, file("fourth", "a -> b -> d", "limit 4 per 1h"), file("fifth", "x -> y")}, {}});
  change({{second, file("fourth", "a -> b -> d", "limit 4 per 1h"), file("fifth", "a -> y")}, {}});
  feed();
  for (const Message& message : omen.messages()) story.messages.push_back(message.id + ' ' + message.text);
  if (!is_whole) CHECK(omen.in_place >= 6);
  return story;
}

}  // namespace

TEST_CASE("service: rules that change in place raise what they raise when all are compiled") {
  for (const uint32_t shards : {1, 2}) {
    for (const int ends : {0, 1, 2}) {
      CAPTURE(shards);
      CAPTURE(ends);
      for (const auto durability : {Durability::Mode::fsync, Durability::Mode::off}) {
        CAPTURE(static_cast<int>(durability));
        const Story part = play(false, shards, ends, durability), whole = play(true, shards, ends, durability);
        CHECK(part.messages.size() > 50);
        CHECK(part.messages == whole.messages);
        CHECK(part.fates == whole.fates);
      }
    }
  }
}

TEST_CASE("service: what waits for a rule alone goes when the rule has gone in place") {
  const RuleFile quick = file("quick", "a -> d");
  const RuleFile slow{"slow.omen", "rule slow { by u match a -> b within 30d alert \"{u}\" }\n", false};
  Changing omen("omen-service-part-gone", false);
  omen.begin({{quick, slow}, {}});
  const auto feed = [&](const std::string& user, int64_t at_s, int count) {
    Texts lines;
    for (int i = 0; i < count; ++i) {
      lines.push_back(R"({"type":"a","ts":)" + std::to_string(at_s) + R"(,"u":")" + user + std::to_string(i) + "\"}");
    }
    omen.feed(lines, at_s * 1'000'000);
  };
  feed("silent", start_s, 500);
  CHECK(fates(omen.change({{quick}, {}})) == "quick kept\nslow removed\n");
  for (int i = 0; i < 50; ++i) feed("later", start_s + 7200 + i, 1);
  CHECK(omen.in_place == 1);
  omen.end();
  const std::string state = omen.last_state();
  CHECK(state.find("later") != std::string::npos);
  CHECK(state.find("silent") == std::string::npos);
}

TEST_CASE("service: a rule that very many keys know comes without a pause of the writer, the whole way") {
  Changing omen("omen-service-part-keys", false);
  omen.begin({{first}, {}});
  const auto program = [&] { return omen.ask([](Service& one) { return &one.program(); }); };
  Texts lines;
  for (int key = 0; key < 20'001; ++key) {
    lines.push_back(R"({"type":"m","ts":)" + std::to_string(start_s) + R"(,"u":"k)" + std::to_string(key) + "\"}");
  }
  omen.feed(lines, start_s * 1'000'000);
  const Program* const before = program();
  const RuleFile many = file("many", "m -> n");
  CHECK(fates(omen.change({{first, many}, {}})) == "first kept\nmany added 3600s\n");
  const Program* const with_many = program();
  CHECK(with_many != before);
  CHECK(fates(omen.change({{first, many, third}, {}})) == "first kept\nmany kept\nthird added 3620s\n");
  CHECK(fates(omen.change({{first, third}, {}})) == "first kept\nthird kept\nmany removed\n");
  CHECK(program() == with_many);
}

TEST_CASE("service: a change of one file among many stands in the log by itself") {
  Changing omen("omen-service-part-log", false);
  RuleSet rules;
  for (int i = 0; i < 100; ++i) rules.files.push_back(file("r" + std::to_string(i), "a -> b"));
  const auto log_bytes = [&] {
    uint64_t sum = 0;
    for (const auto& one : fs::directory_iterator(omen.data + "/log")) sum += one.file_size();
    return sum;
  };
  omen.begin(rules);
  omen.feed(stream(0, 30), start_s * 1'000'000);
  for (const uint64_t first_bytes = log_bytes(); rules.files.size() < 110;) {
    rules.files.push_back(file("more" + std::to_string(rules.files.size()), "a -> c"));
    CHECK(omen.change(rules));
    CHECK(omen.ask([](Service& one) { return one.pause("r7", one.rules().paused.empty()); }));
    rules.paused = omen.ask([](Service& one) { return one.rules().paused; });
    CHECK(log_bytes() - first_bytes < 500 * (rules.files.size() - 100));
  }
  omen.end();
  fs::remove_all(omen.data + "/snapshots");
  omen.begin(rules);
  CHECK(omen.ask([](Service& one) { return one.rules(); }) == rules);
  CHECK(omen.in_place == 10);  // recovery has found them all
}

TEST_CASE("service: rules that build on a record which a repair has given up leave those of before") {
  Changing omen("omen-service-part-lost", false);
  omen.begin({{first}, {}});
  omen.feed(stream(0, 30), start_s * 1'000'000);
  CHECK(omen.change({{first, third}, {}}));
  omen.feed(stream(30, 60), (start_s + 30) * 1'000'000);
  CHECK(omen.change({{first, third, second}, {}}));
  omen.end();
  fs::remove_all(omen.data + "/snapshots");
  give_up_record_with("third.omen", omen.data + "/log");
  omen.begin({{first}, {}});
  CHECK(omen.ask([](Service& one) { return one.program().rules.size(); }) == 1);
  CHECK(has_said(omen, "are not known"));
  CHECK(has_said(omen, "those of before stay"));
}

// Options and ticks, too, mean nothing before there are rules.
TEST_CASE("service: where a repair has given up all rules, it begins with its own, and so behind a restart") {
  const RuleSet rules{{first, third}, {}}, more{{first, third, second}, {}};
  const auto feed = [](Running& omen, int from, int to) { omen.feed(stream(from, to), (start_s + from) * 1'000'000); };
  Changing omen("omen-service-part-none", false);
  ServiceOptions options;
  omen.begin(rules, options);
  omen.feed({event("b", "u", -30)});  // the absence comes true by a tick
  for (int i = 0; i < 500 && omen.texts().empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  REQUIRE(omen.texts().size() == 1);
  feed(omen, 0, 30);
  omen.end();
  options.pipeline.order.dedupe_us = us_per_day;
  omen.begin(rules, options);
  CHECK(omen.change(more));  // it builds on those that are lost
  feed(omen, 30, 60);
  const size_t rows_before = omen.messages().size();
  omen.end();
  fs::remove_all(omen.data + "/snapshots");
  give_up_record_with("third.omen", omen.data + "/log");

  omen.begin(more, options);
  CHECK(has_said(omen, "events count from where a segment has all of them"));
  feed(omen, 60, 120);
  Changing other("omen-service-part-new", false);
  other.begin(more, options);
  feed(other, 60, 120);
  Texts raised = omen.texts();
  raised.erase(raised.begin(), raised.begin() + static_cast<std::ptrdiff_t>(rows_before));
  CHECK(raised.size() > 5);
  CHECK(raised == other.texts());
  omen.end();
  omen.forget_all_but_the_log();
  omen.begin(more, options);
  CHECK(omen.texts() == raised);
}

// Each segment begins with all of them, so a record must have room for that, however little changes.
TEST_CASE("service: rules that are together larger than a record of the log are refused, and those of before stay") {
  const auto large = [](const std::string& name, size_t bytes) {  // each of them takes six in a record
    return RuleFile{name + ".omen", "rule " + name + " { by u match a -> b within 1h } #" + std::string(bytes, '\x01'),
                    false};
  };
  RuleSet rules{{large("r1", 1'000'000), large("r2", 1'000'000), large("r3", 600'000)}, {}};
  for (const bool is_whole : {false, true}) {
    CAPTURE(is_whole);
    Changing omen("omen-service-part-large", is_whole);
    omen.begin(rules);
    RuleSet larger = rules;
    larger.files.push_back(large("r4", 250'000));
    const auto refused = omen.change(larger);
    CHECK_FALSE(refused);
    CHECK(omen.in_place == (is_whole ? 0 : 1));
    CHECK(refused.message().find(is_whole ? "is too large for the log" : "larger than a record of the log") !=
          std::string::npos);
    CHECK(omen.ask([](Service& one) { return one.rules(); }) == rules);
    larger.files.back() = large("r4", 100'000);
    CHECK(omen.change(larger));
  }
}

TEST_CASE("service: a change in place leaves the program where it is, and is seen by all who ask for rules") {
  Changing omen("omen-service-part-seen", false);
  omen.begin({{first, third}, {}});
  const auto program = [&] { return omen.ask([](Service& one) { return &one.program(); }); };
  const auto names = [&] {
    return omen.ask([](Service& one) {
      std::string out;
      for (const RuleStatus& rule : one.rule_statuses()) out += rule.label->name + ' ' + rule.label->file + ' ';
      return out;
    });
  };
  const Program* const before = program();
  CHECK(fates(omen.change({{first, third, second}, {}})) == "first kept\nthird kept\nsecond added 3600s\n");
  CHECK(names() == "first first.omen third third.omen second second.omen ");
  CHECK(fates(omen.change({{third, second}, {}})) == "third kept\nsecond kept\nfirst removed\n");
  CHECK(names() == "third third.omen second second.omen ");
  CHECK(program() == before);
  CHECK_FALSE(omen.ask([](Service& one) { return one.pause("first", true); }));
  CHECK_FALSE(omen.ask([](Service& one) { return one.pause("", true); }));  // what is gone has left a place
  CHECK(omen.ask([](Service& one) { return one.pause("second", true); }));
  // A mistake is said as ever, and nothing changes.
  const auto refused = omen.change({{third, second, {"bad.omen", "rule bad { match }", false}}, {}});
  CHECK_FALSE(refused);
  CHECK(names() == "third third.omen second second.omen ");
  // What emits changes what others see: all are compiled.
  CHECK(omen.change({{third, second, {"emits.omen", "rule emits { match a emit x { n: 1 } }", false}}, {}}));
  CHECK(names() == "third third.omen second second.omen emits emits.omen ");
  CHECK(omen.in_place == 3);
}

}  // namespace omen
