#include "cli/test_block.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <functional>
#include <string_view>

#include "runtime/core/write.h"
#include "runtime/model/time.h"
#include "runtime/model/value.h"

namespace omen {

namespace {

using ExprKind = ast::Expr::Kind;
using simdjson::dom::element;

// A `let` in place of its name.
const ast::Expr& constant(const std::vector<ast::File>& files, const ast::Expr& expr) {
  if (expr.kind != ExprKind::name) return expr;
  for (const ast::File& file : files) {
    for (const ast::Let& let : file.lets) {
      if (let.name.text == expr.text) return constant(files, let.value);
    }
  }
  return expr;
}

// A literal as a value; objects and lists are missing here.
Value literal(const ast::Expr& expr) {
  switch (expr.kind) {
    case ExprKind::integer:
      return Value::of_integer(expr.integer);
    case ExprKind::number:
      return Value::of_number(expr.number);
    case ExprKind::boolean:
      return Value::of_bool(expr.integer != 0);
    case ExprKind::text:
      return Value::of_text(expr.text);
    case ExprKind::duration:
      return Value::of_duration(expr.integer);
    case ExprKind::unary: {
      const ast::Expr& operand = expr.children[0];
      if (operand.kind == ExprKind::integer) return Value::of_integer(-operand.integer);
      if (operand.kind == ExprKind::number) return Value::of_number(-operand.number);
      return Value::missing();
    }
    default:
      return Value::missing();
  }
}

void append_expression(std::string& out, const std::vector<ast::File>& files, const ast::Expr& written) {
  const ast::Expr& expr = constant(files, written);
  if (expr.kind == ExprKind::object) {
    out += '{';
    for (size_t i = 0; i < expr.members.size(); i++) {
      if (i > 0) out += ',';
      append_json(out, Value::of_text(expr.members[i].text));
      out += ':';
      append_expression(out, files, expr.children[i]);
    }
    out += '}';
  } else if (expr.kind == ExprKind::list) {
    out += '[';
    for (size_t i = 0; i < expr.children.size(); i++) {
      if (i > 0) out += ',';
      append_expression(out, files, expr.children[i]);
    }
    out += ']';
  } else {
    append_json(out, literal(expr));
  }
}

Value scalar(element json) {
  int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  std::string_view text;
  if (json.get(integer) == simdjson::SUCCESS) return Value::of_integer(integer);
  if (json.get(number) == simdjson::SUCCESS) return Value::of_number(number);
  if (json.get(boolean) == simdjson::SUCCESS) return Value::of_bool(boolean);
  if (json.get(text) == simdjson::SUCCESS) return Value::of_text(text);
  return Value::missing();
}

// Whether a part of an alert is as the test says: objects have at least the members, lists exactly the elements.
bool includes(const std::vector<ast::File>& files, element json, const ast::Expr& written) {
  const ast::Expr& expected = constant(files, written);
  simdjson::dom::array list;
  simdjson::dom::object object;
  if (json.get(list) == simdjson::SUCCESS) {
    if (expected.kind != ExprKind::list) return list.size() == 1 && includes(files, *list.begin(), expected);
    if (list.size() != expected.children.size()) return false;
    size_t place = 0;
    for (element item : list) {
      if (!includes(files, item, expected.children[place++])) return false;
    }
    return true;
  }
  if (json.get(object) == simdjson::SUCCESS) {
    if (expected.kind != ExprKind::object) return false;
    for (size_t i = 0; i < expected.members.size(); i++) {
      element member;
      if (object.at_key(expected.members[i].text).get(member) != simdjson::SUCCESS) return false;
      if (!includes(files, member, expected.children[i])) return false;
    }
    return true;
  }
  return equals(scalar(json), literal(expected)) == Truth::yes;
}

bool key_has(element record, const std::string& member, const ast::Expr& expected) {
  std::string_view actual;
  if (record["key"].at_key(member).get(actual) != simdjson::SUCCESS) return false;
  std::string text;
  append_text(text, literal(expected));
  return text == actual;
}

bool bindings_have(const std::vector<ast::File>& files, element record, const std::string& member,
                   const ast::Expr& expected) {
  simdjson::dom::object bindings;
  if (record["bindings"].get(bindings) != simdjson::SUCCESS) return false;
  for (auto [name, events] : bindings) {
    bool is_of_events = expected.kind == ExprKind::object || expected.kind == ExprKind::list;
    if (name == member && is_of_events && includes(files, events, expected)) return true;
    simdjson::dom::array list;
    if (events.get(list) != simdjson::SUCCESS) continue;
    for (element event : list) {
      element field;
      if (event.at_key(member).get(field) == simdjson::SUCCESS && includes(files, field, expected)) return true;
    }
  }
  return false;
}

// The value of a measure, or whether the alert says that the condition is over.
bool measures_have(element record, const std::string& member, const ast::Expr& expected) {
  simdjson::dom::object measures;
  if (record["measures"].get(measures) != simdjson::SUCCESS) return false;
  element value;
  if (measures.at_key(member).get(value) == simdjson::SUCCESS) {
    return equals(scalar(value), literal(expected)) == Truth::yes;
  }
  const bool is_resolved = record["resolved"].get(value) == simdjson::SUCCESS;
  return member == "resolved" && expected.kind == ExprKind::boolean && (expected.integer != 0) == is_resolved;
}

// Gives each expectation an alert of its own where that is possible: moves earlier ones to other alerts that meet
// them too.
std::vector<int> assign(size_t expectations, size_t alerts, const std::function<bool(size_t, size_t)>& meets) {
  std::vector<int> taken(alerts, -1);
  for (size_t i = 0; i < expectations; i++) {
    std::vector<bool> tried(alerts);
    std::function<bool(size_t)> place = [&](size_t expectation) {
      for (size_t alert = 0; alert < alerts; alert++) {
        if (tried[alert] || !meets(expectation, alert)) continue;
        tried[alert] = true;
        if (taken[alert] >= 0 && !place(static_cast<size_t>(taken[alert]))) continue;
        taken[alert] = static_cast<int>(expectation);
        return true;
      }
      return false;
    };
    (void)place(i);
  }
  return taken;
}

}  // namespace

std::string event_line(const std::vector<ast::File>& files, const ast::TestLine& line) {
  std::string out = "{\"type\":";
  append_json(out, Value::of_text(line.name.text));
  out += fmt::format(",\"ts\":{}", test_start_us + line.time->us);
  if (line.object) {
    std::string object;
    append_expression(object, files, *line.object);
    if (object.size() > 2) out += "," + object.substr(1, object.size() - 2);
  }
  return out + "}";
}

bool alert_meets(const Program& program, const std::vector<ast::File>& files, const VirtualAlert& alert,
                 const ast::TestLine& expected) {
  if (program.rules[alert.rule].name != expected.name.text) return false;
  if (expected.time && alert.end_us != test_start_us + expected.time->us) return false;
  if (!expected.object) return true;
  simdjson::dom::parser parser;
  element record;
  if (parser.parse(simdjson::padded_string(alert.record)).get(record) != simdjson::SUCCESS) return false;
  for (size_t i = 0; i < expected.object->members.size(); i++) {
    const std::string& member = expected.object->members[i].text;
    const ast::Expr& value = constant(files, expected.object->children[i]);
    if (!key_has(record, member, value) && !bindings_have(files, record, member, value) &&
        !measures_have(record, member, value)) {
      return false;
    }
  }
  return true;
}

namespace {

std::string broken_text(const VirtualRun& run, const Event& event) {
  std::vector<Violation> violations;
  run.validator().list(event, violations);
  std::string out;
  for (const Violation& violation : violations) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", violation.field->name, name_of(violation.problem));
  }
  return fmt::format("the event {} breaks its declaration: {}", event.type_name, out);
}

}  // namespace

