// Actions: the alert record to the byte, and what an identity does and does not depend on.

#include "runtime/core/action.h"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

namespace omen {
namespace {

// A rule of three names over one type: `first` (slot 0), `loop` (slot 1), `maybe` (slot 2); `hidden` is not in alerts.
Program program_of_rule() {
  Program program;
  program.types = {{"", {}, {}}, {"buy", {0}, {0}}};
  program.fields.push_back({{{"price", -1}}, "price"});
  RuleProgram& rule = program.rules.emplace_back();
  rule.name = "big \"buyer\"";
  rule.version = "v1";
  rule.severity = AlertSeverity::critical;
  rule.key_names = {"user.id", "site"};
  rule.names = {{"first", 1, true}, {"hidden", 1, false}, {"loop", 2, true}, {"maybe", 4, true}};
  program.code.reads.push_back({2, Read::What::field, Read::Select::sum, Attribute::type, 0, 0, -1, "loop"});
  program.code.reads.push_back({2, Read::What::field, Read::Select::all, Attribute::type, 0, 0, -1, "loop"});
  program.code.codes = {{{{Opcode::key, false, 0, 0}}, 1},
                        {{{Opcode::read, false, 0, 0}}, 1},
                        {{{Opcode::read, false, 0, 1}}, 1},
                        {{{Opcode::match_value, false, static_cast<uint16_t>(MatchValue::duration), 0}}, 1}};
  NumberFormat money;
  money.style = NumberFormat::Style::fixed;
  money.digits = 2;
  money.grouped = true;
  program.code.templates.push_back({{"", 0, {}},
                                    {" spent \"", code_none, {}},
                                    {"", 1, money},
                                    {"\"\tin ", code_none, {}},
                                    {"", 3, {}},
                                    {": ", code_none, {}},
                                    {"", 2, {}}});
  rule.actions.push_back({});
  return program;
}

class Scene {
 public:
  Scene()
      : program_(program_of_rule()),
        prepared_(program_),
        captures_(program_),
        actions_(program_, prepared_, captures_) {
    REQUIRE(verify_code(program_));
    match_.key = key_;
    match_.start_us = 1767607200000000;
    match_.end_us = match_.start_us + 90'500'000;
  }
  ~Scene() { captures_.release(match_.captures); }

  void take(uint8_t slot, const std::string& raw, std::string_view id, uint64_t sequence, int64_t price) {
    const std::array<Value, 1> fields = {Value::of_integer(price)};
    Event event;
    event.type = 1;
    event.type_name = "buy";
    event.raw = raw;
    event.id = id;
    event.sequence = sequence;
    event.fields = fields.data();
    KeptEvent* const kept = captures_.keep(event);
    match_.captures = captures_.add(match_.captures, kept, slot, 0, captures_.count(match_.captures, slot) + 1);
    captures_.release(kept);
  }

  std::string record() {
    std::string out;
    actions_.append_record(out, match_, program_.rules[0].actions[0]);
    return out;
  }
  std::string identity() { return std::string(actions_.identity(match_)); }

  Program program_;
  Prepared prepared_;
  CaptureStore captures_;
  Actions actions_;
  std::array<std::string_view, 2> key_ = {"u\"1", "caf\xC3\xA9"};
  MatchView match_;
};

TEST_CASE("action: the alert record") {
  Scene scene;
  scene.take(0, R"({"type":"buy","price":1})", "", 7, 1);
  scene.take(1, R"({"type":"buy","price":1200})", "e8", 8, 1200);
  scene.take(1, R"({"type":"buy", "price":34.5})", "", 9, 34);
  CHECK(scene.record() ==
        "{\"id\":\"" + scene.identity() +
            R"(","rule":"big \"buyer\"","severity":"critical","key":{"user.id":"u\"1","site":"café"},)"
            R"("start":"2026-01-05T10:00:00Z","end":"2026-01-05T10:01:30.500Z",)"
            R"("text":"u\"1 spent \"1,234.00\"\tin 1m30s500ms: 1200, 34",)"
            R"("bindings":{"first":[{"type":"buy","price":1}],)"
            R"("loop":[{"type":"buy","price":1200},{"type":"buy", "price":34.5}],"maybe":[]}})");
}

TEST_CASE("action: a record of one match is the same each time") {
  Scene scene;
  scene.take(0, "{}", "", 7, 1);
  const std::string record = scene.record();
  CHECK(scene.record() == record);
  CHECK(scene.identity().size() == 32);
  CHECK(scene.identity().find_first_not_of("0123456789abcdef") == std::string::npos);
}

TEST_CASE("action: an identity tells matches apart") {
  const auto identity_of = [](auto change) {
    Scene scene;
    scene.take(0, "{}", "", 7, 1);
    change(scene);
    return scene.identity();
  };
  const std::string plain = identity_of([](Scene&) {});
  CHECK(identity_of([](Scene&) {}) == plain);
  SUBCASE("by its rule") {
    CHECK(identity_of([](Scene& scene) { scene.program_.rules[0].name = "other"; }) != plain);
    CHECK(identity_of([](Scene& scene) { scene.program_.rules[0].version = "v2"; }) != plain);
  }
  SUBCASE("by its key, part by part") {
    CHECK(identity_of([](Scene& scene) { scene.key_[1] = "x"; }) != plain);
    const auto swapped = identity_of([](Scene& scene) { scene.key_ = {"ab", "c"}; });
    CHECK(identity_of([](Scene& scene) { scene.key_ = {"a", "bc"}; }) != swapped);
  }
  SUBCASE("by its events and the steps that took them") {
    const auto one = identity_of([](Scene& scene) { scene.take(1, "{}", "e", 8, 1); });
    CHECK(one != plain);
    CHECK(identity_of([](Scene& scene) { scene.take(2, "{}", "e", 8, 1); }) != one);
    CHECK(identity_of([](Scene& scene) { scene.take(1, "{}", "f", 8, 1); }) != one);
    CHECK(identity_of([](Scene& scene) { scene.take(1, "{}", "e", 9, 1); }) == one);  // known by its id
    CHECK(identity_of([](Scene& scene) { scene.take(1, "{}", "", 8, 1); }) !=
          identity_of([](Scene& scene) { scene.take(1, "{}", "", 9, 1); }));  // known by its place
  }
  SUBCASE("by its end only when an absence completed it") {
    CHECK(identity_of([](Scene& scene) { ++scene.match_.end_us; }) == plain);
    const auto absent = identity_of([](Scene& scene) { scene.match_.at_deadline = true; });
    CHECK(absent != plain);
    CHECK(identity_of([](Scene& scene) {
            scene.match_.at_deadline = true;
            ++scene.match_.end_us;
          }) != absent);
  }
}

}  // namespace
}  // namespace omen
