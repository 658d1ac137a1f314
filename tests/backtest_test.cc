// omen backtest as its users have it: counts a day, top keys, the funnel, and two versions compared.
#include <doctest/doctest.h>
#include <simdjson.h>

#include <string>

#include "tests/support/program.h"

namespace omen {

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string event(const std::string& type, const std::string& time, const std::string& user) {
  return "{\"type\":\"" + type + "\",\"ts\":\"2026-01-" + time + "Z\",\"u\":\"" + user + "\"}\n";
}

// Six runs: two matches (ann, ben), one out of time, one ended by `not`, one by `unless`, one that waits.
const std::string events =
    event("a", "05T10:00:00", "ann") + event("a", "05T10:00:00", "bob") + event("b", "05T10:10:00", "ann") +
    event("c", "05T10:20:00", "ann") + event("x", "05T10:20:00", "bob") + event("a", "06T10:00:00", "ben") +
    event("b", "06T10:30:00", "ben") + event("c", "06T10:40:00", "ben") + event("a", "06T11:00:00", "cleo") +
    event("b", "06T11:30:00", "cleo") + event("stop", "06T11:40:00", "cleo") + event("a", "06T12:00:00", "dan") +
    event("a", "07T12:00:00", "dan") + event("a", "07T12:00:00", "eve") + event("b", "07T12:05:00", "eve");
const std::string rules =
    "rule abc {\n  by u\n  match a -> not x -> b -> c\n  within 1h\n  unless stop\n  overlap single\n}\n";

}  // namespace

TEST_CASE("backtest: alerts a day, keys, and a funnel in which every run is somewhere") {
  const Folder folder;
  folder.write("rules.omen", rules);
  folder.write("events.ndjson", events);
  const Outcome text =
      run_omen(folder, {"backtest", folder.path("rules.omen"), "--events", folder.path("events.ndjson")});
  CHECK(text.exit_code == 0);
  CHECK(has(text.out, "15 events from 2026-01-05 to 2026-01-07; nothing was delivered"));
  CHECK(has(text.out, "abc  2 alerts of 2 keys\n"));
  CHECK(has(text.out, "2026-01-05 ██· 2026-01-07   at most 1 a day"));
  CHECK(has(text.out, "most  u=ann 1, u=ben 1"));
  CHECK(has(text.out, "funnel of 7 runs"));

  const Outcome outcome =
      run_omen(folder, {"backtest", "--json", folder.path("rules.omen"), "--events", folder.path("events.ndjson")});
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  REQUIRE(parser.parse(outcome.out).get(root) == simdjson::SUCCESS);
  const simdjson::dom::element rule = root["rules"].at(0);
  CHECK(simdjson::minify(rule["days"]) == R"({"2026-01-05":1,"2026-01-06":1})");
  CHECK(uint64_t(rule["runs"]) == 7);
  CHECK(simdjson::minify(rule["funnel"]) == R"([{"step":"a","runs":7,"out_of_time":1,"absence":1,"waiting":1},)"
                                            R"({"step":"b","runs":4,"median_us":600000000,"unless":1,"waiting":1},)"
                                            R"({"step":"c","runs":2,"median_us":600000000,"completed":2}])");
}

TEST_CASE("backtest --diff: what is lost, gained and moved") {
  const Folder folder;
  folder.write("events.ndjson", events);
  folder.write("old.omen", rules);
  folder.write("new.omen",
               "rule abc { by u match a -> b -> c within 30m }\n"  // ben takes 40 minutes
               "rule xs { by u match x }\n");
  const Outcome outcome = run_omen(folder, {"backtest", "--diff", folder.path("old.omen"), folder.path("new.omen"),
                                            "--events", folder.path("events.ndjson")});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out ==
        "abc  1 same, 1 lost, 0 gained, 0 moved\n"
        "  lost    2026-01-06T10:00:00Z .. 2026-01-06T10:40:00Z  u=ben\n"
        "xs  0 same, 0 lost, 1 gained, 0 moved\n"
        "  gained  2026-01-05T10:20:00Z .. 2026-01-05T10:20:00Z  u=bob\n");
  folder.write("new.omen", "rule abc { by u match a -> b within 1h overlap single }\n");
  const Outcome moved = run_omen(folder, {"backtest", "--diff", folder.path("old.omen"), folder.path("new.omen"),
                                          "--events", folder.path("events.ndjson")});
  CHECK(has(moved.out, "abc  0 same, 0 lost, 2 gained, 2 moved\n"));
  CHECK(has(moved.out,
            "moved   2026-01-05T10:00:00Z .. 2026-01-05T10:20:00Z  ->  2026-01-05T10:00:00Z .. 2026-01-05T10:10:00Z  "
            "u=ann"));
}

TEST_CASE("backtest delivers nothing, and says what is wrong with a call") {
  const Folder folder;
  folder.write("events.ndjson", events);
  folder.write("rules.omen", "destination out = file { path: \"" + folder.path("alerts") +
                                 "\" }\nrule r { match a alert \"x\" to out }\n");
  const Outcome outcome =
      run_omen(folder, {"backtest", folder.path("rules.omen"), "--events", folder.path("events.ndjson")});
  CHECK(has(outcome.out, "r  7 alerts\n"));
  CHECK(!std::filesystem::exists(folder.path("alerts")));
  CHECK(run_omen(folder, {"backtest"}).exit_code == 2);
  CHECK(run_omen(folder, {"backtest", folder.path("rules.omen"), "--diff", "a", "b"}).exit_code == 2);
  CHECK(run_omen(folder, {"backtest", "--diff", folder.path("rules.omen"), folder.path("rules.omen")}).exit_code == 2);
  CHECK(run_omen(folder, {"backtest", folder.path("rules.omen"), "--events", folder.path("absent")}).exit_code == 3);
}

}  // namespace omen