TestOutcome run_test(const Program& program, const std::vector<ast::File>& files, const ast::Test& test) {
  TestOutcome outcome;
  VirtualRun run(program);
  if (const Status loaded = run.load_tables(); !loaded) outcome.problems.push_back(loaded.message());
  std::vector<const ast::TestLine*> expected;
  bool nothing = false;
  std::vector<std::string> strict;  // rules whose alerts must all be expected
  for (const ast::Name& rule : test.rules) strict.push_back(rule.text);
  for (const ast::TestLine& line : test.lines) {
    switch (line.kind) {
      case ast::TestLine::Kind::at: {
        Status status = run.feed(event_line(files, line), [&](const Event& event) {
          if (event.is_broken) outcome.broken.push_back(broken_text(run, event));
        });
        if (!status.is_ok()) {
          outcome.problems.push_back(fmt::format("the event {} is rejected: {}", line.name.text, status.message()));
        }
        break;
      }
      case ast::TestLine::Kind::clock:
        run.advance(test_start_us + line.time->us);
        break;
      case ast::TestLine::Kind::expect:
        expected.push_back(&line);
        break;
      case ast::TestLine::Kind::expect_no:
        strict.push_back(line.name.text);
        break;
      case ast::TestLine::Kind::expect_nothing:
        nothing = true;
        break;
    }
  }
  outcome.alerts = run.alerts();
  std::vector<int> taken = assign(expected.size(), outcome.alerts.size(), [&](size_t expectation, size_t alert) {
    return alert_meets(program, files, outcome.alerts[alert], *expected[expectation]);
  });
  for (size_t i = 0; i < expected.size(); i++) {
    if (std::find(taken.begin(), taken.end(), static_cast<int>(i)) == taken.end())
      outcome.missing.push_back(expected[i]);
  }
  for (size_t i = 0; i < outcome.alerts.size(); i++) {
    const std::string& rule = program.rules[outcome.alerts[i].rule].name;
    bool must_be_expected =
        (nothing && test.rules.empty()) || std::find(strict.begin(), strict.end(), rule) != strict.end();
    if (taken[i] < 0 && must_be_expected) outcome.unexpected.push_back(i);
  }
  return outcome;
}

}  // namespace omen
