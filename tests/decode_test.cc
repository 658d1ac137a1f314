// Every line of input that is bad in its own way, and what good ones become. Bad lines stand between two good ones,
// so that each case also shows that the stream goes on.
#include "runtime/core/decode.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "runtime/core/json.h"

using namespace omen;

namespace {

FieldPath path(std::string text) {
  FieldPath result;
  result.text = text;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = text.find_first_of(".[", begin);
    if (end == std::string::npos) end = text.size();
    if (text[begin] >= '0' && text[begin] <= '9') {
      result.parts.push_back({"", std::stoi(text.substr(begin))});
    } else {
      result.parts.push_back({text.substr(begin, end - begin), -1});
    }
    begin = end + 1;
  }
  return result;
}

// One type "t" of which all fields are wanted.
Program program_of(const std::vector<std::string>& fields) {
  Program program;
  program.types.resize(2);
  program.types[1].name = "t";
  for (const std::string& field : fields) {
    program.types[1].fields.push_back(static_cast<FieldId>(program.fields.size()));
    program.fields.push_back(path(field));
  }
  return program;
}

struct Decoded {
  std::vector<Event> events;
  std::vector<std::vector<Value>> rows;
  std::vector<LinePlace> places;
  std::vector<Rejection> rejections;
};

// Decodes one slice. The caller keeps decoder and padded bytes.
Decoded decode(Decoder& decoder, const Program& program, const std::string& padded, size_t size) {
  Decoded result;
  decoder.open({padded.data(), size}, {1, 0}, 77);
  for (;;) {
    const Decoder::Batch batch = decoder.next();
    if (batch.is_empty()) return result;
    result.places.insert(result.places.end(), batch.places.begin(), batch.places.end());
    result.rejections.insert(result.rejections.end(), batch.rejections.begin(), batch.rejections.end());
    for (const Event& event : batch.events) {
      result.events.push_back(event);
      result.rows.emplace_back(event.fields, event.fields + program.fields.size());
    }
  }
}

struct OneLine {
  Program program;
  std::string bytes;
  Decoder decoder;
  Decoded decoded;
  OneLine(const std::vector<std::string>& fields, const std::string& line, const Envelope& envelope = {})
      : program(program_of(fields)),
        bytes(line + std::string(slice_padding, '\0')),
        decoder(program, envelope),
        decoded(decode(decoder, program, bytes, line.size())) {}
  const Value& field(size_t i) const { return decoded.rows.at(0).at(i); }
};

std::string nested(int depth) {
  return R"({"type":"t","ts":1,"a":)" + std::string(depth - 1, '[') + std::string(depth - 1, ']') + "}";
}

std::string many_members(int count) {
  std::string line = R"({"type":"t","ts":1)";
  for (int i = 2; i < count; ++i) line += ",\"m" + std::to_string(i) + "\":" + std::to_string(i);
  return line + "}";
}

const std::string good = R"({"type":"t","ts":1,"a":"good"})";

}  // namespace

