// Lines that fit a layout against the same lines by the first stage and the walk: the same events and rejections,
// whatever stands in the lines and whatever came before them.
#include "runtime/core/layouts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

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

// Decoders to which other things matter: the first has no declarations, the second and the third hold events against
// them, with fields that only a glance is for.
const std::vector<DecoderSort>& sorts() {
  static const std::vector<DecoderSort> all = [] {
    Program declared = make_program();
    const auto k = static_cast<FieldId>(declared.fields.size());
    declared.fields.push_back({{{"k", -1}}, {}});
    declared.types[1].fields.push_back(k);
    Schema schema{1, false, {}};
    schema.fields.resize(4);
    schema.fields[0] = {"a", 0, FieldType::string, false, {}, {}, {}, {}, 5, false};
    schema.fields[1] = {"n", 1, FieldType::integer, false, {}, {}, {}, {}, -1, true};
    schema.fields[1].low.kind = schema.fields[1].high.kind = Kind::integer;
    schema.fields[1].high.integer = 99;
    schema.fields[2] = {"k", k, FieldType::number, true, {}, {}, {}, {}, -1, false};
    schema.fields[3] = {"o", 3, FieldType::object, true, {}, {}, {}, {}, -1, false};
    declared.schemas.push_back(schema);
    std::vector<DecoderSort> sorts(6);
    sorts[0] = usual_sort();
    sorts[1] = {"declared", declared};
    sorts[2] = {"strict", declared, {}, Declared::strict};
    sorts[3] = {"of the engine", declared, {}, Declared::nothing};
    sorts[4] = {"other names", make_program(), {"kind", "at", "key", "t"}};
    sorts[5] = {"objects", declared, {}, Declared::nothing, PlainObjects{declared.types[1].fields}};
    return sorts;
  }();
  return all;
}

// A model with other values of the same sizes: ~ of a text, # a digit that is not 0, 9 any (layouts.h).
std::string filled(std::string model, std::mt19937_64& random) {
  for (char& c : model) {
    constexpr std::string_view letters = "abcxyz ,:{}[]-.019AZ_/";
    if (c == '~') {
      c = letters[random() % letters.size()];
    } else if (c == '#' || c == '9') {
      const int least = c == '#';
      c = static_cast<char>('0' + least + static_cast<int>(random() % (10 - least)));
    }
  }
  return model;
}

