// What a service makes of its log once more: options and tables as they were at each place, rules made warm from their
// horizon on, numbers that are right although the log was pruned.
#include <doctest/doctest.h>

#include <fstream>

#include "runtime/log/reader.h"
#include "tests/support/running_service.h"

namespace omen {
namespace {

using Texts = std::vector<std::string>;

constexpr const char* pairs_rule = "rule pairs {\n  by u\n  match a -> b\n  within 1h\n  alert \"{u} did it\"\n}\n";

ServiceOptions with_dedupe(std::optional<int64_t> dedupe_us, std::optional<int64_t> lateness_us = std::nullopt) {
  ServiceOptions options;
  options.pipeline.order.dedupe_us = dedupe_us;
  options.pipeline.order.lateness_us = lateness_us;
  return options;
}

// Small segments, of which few stay.
ServiceOptions in_small_pieces(bool is_pruned) {
  ServiceOptions options;
  options.log.segment_bytes = 3'000;
  options.snapshot_records = 40;
  if (is_pruned) options.retention.bytes_max = 6'000;
  return options;
}

struct LoggedRules {
  uint64_t first = 0;  // of the log
  std::vector<RulesRecord> records;
};
LoggedRules logged_rules(const std::string& data) {
  LoggedRules out;
  auto reader = LogReader::open(real_disk(), log_folder(data), 0);
  REQUIRE(reader);
  out.first = reader.value()->first();
  LogReader::Entry entry;
  const RuleSet none;
  while (reader.value()->next(entry)) {
    if (entry.record.kind != RecordKind::rules) continue;
    const RuleSet& before = out.records.empty() ? none : out.records.back().rules;
    // What a pruned log begins with may build on what is gone; the place of the segment follows.
    if (auto record = parse_rules_record(entry.record.text, &before)) out.records.push_back(std::move(record.value()));
  }
  return out;
}

}  // namespace

TEST_CASE("service: options hold from where the log says so, whatever it is started with later") {
  Running omen("omen-service-options");
  const RuleSet rules{{{"r.omen", pairs_rule}}, {}};
  omen.start(rules);
  omen.feed({event("a", "u1", 0, "1"), event("b", "u1", 1, "1")});
  omen.end();
  omen.start(rules, with_dedupe(us_per_day));
  omen.feed({event("a", "u2", 2, "2"), event("b", "u2", 3, "2"), event("b", "u2", 4, "3")});
  omen.end();
  omen.start(rules, with_dedupe(us_per_day, us_per_day));
  omen.feed({event("b", "u3", 6, "4"), event("a", "u3", 5, "5")});  // in order it is a match
  CHECK(omen.texts() == Texts{"u1 did it", "u2 did it"});           // but it has to wait
  omen.end();
  omen.start(rules);  // nothing waits any more, and ids mean nothing
  CHECK(omen.texts() == Texts{"u1 did it", "u2 did it", "u3 did it"});
  omen.feed({event("a", "u4", 7, "6"), event("b", "u4", 8, "6")});
  const auto rows = omen.bodies();
  CHECK(rows.size() == 4);
  CHECK(rows[1].find("\"id\":\"3\"") != std::string::npos);
  omen.end();
  omen.forget_all_but_the_log();
  omen.start(rules, with_dedupe(1));
  CHECK(omen.bodies() == rows);
}

TEST_CASE(
    "service: a limit that shards divide is played again as it was met, whatever number of them it is started with") {
  const RuleSet rules{{{"r.omen", pairs_rule}}, {}};
  const auto with_shards = [](uint32_t shards) {
    ServiceOptions options;
    options.pipeline.limits.max_keys = 6;
    options.pipeline.shards = shards;
    return options;
  };
  std::vector<Texts> left;  // whose runs have not been pushed out
  for (const auto& [first, second] : {std::pair{1u, 3u}, std::pair{3u, 1u}}) {
    Running omen("omen-service-shards");
    std::vector<std::string> begins, ends;
    for (int i = 0; i < 20; ++i) begins.push_back(event("a", "u" + std::to_string(i), i));
    for (int i = 0; i < 20; ++i) ends.push_back(event("b", "u" + std::to_string(i), 20 + i));
    omen.start(rules, with_shards(first));
    omen.feed(begins);
    omen.feed(ends);
    left.push_back(omen.texts());
    CHECK(left.back().size() == 6);
    omen.end();
    omen.start(rules, with_shards(second));
    omen.feed(begins);
    const auto rows = omen.bodies();
    omen.end();
    omen.forget_all_but_the_log();
    omen.start(rules, with_shards(second));
    CHECK(omen.bodies() == rows);
  }
  CHECK(left[0] != left[1]);  // which ones depends on how many shards there are
}

TEST_CASE("service: rules and tables change between rounds of shards that work side by side, as they do with one") {
  const std::string path = (fs::temp_directory_path() / "omen-service-side-by-side.csv").string();
  const auto write = [&](const std::string& tier) {
    std::ofstream out(path);
    out << "id,tier\n";
    for (int i = 0; i < 40; ++i) out << 'u' << i << ',' << tier << i % 3 << '\n';
  };
  const auto rules = [&](const std::string& after) {
    return RuleSet{
        {{"r.omen", "table vip = csv { path: \"" + path + "\" } key id\n" +
                        "rule tier { by u match a as x where vip[u].tier != \"\" alert \"{u} {vip[u].tier}\" }\n"
                        "rule pair { by u match a -> b within 1h alert \"{lower(u)} " +
                        after +
                        "\" }\n"
                        "rule many { by u measure n = count(a) over 10m every 1m when n > 2 alert \"{u} {n}\" }\n"
                        "rule seen { by u match b -> a within 1h alert \"{u}\" emit back { u: u } }\n"
                        "rule twice { by u match back -> back within 1h alert \"{u} {len(history(5m))}\" }\n"}},
        {}};
  };
  std::vector<Texts> rows;
  for (const uint32_t shards : {1u, 3u}) {
    Running omen("omen-service-side-by-side");
    ServiceOptions options;
    options.pipeline.shards = shards;
    options.pipeline.order.max_ahead_us.reset();
    options.snapshot_records = 700;
    write("gold");
    omen.start(rules("did it"), options);
    int64_t time_us = 4'102'444'800'000'000;  // 2100: the clock of the wall brings nothing
    for (int batch = 0; batch < 10; ++batch) {
      std::vector<std::string> lines;
      for (int i = 0; i < 300; ++i, time_us += 1'000'000) {
        lines.push_back(std::string("{\"type\":\"") + (i % 3 == 0 ? 'b' : 'a') +
                        "\",\"ts\":" + std::to_string(time_us) + ",\"u\":\"u" + std::to_string(i * 7 % 41) + "\"}");
      }
      omen.feed(lines);
      if (batch == 3) REQUIRE(omen.change(rules("has done it")));
      if (batch == 5) {
        write("silver");
        std::this_thread::sleep_for(std::chrono::milliseconds(1'200));  // it is looked at once a second
      }
    }
    Texts& out = rows.emplace_back();
    for (const Message& message : omen.messages()) out.push_back(message.id + ' ' + message.body);
  }
  fs::remove(path);
  CHECK(rows[0].size() > 2'000);
  CHECK(rows[0] == rows[1]);
}

TEST_CASE("service: rows of tables are those that were there then") {
  Running omen("omen-service-tables");
  const std::string path = (fs::temp_directory_path() / "omen-service-tables.csv").string();
  const auto write = [&](const std::string& rows) { std::ofstream(path) << "id,tier\n" << rows; };
  const RuleSet rules{{{"r.omen", "table vip = csv { path: \"" + path +
                                      "\" } key id\nrule r { by u match a as x alert \"{u} {vip[u].tier}\" }\n"}},
                      {}};
  write("u1,gold\n");
  omen.start(rules);
  omen.feed({event("a", "u1", 0)});
  write("u1,silver\nu2,tin\n");
  std::this_thread::sleep_for(std::chrono::milliseconds(1'200));  // it is looked at once a second
  omen.feed({event("a", "u1", 1)});
  CHECK(omen.texts() == Texts{"u1 gold", "u1 silver"});
  omen.end();
  write("u1,lead\n");
  omen.start(rules);
  omen.feed({event("a", "u1", 2)});
  CHECK(omen.texts() == Texts{"u1 gold", "u1 silver", "u1 lead"});
  const auto rows = omen.bodies();
  omen.end();
  fs::remove(path);
  omen.forget_all_but_the_log();
  omen.start(rules);  // the file is gone: the rows are not
  CHECK(omen.bodies() == rows);
  omen.feed({event("a", "u1", 3)});
  CHECK(omen.texts().back() == "u1 lead");
  size_t files = 0;
  for ([[maybe_unused]] const auto& one : fs::directory_iterator(omen.data + "/tables")) ++files;
  CHECK(files == 3);
}

TEST_CASE("service: a rule is made warm from its horizon on, and counts as if it had been there") {
  for (const bool is_pruned : {false, true}) {
    const RuleFile first{"r.omen", pairs_rule};
    const RuleFile second{"s.omen", "rule soon {\n  by u\n  match c -> d\n  within 20s\n  alert \"{u} soon\"\n}\n"};
    const RuleFile open{"o.omen", "rule open {\n  by u\n  match c -> d\n  alert \"{u} at last\"\n}\n"};
    std::vector<std::string> lines;
    for (int second_of = 0; second_of < 300; ++second_of) {
      lines.push_back(event(second_of % 7 == 0 ? "x" : "a", "u" + std::to_string(second_of % 5), second_of));
    }
    lines.push_back(event("c", "u9", 300));
    const std::string last = event("d", "u9", 305);
    std::vector<std::vector<std::string>> rows;
    for (const bool was_there : {true, false}) {
      Running omen("omen-service-warm");
      RuleSet rules{{first}, {}};
      if (was_there) rules.files = {first, second, open};
      omen.start(rules, in_small_pieces(is_pruned));
      for (size_t i = 0; i < lines.size(); i += 10) {
        omen.feed({lines.begin() + static_cast<std::ptrdiff_t>(i),
                   lines.begin() + static_cast<std::ptrdiff_t>(std::min(i + 10, lines.size()))});
      }
      const uint64_t log_first = logged_rules(omen.data).first;
      if (!was_there) {
        REQUIRE(omen.change({{first, second}, {}}));
        const auto changes = omen.change({{first, second, open}, {}});
        REQUIRE(changes);
        CHECK(changes.value()[2].horizon_us == std::nullopt);
      }
      omen.feed({last});
      rows.push_back(omen.bodies());
      omen.end();
      if (was_there) continue;
      const LoggedRules logged = logged_rules(omen.data);
      CHECK((logged.first > 1) == is_pruned);
      REQUIRE(logged.records.size() > 2);
      uint64_t warmed_soon = 0, warmed_open = 0;
      for (const RulesRecord& record : logged.records) {
        if (record.warmed_from > 0) (record.rules.files.size() == 2 ? warmed_soon : warmed_open) = record.warmed_from;
      }
      CHECK(warmed_soon > 200);  // of about 350 records
      CHECK((is_pruned ? warmed_open >= log_first && warmed_open <= warmed_soon : warmed_open < 10));
      omen.start({{first, second, open}, {}}, in_small_pieces(is_pruned));
      CHECK(omen.bodies() == rows.back());
    }
    REQUIRE(rows[0].size() == 2);
    CHECK(rows[1] == rows[0]);  // with the same ids: events are known by their place in the stream
  }
}

TEST_CASE("service: a rule that is made warm has the key's history from the log, also where others had a shorter one") {
  Running omen("omen-service-history");
  const RuleFile brief{"b.omen", "rule brief {\n  by u\n  match x\n  alert \"{u} {len(history(5s))}\"\n}\n"};
  const RuleFile full{"f.omen", "rule full {\n  by u\n  match y\n  alert \"{u} {len(history(1h))}\"\n}\n"};
  omen.start({{brief}, {}});
  omen.feed(
      {event("a", "u1", 0), event("b", "u1", 10), event("c", "u2", 10), event("d", "u1", 58), event("e", "u1", 60)});
  REQUIRE(omen.change({{brief, full}, {}}));
  omen.feed({event("y", "u1", 61), event("x", "u1", 62), event("y", "u2", 63)});
  CHECK(omen.texts() == Texts{"u1 5", "u1 4", "u2 2"});
  omen.end();
  ServiceOptions options;
  options.pipeline.limits.max_history_events = 3;
  omen.start({{brief, full}, {}}, options);
  omen.feed({event("a", "u3", 64), event("a", "u3", 65), event("a", "u3", 66), event("y", "u3", 67)});
  CHECK(omen.texts().back() == "u3 3");
  omen.end();
  omen.forget_all_but_the_log();
  omen.start({{brief, full}, {}});  // the log says which limit held
  CHECK(omen.texts() == Texts{"u1 5", "u1 4", "u2 2", "u3 3"});
}

TEST_CASE("service: a rule that is kept and asks for a longer history than before has it from the log") {
  const auto asks = [](const std::string& span) {
    return RuleFile{"h.omen", "rule h {\n  by u\n  match y\n  alert \"{u} {len(history(" + span + "))}\"\n}\n"};
  };
  const RuleFile other{"o.omen", "rule o {\n  by u\n  match z\n  alert \"o {u} {len(history(1h))}\"\n}\n"};
  struct Case {
    std::vector<RuleFile> before;
    std::string span;
    std::optional<int64_t> longer_us;
    Texts texts;
  };
  for (const Case& one : {Case{{asks("5s")}, "1h", 3'600'000'000, {"u1 2", "u1 6"}},
                          Case{{asks("1h")}, "5s", std::nullopt, {"u1 4", "u1 4"}},
                          Case{{asks("5s"), other}, "1h", std::nullopt, {"u1 2", "u1 6", "o u1 7"}}}) {
    Running omen("omen-service-longer");
    omen.start({one.before, {}});
    omen.feed(
        {event("a", "u1", 0), event("b", "u1", 10), event("b", "u2", 11), event("c", "u1", 58), event("y", "u1", 60)});
    std::vector<RuleFile> after = one.before;
    after[0] = asks(one.span);
    const auto changes = omen.change({after, {}});
    REQUIRE_MESSAGE(changes, changes.message());
    REQUIRE(changes.value()[0].fate == RuleFate::kept);
    CHECK(changes.value()[0].history_us == one.longer_us);
    omen.feed({event("d", "u1", 61), event("y", "u1", 62), event("z", "u1", 63)});
    CHECK(omen.texts() == one.texts);
    const auto rows = omen.bodies();
    omen.end();
    omen.forget_all_but_the_log();
    omen.start({after, {}});
    CHECK(omen.bodies() == rows);
  }
}

}  // namespace omen