TEST_CASE("bad lines are rejected with their reason and place, and the stream goes on") {
  struct Case {
    std::string line;
    std::string_view reason;
    uint32_t column;
  };
  const std::string many = many_members(1025);
  const std::vector<Case> cases = {
      {R"({"type":"t","a":tru})", "not_json", 17},
      {R"({"type":"t","a":NaN})", "not_json", 17},
      {R"({"type":"t","a":truely})", "not_json", 17},
      {R"({"type":"t","a":true"b"})", "not_json", 17},
      {R"({"type":"t" /* no */,"a":1})", "not_json", 13},
      {R"({"type":"t","a":1,})", "not_json", 19},
      {R"({"type":"t","a":[1,]})", "not_json", 20},
      {R"({"type":"t","a":[1 2]})", "not_json", 20},
      {R"({"type":"t","a":1]})", "not_json", 18},
      {R"({"type":"t","a":[1}})", "not_json", 19},
      {R"({"type":"t","a"})", "not_json", 16},
      {R"({"type":"t",,})", "not_json", 13},
      {R"({"type":"t","a":})", "not_json", 17},
      {R"({"type":"t" "a":1})", "not_json", 13},
      {R"({"type":"t",'a':1})", "not_json", 13},
      {R"({type:"t"})", "not_json", 2},
      {R"({"type":"t","a":01})", "not_json", 18},
      {R"({"type":"t","a":+1})", "not_json", 17},
      {R"({"type":"t","a":.5})", "not_json", 17},
      {R"({"type":"t","a":1.})", "not_json", 19},
      {R"({"type":"t","a":1e})", "not_json", 19},
      {R"({"type":"t","a":-})", "not_json", 18},
      {R"({"type":"t","a":0x10})", "not_json", 18},
      {R"({"type":"t","a":1"b"})", "not_json", 18},
      {R"({"type":"t","a":"\q"})", "not_json", 18},
      {R"({"type":"t","a":"\u12g4"})", "not_json", 18},
      {R"({"type":"t","\q":1})", "not_json", 14},
      {R"({"type":"t","a":"\ud800"})", "not_utf8", 18},
      {R"({"type":"t","a":"x\udc00"})", "not_utf8", 19},
      {R"({"type":"t","a":"\ud800\u0041"})", "not_utf8", 18},
      {"{\"type\":\"t\",\"a\":\"\xff\"}", "not_utf8", 18},
      {"{\"type\":\"t\",\"a\":\"\xc0\xaf\"}", "not_utf8", 18},
      {"{\"type\":\"t\",\"a\":\"\xed\xa0\x80\"}", "not_utf8", 18},
      {"{\"type\":\"t\",\"a\":\"ab\xe2\x82\"}", "not_utf8", 20},
      {"{\"type\":\"t\",\"a\":\"x\ty\"}", "not_json", 19},
      {std::string("{\"type\":\"t\",\"a\":\"x\0y\"}", 22), "not_json", 19},
      {std::string("{\"type\":\"t\",\"a\":1\0}", 19), "not_json", 18},
      {R"({"type":"t","a":"open)", "not_json", 22},
      {R"({"type":"t","a":{"b":1)", "not_json", 23},
      {R"({"type":"t","a":)", "not_json", 17},
      {R"({"type":"t",)", "not_json", 13},
      {"{", "not_json", 2},
      {"}", "not_json", 1},
      {"hello", "not_json", 1},
      {"\x16\x03\x01\x02", "not_json", 1},
      {"42", "not_object", 1},
      {"\"text\"", "not_object", 1},
      {"null", "not_object", 1},
      {R"([{"type":"t"}])", "not_object", 1},
      {R"({"type":"t"}{"type":"t"})", "not_object", 13},
      {R"({"type":"t"} {"type":"t"})", "not_object", 14},
      {R"({"type":"t"} x)", "not_json", 14},
      {R"({"type":"t"},)", "not_json", 13},
      {nested(65), "too_deep", 87},
      {nested(100'000), "too_deep", 87},
      {R"({"type":"t","a":1,"b":2,"a":3})", "duplicate_member", 25},
      {R"({"type":"t","a":1,"\u0061":3})", "duplicate_member", 19},
      {R"({"type":"t","type":"u"})", "duplicate_member", 13},
      {R"({"type":"t","x":{"y":{"z":1},"y":2}})", "duplicate_member", 30},
      {R"({"type":"t","":1,"":2})", "duplicate_member", 18},
      {R"({"type":"t","a_name_of_more_than_sixteen":1,"a_name_of_more_than_sixteen":2})", "duplicate_member", 45},
      {many, "too_many_members", static_cast<uint32_t>(many.rfind(',') + 2)},
      {R"({"type":"t","a":18446744073709551616})", "number_range", 17},
      {R"({"type":"t","a":9223372036854775808})", "number_range", 17},
      {R"({"type":"t","a":-9223372036854775809})", "number_range", 17},
      {R"({"type":"t","a":[1e400]})", "number_range", 18},
      {R"({"type":"t","a":-1e400})", "number_range", 17},
      {R"({"a":1})", "no_type", 1},
      {R"({"type":null})", "no_type", 9},
      {R"({"type":7})", "no_type", 9},
      {R"({"type":""})", "no_type", 9},
      {R"({"type":"t","ts":"yesterday"})", "bad_time", 18},
      {R"({"type":"t","ts":"2026-01-05T24:00:00Z"})", "bad_time", 18},
      {R"({"type":"t","ts":"2026-13-05T10:00:00Z"})", "bad_time", 18},
      {R"({"type":"t","ts":""})", "bad_time", 18},
      {R"({"type":"t","ts":true})", "bad_time", 18},
      {R"({"type":"t","ts":{}})", "bad_time", 18},
      {R"({"type":"t","ts":-9223372036854775808})", "time_range", 18},
      {R"({"type":"t","ts":1e300})", "time_range", 18},
      {std::string(event_bytes_max + 1, ' '), "too_long", event_bytes_max + 1},
  };
  const Program program = program_of({"a"});
  Decoder decoder(program);  // one for all: what a bad line leaves behind does not disturb the next
  for (const Case& bad : cases) {
    for (const char* line_end : {"\n", "\r\n"}) {
      CAPTURE(bad.line.substr(0, 100));
      const std::string lines = good + "\n" + bad.line + line_end + good;
      const std::string padded = lines + std::string(slice_padding, '\0');
      const Decoded decoded = decode(decoder, program, padded, lines.size());
      CHECK(decoded.events.size() == 2);
      REQUIRE(decoded.rejections.size() == 1);
      const Rejection& rejection = decoded.rejections[0];
      CHECK(name_of(rejection.reason) == bad.reason);
      // A carriage return is white space inside an unfinished object.
      CHECK(rejection.column - bad.column <= (*line_end == '\r' && bad.column > bad.line.size() ? 1 : 0));
      CHECK(rejection.place.line == 2);
      CHECK(rejection.place.offset == good.size() + 1);
      CHECK((rejection.bytes == bad.line));
    }
  }
}

TEST_CASE("two lines that would be one object are two bad lines") {
  const Program program = program_of({"a"});
  Decoder decoder(program);
  const std::string lines = "{\"type\":\"t\",\n\"a\":1}\n" + good + "\n";
  const Decoded decoded = decode(decoder, program, lines + std::string(slice_padding, '\0'), lines.size());
  CHECK(decoded.rejections.size() == 2);
  CHECK(decoded.events.size() == 1);
  CHECK(decoded.places[0].line == 3);
}

TEST_CASE("a colon on the next line does not make a member, so not a duplicate either") {
  const Program program = program_of({"a"});
  Decoder decoder(program);
  const std::string lines = "{\"a\":1,\"a\"\n:2}\n";
  const Decoded decoded = decode(decoder, program, lines + std::string(slice_padding, '\0'), lines.size());
  REQUIRE(decoded.rejections.size() == 2);
  CHECK(decoded.rejections[0].reason == Reason::not_json);
}

TEST_CASE("a line at each limit is accepted") {
  for (const std::string& line :
       {nested(64), many_members(1024),
        std::string(R"({"type":"t","a":")") + std::string(event_bytes_max - 19, 'x') + "\"}"}) {
    const OneLine one({"a"}, line);
    CHECK(one.decoded.events.size() == 1);
    CHECK(one.decoded.rejections.empty());
  }
}

TEST_CASE("empty lines, CRLF and a last line without an end") {
  const std::string lines = "\n\r\n  \n" + good + "\r\n\n" + good;
  const OneLine two({"a"}, lines);
  REQUIRE(two.decoded.events.size() == 2);
  CHECK(two.decoded.rejections.empty());
  CHECK(two.decoded.events[0].raw == good);
  CHECK(two.decoded.places[0].line == 4);
  CHECK(two.decoded.places[1].line == 6);
  CHECK(two.decoder.lines() == 6);
  CHECK(OneLine({}, "").decoded.events.empty());
  CHECK(OneLine({}, " \n\n").decoded.events.empty());
}

TEST_CASE("values of fields") {
  const OneLine one({"a", "b.c", "b.d[1]", "list", "list[2].x", "absent", "absent.x", "e", "f", "g", "h", "i", "a.x"},
                    R"({"ts" : 1, "a": "ä\n\u00e4\ud83d\ude00\u0000", "b":{"c":true,"d":[5,{"k":[1]},3]},)"
                    R"( "list" : [1,"}",{"x":false}] , "e":null, "f":9007199254740993, "g":9223372036854775807,)"
                    R"( "h":-0, "i":-2.50e1 , "type":"t"})");
  REQUIRE(one.decoded.events.size() == 1);
  CHECK(one.field(0).kind == Kind::text);
  CHECK(one.field(0).bytes() == std::string_view("ä\nä😀\0", 10));
  CHECK(one.field(1).kind == Kind::boolean);
  CHECK(one.field(1).boolean);
  CHECK(one.field(2).kind == Kind::object);
  CHECK(one.field(2).bytes() == R"({"k":[1]})");
  CHECK(one.field(3).kind == Kind::list);
  CHECK(one.field(3).bytes() == R"([1,"}",{"x":false}])");
  CHECK(one.field(4).kind == Kind::boolean);
  CHECK(one.field(5).is_missing());
  CHECK(one.field(6).is_missing());
  CHECK(one.field(7).is_missing());
  CHECK(one.field(8).integer == 9007199254740993);
  CHECK(one.field(9).integer == INT64_MAX);
  CHECK(one.field(10).kind == Kind::integer);
  CHECK(one.field(10).integer == 0);
  CHECK(one.field(11).kind == Kind::number);
  CHECK(one.field(11).number == -25.0);
  CHECK(one.field(12).is_missing());
}

