// Declarations at work: every type and constraint, and the validator against the literal reading of section 6 on random
// declarations and events.
#include "runtime/core/validate.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "cli/virtual_run.h"
#include "compiler/compile.h"
#include "runtime/core/decode.h"
#include "tests/support/generator.h"
#include "tests/support/reference_schema.h"

namespace omen {

namespace {

Compilation compile_text(const std::string& text) {
  Sources sources;
  sources.files.push_back({"a.omen", text});
  Compilation out = compile(sources);
  for (const Diagnostic& diagnostic : out.diagnostics.items) {
    if (diagnostic.severity == Severity::error) FAIL(render_text(diagnostic, sources, false));
  }
  return out;
}

// "field problem" for each violation, and what the event's line says of them.
std::vector<std::string> broken(const Program& program, std::string line, Declared declared = Declared::types,
                                std::string* json = nullptr) {
  Decoder decoder(program, {}, declared);
  const size_t size = line.size();
  line.append(slice_padding, '\0');
  decoder.open({line.data(), size}, {}, 0);
  const Decoder::Batch batch = decoder.next();
  REQUIRE(batch.events.size() == 1);
  std::vector<std::string> out;
  if (!batch.events[0].is_broken) return out;
  std::vector<Violation> violations;
  decoder.validator().list(batch.events[0], violations);
  for (const Violation& violation : violations) {
    out.push_back((violation.field != nullptr ? violation.field->name + " " : std::string()) +
                  std::string(name_of(violation.problem)));
    if (json != nullptr) append_violation(*json, violation);
  }
  CHECK(!out.empty());
  return out;
}

using Complaints = std::vector<std::string>;
using reference::Json;

}  // namespace

TEST_CASE("types: each takes its own kind of value, and null is missing") {
  const Compilation compiled = compile_text(
      "event e { s?: string, i?: int, n?: number, b?: bool, t?: time, a?: any, l?: list, o?: object }\n"
      "event f { a: any }\nrule r { match e }");
  const Program& program = *compiled.program;
  const auto of = [&](const std::string& member) { return broken(program, R"({"type":"e",)" + member + "}"); };
  CHECK(of(R"("s":"","i":3,"n":1.5,"b":false,"t":"2026-01-05T10:00:00Z","a":[],"l":[1],"o":{})").empty());
  CHECK(of(R"("s":null,"i":null,"unknown":1)").empty());
  CHECK(of(R"("s":1)") == Complaints{"s wrong_type"});
  CHECK(of(R"("i":3.0)").empty());
  CHECK(of(R"("i":3e2)").empty());
  CHECK(of(R"("i":3.5)") == Complaints{"i wrong_type"});
  CHECK(of(R"("i":"3")") == Complaints{"i wrong_type"});
  CHECK(of(R"("n":3)").empty());
  CHECK(of(R"("b":0)") == Complaints{"b wrong_type"});
  CHECK(of(R"("t":1767225600)").empty());
  CHECK(of(R"("t":1767225600.5)").empty());
  CHECK(of(R"("t":"yesterday")") == Complaints{"t wrong_type"});
  CHECK(of(R"("l":{})") == Complaints{"l wrong_type"});
  CHECK(of(R"("o":[])") == Complaints{"o wrong_type"});
  CHECK(broken(program, R"({"type":"f","a":null})") == Complaints{"a missing"});
  CHECK(broken(program, R"({"type":"f"})") == Complaints{"a missing"});
}

TEST_CASE("constraints: every one that is broken is named, with what was expected and the value shortened") {
  const Compilation compiled = compile_text(
      "event e { s?: string in [\"basic\", \"pro\"] matches /^[a-z]+$/ max_length 5, n?: number 0..100 }\n"
      "rule r { match e }");
  const Program& program = *compiled.program;
  std::string json;
  CHECK(broken(program, R"({"type":"e","s":"basic","n":100})").empty());
  CHECK(broken(program, R"({"type":"e","n":-0.5})") == Complaints{"n out_of_range"});
  CHECK(broken(program, R"({"type":"e","s":"grüße1","n":101})", Declared::types, &json) ==
        Complaints{"s not_in", "s no_match", "s too_long", "n out_of_range"});
  CHECK(json == R"("field":"s","problem":"not_in","expected":"in [\"basic\", \"pro\"]","value":"grüße1")"
                R"("field":"s","problem":"no_match","expected":"matches /^[a-z]+$/","value":"grüße1")"
                R"("field":"s","problem":"too_long","expected":"max_length 5","value":"grüße1")"
                R"("field":"n","problem":"out_of_range","expected":"0..100","value":"101")");
  json.clear();
  (void)broken(program, R"({"type":"e","n":")" + std::string(100, 'x') + R"("})", Declared::types, &json);
  CHECK(json == R"("field":"n","problem":"wrong_type","expected":"number","value":")" + std::string(64, 'x') + "…\"");
}

