// `omen run` on the formats of others: the same events give the same alerts, and what is wrong is kept as it came.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/program.h"

namespace omen {
namespace {

const std::string rules_text = R"(
rule bought_after_login {
  by user_id
  match login[ok] -> buy[price > 10] as bought
  within 1h
  alert "{user_id} bought {bought.note} for {bought.price}"
}
rule nothing_bought {
  by user_id
  match login -> not buy for 10m
  alert "{user_id} bought nothing"
}
mapping message {
  type: topic, ts: at, id: no, user_id: who.id, *: content
}
)";

// The same six events, of which one has no price and one is false.
struct Event {
  const char *type, *ts, *id, *user, *ok, *price, *note;
};
const std::vector<Event> events = {
    {"login", "2026-01-05T10:00:00Z", "1", "ann", "true", "", ""},
    {"buy", "2026-01-05T10:01:00Z", "2", "ann", "", "30.5", "a \\\"hat\\\", red"},
    {"login", "2026-01-05T10:02:00Z", "3", "bob", "true", "", ""},
    {"buy", "2026-01-05T10:03:00Z", "4", "bob", "", "", "no price"},
    {"login", "2026-01-05T10:04:00Z", "5", "007", "false", "", ""},
    {"buy", "2026-01-05T11:59:00Z", "6", "ann", "", "12", "late"},
};

std::string member(const char* name, const char* value, const char* quote) {
  return *value == '\0' ? "" : std::string(",\"") + name + "\":" + quote + value + quote;
}
std::string fields(const Event& event) {
  return member("ok", event.ok, "") + member("price", event.price, "") + member("note", event.note, "\"");
}
std::string doubled(std::string note) {  // \" as ""
  for (size_t at = 0; (at = note.find("\\\"", at)) != std::string::npos; at += 2) note.replace(at, 2, "\"\"");
  return note;
}

std::string ndjson() {
  std::string out;
  for (const Event& e : events) {
    out += std::string("{\"type\":\"") + e.type + "\",\"ts\":\"" + e.ts + "\"" + member("user_id", e.user, "\"") +
           fields(e) + "}\n";
  }
  return out;
}
std::string json_array() {
  std::string out = "[\n";
  std::istringstream lines(ndjson());
  for (std::string line; std::getline(lines, line);) out += (out.size() > 2 ? ",\n  " : "  ") + line;
  return out + "\n]\n";
}
std::string csv(char delimiter) {
  const std::string d(1, delimiter);
  std::string out = "type" + d + "ts" + d + "user_id" + d + "ok" + d + "price" + d + "note\r\n";
  for (const Event& e : events) {
    out += e.type + d + e.ts + d + e.user + d + e.ok + d + e.price + d + '"' + doubled(e.note) + "\"\r\n";
  }
  return out;
}
std::string logfmt() {
  std::string out;
  for (const Event& e : events) {
    out += std::string("ts=") + e.ts + " type=" + e.type + " user_id=" + e.user + " ok=" + e.ok + " price=" + e.price +
           " note=\"" + e.note + "\"\n";
  }
  return out;
}
std::string cloudevents() {
  std::string out;
  for (const Event& e : events) {
    out += std::string(out.empty() ? "[" : ",\n") + "{\"specversion\":\"1.0\",\"source\":\"/t\",\"id\":\"" + e.id +
           "\",\"type\":\"" + e.type + "\",\"time\":\"" + e.ts + "\",\"data\":{\"user_id\":\"" + e.user + "\"" +
           fields(e) + "}}";
  }
  return out + "]";
}
std::string segment() {
  std::string out;
  for (const Event& e : events) {
    out += std::string("{\"type\":\"track\",\"event\":\"") + e.type + "\",\"messageId\":\"" + e.id +
           "\",\"userId\":\"" + e.user + "\",\"timestamp\":\"" + e.ts + "\"" + fields(e) + "}\n";
  }
  return out;
}
std::string messages() {
  std::string out;
  for (const Event& e : events) {
    out += std::string("{\"topic\":\"") + e.type + "\",\"at\":\"" + e.ts + "\",\"no\":" + e.id + ",\"who\":{\"id\":\"" +
           e.user + "\"},\"content\":{\"x\":1" + fields(e) + "}}\n";
  }
  return out;
}

Outcome run(const Folder& folder, const std::string& input, std::vector<std::string> options = {}) {
  folder.write("rules.omen", rules_text);
  folder.write("input", input);
  options.insert(options.begin(), {"run", folder.path("rules.omen"), "--events", folder.path("input")});
  return run_omen(folder, options, "");
}

// Rule, key, times and text of each alert.
std::string alerts(const Outcome& outcome) {
  std::string out;
  simdjson::dom::parser parser;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) {
    const simdjson::dom::element alert = parser.parse(line).value();
    for (const char* name : {"rule", "start", "end", "text"}) {
      out += std::string(std::string_view(alert[name])) + '|';
    }
    out += simdjson::minify(alert["key"]) + '\n';
  }
  return out;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("formats: the same events give the same alerts") {
  const Folder folder;
  const std::string expected = alerts(run(folder, ndjson()));
  REQUIRE(std::count(expected.begin(), expected.end(), '\n') == 2);
  CHECK(has(expected, "ann bought a \"hat\", red for 30.5"));
  struct Form {
    std::string bytes, format;
  };
  for (const Form& form :
       {Form{json_array(), "json"}, Form{csv(','), "csv"}, Form{csv(';'), "csv"}, Form{csv('\t'), "csv"},
        Form{logfmt(), "logfmt"}, Form{cloudevents(), "cloudevents"}, Form{segment(), "segment"}}) {
    for (const bool is_asked : {false, true}) {
      for (const bool has_mark : {false, true}) {
        CAPTURE(form.bytes);
        const std::string bytes = (has_mark ? "\xEF\xBB\xBF" : "") + form.bytes;
        const Outcome outcome =
            is_asked ? run(folder, bytes, {"--format", form.format, "--json"}) : run(folder, bytes, {"--json"});
        CHECK(outcome.exit_code == 0);
        CHECK(alerts(outcome) == expected);
        CHECK(has(outcome.errors, "\"format\":\"" + form.format + "\",\"sniffed\":" + (is_asked ? "false" : "true")));
        CHECK(has(outcome.errors, "\"rejected\":{}"));
      }
    }
  }
  CHECK(alerts(run(folder, messages(), {"--format", "message"})) == expected);
}

TEST_CASE("formats: what is rejected is kept with the bytes and the place that it had") {
  const Folder folder;
  const Outcome outcome =
      run(folder,
          "type,ts,note\nlogin,2026-01-05T10:00:00Z,\"two\nlines\"\nlogin,yesterday,\"a \"\"b\"\"\"\n"
          "login,2026-01-04T10:00:00Z,\n,1,no type\nbuy\n",
          {"--quarantine", folder.path("bad"), "--lateness", "1m"});
  CHECK(outcome.exit_code == 0);
  CHECK(folder.read("bad") ==
        "{\"reason\":\"column_count\",\"input\":\"" + folder.path("input") +
            "\",\"line\":7,\"offset\":117,\"column\":4,\"text\":\"buy\"}\n"
            "{\"reason\":\"bad_time\",\"input\":\"" +
            folder.path("input") +
            "\",\"line\":4,\"offset\":52,\"column\":7,\"text\":\"login,yesterday,\\\"a \\\"\\\"b\\\"\\\"\\\"\"}\n"
            "{\"reason\":\"late\",\"input\":\"" +
            folder.path("input") +
            "\",\"line\":5,\"offset\":78,\"column\":1,\"text\":\"login,2026-01-04T10:00:00Z,\"}\n"
            "{\"reason\":\"no_type\",\"input\":\"" +
            folder.path("input") + "\",\"line\":6,\"offset\":106,\"column\":1,\"text\":\",1,no type\"}\n");
  CHECK(has(outcome.errors, "was read as csv"));
}

TEST_CASE("formats: a rejection's column is where the value stands in the input") {
  const Folder folder;
  const auto columns = [&](const std::string& bytes, const std::string& format) {
    std::filesystem::remove(folder.path("bad"));
    CHECK(run(folder, bytes, {"--format", format, "--quarantine", folder.path("bad")}).exit_code == 0);
    std::string out;
    simdjson::dom::parser parser;
    std::istringstream lines(folder.read("bad"));
    for (std::string line; std::getline(lines, line);) {
      const simdjson::dom::element one = parser.parse(line).value();
      out += fmt::format("{} {}\n", std::string_view(one["reason"]), uint64_t(one["column"]));
    }
    return out;
  };
  CHECK(columns("note,type,ts\n,login,soon\n\"a \"\"b\"\", c\",login,\"soon\"\n\"x\ny\",login,soon\nx,7,1\n,,1\n",
                "csv") == "bad_time 8\nbad_time 20\nbad_time 13\nno_type 3\nno_type 1\n");
  CHECK(columns("none= sso  type=login ts=\"so on\"\nts=soon type=login\ntype=login ts=1 type=again\nts=1\n",
                "logfmt") == "bad_time 26\nbad_time 4\nduplicate_member 17\nno_type 1\n");
}

TEST_CASE("formats: events without a type of their own") {
  const Folder folder;
  const std::string rows = "at,user_id,price\n2026-01-05T10:00:00Z,ann,5\n2026-01-05T10:01:00Z,ann,15\n";
  folder.write("orders.omen",
               "rule r { by user_id match order -> order[price > 10] as o alert \"{user_id} {o.price}\" }");
  folder.write("rows", rows);
  const auto count = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"run", folder.path("orders.omen"), "--events", folder.path("rows")};
    arguments.insert(arguments.end(), options.begin(), options.end());
    return alerts(run_omen(folder, arguments, ""));
  };
  CHECK(count({}).empty());
  CHECK(count({"--type", "order", "--time-field", "at"}) ==
        "r|2026-01-05T10:00:00Z|2026-01-05T10:01:00Z|ann 15|{\"user_id\":\"ann\"}\n");
}

