// `omen run` as its users have it: the program itself, on files and pipes.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <simdjson.h>

#include <chrono>
#include <csignal>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/program.h"

namespace omen {

namespace {

const std::string rules_text = R"(
event login { user_id: string  ok: bool }
event buy   { user_id: string  price: number }
rule after_login {
  by user_id
  match login[ok] -> buy as bought
  within 1h
  alert "{user_id} bought for {bought.price}"
}
rule nothing_bought {
  by user_id
  match login -> not buy for 10m
  alert "{user_id} bought nothing"
}
)";
const std::string events_text =
    R"({"type":"login","ts":"2026-01-05T10:00:00Z","user_id":"u1","ok":true}
{"type":"buy","ts":"2026-01-05T10:01:00Z","user_id":"u1","price":30}
not json
{"type":"login","ts":"2026-01-05T10:02:00Z","user_id":"u2","ok":false}
)";

// A folder with the rules and the events of above.
class RunFolder : public Folder {
 public:
  RunFolder() {
    write("rules.omen", rules_text);
    write("events.ndjson", events_text);
  }
};

Outcome run(const Folder& folder, const std::vector<std::string>& options, const std::string& input = {}) {
  std::vector<std::string> arguments = {"run", folder.path("rules.omen")};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return run_omen(folder, arguments, input);
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string json_text(const std::string& line, const char* name) {
  simdjson::dom::parser parser;
  simdjson::dom::element element;
  std::string_view text;
  if (parser.parse(line)[name].get(element) != simdjson::SUCCESS) return "?";
  return element.get(text) == simdjson::SUCCESS ? std::string(text) : simdjson::minify(element);
}

}  // namespace

TEST_CASE("run: alerts on standard output, the summary on standard error") {
  const RunFolder folder;
  for (const bool from_file : {true, false}) {
    const Outcome outcome =
        from_file ? run(folder, {"--events", folder.path("events.ndjson")}) : run(folder, {}, events_text);
    CHECK(outcome.exit_code == 0);
    CHECK(std::count(outcome.out.begin(), outcome.out.end(), '\n') == 1);
    CHECK(json_text(outcome.out, "rule") == "after_login");
    CHECK(json_text(outcome.out, "text") == "u1 bought for 30");
    CHECK(json_text(outcome.out, "end") == "2026-01-05T10:01:00Z");
    CHECK(has(outcome.errors, "3 events"));
    CHECK(has(outcome.errors, "1 line rejected: 1 not_json"));
    CHECK(has(outcome.errors, "after_login     1 alert\n"));
    CHECK(has(outcome.errors, "pending: 1 run, 1 of them waiting for an absence"));
    CHECK(has(outcome.errors, "Nothing is kept"));
  }
}

TEST_CASE("run: behind --advance-to nothing is pending whose time is over, however much it was") {
  RunFolder folder;
  folder.write("rules.omen", "rule r { by user_id match login -> buy within 1h overlap single }");  // not put off
  std::string logins;
  for (int i = 0; i < 5'000; ++i) {
    logins += R"({"type":"login","ts":"2026-01-05T10:00:00Z","user_id":"u)" + std::to_string(i) + "\",\"ok\":true}\n";
  }
  for (const char* shards : {"1", "2"}) {
    const Outcome outcome =
        run(folder, {"--count", "--shards", shards, "--advance-to", "2026-02-01T00:00:00Z"}, logins);
    CHECK(has(outcome.errors, "pending: 0 runs"));
  }
}