// Members in any order, and with values of any sort, but those that are good for something mostly with good ones.
std::string random_model(std::mt19937_64& random) {
  const auto below = [&](uint64_t bound) { return random() % bound; };
  const auto text = [&] { return '"' + std::string(below(4) == 0 ? below(100) : below(12), '~') + '"'; };
  const auto number = [&] {
    const std::string digits = below(3) == 0 ? "0" : '#' + std::string(below(9), '9');
    return (below(4) == 0 ? "-" : "") + digits + (below(3) == 0 ? "." + std::string(1 + below(5), '9') : "");
  };
  const auto value = [&]() -> std::string {
    const std::string others[] = {"null",
                                  "true",
                                  "{}",
                                  "[]",
                                  R"({"n":)" + number() + "}",
                                  R"({"m":[)" + text() + R"(],"n":)" + text() + "}",
                                  '[' + number() + ',' + text() + ']',
                                  R"([{"n":)" + number() + R"(,"x":{}}, )" + number() + ']'};
    return below(3) == 0 ? others[below(std::size(others))] : below(2) == 0 ? text() : number();
  };
  std::vector<std::string> members;
  for (const char* name : {"type", "kind", "ts", "at", "id", "key", "a", "n", "k", "o", "l", "b"}) {
    if (below(4) == 0) continue;
    const std::string_view is = name;
    std::string good = is == "type" || is == "kind" ? (below(4) == 0 ? "\"u\"" : "\"t\"") : value();
    if (is == "ts" || is == "at") good = below(2) == 0 ? R"("2026-01-05T10:00:0#.999Z")" : "#99999";
    members.push_back('"' + std::string(name) + "\":" + (below(10) == 0 ? value() : good));
  }
  std::ranges::shuffle(members, random);
  std::string model = "{";
  for (const std::string& member : members) model += (model.size() > 1 ? "," : "") + member;
  return model + '}' + (below(8) == 0 ? "\r" : "");
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

TEST_CASE("layouts: each sort of decoder") {
  const std::string models[] = {
      R"({"type":"t","ts":"2026-01-05T10:00:0#.000Z","id":"e#","a":"~~~","n":#9,"k":#.5,"o":{"n":#},"l":[1,"~"]})",
      R"({"type":"t","ts":#9,"id":#9,"a":"~~~~~~","n":#9,"k":#,"o":{}})",             // too long
      R"({"type":"t","ts":#9,"a":"~~~","n":#99,"k":#,"o":{}})",                       // mostly out of range
      R"({"type":"t","ts":#9,"a":"~~~","n":#.5,"k":"~","o":[]})",                     // of wrong types
      R"({"type":"u","ts":#9,"key":"~~","a":"~~~"})",                                 // not declared
      R"({"type":"t","id":"","a":"~~","n":#9,"o":{"n":"~"}})",                        // no time
      R"({"type":"t","ts":null,"at":#9,"a":"~~","n":#9,"o":{}})",                     // nor here
      R"({"kind":"t","at":"2026-01-05T10:00:0#.000Z","key":"e#","a":"~~~","n":#9})",  // another envelope
      R"({"kind":"","type":"t","ts":"~~","a":"~~~","n":#9,"o":{"n":[#,#]}})",
      R"({"kind":null,"at":#9,"key":"~","n":#9,"a":"~~~","o":{}})"};
  std::mt19937_64 random(1);
  std::string stream;
  for (const std::string& model : models) {
    for (int i = 0; i < 50; ++i) stream += filled(model, random) + '\n';
  }
  for (int i = 0; i < 200; ++i) stream += filled(models[random() % std::size(models)], random) + '\n';
  for (const DecoderSort& sort : sorts()) {
    CAPTURE(sort.name);
    check_equal(stream, 1 << 20, sort);
    check_equal(stream, 300, sort);
    const Told told = tell(stream, 64, 1 << 20, sort);
    CHECK(told.found > 650);
    CHECK((told.without_time > 0) == !sort.objects);
    const bool is_held = sort.declared != Declared::nothing && !sort.program.schemas.empty();
    CHECK((told.events.find("broken ") != std::string::npos) == is_held);
    CHECK(told.rejections.empty() == sort.objects.has_value());
  }
}

TEST_CASE("layouts: random values of the same sizes, some of them bad") {
  constexpr char bad[] = "\"\\{}[],:0.-+eEx \t\x01\x1F\x7F\x80\xC3\xFF";
  uint64_t lines = 0, found = 0;
  for (uint64_t seed = first_seed(); seed < first_seed() + cases(300); ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t bound) { return random() % bound; };
    std::vector<std::string> models(1 + below(3));
    for (std::string& model : models) model = random_model(random);
    std::string stream;
    const uint64_t count = 100 + below(300);
    for (uint64_t i = 0; i < count; ++i) {
      std::string line = filled(models[below(models.size())], random);
      if (below(30) == 0) line[below(line.size())] = bad[below(sizeof bad - 1)];
      stream += line + '\n';
    }
    const DecoderSort& sort = sorts()[below(sorts().size())];
    CAPTURE(sort.name);
    const size_t slice_bytes = below(2) == 0 ? 1 << 20 : below(2000);
    check_equal(stream, slice_bytes, sort);
    lines += count;
    found += tell(stream, 64, slice_bytes, sort).found;
  }
  CAPTURE(lines);
  CHECK(found > lines * 3 / 4);
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
