// Lines that fit a stencil (layouts_test.cc: or a layout) against the same lines by the first stage and the walk: the
// same events and rejections, whatever stands in the lines and whatever came before them.
#include "runtime/core/stencils.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/support/cases.h"
#include "tests/support/told.h"

using namespace omen;

namespace {

// A line between lines of its own kind, so that there is a stencil and a layout that it fits, or just does not.
std::string among(const std::string& model, const std::string& line) {
  std::string all;
  for (const auto* each : {&model, &model, &model, &model, &line, &model, &line, &line, &line, &model})
    all += *each + '\n';
  return all;
}

}  // namespace

TEST_CASE("stencils: lines that fit, and lines that almost do") {
  const std::string model =
      R"({"type":"t","ts":"2026-01-05T10:00:00.123Z","id":"e1","a":"x","n":12.5,"o":{"n":1},"l":[1,"y"]})";
  const auto with = [&](const std::string& what, const std::string& instead) {
    std::string line = model;
    return line.replace(line.find(what), what.size(), instead);
  };
  for (const char* number : {"0",
                             "-0",
                             "-1",
                             "01",
                             "-01",
                             "00",
                             "0.0",
                             "0.5",
                             "-0.5",
                             ".5",
                             "5.",
                             "-",
                             "--1",
                             "1e5",
                             "1E+5",
                             "1.5e3",
                             "1..2",
                             "1.2.3",
                             "123456789012345",
                             "1234567890123456",
                             "12345678901234567890",
                             "9223372036854775807",
                             "9223372036854775808",
                             "1.12345678901234",
                             "1.123456789012345",
                             "+1",
                             "1 ",
                             " 1",
                             "1x",
                             "x",
                             "true",
                             "null",
                             "\"1\"",
                             "\"\"",
                             "{}",
                             "[]",
                             "1e400",
                             "1,1",
                             ""}) {
    CAPTURE(number);
    check_equal(among(model, with("12.5", number)));
    check_equal(among(with("12.5", number), model));
  }
  const std::string long_text(100, 'z');
  for (const std::string& text : std::vector<std::string>{"",
                                                          "x",
                                                          "y",
                                                          long_text,
                                                          "0123456789abcde",
                                                          "0123456789abcdef",
                                                          "0123456789abcdefg",
                                                          "ä",
                                                          "日本語のテキスト",
                                                          "\xC3",
                                                          "\xC3\xA4\xFF",
                                                          "\xED\xA0\x80",
                                                          "a\\\"b",
                                                          "\\\\",
                                                          "\\u00e4",
                                                          "\\q",
                                                          "tab\there",
                                                          std::string("nul\0x", 5),
                                                          "del\x7F",
                                                          "line\nfeed",
                                                          "quote\"",
                                                          "\",\"n\":1,\"a\":\"",
                                                          long_text + "ä",
                                                          "ä" + long_text + "\\n"}) {
    CAPTURE(text);
    check_equal(among(model, with("\"x\"", '"' + text + '"')));
    check_equal(among(with("\"x\"", '"' + text + '"'), model));
    check_equal(among(model, with("\"y\"", '"' + text + '"')));
    check_equal(among(model, with("\"e1\"", '"' + text + '"')));
    check_equal(among(model, with("\"t\"", '"' + text + '"')));
  }
  for (const std::string& line :
       std::vector<std::string>{model + "\r",
                                model + " ",
                                " " + model,
                                model + "x",
                                model + model,
                                "",
                                "\r",
                                " ",
                                "{}",
                                "[]",
                                "1",
                                model.substr(0, model.size() - 1),
                                with("\"a\":", "\"id\":"),
                                with("\"a\":", "\"b\":"),
                                with("\"a\":", "\"a\" :"),
                                with("\"a\":", "\"a\": "),
                                with(",\"a\"", ", \"a\""),
                                with("\"a\":\"x\",", ""),
                                with("{\"n\":1}", "{\"n\":1,\"n\":2}"),
                                with("{\"n\":1}", "{}"),
                                with("[1,\"y\"]", "[]"),
                                with("[1,\"y\"]", "[1,\"y\",2]"),
                                with("[1,\"y\"]", "[{\"n\":3},4]"),
                                with("[1,\"y\"]", "[[[[1]]]]"),
                                with("\"ts\":\"2026-01-05T10:00:00.123Z\"", "\"ts\":1767607200"),
                                with("10:00:00.123Z", "10:00:00Z"),
                                with("10:00:00.123Z", "10:00:61.123Z"),
                                with("10:00:00.123Z", "10:00:00.1234567Z"),
                                with("10:00:00.123Z", "10:00:00.12+02:00"),
                                with("01-05T", "01-06T"),
                                with("10:00:00.123Z", "1a:00:00.123Z"),
                                with("10:00:00.123Z", "10:00:00.1:3Z"),
                                with("10:00:00.123Z", "24:00:00.123Z"),
                                with("10:00:00.123Z", "10:00:00.123z")}) {
    CAPTURE(line);
    check_equal(among(model, line));
    check_equal(among(line, model));
    check_equal(among(model, line) + line);  // the last one without its line feed
  }
}

TEST_CASE("stencils: a slice that ends within what a line begins") {
  const std::string model = R"({"type":"t","ts":1,"a":"some text","n":1})";
  for (size_t size = 0; size <= model.size(); ++size) check_equal(model + '\n' + model + '\n' + model.substr(0, size));
}