TEST_CASE("run: send posts a body of its own, or the whole match") {
  const Folder folder;
  folder.write("rules.omen", R"(
destination crm = file { path: env("OMEN_TEST_CRM") }
destination out = stdout
rule r "Bought" {
  by user_id
  match buy as bought
  send crm { user: user_id, price: bought.price, note: "offer", gone: bought.nothing }
  send crm
  send out { n: bought.price * 2 }
}
)");
  setenv("OMEN_TEST_CRM", folder.path("crm.ndjson").c_str(), 1);
  const Outcome outcome =
      run(folder, {"--alerts", "text"}, "{\"type\":\"buy\",\"ts\":1,\"user_id\":\"u1\",\"price\":30}\n");
  unsetenv("OMEN_TEST_CRM");
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out == "{\"n\":60}\n");  // a body is never rewritten for people
  std::istringstream crm(folder.read("crm.ndjson"));
  std::string body, record;
  std::getline(crm, body);
  std::getline(crm, record);
  CHECK(body == R"({"user":"u1","price":30,"note":"offer","gone":null})");
  CHECK(json_text(record, "text") == "Bought");
  CHECK(json_text(record, "key") == R"({"user_id":"u1"})");
  CHECK(has(outcome.errors, "r  1 match\n"));
}

TEST_CASE("run: what a service would send is printed, and counted") {
  const Folder folder;
  folder.write("rules.omen", R"(
destination team = slack { url: env("OMEN_TEST_NOT_SET") }
destination crm = webhook { url: "https://crm.example.com/", secret: env("OMEN_TEST_NOT_SET") }
destination out = stdout
rule r "Bought" {
  match buy as bought
  alert "{bought.price}" to team, crm
  alert "once" to team, out
  send crm { n: bought.price }
}
)");
  const std::string event = "{\"type\":\"buy\",\"ts\":1,\"price\":30}\n";
  const Outcome outcome = run(folder, {"--alerts", "json"}, event);
  CHECK(outcome.exit_code == 0);
  std::istringstream lines(outcome.out);
  std::string first, second, third, fourth;
  std::getline(lines, first);
  std::getline(lines, second);
  std::getline(lines, third);
  CHECK(json_text(first, "text") == "30");
  CHECK(json_text(second, "text") == "once");
  CHECK(third == "{\"n\":30}");
  CHECK_FALSE(std::getline(lines, fourth));
  CHECK(has(outcome.errors, "destination team (slack): 2 not sent but printed; `omen serve` sends"));
  CHECK(has(outcome.errors, "destination crm (webhook): 2 not sent"));
  CHECK(has(run(folder, {"--json"}, event).errors, "\"unsent\":{\"team\":2,\"crm\":2}"));
}

TEST_CASE("run: quiet hours hold deliveries, never evaluation") {
  const Folder folder;
  folder.write("rules.omen", R"(
destination log = file { path: "log.ndjson", quiet 20:00..21:00 "UTC" }
rule night {
  by k
  match a
  cooldown 1h
  limit 100 per 1 day
  quiet 22:00..08:00 "Europe/Berlin"
  alert "night {k}"
  emit seen { k: k }
}
rule day { by k match b alert "day {k}" }
rule sees { by k match seen alert "sees {k}" }
)");
  const auto at = [](const char* type, const char* time, int key) {
    return std::string("{\"type\":\"") + type + "\",\"ts\":\"2026-01-" + time + "Z\",\"k\":" + std::to_string(key) +
           "}\n";
  };
  const std::string stream = at("a", "05T20:00:00", 1) + at("a", "05T22:00:00", 2) + at("a", "05T22:30:00", 2) +
                             at("a", "05T21:30:00", 3) + at("b", "06T06:59:00", 4) + at("b", "06T07:00:00", 5) +
                             at("a", "06T23:00:00", 6);
  const auto texts = [](const std::string& out) {
    std::istringstream lines(out);
    std::string all;
    for (std::string line; std::getline(lines, line);) all += json_text(line, "text") + ", ";
    return all;
  };
  Outcome outcome = run(folder, {}, stream);
  CHECK(outcome.exit_code == 0);
  CHECK(texts(outcome.out) == "night 1, sees 1, sees 2, sees 3, day 4, night 2, night 3, day 5, sees 6, night 6, ");
  CHECK(has(outcome.errors,
            "night  4 alerts, 4 events emitted, 1 held back by its cooldown, 0 held back by its limit, "
            "3 held by quiet hours\n"));
  CHECK(has(run(folder, {"--json"}, stream).errors, R"("held_by_quiet":3,"sent_early":0,"emitted":4)"));
  // A full queue: the next one goes out before its time, and is counted.
  outcome = run(folder, {"--limit-max-held", "1"}, stream);
  CHECK(texts(outcome.out) == "night 1, sees 1, sees 2, night 2, sees 3, day 4, night 3, day 5, sees 6, night 6, ");
  CHECK(has(outcome.errors, "3 held by quiet hours, 1 of them sent early (max_held)\n"));
}

