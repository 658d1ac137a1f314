// Lines that fit a layout against the same lines by the first stage and the walk: the same events and rejections,
// whatever stands in the lines and whatever came before them.
#include "runtime/core/layouts.h"

#include <doctest/doctest.h>

#include <memory>
#include <random>
#include <string>

#include "tests/support/cases.h"
#include "tests/support/told.h"

using namespace omen;

namespace {

// A decoder that goes on from stream to stream: how many lines of the next one fit a layout.
class Going {
 public:
  Going() : decoder_(usual_sort().make()) { decoder_->use_layouts(64); }
  uint64_t found(const std::string& stream, size_t slice_bytes = 1 << 20) {
    const uint64_t before = decoder_->found();
    Told told;
    tell_slices(*decoder_, usual_sort(), stream, slice_bytes, told);
    CHECK(told.rejections.empty());
    return told.found - before;
  }

 private:
  std::unique_ptr<Decoder> decoder_;
};

std::string times(size_t count, const std::string& text) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("layouts: of lines with the same sizes nearly all fit") {
  std::string stream;
  for (int i = 0; i < 1000; ++i) {
    const std::string n = std::to_string(i % 90 + 10);
    stream += R"({"type":"t","ts":"2026-01-05T10:00:)" + n.substr(0, 1) + R"(0.000Z","id":"e)" + n + R"(","a":"text )" +
              n + R"(","n":)" + n + (i % 3 == 0 ? ".5" : "") + R"(,"o":{"n":[)" + n + R"(]},"l":[1,"y"]})" +
              (i % 2 == 0 ? "\n" : "\r\n");
  }
  check_equal(stream);
  for (const uint32_t width : {16, 32, 64}) {
    CHECK(tell(stream, width).found > 980);
    CHECK(tell(stream, width, 1000).found > 980);
  }
  CHECK(tell(stream, 0).found == 0);
}

TEST_CASE("layouts: any other byte at any place, and one more or fewer") {
  const std::string model =
      R"({"type":"t","ts":"2026-01-05T10:00:00.123Z","id":"e100","a":"some text","n":-12.5,"m":0,"k":1234567890,"ok":true,)"
      R"("o":{"n":10,"m":"y"},"l":[1,"y",{"n":20.0}],"z":null})";
  constexpr char bytes[] = "\"\\{}[],:09.-+eEx \r\n\t\x01\x1F\x7F\x80\xC3\xFF";
  std::string models, streams[3];
  for (int i = 0; i < 9; ++i) models += model + '\n';  // so that layouts are tried again behind a line that fits none
  for (size_t at = 0; at < model.size(); ++at) {
    for (std::string& stream : streams) stream += models;
    for (const char byte : std::string_view(bytes, sizeof bytes)) {  // with the zero byte
      std::string line = model;
      line[at] = byte;
      streams[0] += line + '\n' + models;
      line.insert(at, 1, model[at]);
      streams[1] += line + '\n' + models;
    }
    std::string line = model;
    line.erase(at, 1);
    streams[2] += line + '\n' + models + line + '\n' + models;
  }
  for (const std::string& stream : streams) {
    check_equal(stream);
    const Told told = tell(stream, 64);
    CHECK(told.found > told.fitted * 9 / 10);
  }
}

TEST_CASE("layouts: lines of all sizes, and slices that end anywhere in one") {
  for (size_t size = 30; size < 1200; size += size < 300 ? 1 : 13) {
    const std::string head = R"({"type":"t","ts":5,"n":1,"a":")";
    std::string line = head + std::string(size - std::min(size, head.size() + 2), 'x') + "\"}";
    std::string stream;
    for (int i = 0; i < 6; ++i) stream += line + '\n';
    const std::string whole = stream;
    for (size_t at = 0; at < line.size(); at += 37) {
      std::string bad = line;
      bad[line.size() - 1 - at] = '"';
      stream += bad + '\n' + line + '\n';
    }
    CAPTURE(size);
    check_equal(stream);
    check_equal(whole + line.substr(0, line.size() - 1));
    check_equal(whole + line);
    CHECK((tell(whole, 64).found > 0) == (line.size() < 1024));
  }
  const std::string line =
      R"({"type":"t","ts":5,"a":"some text that is longer than a block of sixty-four bytes","n":1})";
  for (size_t size = 0; size <= line.size(); ++size) {
    std::string stream;
    for (int i = 0; i < 5; ++i) stream += line + '\n';
    check_equal(stream + line.substr(0, size));
    check_equal(stream + line.substr(0, size) + '\n', 1);
  }
}

