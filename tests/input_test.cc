// Forms of input: what becomes of CSV, logfmt and JSON of any layout, good and bad, wherever its bytes are cut.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "runtime/core/decode.h"
#include "runtime/input/bare_value.h"
#include "runtime/model/limits.h"
#include "tests/support/pieces.h"

namespace omen {
namespace {

struct Case {
  std::string bytes;
  std::string lines;       // "line:offset {…}\n"
  std::string rejections;  // "line:offset reason column bytes\n"
};

template <typename Form>
void check(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    CAPTURE(each.bytes);
    const Cut whole = cut<Form>(each.bytes, {});
    CHECK(whole.lines == each.lines);
    CHECK(whole.rejections == each.rejections);
    std::vector<size_t> every;
    for (size_t at = 1; at < each.bytes.size(); ++at) {
      CHECK((cut<Form>(each.bytes, {at}) == whole));
      every.push_back(at);
    }
    CHECK((cut<Form>(each.bytes, every) == whole));
  }
}

std::string bare(std::string_view text) {
  std::string out;
  append_bare_value(out, text);
  return out;
}

}  // namespace

TEST_CASE("bare values are what JSON would read, and else text") {
  for (const char* same : {"0", "-0", "12", "-0.5", "1e3", "1E-7", "9223372036854775807", "-9223372036854775808",
                           "true", "false", "0.10"}) {
    CHECK(bare(same) == same);
  }
  for (const char* text : {"007", "+1", "1.", ".5", "0x1F", "1_000", "1,5", "9223372036854775808", "1e400", "NaN",
                           "Infinity", "True", "null", " 1", "1 ", "-", "1-2", "2026-01-05", "a"}) {
    CHECK(bare(text) == '"' + std::string(text) + '"');
  }
  CHECK(bare("a\"b\\c\nd\x01") == R"("a\"b\\c\nd\u0001")");
}

TEST_CASE("csv: rows under a header") {
  check<Csv>({
      {"a,b\n1,x\n", "2:4 {\"a\":1,\"b\":\"x\"}\n", ""},
      {"a,b\r\n1,x\r\n2,", "2:5 {\"a\":1,\"b\":\"x\"}\n3:10 {\"a\":2}\n", ""},
      {"a,b\n,\n", "2:4 {}\n", ""},
      {"a\n\n1\n\n", "3:3 {\"a\":1}\n", ""},
      {"\n\na\n1", "4:4 {\"a\":1}\n", ""},
      {"a,b\n\"x,y\",\"say \"\"hi\"\"\"\n", "2:4 {\"a\":\"x,y\",\"b\":\"say \\\"hi\\\"\"}\n", ""},
      {"a,b\n\"1\",\"true\"\n", "2:4 {\"a\":1,\"b\":true}\n", ""},
      {"a,b\n\"\",\"\"\"\"\n", "2:4 {\"b\":\"\\\"\"}\n", ""},
      {"a,b\n\"two\nlines\",2\n3,4\n", "2:4 {\"a\":\"two\\nlines\",\"b\":2}\n4:18 {\"a\":3,\"b\":4}\n", ""},
      {"a;b\n1,5;2\n", "2:4 {\"a\":\"1,5\",\"b\":2}\n", ""},
      {"a\tb\tc,d\n1\t2\t3\n", "2:8 {\"a\":1,\"b\":2,\"c,d\":3}\n", ""},
      {"\"a,a\",\"b\"\"\"\n1,2\n", "2:12 {\"a,a\":1,\"b\\\"\":2}\n", ""},
      {"a,b\n\xC3\xA4,\xE2\x82\xAC\n", "2:4 {\"a\":\"\xC3\xA4\",\"b\":\"\xE2\x82\xAC\"}\n", ""},
      {"", "", ""},
      {"a,b", "", ""},
      // What is wrong with a row costs this row, and wrong quotes one line.
      {"a,b\n1\n1,2,3\n4,5\n", "4:12 {\"a\":4,\"b\":5}\n", "2:4 column_count 2 1\n3:6 column_count 5 1,2,3\n"},
      {"a,b\nx\"y,1\n2,3\n", "3:10 {\"a\":2,\"b\":3}\n", "2:4 bad_quote 2 x\"y,1\n"},
      {"a,b\n\"x\"y,1\n2,3\n", "3:11 {\"a\":2,\"b\":3}\n", "2:4 bad_quote 4 \"x\"y,1\n"},
      {"a,b\n\"x,1\n2,3\n", "3:9 {\"a\":2,\"b\":3}\n", "2:4 bad_quote 1 \"x,1\n"},
      {"a,b\n\"x,1\n\"2\",3\n4,5\n", "3:9 {\"a\":2,\"b\":3}\n4:15 {\"a\":4,\"b\":5}\n", "2:4 bad_quote 1 \"x,1\n"},
      {"a,b\n1,\"x", "", "2:4 bad_quote 3 1,\"x\n"},
      {"a,b\n1,\xFF\n2,3\n", "3:8 {\"a\":2,\"b\":3}\n", "2:4 not_utf8 3 1,\xFF\n"},
  });
}

