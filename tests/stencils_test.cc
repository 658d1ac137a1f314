// Lines that fit a layout or a stencil against the same lines by the first stage and the walk: the same events and
// rejections, whatever stands in the lines and whatever came before them.
#include "runtime/core/stencils.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "runtime/core/decode.h"
#include "tests/support/cases.h"

using namespace omen;

namespace {

// A type "t" of which paths of each sort are wanted.
Program make_program() {
  Program program;
  program.types.resize(2);
  program.types[1].name = "t";
  const std::vector<std::vector<FieldPath::Part>> paths = {
      {{"a", -1}}, {{"n", -1}},          {{"o", -1}, {"n", -1}},
      {{"o", -1}}, {{"l", -1}, {"", 1}}, {{"l", -1}, {"", 0}, {"n", -1}}};
  for (const auto& parts : paths) {
    program.types[1].fields.push_back(static_cast<FieldId>(program.fields.size()));
    program.fields.push_back({parts, {}});
  }
  return program;
}

struct Told {
  std::string events, rejections;
  uint64_t fitted = 0, found = 0;
};

// The first stage alone; or stencils, and layouts of so many bytes at once.
constexpr uint32_t without_stencils = UINT32_MAX;

// What a stream becomes, in slices of so many bytes at most.
Told tell(const std::string& stream, uint32_t width, size_t slice_bytes = 1 << 20) {
  const Program program = make_program();
  Decoder decoder(program);
  decoder.use_stencils(width != without_stencils);
  if (width != without_stencils) decoder.use_layouts(width);
  Told told;
  for (size_t begin = 0; begin < stream.size();) {
    size_t end = stream.find('\n', std::min(begin + slice_bytes, stream.size()));
    end = end == std::string::npos ? stream.size() : end + 1;
    std::string padded = stream.substr(begin, end - begin);
    padded.append(slice_padding, '\0');
    decoder.open({padded.data(), end - begin}, begin == 0 ? LinePlace{1, 0} : decoder.place(), 77);
    for (auto batch = decoder.next(); !batch.is_empty(); batch = decoder.next()) {
      for (size_t i = 0; i < batch.events.size(); ++i) {
        const Event& event = batch.events[i];
        told.events += std::to_string(batch.places[i].line) + '@' + std::to_string(batch.places[i].offset) + ' ' +
                       std::to_string(event.ts_us) + ' ' + std::string(event.type_name) + ' ' + std::string(event.id) +
                       ' ' + std::string(event.raw);
        for (const FieldId field : program.types[event.type].fields)
          append_text(told.events += ' ', event.fields[field]);
        told.events += '\n';
      }
      for (const Rejection& rejection : batch.rejections) {
        told.rejections += std::to_string(rejection.place.line) + ':' + std::to_string(rejection.column) + ' ' +
                           std::string(name_of(rejection.reason)) + ' ' + std::string(rejection.bytes) + '\n';
      }
    }
    begin = end;
  }
  told.fitted = decoder.fitted();
  told.found = decoder.found();
  return told;
}

void check_equal(const std::string& stream, size_t slice_bytes = 1 << 20) {
  const Told without = tell(stream, without_stencils, slice_bytes);
  for (const uint32_t width : {0, 16, 32, 64}) {
    CAPTURE(width);
    const Told with = tell(stream, width, slice_bytes);
    CHECK(with.events == without.events);
    CHECK(with.rejections == without.rejections);
  }
}

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

// ---- layouts ----

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

TEST_CASE("layouts: many whose quotes stand alike, and lines of which none can be made") {
  std::string stream;
  for (int i = 0; i < 3000; ++i) {
    // Three numbers with twelve digits in all.
    const int first = i % 10 + 1, second = i / 10 % (11 - first) + 1;
    stream += R"({"type":"t","ts":1,"l":[)" + std::string(first, '1') + ',' + std::string(second, '2') + ',' +
              std::string(12 - first - second + 1, '3') + "]}\n";
    stream += R"({"type":"t","ts":1,"n":12345678901234567890})" + std::string("\n");
    stream += R"({"type":"t","ts":1,"a":"ü"})" + std::string("\n");
  }
  check_equal(stream);
}