TEST_CASE("from: the field is read where the declaration says, in events of that type only") {
  const Compilation compiled = compile_text(
      "event e { user: string from p.customer.id, who?: object from p.customer, p: object }\n"
      "event f { user: string }\nrule r { by user match e[who.id == \"u\" and p.customer.id == user] -> f within 1h }");
  const Program& program = *compiled.program;
  CHECK(broken(program, R"({"type":"e","p":{"customer":{"id":"a\"b"}}})").empty());
  CHECK(broken(program, R"({"type":"e","user":"own","p":{"customer":{}}})") == Complaints{"user missing"});
  CHECK(broken(program, R"({"type":"f","user":"own"})").empty());
  CHECK(program.dump().find("  user: string from p.customer.id\n") != std::string::npos);
}

TEST_CASE("strict: an undeclared type is a violation; the engine's own events are held against nothing") {
  const Compilation compiled = compile_text("event e { n: int }\nrule r { match e -> g within 1h }");
  const Program& program = *compiled.program;
  CHECK(broken(program, R"({"type":"g"})").empty());
  CHECK(broken(program, R"({"type":"g"})", Declared::strict) == Complaints{"undeclared"});
  CHECK(broken(program, R"({"type":"unheard of"})", Declared::strict) == Complaints{"undeclared"});
  CHECK(broken(program, R"({"type":"e","n":1})", Declared::strict).empty());
  CHECK(broken(program, R"({"type":"e"})", Declared::nothing).empty());
}

TEST_CASE("schema_violation: one event for each thing that is wrong, seen only by steps that name it") {
  const Compilation compiled = compile_text(
      "event order { user: string from who.id, amount: number 0..100 }\n"
      "event refund lenient { amount: number }\n"
      "rule each { match schema_violation as v alert \"{v.event_type} {v.field} {v.problem} {v.value}\" }\n"
      "rule thrice { by event_type match schema_violation{3} within 1h alert \"{event_type}\" }\n"
      "rule any { match * as x alert \"{x.type}\" }\n"
      "rule next { match refund as a => refund as b alert \"next\" }\n");
  VirtualRun run(*compiled.program);
  const auto feed = [&](const char* line) { CHECK(run.feed(line).is_ok()); };
  feed(R"({"type":"order","ts":1000,"who":{"id":"u"},"amount":50})");
  feed(R"({"type":"order","ts":1001,"id":"o2","who":{},"amount":"x"})");
  feed(R"({"type":"refund","ts":1002,"amount":"all"})");
  feed(R"({"type":"order","ts":1003,"who":{"id":"u"},"amount":101})");
  feed(R"({"type":"refund","ts":1004,"amount":1})");
  std::vector<std::string> texts, ids;
  for (const VirtualAlert& alert : run.alerts()) {
    const Json record = reference::parse_json(alert.record);
    texts.push_back(record.find("text")->text);
    ids.push_back(record.find("id")->text);
  }
  CHECK(texts == std::vector<std::string>{"order", "order user missing ", "order amount wrong_type x", "refund",
                                          "refund amount wrong_type all", "order amount out_of_range 101", "order",
                                          "refund", "next"});
  std::ranges::sort(ids);
  CHECK(std::ranges::adjacent_find(ids) == ids.end());
  const Json first = reference::parse_json(run.alerts()[1].record);
  CHECK(first.find("bindings")->find("v")->items[0].print() ==
        R"({"type":"schema_violation","ts":"1970-01-01T00:16:41Z","id":"o2-violation-1","event_type":"order",)"
        R"("event_id":"o2","field":"user","problem":"missing","expected":"string"})");
}