TEST_CASE("csv: a header that is none is an error of the input") {
  const auto problem = [](const std::string& bytes) {
    const Cut whole = cut<Csv>(bytes, {});
    CHECK(whole.lines.empty());
    CHECK((cut<Csv>(bytes, {bytes.size() / 2}) == whole));
    return whole.problem;
  };
  CHECK(problem("a,b,a\n1,2,3\n") == "its header cannot be used: two columns have the name `a`");
  CHECK(problem("a,,b\n1,2,3\n") == "its header cannot be used: column 2 has no name");
  CHECK(problem("a,\"b\n1,2\n") == "its header cannot be read: a quote is not closed");
  CHECK(problem("a,\xFF\n1,2\n") == "its header cannot be used: it is not UTF-8");
  std::string wide = "c0";
  for (int i = 1; i <= 1024; ++i) wide += ",c" + std::to_string(i);
  CHECK(problem(wide + "\n") == "its header cannot be used: it has 1025 columns; 1024 are the most");
  CHECK(problem(std::string(event_bytes_max + 10, 'x') + "\n1\n") == "its header is too long");
}

TEST_CASE("csv: the delimiter may be given") {
  CHECK(cut<Csv>("a,b:c\n1,2:3\n", {}, Csv(':')).lines == "2:6 {\"a,b\":\"1,2\",\"c\":3}\n");
  CHECK(delimiter_of("a;b,c;d") == ';');
  CHECK(delimiter_of("a") == ',');
  CHECK(delimiter_of("\"a;b;c\",d") == ',');
}

TEST_CASE("logfmt: pairs on a line") {
  check<Logfmt>({
      {"a=1 b=x\n", "1:0 {\"a\":1,\"b\":\"x\"}\n", ""},
      {"a=1\r\n\n  \nb=2", "1:0 {\"a\":1}\n4:9 {\"b\":2}\n", ""},
      {" a=1\t\tb=2 ", "1:0 {\"a\":1,\"b\":2}\n", ""},
      {"sso a= b=\"\"\n", "1:0 {\"sso\":true}\n", ""},
      {"a=\"x y\" b=\"say \\\"hi\\\"\\n\\u00e4\"\n", "1:0 {\"a\":\"x y\",\"b\":\"say \\\"hi\\\"\\n\xC3\xA4\"}\n", ""},
      {"url=http://x/?a=b c.d=true\n", "1:0 {\"url\":\"http://x/?a=b\",\"c.d\":true}\n", ""},
      {"a=\"5\" b=\"007\"\n", "1:0 {\"a\":5,\"b\":\"007\"}\n", ""},
      {"a=1\n=x\nb=2\n", "1:0 {\"a\":1}\n3:7 {\"b\":2}\n", "2:4 bad_pair 1 =x\n"},
      {"a=1 =x\n", "", "1:0 bad_pair 5 a=1 =x\n"},
      {"a=\"x\nb=2\n", "2:5 {\"b\":2}\n", "1:0 bad_quote 1 a=\"x\n"},
      {"a=\"x\"y\n", "", "1:0 bad_quote 1 a=\"x\"y\n"},
      {"a=x\"y\n", "", "1:0 bad_quote 1 a=x\"y\n"},
      {"a=\"\\x41\"\n", "", "1:0 bad_quote 4 a=\"\\x41\"\n"},
      {"a=\xFF\n", "", "1:0 not_utf8 3 a=\xFF\n"},
  });
}

TEST_CASE("json: objects of any layout, one a line") {
  check<JsonText>({
      {"[{\"a\":1},{\"a\":2}]", "1:1 {\"a\":1}\n1:9 {\"a\":2}\n", ""},
      {"[\n {\"a\":1},\n {\"a\":2}\n]\n", "2:3 {\"a\":1}\n3:13 {\"a\":2}\n", ""},
      {"{\n\"a\": [1,\n{\"b\": \"]\\\"}\"}]\n}\n{\"c\":2}", "1:0 { \"a\": [1, {\"b\": \"]\\\"}\"}] }\n5:28 {\"c\":2}\n",
       ""},
      {"[]  []\n[{}][{}]", "2:8 {}\n2:12 {}\n", ""},
      {"", "", ""},
      {" \n", "", ""},
      // What is no object is for the decoder to refuse.
      {"[1, \"a,]\", null,[{}]] 7 tru", "1:1 1\n1:4 \"a,]\"\n1:11 null\n1:16 [{}]\n1:22 7\n1:24 tru\n", ""},
      {"}", "1:0 }\n", ""},
      {"[{},,{}]", "1:1 {}\n1:5 {}\n", "1:4 not_json 1 ,\n"},
      {"[,{},]", "1:2 {}\n", "1:1 not_json 1 ,\n1:5 not_json 1 ]\n"},
      {"[{} {}]", "1:1 {}\n", "1:4 not_json 1 {}\n"},
      // A text does not hold a line feed, and a member begins with its name: there a broken record ends.
      {"[{\"a\":\"x},\n{\"b\":1}]", "2:11 {\"b\":1}\n", "1:1 not_json 10 {\"a\":\"x},\n"},
      {"[{\"a\":1,\n{\"b\":1}]", "2:9 {\"b\":1}\n", "1:1 not_json 9 {\"a\":1,\n\n"},
      {"[{\"a\":1},", "1:1 {\"a\":1}\n", "1:9 cut_off 1 \n"},
      {"[{\"a\":1},{\"b\"", "1:1 {\"a\":1}\n", "1:9 cut_off 5 {\"b\"\n"},
      {"{\"a\":\"\\", "", "1:0 cut_off 8 {\"a\":\"\\\n"},
  });
}

