// What the log says of options and tables, how far back a rule reaches, and where in a log one can begin.
#include "runtime/serve/stream_config.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "compiler/compile.h"
#include "runtime/log/log.h"
#include "runtime/serve/horizon.h"
#include "runtime/serve/rule_set.h"
#include "runtime/serve/stream_place.h"
#include "runtime/serve/table_store.h"
#include "tests/support/program.h"

namespace omen {
namespace {

Program compile_or_fail(const std::string& rules) {
  Sources sources;
  sources.files.push_back({"rules.omen", rules});
  Compilation compilation = compile(sources);
  REQUIRE_MESSAGE(compilation.program.has_value(), rules);
  return std::move(*compilation.program);
}

std::optional<int64_t> horizon(const std::string& rules, RuleId rule = 0) {
  return horizon_us(compile_or_fail(rules), rule);
}
constexpr int64_t hour_us = 3'600'000'000;

}  // namespace

TEST_CASE("stream config: what is written is read, what is missing stays, what is not known is refused") {
  StreamConfig config;
  config.lateness_us = 5'000'000;
  config.strict_types = true;
  config.limits.max_runs = 7;
  config.limits.max_state_bytes = 1ull << 40;
  config.shards = 3;
  config.tables["vip \"x\""] = std::string(64, 'a');
  config.former_tables[std::string(64, 'b')] = 17;
  StreamPlace place{{}, std::string("\0\xff order", 8), true};
  place.clock_us = -5;
  const auto read = parse_config(config_text(config, &place), {});
  REQUIRE_MESSAGE(read, read.message());
  CHECK(is_same_order(read.value().config, config));
  CHECK(read.value().config.shards == 3);
  CHECK(read.value().config.tables == config.tables);
  CHECK(read.value().config.former_tables.empty());
  REQUIRE(read.value().place);
  CHECK(read.value().place->clock_us == -5);
  CHECK(read.value().place->order == place.order);
  CHECK(read.value().place->is_brief);
  CHECK(parse_config(snapshot_config_text(config), {}).value().config.former_tables == config.former_tables);

  const auto probe = parse_config("{}", config);
  REQUIRE(probe);
  CHECK(is_same_order(probe.value().config, config));
  CHECK(probe.value().config.tables == config.tables);
  const auto off = parse_config(R"({"lateness_us":null})", config);
  REQUIRE(off);
  CHECK_FALSE(off.value().config.lateness_us);
  CHECK_FALSE(is_same_order(off.value().config, config));
  for (const char* bad :
       {"", "[]", "{\"lateness_us\":-1}", "{\"lateness_us\":\"1\"}", "{\"limits\":{\"max_runs\":4294967296}}",
        "{\"limits\":{\"max_dreams\":1}}", "{\"shards\":0}", "{\"shards\":65}", "{\"tables\":{\"a\":1}}",
        "{\"of_tomorrow\":1}", "{\"place\":{\"clock_us\":null,\"order\":\"*\",\"is_brief\":false}}"}) {
    CHECK_FALSE(parse_config(bad, {}).is_ok());
  }
  CHECK(parse_config("{\"of_tomorrow\":1}", {}).message().find("later version") != std::string::npos);
}

TEST_CASE("rules record: with and without tables") {
  RulesRecord record;
  record.rules.files = {{"r.omen", "rule …", true}};
  record.rules.paused = {"p"};
  CHECK(parse_rules_record(rules_record_text(record)).value().rules == record.rules);
  CHECK_FALSE(parse_rules_record(rules_record_text(record)).value().tables);
  record.warmed_from = 19;
  record.tables.emplace()["t"] = "hash";
  const auto read = parse_rules_record(rules_record_text(record));
  REQUIRE(read);
  CHECK(read.value().warmed_from == 19);
  CHECK(read.value().tables == record.tables);
}

TEST_CASE("rules record: against the rules before it has the files that are new") {
  const auto file = [](int n, const std::string& text = "rule …") {
    return RuleFile{std::to_string(n) + ".omen", text, n % 2 == 0};
  };
  RuleSet before;
  for (int n = 0; n < 9; ++n) before.files.push_back(file(n));
  const std::vector<std::vector<RuleFile>> all = {
      {},
      before.files,
      {file(0), file(1, "rule \"x\""), file(2), file(9), file(5), file(6), file(10)},
      {file(8), file(7), file(0), file(1), file(2, "")},
      {file(20), file(21), file(0)},
  };
  for (const std::vector<RuleFile>& files : all) {
    RulesRecord record;
    record.rules = {files, {"p"}};
    record.warmed_from = 3;
    const std::string text = rules_record_text(record, &before);
    CAPTURE(text);
    const auto read = parse_rules_record(text, &before);
    REQUIRE(read);
    CHECK(read.value().rules == record.rules);
    CHECK(read.value().warmed_from == 3);
  }
  const RuleSet next{{file(0), file(1), file(2, "rule new"), file(3)}, {}};
  const std::string text = rule_set_text(next, &before);
  CHECK(text.starts_with(
      R"({"files":[{"first":0,"count":2},{"name":"2.omen","text":"rule new","loaded":true},{"first":3,"count":1}],)"));
  // Nobody knows what it builds on, or knows something else.
  CHECK_FALSE(parse_rule_set(text));
  RuleSet other = before;
  other.files[3].text += ' ';
  CHECK_FALSE(parse_rule_set(text, &other));
  other.files.resize(3);
  CHECK_FALSE(parse_rule_set(text, &other));
  CHECK(parse_rule_set(rule_set_text(next), &other).value() == next);  // says all
}

TEST_CASE("horizon: how far back the state of a rule reaches") {
  CHECK(horizon("rule r { by u match a alert \"x\" }") == 0);
  CHECK(horizon("rule r { by u match a -> b within 2h alert \"x\" }") == 2 * hour_us);
  CHECK(horizon("rule r { by u match a -> b alert \"x\" }") == std::nullopt);
  CHECK(horizon("rule r { by u match a -[1h]-> b -[2h]-> c alert \"x\" }") == 3 * hour_us);
  CHECK(horizon("rule r { by u match a -[1h]-> b? -[2h]-> c alert \"x\" }") == 3 * hour_us);
  CHECK(horizon("rule r { by u match a -> not b for 3h alert \"x\" }") == 3 * hour_us);
  CHECK(horizon("rule r { by u match a -> b -> not c for 3h within 1h alert \"x\" }") == 4 * hour_us);
  CHECK(horizon("rule r { by u match not b for 1h -> a within 1h alert \"x\" }") == 2 * hour_us);
  CHECK(horizon("rule r { by u match a -> b within 1h cooldown 5h alert \"x\" }") == 6 * hour_us);
  CHECK(horizon("rule r { by u match a limit 3 per 4h alert \"x\" }") == 4 * hour_us);
  CHECK(horizon("rule r { by u match a alert \"{len(history(9h))}\" }") == 9 * hour_us);
  CHECK(horizon("rule r { by u match (a+ -> b within 1h) alert \"x\" }").value_or(hour_us) >= hour_us);
  CHECK(horizon("rule r { by u measure n = count(a) over 2h ago 3h every 1h when n > 1 for 2h alert \"x\" }") ==
        8 * hour_us);
  const std::string chain =
      "rule first { by u match a -> b within 2h emit c { u: u } }\n"
      "rule second { by u match c -> d within 1h emit e { u: u } }\n"
      "rule third { by u match e alert \"x\" }\n"
      "rule open { by u match g -> h emit i { u: u } }\n"
      "rule behind { by u match i alert \"x\" }\n";
  CHECK(horizon(chain, 0) == 2 * hour_us);
  CHECK(horizon(chain, 1) == 3 * hour_us);
  CHECK(horizon(chain, 2) == 3 * hour_us);
  CHECK(horizon(chain, 4) == std::nullopt);
}

TEST_CASE("stream place: the newest that is far enough back, else the oldest") {
  const Folder folder;
  const std::string path = folder.path("log");
  LogOptions options;
  options.segment_bytes = 900;
  auto opened = Log::open(real_disk(), path, options, 1);
  REQUIRE_MESSAGE(opened, opened.message());
  Log& log = *opened.value();
  CHECK_FALSE(find_place(real_disk(), path, 0, UINT64_MAX));
  uint64_t marked = 0;
  std::vector<uint64_t> places;
  std::vector<int64_t> clocks_us;
  for (int i = 0; i < 40; ++i) {
    const std::string text = "{\"n\":" + std::string(80, '1') + "}";
    const LogRecord event{RecordKind::event, i, text};
    REQUIRE(log.append({&event, 1}, i).outcome == Appended::Outcome::done);
    if (log.segment_first() == marked) continue;
    const std::string config = "{\"place\":{\"clock_us\":" + std::to_string(i * 1'000) +
                               ",\"order\":\"eA==\",\"is_brief\":" + (places.size() == 1 ? "true" : "false") + "}}";
    const LogRecord record{RecordKind::config, i, config};
    clocks_us.push_back(i * 1'000);
    places.push_back(log.append({&record, 1}, i).first);
    marked = log.segment_first();
  }
  REQUIRE(log.sync());
  REQUIRE(places.size() > 4);
  const auto at = [&](int64_t clock_us, uint64_t through = UINT64_MAX) {
    return find_place(real_disk(), path, clock_us, through);
  };
  CHECK(at(INT64_MAX)->sequence == places.back());
  CHECK(at(INT64_MAX)->is_far_enough);
  CHECK(at(INT64_MAX, places.back() - 1)->sequence == places[places.size() - 2]);
  CHECK(at(-1)->sequence == places.front());
  CHECK_FALSE(at(-1)->is_far_enough);
  CHECK(at(clocks_us[1])->sequence == places[0]);  // the second one does not know all
  CHECK(at(clocks_us[2])->sequence == places[2]);
  CHECK(at(clocks_us[3] - 1)->sequence == places[2]);
}

TEST_CASE("table store: rows are found by their hash, and only when they are what they were") {
  const Folder folder;
  const TableStore store(real_disk(), folder.path(""));
  const Program program = compile_or_fail(
      "table vip = csv { path: \"v.csv\" } key id\nrule r { by u match a[vip[u].tier == \"gold\"] alert \"x\" }");
  const std::string rows = "{\"id\":\"u1\",\"tier\":\"gold\"}\n{\"id\":2,\"tier\":\"tin\"}\n";
  CHECK(store.hashes().value().empty());
  const auto hash = store.put(rows);
  REQUIRE_MESSAGE(hash, hash.message());
  CHECK(store.put(rows).value() == hash.value());
  CHECK(store.hashes().value() == std::vector<std::string>{hash.value()});
  const auto table = store.load(program.tables[0], hash.value());
  REQUIRE_MESSAGE(table, table.message());
  CHECK(table.value()->size() == 2);
  std::filesystem::resize_file(folder.path("tables/" + hash.value()), 10);
  CHECK_FALSE(store.load(program.tables[0], hash.value()).is_ok());
  CHECK_FALSE(store.load(program.tables[0], "../../etc/passwd").is_ok());
  REQUIRE(store.remove(hash.value()));
  CHECK_FALSE(store.load(program.tables[0], hash.value()).is_ok());
}

}  // namespace omen