TEST_CASE("run: several inputs are one stream, in the order given") {
  const RunFolder folder;
  folder.write("a", R"({"type":"login","ts":1,"user_id":"u","ok":true})");  // its last line has no end
  folder.write("b", "\xEF\xBB\xBF{\"type\":\"buy\",\"ts\":2,\"user_id\":\"u\",\"price\":1.50}\r\n");
  CHECK(json_text(run(folder, {"--events", folder.path("a"), "--events", folder.path("b")}).out, "text") ==
        "u bought for 1.5");
  CHECK(run(folder, {"--events", folder.path("b"), "--events", folder.path("a")}).out.empty());
  CHECK(!run(folder, {"--events", folder.path("a"), "--events", "-"}, folder.read("b")).out.empty());
}

TEST_CASE("run: an alert comes while the pipe stays open") {
  const RunFolder folder;
  for (const char* shards : {"1", "2", "3"}) {
    Omen omen(folder, {"run", folder.path("rules.omen"), "--shards", shards});
    omen.put(R"({"type":"login","ts":1,"user_id":"u","ok":true})"
             "\n");
    omen.put(R"({"type":"buy","ts":2,"user_id":"u","price":3})"
             "\n"
             R"({"type":"lo)");
    CHECK(json_text(omen.line(), "rule") == "after_login");
    omen.put(R"(gin","ts":3,"user_id":"u","ok":true})"
             "\n"
             R"({"type":"buy","ts":4,"user_id":"u","price":5})"
             "\n");
    CHECK(json_text(omen.line(), "text") == "u bought for 5");
    omen.end_input();
    CHECK(omen.wait() == 0);
  }
}

TEST_CASE("run: a signal ends it with the summary") {
  const RunFolder folder;
  for (const int signal : {SIGINT, SIGTERM}) {
    for (const char* shards : {"1", "2", "3"}) {
      Omen omen(folder, {"run", folder.path("rules.omen"), "--at-end", "advance", "--shards", shards});
      omen.put(events_text);
      CHECK(!omen.line().empty());
      omen.signal(signal);
      CHECK(omen.wait() == 128 + signal);
      CHECK(has(omen.errors(), "pending: 1 run"));  // the input did not end: nothing is advanced
    }
  }
}

TEST_CASE("run: a signal ends it while it waits for somebody to read") {
  const RunFolder folder;
  for (const char* shards : {"1", "2", "3"}) {
    Omen omen(folder, {"run", folder.path("rules.omen"), "--shards", shards});
    for (int i = 0; i < 400; ++i) omen.put(events_text);  // more alerts than a pipe holds
    CHECK(!omen.line().empty());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    omen.signal(SIGTERM);
    CHECK(omen.wait() == 128 + SIGTERM);
  }
}

TEST_CASE("run: a reader that goes away ends it cleanly") {
  const RunFolder folder;
  for (const char* shards : {"1", "2", "3"}) {
    Omen omen(folder, {"run", folder.path("rules.omen"), "--shards", shards});
    omen.close_output();
    for (int i = 0; i < 2; ++i) omen.put(events_text);
    CHECK(omen.wait() == 0);
  }
}