namespace {

using reference::Choices;

std::string random_field(Choices& choices, const std::string& name) {
  static const std::vector<std::string> types = {"string", "int", "number", "bool", "time", "any", "list", "object"};
  const std::string& type = choices.of(types);
  std::string out = name + (choices.chance(40) ? "?: " : ": ") + type;
  if (type == "string") {
    if (choices.chance(40)) out += choices.chance(50) ? R"( in ["a", "bb", "ü"])" : " in [one, \"bb\"]";
    if (choices.chance(40)) out += choices.chance(50) ? " matches /b$/" : " matches /^[a-z]*$/";
    if (choices.chance(40)) out += choices.chance(50) ? " max_length 1" : " max_length 0";
  }
  if (type == "int" || type == "number") {
    if (choices.chance(40)) out += choices.chance(50) ? " in [1, -2, 300]" : " in [3]";
    if (choices.chance(40)) out += choices.chance(50) ? " -2..3" : " 1..1";
  }
  if (type == "bool" && choices.chance(40)) out += " in [true]";
  if (type == "any" && choices.chance(40)) out += R"( in ["a", 1, false])";
  if (choices.chance(30)) out += " from p." + name;
  return out;
}

std::string random_value(Choices& choices) {
  static const std::vector<std::string> values = {R"("a")",
                                                  R"("bb")",
                                                  R"("ü")",
                                                  R"("")",
                                                  R"("A1")",
                                                  "1",
                                                  "-2",
                                                  "3",
                                                  "3.0",
                                                  "3e2",
                                                  "0.5",
                                                  "-2.5",
                                                  "1e30",
                                                  "true",
                                                  "false",
                                                  "null",
                                                  "[]",
                                                  "[1,\"a\"]",
                                                  "{}",
                                                  R"({"x":1})",
                                                  "1767225600",
                                                  R"("2026-01-05T10:00:00Z")",
                                                  R"("2026-01-05")",
                                                  "99999999999999999"};
  return choices.of(values);
}

}  // namespace

TEST_CASE("random declarations and events: the validator says what the literal reading says") {
  uint64_t accepted = 0, refused = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Choices choices(seed);
    const std::vector<std::string> names = {"f", "g", "h"};
    std::string text = "let one = \"a\"\nevent e {\n";
    for (const std::string& name : names) text += "  " + random_field(choices, name) + "\n";
    // What rules read is made to values, what they do not is mostly glanced at.
    const char* reading = choices.chance(50) ? "rule r { match e }\n" : "rule r { match e[exists(f) and exists(g)] }\n";
    const Compilation compiled = compile_text(text + "}\n" + reading);
    const ast::EventDeclaration& declaration = compiled.files[0].events[0];
    for (int i = 0; i < 20; ++i) {
      std::string event = R"({"type":"e")", inner;
      for (const std::string& name : names) {
        if (choices.chance(80)) event += ",\"" + name + "\":" + random_value(choices);
        if (choices.chance(80)) inner += (inner.empty() ? "\"" : ",\"") + name + "\":" + random_value(choices);
      }
      event += R"(,"p":{)" + inner + "}}";
      const Json json = reference::as_declared(declaration, reference::parse_json(event));
      Complaints expected;
      for (const auto& violation : reference::violations(compiled.files, declaration, json)) {
        expected.push_back(violation.field + " " + violation.problem);
      }
      CHECK_MESSAGE(broken(*compiled.program, event) == expected, text << event);
      ++(expected.empty() ? accepted : refused);
    }
  }
  CHECK(accepted > 100);
  CHECK(refused > 500);
}

}  // namespace omen
