// Several decoders side by side give what one gives, however lines fall into pieces; and so does a whole run on several
// threads.
#include "runtime/io/decoders.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "tests/support/program.h"

namespace omen {
namespace {

const std::string rules_text = R"(
event d { u: string  n: int 0..90 }
rule pairs { by u match a as x -> b[n > x.n] within 1m overlap starts }
rule quiet { by u match c -> not a for 20s limit 50 per 1h }
rule other { by n match d as x -> a within 30s emit e { n: x.n } }
rule emitted { by n match e -> b within 30s }
)";

// Lines of every kind: events of several lengths, blank ones, and ones to be rejected.
std::string lines_of(size_t count, uint64_t state) {
  std::string out;
  int64_t second = 1'767'600'000;
  for (size_t i = 0; i < count; ++i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    const uint64_t dice = state >> 33;
    if (dice % 40 == 0) out += "not an event\n";
    if (dice % 41 == 0) out += "\n\n";
    if (dice % 43 == 0)
      out += R"({"type":"a","type":"b"})"
             "\n";
    second += static_cast<int64_t>(dice % 3) - (dice % 50 == 0 ? 8 : 0);
    out += fmt::format(R"({{"type":"{}","ts":{},"u":"u{}","n":{}{}}})", "abcd"[dice % 4], second, dice / 4 % 30,
                       dice / 120 % 100,
                       dice % 7 == 0 ? fmt::format(R"(,"more":"{}")", std::string(dice % 900, 'x')) : "");
    out += '\n';
  }
  return out;
}

// Where two long texts part.
std::string difference(const std::string& a, const std::string& b) {
  const auto at = static_cast<size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  const size_t begin = at < 200 ? 0 : at - 200;
  return fmt::format("at {}:\n{}\n---\n{}", at, a.substr(begin, 400), b.substr(std::min(begin, b.size()), 400));
}

std::string described(const Decoders::Batch& made) {
  std::string out;
  for (size_t i = 0; i < made.batch.events.size(); ++i) {
    const LinePlace place = made.placed(made.batch.places[i]);
    out += fmt::format("{} {} {}\n", place.line, place.offset, made.batch.events[i].raw);
  }
  for (const Rejection& rejection : made.batch.rejections) {
    const LinePlace place = made.placed(rejection.place);
    out += fmt::format("{} {} {} {}\n", static_cast<int>(rejection.reason), place.line, place.offset, rejection.bytes);
  }
  return out;
}

// All that a number of decoders makes of the slices, events apart from rejections.
std::vector<std::string> decoded(const Program& program, uint32_t count, const std::vector<std::string>& slices) {
  Crew crew(count);
  Decoders decoders(program, {}, Declared::types, count, crew);
  std::string events, rejections;
  LinePlace place{1, 0};
  for (std::string slice : slices) {
    const size_t size = slice.size();
    slice.append(slice_padding, '\0');
    decoders.open(std::string_view(slice).substr(0, size), place, 0);
    for (auto round = decoders.next(); !round.empty(); round = decoders.next()) {
      for (const Decoders::Batch& made : round) {
        events += described({{made.batch.events, made.batch.places, {}}, made.first_line});
        rejections += described({{{}, {}, made.batch.rejections}, made.first_line});
      }
    }
    place = decoders.place();
  }
  return {events, rejections, fmt::format("{} {} {}", decoders.lines(), place.line, place.offset)};
}

TEST_CASE("decoders: several make of a slice what one makes") {
  const Compilation compilation = compile(Sources{{{"rules.omen", rules_text}}});
  REQUIRE(compilation.program);
  std::string brief;  // more events and rejections than a batch holds, in one piece
  for (int i = 0; i < 6'000; ++i)
    brief += i % 3 == 0 ? "x\n"
                        : R"({"type":"a"})"
                          "\n";
  const std::vector<std::string> slices = {
      lines_of(3'000, 1),
      "",
      "\n",
      lines_of(3, 2),
      std::string(300'000, '\n'),
      brief,
      lines_of(2'000, 3),
      R"({"type":"a","long":")" + std::string(250'000, 'x') + "\"}\n" + lines_of(300, 4),
      R"({"type":"b"})"};
  const std::vector<std::string> one = decoded(*compilation.program, 1, slices);
  CHECK(one[0].size() > 900'000);
  for (const uint32_t count : {2u, 3u, 5u}) {
    CAPTURE(count);
    const std::vector<std::string> several = decoded(*compilation.program, count, slices);
    for (size_t i = 0; i < one.size(); ++i) CHECK_MESSAGE(several[i] == one[i], difference(several[i], one[i]));
  }
}

TEST_CASE("run: on several threads the alerts, the quarantine and the summary are the same, byte for byte") {
  Folder folder;
  folder.write("rules.omen", rules_text);
  folder.write("events.ndjson", lines_of(20'000, 9));
  const std::vector<std::vector<std::string>> ways = {
      {}, {"--lateness", "5s", "--at-end", "advance"}, {"--count"}, {"--dedupe", "1h", "--max-ahead", "1m"}};
  for (const std::vector<std::string>& way : ways) {
    std::vector<std::string> seen;
    for (const char* shards : {"1", "2", "3"}) {
      const std::string quarantine = folder.path(std::string("bad") + shards);
      std::vector<std::string> arguments = {"run",          folder.path("rules.omen"),
                                            "--events",     folder.path("events.ndjson"),
                                            "--shards",     shards,
                                            "--quarantine", quarantine};
      arguments.insert(arguments.end(), way.begin(), way.end());
      const Outcome outcome = run_omen(folder, arguments);
      CHECK(outcome.exit_code == 0);
      // Of the summary what the stream decides: not rates, nor peaks between rounds.
      std::string summary = outcome.errors.substr(outcome.errors.find('\n'));
      summary = summary.substr(0, summary.find("state: "));
      size_t at = 0;
      while ((at = summary.find(quarantine)) != std::string::npos) summary.replace(at, quarantine.size(), "bad");
      seen.push_back(outcome.out + summary + folder.read(std::string("bad") + shards));
    }
    CHECK(seen[0].size() > 10'000);
    for (size_t i : {1u, 2u}) CHECK_MESSAGE(seen[i] == seen[0], difference(seen[i], seen[0]));
  }
}

}  // namespace
}  // namespace omen