TEST_CASE("run: pending absences at the end") {
  const RunFolder folder;
  CHECK(!has(run(folder, {}, events_text).out, "nothing_bought"));
  const std::string advanced = run(folder, {"--at-end", "advance"}, events_text).out;
  CHECK(has(advanced, R"("end":"2026-01-05T10:12:00Z","text":"u2 bought nothing")"));
  CHECK(!has(run(folder, {"--advance-to", "2026-01-05T10:11:59Z"}, events_text).out, "bought nothing"));
  CHECK(has(run(folder, {"--advance-to", "2026-01-05T10:12:00Z"}, events_text).out, "bought nothing"));
}

TEST_CASE("run: --count gives a line a rule") {
  const RunFolder folder;
  CHECK(run(folder, {"--count", "--at-end", "advance"}, events_text + events_text).out ==
        "{\"rule\":\"after_login\",\"alerts\":2,\"keys\":1,\"moments\":2}\n"
        "{\"rule\":\"nothing_bought\",\"alerts\":1,\"keys\":1,\"moments\":1}\n");
}

TEST_CASE("run: the quarantine has each rejected line with its place") {
  const RunFolder folder;
  const std::string input = events_text + "{\"type\":\"\xff\"}\n" +
                            R"({"type":"login","ts":"2026-01-05T09:00:00Z","user_id":"u3","ok":true})" + "\n" +
                            R"({"type":"login","ts":"2026-01-07T09:00:00Z","user_id":"u3","ok":true})" + "\n" +
                            std::string(3 << 20, 'x') + "\n[]\n";
  const Outcome outcome =
      run(folder, {"--quarantine", folder.path("bad"), "--lateness", "1m", "--max-ahead", "1d", "--json"}, input);
  CHECK(outcome.exit_code == 0);
  std::istringstream lines(folder.read("bad"));
  std::vector<std::string> got;
  for (std::string line; std::getline(lines, line);) got.push_back(line);
  REQUIRE(got.size() == 6);
  CHECK(got[0] == R"({"reason":"not_json","input":"standard input","line":3,"offset":)" +
                      std::to_string(events_text.find("not json")) + R"(,"column":1,"text":"not json"})");
  CHECK(json_text(got[1], "reason") == "not_utf8");
  CHECK(json_text(got[1], "base64") == "eyJ0eXBlIjoi/yJ9");
  CHECK(json_text(got[1], "line") == "5");
  CHECK(json_text(got[2], "reason") == "late");
  CHECK(json_text(got[3], "reason") == "ahead");
  CHECK(json_text(got[4], "reason") == "too_long");
  CHECK(json_text(got[4], "line") == "8");
  CHECK(json_text(got[5], "reason") == "not_object");
  CHECK(json_text(got[5], "line") == "9");
  CHECK(json_text(got[5], "offset") == std::to_string(input.size() - 3));
  CHECK(json_text(outcome.errors, "rejected") ==
        R"({"too_long":1,"not_utf8":1,"not_json":1,"not_object":1,"late":1,"ahead":1})");
  CHECK(json_text(outcome.errors, "events") == "3");
}

TEST_CASE("run: duplicates are dropped and counted") {
  const RunFolder folder;
  const std::string input = R"({"type":"buy","ts":1,"id":"a","user_id":"u"})"
                            "\n"
                            R"({"type":"buy","ts":2,"id":"a","user_id":"u"})"
                            "\n";
  CHECK(json_text(run(folder, {"--json", "--dedupe", "1h"}, input).errors, "duplicates") == "1");
  CHECK(json_text(run(folder, {"--json"}, input).errors, "duplicates") == "0");
}

TEST_CASE("run: the three members may have other names") {
  const RunFolder folder;
  const std::string input = R"({"what":"login","when":1,"user_id":"u","ok":true})"
                            "\n"
                            R"({"what":"buy","when":2,"user_id":"u","price":3})"
                            "\n";
  CHECK(has(run(folder, {"--type-field", "what", "--time-field", "when"}, input).out, "1970-01-01T00:00:02Z"));
}