TEST_CASE("numbers that are no whole ones") {
  const OneLine one({"a", "b", "c", "d"}, R"({"type":"t","a":1.0,"b":1e-400,"c":-0.0,"d":0.1})");
  CHECK(one.field(0).number == 1.0);
  CHECK(one.field(1).number == 0.0);
  CHECK(!std::signbit(one.field(2).number));
  CHECK(one.field(3).number == 0.1);
}

TEST_CASE("member names are compared without their escapes") {
  const OneLine one({"alpha", "b.c"}, R"({"\u0074ype":"t","al\u0070ha":1,"b":{"\u0063":2}})");
  REQUIRE(one.decoded.events.size() == 1);
  CHECK(one.field(0).integer == 1);
  CHECK(one.field(1).integer == 2);
  // A name that ends in a backslash is another one than the same bytes with an escaped quote behind.
  const OneLine two(
      {}, "{\"type\":\"t\",\"a\\\\\":1}\n{\"type\":\"t\",\"a\\\"\":1}\n{\"type\":\"t\",\"a\\\\\":1,\"a\\\\\":2}");
  CHECK(two.decoded.events.size() == 2);
  CHECK(two.decoded.rejections.size() == 1);
}

TEST_CASE("type, ts and id") {
  struct Case {
    std::string members;
    int64_t ts_us;
    std::string id;
  };
  const std::vector<Case> cases = {
      {R"("ts":"2026-01-05T10:00:00Z","id":"x")", 1767607200000000, "x"},
      {R"("ts":"2026-01-05T10:00:00.5Z","id":12)", 1767607200500000, "12"},
      {R"("ts":"2026-01-05T10:00:00.1234567Z","id":1.50)", 1767607200123456, "1.50"},
      {R"("ts":"2026-01-05T12:00:00+02:00","id":null)", 1767607200000000, ""},
      {R"("ts":"2026-01-05T10:00:00\u005a","id":"a\"b")", 1767607200000000, "a\"b"},
      {R"("ts":1767607200,"id":true)", 1767607200000000, ""},
      {R"("ts":1767607200000)", 1767607200000000, ""},
      {R"("ts":1767607200000000)", 1767607200000000, ""},
      {R"("ts":1767607200000000000)", 1767607200000000, ""},
      {R"("ts":1767607200.25)", 1767607200250000, ""},
      {R"("ts":null)", 77, ""},
      {R"("a":1)", 77, ""},
  };
  for (const Case& expected : cases) {
    CAPTURE(expected.members);
    const OneLine one({"type", "id", "ts"}, "{\"type\":\"t\"," + expected.members + "}");
    REQUIRE(one.decoded.events.size() == 1);
    const Event& event = one.decoded.events[0];
    CHECK(event.type == 1);
    CHECK(event.type_name == "t");
    CHECK(event.ts_us == expected.ts_us);
    CHECK(event.id == expected.id);
    CHECK(one.field(0).bytes() == "t");
    CHECK(one.field(1).is_missing() == expected.id.empty());
    CHECK(one.field(2).integer == expected.ts_us);
  }
  CHECK(OneLine({}, R"({"type":"t"})").decoder.without_time() == 1);
}