TEST_CASE("formats: calls that are wrong, and inputs that cannot be used") {
  const Folder folder;
  Outcome outcome = run(folder, "", {"--format", "xml"});
  CHECK(outcome.exit_code == 2);
  CHECK(has(outcome.errors, "there is no format or mapping `xml`"));
  CHECK(has(outcome.errors, "ga4, message"));
  CHECK(run(folder, "", {"--delimiter", "ab"}).exit_code == 2);
  CHECK(run(folder, "", {"--delimiter", "\""}).exit_code == 2);
  CHECK(run(folder, "", {"--format", "json", "--delimiter", ","}).exit_code == 2);
  outcome = run(folder, "type,type\nlogin,1\n", {"--format", "csv"});
  CHECK(outcome.exit_code == 3);
  CHECK(has(outcome.errors, "its header cannot be used: two columns have the name `type`"));
  CHECK(run(folder, "type:ts\nlogin:1\n", {"--delimiter", ":", "--json"}).exit_code == 0);
}

TEST_CASE("formats: an alert comes while the pipe stays open") {
  const Folder folder;
  folder.write("rules.omen", rules_text);
  struct Talk {
    std::string first, second;
  };
  for (const Talk& talk : {Talk{"type,ts,user_id,ok,price\nlogin,1,u,true,\n", "buy,2,u,,30\n"},
                           Talk{"type=login ts=1 user_id=u ok\n", "type=buy ts=2 user_id=u price=30\n"},
                           Talk{"[{\"type\":\"login\",\"ts\":1,\"user_id\":\"u\",\"ok\":true}",
                                ",{\"type\":\"buy\",\"ts\":2,\"user_id\":\"u\",\"price\":30}"},
                           Talk{"{\"specversion\":\"1.0\",\"source\":\"s\",\"id\":\"1\",\"type\":\"login\",\"data\":{"
                                "\"user_id\":\"u\",\"ok\":true}}\n",
                                "{\"specversion\":\"1.0\",\"source\":\"s\",\"id\":\"2\",\"type\":\"buy\",\"data\":{"
                                "\"user_id\":\"u\",\"price\":30}}\n"}}) {
    CAPTURE(talk.first);
    Omen omen(folder, {"run", folder.path("rules.omen")});
    omen.put(talk.first);
    omen.put(talk.second);
    CHECK(has(omen.line(), "bought_after_login"));
    omen.end_input();
    CHECK(omen.wait() == 0);
  }
}

}  // namespace omen
