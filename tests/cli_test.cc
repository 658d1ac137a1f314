// The verbs that look at rules (check, explain, graph, dump, fmt) as their users have them: what they print, and exit
// codes.
#include <doctest/doctest.h>
#include <simdjson.h>

#include <string>

#include "tests/support/program.h"

namespace omen {

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

const std::string good_rule = "rule r {\n  by u\n  match a -> b\n  within 5m\n}\n";

}  // namespace

TEST_CASE("check: diagnostics with their places, and the state bound of each rule") {
  const Folder folder;
  folder.write("good.omen", good_rule);
  const Outcome good = run_omen(folder, {"check", folder.path("good.omen")});
  CHECK(good.exit_code == 0);
  CHECK(has(good.out, "r: at most 10,000 runs a key"));
  CHECK(has(good.out, "0 errors, 0 warnings\n"));

  folder.write("bad.omen", "rule r {\n  match a -> b\n  withn 5m\n}\n");
  const Outcome bad = run_omen(folder, {"check", folder.path("bad.omen")});
  CHECK(bad.exit_code == 1);
  CHECK(has(bad.out, "bad.omen:3:3"));
  CHECK(has(bad.out, "^"));
  CHECK(run_omen(folder, {"check", folder.path("absent.omen")}).exit_code == 2);
  CHECK(run_omen(folder, {"check"}).exit_code == 2);
}

TEST_CASE("check --json: one object with every diagnostic and every state bound") {
  const Folder folder;
  folder.write("a.omen", good_rule);
  folder.write("b.omen", "rule s { match a[1 == 2] -> b within 5m }\n");
  const Outcome outcome = run_omen(folder, {"check", "--json", folder.path("a.omen"), folder.path("b.omen")});
  CHECK(outcome.exit_code == 0);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  REQUIRE(parser.parse(outcome.out).get(root) == simdjson::SUCCESS);
  simdjson::dom::array diagnostics, rules;
  REQUIRE(root["diagnostics"].get(diagnostics) == simdjson::SUCCESS);
  REQUIRE(root["rules"].get(rules) == simdjson::SUCCESS);
  REQUIRE(rules.size() == 2);
  CHECK(std::string_view(rules.at(1)["rule"]) == "s");
  CHECK(has(std::string(std::string_view(rules.at(0)["state_bound"])), "runs a key"));
  REQUIRE(diagnostics.size() == 1);
  CHECK(std::string_view(diagnostics.at(0)["code"]) == "W0401");
  CHECK(std::string_view(diagnostics.at(0)["severity"]) == "warning");
}

TEST_CASE("explain: every code has its text; an unknown one is wrong usage") {
  const Folder folder;
  const Outcome known = run_omen(folder, {"explain", "E0202"});
  CHECK(known.exit_code == 0);
  CHECK(has(known.out, "E0202: "));
  CHECK(has(known.out, "The fault:"));
  CHECK(has(known.out, "The repair:"));
  CHECK(has(run_omen(folder, {"explain"}).out, "\nE0202  "));
  const Outcome unknown = run_omen(folder, {"explain", "E9999"});
  CHECK(unknown.exit_code == 2);
  CHECK(has(unknown.errors, "no diagnostic E9999"));
}

TEST_CASE("imports: what an imported file declares is known; outside of the rule folder it is refused") {
  const Folder folder;
  std::filesystem::create_directory(folder.path("rules"));
  folder.write("rules/common.omen", "pattern big = buy[price > 100]\nimport \"main.omen\"\n");  // a circle is no harm
  folder.write("rules/main.omen", "import \"common.omen\"\nrule r { match big as b alert \"{b.price}\" }\n");
  const Outcome run = run_omen(folder, {"run", folder.path("rules/main.omen")},
                               "{\"type\":\"buy\",\"ts\":1,\"price\":50}\n{\"type\":\"buy\",\"ts\":2,\"price\":150}\n");
  CHECK(run.exit_code == 0);
  CHECK(has(run.out, R"("text":"150")"));
  CHECK(!has(run.out, R"("text":"50")"));

  folder.write("outside.omen", "let x = 1\n");
  folder.write("rules/leaves.omen", "import \"../outside.omen\"\nrule s { match a }\n");
  const Outcome leaves = run_omen(folder, {"check", folder.path("rules")});
  CHECK(leaves.exit_code == 2);
  CHECK(has(leaves.errors, "leaves the rule folder"));
  folder.write("rules/leaves.omen", "import \"absent.omen\"\nrule s { match a }\n");
  CHECK(has(run_omen(folder, {"check", folder.path("rules")}).errors, "there is no such file"));
}

TEST_CASE("colour: only on a terminal, and not with NO_COLOR") {
  const Folder folder;
  folder.write("bad.omen", "rule r { match }\n");
  const std::string command = std::string("'") + OMEN_BINARY + "' check '" + folder.path("bad.omen") + "'";
  const auto on_terminal = [&](const std::string& before) {
    const std::string log = folder.path("log");
    const std::string line = before + "script -qec \"" + command + "\" '" + log + "' >/dev/null 2>&1 </dev/null";
    REQUIRE(std::system(line.c_str()) != -1);
    return folder.read("log");
  };
  CHECK(has(on_terminal("NO_COLOR= "), "\x1b["));
  CHECK(!has(on_terminal("NO_COLOR=1 "), "\x1b["));
  CHECK(!has(run_omen(folder, {"check", folder.path("bad.omen")}).out, "\x1b["));
}

}  // namespace omen
