// Lookup tables as their users have them: rows of CSV and SQLite files in conditions and texts, read again when they
// change.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "tests/support/program.h"

namespace omen {

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

size_t lines(const std::string& text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }

const std::string rule_text =
    "rule vip_login {\n"
    "  by user_id\n"
    "  match login[vip[user_id].tier == \"gold\"] as l\n"
    "  alert \"{vip[l.user_id].name} {vip[user_id].spent}\"\n"
    "}\n";
const std::string csv_text =
    "user_id,tier,name,spent\n1,gold,\"Ada, Countess\",12.5\n2,silver,Bob,3\n3,gold,,\n1,silver,x,0\n";

std::string login(const std::string& user, int second) {
  return "{\"type\":\"login\",\"ts\":" + std::to_string(second) + ",\"user_id\":" + user + "}\n";
}

void make_database(const std::string& path, const std::string& statements) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  CHECK(sqlite3_exec(database, statements.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

}  // namespace

TEST_CASE("table csv: rows are looked up by the text of their key, in conditions and texts") {
  const Folder folder;
  folder.write("vip.csv", csv_text);
  folder.write("rules.omen", "table vip = csv { path: \"vip.csv\" } key user_id\n" + rule_text);
  const Outcome run = run_omen(folder, {"run", folder.path("rules.omen")},
                               login("1", 1) + login("\"1\"", 2) + login("2", 3) + login("3", 4) + login("9", 5));
  CHECK(run.exit_code == 0);
  CHECK(lines(run.out) == 3);
  CHECK(has(run.out, R"("text":"Ada, Countess 12.5")"));
  CHECK(has(run.out, R"("key":{"user_id":"3"})"));
  CHECK(has(run.errors, "1 row of tables not used"));
}

TEST_CASE("table csv: another delimiter, a path from the environment, whole rows") {
  const Folder folder;
  folder.write("vip.csv", "user_id;tier\nu1;gold\n");
  setenv("OMEN_TEST_TABLE", folder.path("vip.csv").c_str(), 1);
  folder.write("rules.omen",
               "table vip = csv { path: env(\"OMEN_TEST_TABLE\"), delimiter: \";\" } key user_id\n"
               "rule r { match login[exists(vip[user_id])] as l alert \"{vip[l.user_id]}\" }\n"
               "rule s { match login[missing(vip[user_id])] as l alert \"{l.user_id} is unknown\" }\n");
  const Outcome run = run_omen(folder, {"run", folder.path("rules.omen")}, login("\"u1\"", 1) + login("\"u2\"", 2));
  CHECK(has(run.out, R"({\"user_id\":\"u1\",\"tier\":\"gold\"})"));
  CHECK(has(run.out, "u2 is unknown"));
  CHECK(lines(run.out) == 2);
  unsetenv("OMEN_TEST_TABLE");
  const Outcome unset = run_omen(folder, {"run", folder.path("rules.omen")});
  CHECK(unset.exit_code == 2);
  CHECK(has(unset.errors, "OMEN_TEST_TABLE is not set"));
}

TEST_CASE("table sqlite: a table or a query") {
  const Folder folder;
  make_database(
      folder.path("crm.db"),
      "CREATE TABLE \"the users\" (user_id INTEGER, tier TEXT, name TEXT, spent REAL);"
      "INSERT INTO \"the users\" VALUES (1, 'gold', 'Ada', 12.5), (2, 'silver', 'Bob', 3), (3, 'gold', NULL, NULL);");
  const auto run_with = [&](const std::string& option) {
    folder.write("rules.omen", "table vip = sqlite { path: \"crm.db\", " + option + " } key user_id\n" + rule_text);
    return run_omen(folder, {"run", folder.path("rules.omen")}, login("1", 1) + login("2", 2) + login("3", 3));
  };
  const Outcome table = run_with("table: \"the users\"");
  CHECK(lines(table.out) == 2);
  CHECK(has(table.out, R"("text":"Ada 12.5")"));
  const Outcome query = run_with(R"(query: "SELECT user_id, 'gold' AS tier, name, spent FROM \"the users\"")");
  CHECK(lines(query.out) == 3);
  CHECK(has(run_with("table: \"absent\"").errors, "no such table"));
  CHECK(has(run_with("query: \"DELETE FROM x\"").errors, "table vip: "));
  CHECK(lines(run_with("table: \"the users\"").out) == 2);  // nothing was written
}

TEST_CASE("tables that cannot be read stop the program before the first event") {
  const Folder folder;
  folder.write("rules.omen", "table vip = csv { path: \"vip.csv\" } key user_id\n" + rule_text);
  const auto complaint = [&](const std::string& csv) {
    folder.write("vip.csv", csv);
    const Outcome run = run_omen(folder, {"run", folder.path("rules.omen")}, login("1", 1));
    CHECK(run.exit_code == 2);
    CHECK(run.out.empty());
    return run.errors;
  };
  const Outcome absent = run_omen(folder, {"run", folder.path("rules.omen")}, login("1", 1));
  CHECK(absent.exit_code == 2);
  CHECK(has(absent.errors, "table vip: "));
  CHECK(has(complaint("user_id,tier,name\n1,gold,Ada\n"), "it has no column `spent`"));
  CHECK(has(complaint("user_id,tier,user_id,spent\n1,gold,Ada,1\n"), "user_id"));
  CHECK(has(complaint("user_id,tier,name,spent\n1,gold\n"), "line 2"));
  folder.write("vip.csv", "user_id,tier,name,spent\n");  // no rows: nobody is a VIP
  CHECK(run_omen(folder, {"run", folder.path("rules.omen")}, login("1", 1)).exit_code == 0);
}

TEST_CASE("a table is read again when its file changes, and kept when that fails") {
  const Folder folder;
  folder.write("vip.csv", "user_id,tier,name,spent\n1,gold,Ada,1\n");
  folder.write("rules.omen", "table vip = csv { path: \"vip.csv\" } key user_id\n" + rule_text);
  Omen omen(folder, {"run", folder.path("rules.omen")});
  omen.put(login("1", 1));
  CHECK(has(omen.line(), "Ada 1"));
  folder.write("vip.csv", "user_id,tier,name,spent\n1,gold,Ada King,100\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  omen.put(login("1", 2));
  CHECK(has(omen.line(), "Ada King 100"));
  folder.write("vip.csv", "user_id,\"tier\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  omen.put(login("1", 3));
  CHECK(has(omen.line(), "Ada King 100"));
  omen.end_input();
  CHECK(omen.wait() == 0);
  CHECK(has(omen.errors(), "1 table read again"));
  CHECK(has(omen.errors(), "the rows read before are used"));
}

TEST_CASE("omen test reads tables too") {
  const Folder folder;
  folder.write("vip.csv", csv_text);
  folder.write("rules.omen", "table vip = csv { path: \"vip.csv\" } key user_id\n" + rule_text +
                                 "test \"gold only\" for vip_login {\n  at 0s login { user_id: 1 }\n"
                                 "  at 1s login { user_id: 2 }\n  expect vip_login at 0s { user_id: 1 }\n}\n");
  CHECK(run_omen(folder, {"test", folder.path("rules.omen")}).exit_code == 0);
  std::filesystem::remove(folder.path("vip.csv"));
  CHECK(run_omen(folder, {"test", folder.path("rules.omen")}).exit_code == 1);
}

}  // namespace omen