TEST_CASE("stencils: a slice that ends within a long name, or within much that is constant") {
  const std::string name(300, 'n');
  const std::string model = R"({"type":"t","ts":1,")" + name + R"(":"some text",")" + name + R"(2":null,")" + name +
                            R"(3":true,")" + name + R"(4":false})";
  for (size_t size = 0; size <= model.size(); size += 7) {
    check_equal(model + '\n' + model + '\n' + model.substr(0, size));
    check_equal(model + '\n' + model + '\n' + model.substr(0, size) + '\n', 1);  // each line a slice
    check_equal(model + '\n' + model.substr(0, size) + "\"\n", 1);
  }
}

TEST_CASE("stencils: events at the limits of size, depth and members") {
  const std::string head = R"({"type":"t","ts":1,"a":")";
  const auto sized = [&](size_t size) { return head + std::string(size - head.size() - 2, 'a') + "\"}"; };
  check_equal(among(sized(100), sized(event_bytes_max)));
  check_equal(among(sized(100), sized(event_bytes_max + 1)));
  check_equal(among(sized(100), sized(event_bytes_max) + "\r"));
  const std::string long_name(100'000, 'n');  // not learned
  check_equal(among(R"({"type":"t","ts":1,"o":{")" + long_name + R"(":1,"a":2}})",
                    R"({"type":"t","ts":1,"o":{")" + long_name + R"(":1,"a":2,")" + long_name + R"(":3}})"));
  const auto deep = [](uint32_t depth) {
    return R"({"type":"t","ts":1,"o":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
  };
  check_equal(among(deep(event_depth_max), deep(event_depth_max + 1)));
  std::string wide = R"({"type":"t","ts":1,"o":{"m":1)";
  for (int i = 0; i < 900; ++i) wide += ",\"m" + std::to_string(i) + "\":" + std::to_string(i);
  check_equal(among(wide + "}}", wide + "},\"n\":3}"));  // more tokens of a head than a stencil notes
}

TEST_CASE("stencils: of the lines of a stream nearly all fit, unless each is of a shape of its own") {
  std::string few, many;
  for (int i = 0; i < 1000; ++i) {
    const std::string n = std::to_string(i * i);
    const std::string head = R"({"type":"t","ts":)" + n + R"(,"a":"text )" + n + "\"";
    few += head + (i % 3 == 0 ? R"(,"n":)" + n + "}" : i % 3 == 1 ? R"(,"o":{"n":)" + n + "}}" : "}") + '\n';
    many += head + R"(,"m)" + n + R"(":1})" + '\n';
  }
  check_equal(few);
  check_equal(many);
  for (const uint32_t width : {0, 64}) {
    CHECK(tell(few, width).fitted > 980);
    CHECK(tell(few, width, 1 << 10).fitted > 980);
    CHECK(tell(many, width).fitted < 20);
  }
  CHECK(tell(few, without_stencils).fitted == 0);
}

TEST_CASE("stencils: a long line is not learned") {
  for (const auto& [bytes, is_learned] : {std::pair{8'000, true}, {8'300, false}}) {
    const std::string name(static_cast<size_t>(bytes) / 10, 'n');
    std::string line = R"({"type":"t","ts":1)";
    for (char last = '0'; last <= '9'; ++last) line += ",\"" + name + last + "\":1";
    std::string stream;
    for (int i = 0; i < 50; ++i) stream += line + "}\n";
    CAPTURE(line.size());
    check_equal(stream);
    CHECK((tell(stream, 0).fitted > 0) == is_learned);
  }
}

TEST_CASE("stencils: when too many shapes were learned, they are forgotten in time, and others learned") {
  std::string shapes, one;
  for (int i = 0; i < 6000; ++i)
    shapes += R"({"type":"t","ts":1,"m)" + std::to_string(i * 7919 % 6000) + R"(":1})" + '\n';
  for (int i = 0; i < 2000; ++i) one += R"({"type":"t","ts":1,"late":"x","n":)" + std::to_string(i) + "}\n";
  const Told told = tell(shapes + one, 0, 100);  // slices of a line or two
  CHECK(told.fitted > 500);
  check_equal(shapes + one, 100);
}

TEST_CASE("stencils: random lines, changed at random places, make no difference") {
  const std::string models[] = {
      R"({"type":"t","ts":"2026-01-05T10:00:00.123Z","id":"e1","a":"x","n":12.5,"ok":true,"l":[1,"y"],"o":{"n":1}})",
      R"({"type": "t", "ts": "2026-01-05T10:00:00Z", "n": 1, "o": {"n": "ü", "m": [{}, {"a": null}]}, "l": [{"n": 2}, 3]})",
      R"({"a":null,"n":-3,"type":"u","l":[],"o":{},"ts":1767607200.5})"};
  constexpr char bytes[] = "\"\\{}[],:0123456789.-+eE tfnulra\r\n\t\x01\xC3\xA4\xFF";
  for (uint64_t seed = first_seed(); seed < first_seed() + cases(300); ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t bound) { return random() % bound; };
    std::string stream;
    for (int i = 0; i < 60; ++i) {
      std::string line = models[below(3)];
      for (uint64_t changes = below(3); changes > 0 && below(2) == 0; --changes) {
        const size_t at = below(line.size());
        switch (below(3)) {
          case 0:
            line[at] = bytes[below(sizeof bytes - 1)];
            break;
          case 1:
            line.insert(at, 1, bytes[below(sizeof bytes - 1)]);
            break;
          default:
            line.erase(at, 1 + below(3));
            if (line.empty()) line = "x";
        }
      }
      stream += line + '\n';
    }
    check_equal(stream, below(2) == 0 ? 1 << 20 : below(1000));
  }
}