TEST_CASE("forms: a record that is too long is reported, and the next one is read") {
  const std::string x(event_bytes_max + 5000, 'x');
  const std::string shown = ' ' + std::to_string(event_bytes_max + 1) + ' ';
  const auto same_everywhere = [](const std::string& bytes, auto form) {
    using Form = decltype(form);
    const Cut whole = cut<Form>(bytes, {});
    for (const size_t at : {size_t{1}, size_t{70'000}, bytes.size() / 2, size_t{event_bytes_max} + 1,
                            size_t{event_bytes_max} + 2, size_t{event_bytes_max} + 20, bytes.size() - 3}) {
      CHECK((cut<Form>(bytes, {at}) == whole));
    }
    std::vector<size_t> many;
    for (size_t at = 65'536; at < bytes.size(); at += 65'536) many.push_back(at);
    CHECK((cut<Form>(bytes, many) == whole));
    return whole;
  };
  Cut got = same_everywhere("a,b\n" + x + ",1\n2,3\n", Csv());
  CHECK(got.rejections == "2:4 too_long" + shown + x.substr(0, 1024) + '\n');
  CHECK(got.lines.ends_with("{\"a\":2,\"b\":3}\n"));
  // A quote that nobody closes costs its line, not the megabyte behind it.
  std::string rows = "a,b\n\"open,1\n";
  while (rows.size() < 2 * size_t{event_bytes_max}) rows += "2,3\n";
  got = same_everywhere(rows, Csv());
  CHECK(got.rejections == "2:4 bad_quote 1 \"open,1\n");
  CHECK(static_cast<size_t>(std::count(got.lines.begin(), got.lines.end(), '\n')) == (rows.size() - 12) / 4);

  got = same_everywhere("a=" + x + "\nb=1\n", Logfmt());
  CHECK(got.rejections == "1:0 too_long" + shown + "a=" + x.substr(0, 1022) + '\n');
  CHECK(got.lines.ends_with("{\"b\":1}\n"));

  got = same_everywhere("[{\"a\":\"" + x + "\"},{\"b\":1}]", JsonText());
  CHECK(got.rejections == "1:1 too_long" + shown + "{\"a\":\"" + x.substr(0, 1018) + '\n');
  CHECK(got.lines.ends_with("{\"b\":1}\n"));
  got = same_everywhere("[" + x + ",{\"b\":1}]", JsonText());
  CHECK(got.lines.ends_with("{\"b\":1}\n"));
}

TEST_CASE("json: an array of a gigabyte needs no more room than its records") {
  JsonText form;
  Records records;
  uint64_t lines = 0;
  std::string piece;
  for (int i = 0; i < 1000; ++i) piece += ",\n  {\"n\": " + std::to_string(i) + "}";
  form.read("[{\"n\": 0}", records);
  size_t largest = 0;
  for (int i = 0; i < 2000; ++i) {
    records.clear();
    form.read(piece, records);
    lines += records.origins.size();
    largest = std::max(largest, form.pieces().rest().size());
  }
  CHECK(lines == 2'000'000);
  CHECK(largest < 100);
}

TEST_CASE("forms: depth is the decoder's to refuse") {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  const Cut got = cut<JsonText>("[{\"a\":" + deep + "},{\"b\":1}]", {50'000, 120'000});
  CHECK(got.rejections.empty());
  CHECK(std::count(got.lines.begin(), got.lines.end(), '\n') == 2);
}

TEST_CASE("forms: wherever the bytes are cut, what is made of them is the same") {
  const std::string alphabet = "a,b=1\"\n\r{}[]:\\ ;\t5\"\n,";
  std::mt19937 random(7);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes = round % 2 == 0 ? "a,b\n" : "";
    const size_t size = random() % 60;
    for (size_t i = 0; i < size; ++i) bytes += alphabet[random() % alphabet.size()];
    std::vector<size_t> ends;
    for (size_t at = random() % 9; at < bytes.size(); at += 1 + random() % 9) ends.push_back(at);
    CAPTURE(bytes);
    CHECK((cut<Csv>(bytes, ends) == cut<Csv>(bytes, {})));
    CHECK((cut<Logfmt>(bytes, ends) == cut<Logfmt>(bytes, {})));
    CHECK((cut<JsonText>(bytes, ends) == cut<JsonText>(bytes, {})));
  }
}

}  // namespace omen