TEST_CASE("run: alerts for people") {
  const RunFolder folder;
  const Outcome outcome = run(folder, {"--alerts", "text"},
                              R"({"type":"login","ts":1,"user_id":"\u001b[31m","ok":true})"
                              "\n"
                              R"({"type":"buy","ts":2,"user_id":"\u001b[31m","price":30})"
                              "\n");
  CHECK(has(outcome.out, "1970-01-01T00:00:02Z  info  after_login  user_id=\\u001b[31m\n"));
  CHECK(has(outcome.out, "  \\u001b[31m bought for 30\n"));
  CHECK(has(outcome.out, "    bought "));
  CHECK(!has(outcome.out, "\x1b"));
}

TEST_CASE("run: destinations of kind file are appended to") {
  const RunFolder folder;
  setenv("OMEN_TEST_FILE", folder.path("from_env").c_str(), 1);
  folder.write("rules.omen",
               "event login { user_id: string }\n"
               "destination here = file { path: \"" +
                   folder.path("alerts") +
                   "\" }\n"
                   "destination there = file { path: env(\"OMEN_TEST_FILE\") }\n"
                   "destination out = stdout\n"
                   "rule r { match login alert \"seen\" to here, there, out }\n");
  folder.write("alerts", "before\n");
  const Outcome outcome = run(folder, {},
                              R"({"type":"login","ts":1,"user_id":"ann"})"
                              "\n");
  CHECK(outcome.exit_code == 0);
  CHECK(has(outcome.out, "\"seen\""));
  CHECK(folder.read("alerts") == "before\n" + outcome.out);
  CHECK(folder.read("from_env") == outcome.out);
  unsetenv("OMEN_TEST_FILE");
  const Outcome unset = run(folder, {}, "");
  CHECK(unset.exit_code == 2);
  CHECK(has(unset.errors, "OMEN_TEST_FILE is not set"));
}

TEST_CASE("run: a size or a count below 0 is refused, and what it must be is said") {
  const RunFolder folder;
  const auto refusal = [&](const std::string& option, const std::string& value) {
    const Outcome outcome = run(folder, {option, value}, "");
    CHECK(outcome.exit_code == 2);
    return outcome.errors;
  };
  for (const std::string size : {"-5MB", "-5", " -5 MB"}) {
    CAPTURE(size);
    const std::string errors = refusal("--reserve", size);
    CHECK(has(errors, fmt::format("--reserve: it cannot be below 0, and `{}` is; write a size such as 500MB", size)));
    CHECK(!has(errors, "1844674407370"));
  }
  for (const std::string option : {"--limit-max-runs", "--limit-max-keys", "--limit-max-state-bytes", "--shards"}) {
    CAPTURE(option);
    const std::string errors = refusal(option, "-1");
    CHECK(has(errors, option + ": it cannot be below 0, and `-1` is; leave the option out"));
  }
}

TEST_CASE("run: exit codes") {
  const RunFolder folder;
  CHECK(run(folder, {"--events", folder.path("absent")}).exit_code == 3);
  CHECK(run(folder, {"--lateness", "soon"}).exit_code == 2);
  CHECK(run(folder, {"--advance-to", "soon"}).exit_code == 2);
  CHECK(run(folder, {"--no-such-option"}).exit_code == 2);
  CHECK(run(folder, {"--quarantine", folder.path("no/such/folder")}).exit_code == 2);
  folder.write("cut.gz", "\x1f\x8b\x08");
  const Outcome cut = run(folder, {"--events", folder.path("cut.gz"), "--events", folder.path("events.ndjson")});
  CHECK(cut.exit_code == 3);
  CHECK(has(cut.errors, "cut.gz: ends in the middle"));
  CHECK(has(cut.out, "after_login"));  // the inputs behind it are read
  folder.write("rules.omen", "rule { }");
  CHECK(run(folder, {}).exit_code == 1);
}

}  // namespace omen