TEST_CASE("the day of the times before is not taken for another") {
  const OneLine days({}, R"({"type":"t","ts":"2026-01-05T10:00:00Z"}
{"type":"t","ts":"2026-01-06T10:00:00Z"}
{"type":"t","ts":"2026-01-05T23:59:59.999Z"}
{"type":"t","ts":"2026-01-05T10:00:00-00:30"})");
  REQUIRE(days.decoded.events.size() == 4);
  CHECK(days.decoded.events[1].ts_us - days.decoded.events[0].ts_us == 86'400'000'000);
  CHECK(days.decoded.events[2].ts_us - days.decoded.events[0].ts_us == 50'399'999'000);
  CHECK(days.decoded.events[3].ts_us - days.decoded.events[0].ts_us == 1'800'000'000);
}

TEST_CASE("the three members may have other names") {
  const OneLine one({"type", "event"}, R"({"event":"t","when":5,"uid":"x","type":7,"id":9})", {"event", "when", "uid"});
  REQUIRE(one.decoded.events.size() == 1);
  CHECK(one.decoded.events[0].ts_us == 5'000'000);
  CHECK(one.decoded.events[0].id == "x");
  CHECK(one.field(0).bytes() == "t");
  CHECK(one.field(1).bytes() == "t");
}

TEST_CASE("types that no rule names are events without fields") {
  const OneLine one({"a"}, R"({"type":"a type of its own","a":1})");
  REQUIRE(one.decoded.events.size() == 1);
  CHECK(one.decoded.events[0].type == type_unnamed);
  CHECK(one.decoded.events[0].type_name == "a type of its own");
}

TEST_CASE("objects of ever new names are still checked for duplicates") {
  std::string lines;
  for (int i = 0; i < 20'000; ++i) {
    const std::string n = std::to_string(i);
    lines += R"({"type":"t","k)" + n + R"(":{"a)" + n + R"(":1},"z)" + n + R"(":2,"k)" + (i % 3 == 0 ? "" : "x") + n +
             "\":3}\n";
  }
  const OneLine many({"a"}, lines);
  CHECK(many.decoded.rejections.size() == 6667);
  CHECK(many.decoded.events.size() == 13333);
}

TEST_CASE("where a text stops being UTF-8") {
  CHECK(json::utf8_fault("plain") == 5);
  CHECK(json::utf8_fault("ä€😀") == 9);
  CHECK(json::utf8_fault("a\x80") == 1);
  CHECK(json::utf8_fault("\xf4\x90\x80\x80") == 0);
  CHECK(json::utf8_fault("\xe0\x80\x80") == 0);
  CHECK(json::utf8_fault("ok\xf0\x9f\x98") == 2);
}