TEST_CASE("layouts: random values of random sizes, some of them bad") {
  for (uint64_t seed = first_seed(); seed < first_seed() + cases(300); ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t bound) { return random() % bound; };
    const auto number = [&] {
      constexpr const char* all[] = {"0",
                                     "1",
                                     "10",
                                     "01",
                                     "-1",
                                     "-01",
                                     "1.5",
                                     "0.5",
                                     "10.25",
                                     "00.5",
                                     "1e5",
                                     "1.e",
                                     "123456789012345678",
                                     "1234567890123456789",
                                     "9.",
                                     "-"};
      return std::string(all[below(200) == 0 ? below(16) : below(3)]);
    };
    const auto text = [&] {
      constexpr const char* all[] = {"", "x", "y", "some text", "more text", "\\", "\"", "\\n", "ä", "\xFF", "\x01"};
      return '"' + std::string(all[below(200) == 0 ? below(11) : below(5)]) + '"';
    };
    std::string stream;
    for (uint64_t lines = 100 + below(300); lines > 0; --lines) {
      stream += R"({"type":"t","ts":)" + (below(9) == 0 ? text() : number()) + R"(,"a":)" + text();
      if (below(3) > 0) stream += R"(,"n":)" + number();
      stream +=
          below(2) > 0 ? R"(,"o":{"n":)" + text() + R"(},"l":[[],{"k":)" + number() + "}]" : R"(,"l":[{"n":1},2])";
      if (below(4) > 0) stream += R"(,"id":)" + (below(2) > 0 ? text() : number());
      stream += below(50) > 0 ? "}\n" : "}\r\n";
    }
    check_equal(stream, below(2) == 0 ? 1 << 20 : below(2000));
  }
}

TEST_CASE("layouts: when there were too many, or few lines fitted, others are learned in time") {
  const std::string tail = R"(","n":1})"
                           "\n";
  std::string many, one;
  for (size_t i = 0; i < 20'000; ++i) {
    many +=
        R"({"type":"t","ts":1,"a":")" + std::string(i % 73, 'x') + R"(","b":")" + std::string(i / 4 % 79, 'x') + tail;
    one += R"({"type":"t","ts":1,"late":")" + std::to_string(i % 9) + tail;
  }
  CHECK(tell(many + one, 64, 1000).found > tell(many, 64, 1000).found + 5000);
  check_equal(many + one, 1000);
}

TEST_CASE("layouts: lines whose quotes stand alike and that are cut differently behind them") {
  const auto line_of = [](const std::string& numbers) { return R"({"type":"t","ts":1,"l":[)" + numbers + "]}\n"; };
  const std::string a = line_of("1,222");
  const std::string all[] = {line_of("11,22"), line_of("111,2"), line_of("1.111"), line_of("{},[]"), line_of("false")};
  for (const std::string& b : all) {
    Going going;
    CHECK(going.found(times(20, a)) == 18);
    CHECK(going.found(times(20, b)) >= 17);  // it may need a stencil first
    for (const std::string& c : all) {
      CHECK(going.found(times(20, a + b)) == 40);
      if (b == c) continue;
      CHECK(going.found(times(20, c)) == 0);  // lines are compared with two layouts at most
      check_equal(times(5, a) + times(5, b) + times(5, c) + times(5, a + b + c));
    }
  }
}

TEST_CASE("layouts: lines of which none can be made") {
  for (const char* value : {"12345678901234567890", "1e5", "1234567890.123456", R"("ü")", R"("\n")"}) {
    CAPTURE(value);
    const std::string stream = times(300, R"({"type":"t","ts":1,"n":)" + std::string(value) + "}\n");
    check_equal(stream);
    CHECK(tell(stream, 64).found == 0);
  }
}

TEST_CASE("layouts: a pause is short again when lines have fitted, however short the slices are") {
  const std::string good = R"({"type":"t","ts":1,"a":"x"})"
                           "\n";
  const std::string bad = R"({"type":"t","ts":1,"a":"ü"})"
                          "\n";
  for (const size_t slice_lines : {1, 100}) {
    CAPTURE(slice_lines);
    const size_t slice_bytes = slice_lines * good.size() - 1;
    Going going;
    CHECK(going.found(times(1000, good), slice_bytes) > 990);
    CHECK(going.found(times(70'000, bad), slice_bytes) == 0);
    CHECK(going.found(times(70'000, good), slice_bytes) > 4000);  // the longest pause, and then all
    CHECK(going.found(times(400, bad), slice_bytes) == 0);
    CHECK(going.found(times(2500, good), slice_bytes) > 400);
  }
}

TEST_CASE("layouts: lines without a feed, as those that are decoded again, are no misses") {
  for (const size_t size : {1, 60, 2000}) {
    CAPTURE(size);
    const std::string line = R"({"type":"t","ts":1,"a":"x","b":")" + std::string(size, 'y') + "\"}";
    const std::string short_line = R"({"type":"t","ts":1,"a":"x"})"
                                   "\n";
    Going going;
    CHECK(going.found(times(100, short_line)) > 90);
    for (int i = 0; i < 1000; ++i) CHECK(going.found(line) == 0);
    CHECK(going.found(times(100, short_line)) == 100);
  }
}

TEST_CASE("layouts: what is forgotten is learned again as soon as at first") {
  const auto line_of = [](size_t a, size_t b) {
    return R"({"type":"t","ts":1,"a":")" + std::string(a, 'x') + R"(","b":")" + std::string(b, 'x') + "\"}\n";
  };
  const std::string late = R"({"type":"t","ts":1,"late":"x"})"
                           "\n";
  Going going;
  for (int round = 0; round < 5; ++round) {
    CAPTURE(round);
    std::string many;  // a few more than there is room for
    for (size_t i = 0; i < 4096 + 20; ++i) many += times(5, line_of(i % 64, i / 64));
    CHECK(going.found(many) > 12'000);
    going.found(times(300, line_of(0, 0)), 1);  // each a slice: all are forgotten
    CHECK(going.found(times(100, late)) == 98);
  }
}
