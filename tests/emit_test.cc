// Emit: what conditions become, which fields each type keeps, and what a rule's version depends on.

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "tests/support/program_of.h"

namespace omen {
namespace {

std::vector<std::string> names(const Program& program, const std::vector<FieldId>& fields) {
  std::vector<std::string> out;
  for (const FieldId field : fields) out.push_back(program.fields[field].text);
  std::sort(out.begin(), out.end());
  return out;
}

const TypeInfo& type(const Program& program, const std::string& name) {
  const auto found =
      std::find_if(program.types.begin(), program.types.end(), [&](const TypeInfo& info) { return info.name == name; });
  REQUIRE(found != program.types.end());
  return *found;
}

using Names = std::vector<std::string>;

TEST_CASE("emit: conditions of a simple kind are tests, others are code") {
  const auto kind_of = [](const std::string& condition) {
    const Program program = program_of("rule r { match a as first -> b[" + condition + "] within 1h }");
    const Predicate& predicate = program.code.predicates.at(program.rules[0].steps[1].predicate);
    return predicate.kind == Predicate::Kind::tests ? static_cast<int>(predicate.tests.size()) : 0;
  };
  for (const char* condition :
       {"x == 1", "x != \"a\"", "x < 2.5", "3 < x", "x", "not x", "exists(x)", "missing(x)", "not exists(x)",
        "not (x == 1)", "x in [1, 2]", "x not in~ [\"a\"]", "not (x in [1])", "x contains \"a\"", "x like~ \"a*\"",
        "x starts_with [\"a\", \"b\"]", "this.x ends_with \"a\""}) {
    CAPTURE(condition);
    CHECK(kind_of(condition) == 1);
  }
  CHECK(kind_of("x == 1 and y > 2 and exists(z)") == 3);
  for (const char* condition :
       {"x == 1 or y == 2", "x == y", "x + 1 > 2", "not (x contains \"a\")", "x matches /a/", "x > first.x",
        "x == 1 and y > first.x", "ts > first.ts", "type == \"b\"", "not (x > 1)", "lower(x) == \"a\""}) {
    CAPTURE(condition);
    CHECK(kind_of(condition) == 0);
  }
}

TEST_CASE("emit: equal shared predicates have one id over all rules") {
  const std::string text =
      "rule r { match a[x > 1 and y == \"s\"] as one -> b[x > 1 and y == \"s\"] within 1h }\n"
      "rule s { match c[this.x > 1 and y == \"s\"] -> d[x > 1] -> b[x + y > 2] -> b[x + y > 2] within 1h }\n"
      "rule t { match a as one -> b[x > one.x] as two -> b[x > one.x] within 1h }\n";
  const Program shared = program_of(text);
  const auto predicate = [](const Program& program, size_t rule, size_t step) {
    return program.rules[rule].steps[step].predicate;
  };
  CHECK(predicate(shared, 0, 0) == predicate(shared, 0, 1));
  CHECK(predicate(shared, 0, 0) == predicate(shared, 1, 0));
  CHECK(predicate(shared, 0, 0) != predicate(shared, 1, 1));
  CHECK(predicate(shared, 1, 2) == predicate(shared, 1, 3));
  CHECK(shared.rules[0].steps[0].is_shared);
  CHECK(shared.rules[2].steps[0].predicate == predicate_none);
  CHECK_FALSE(shared.rules[2].steps[1].is_shared);

  OptimizeOptions options;
  options.share_predicates = false;
  const Program alone = program_of(text, options);
  CHECK(predicate(alone, 0, 0) != predicate(alone, 0, 1));
  CHECK(predicate(alone, 0, 0) != predicate(alone, 1, 0));
  options.simple_predicates = false;
  const Program code = program_of(text, options);
  CHECK(std::all_of(code.code.predicates.begin(), code.code.predicates.end(),
                    [](const Predicate& asked) { return asked.kind == Predicate::Kind::code; }));
  CHECK(code.code.tests.empty());
}

TEST_CASE("emit: a type has the fields that are read of it, and keeps those of bound events") {
  const Program program = program_of(
      "rule r {\n  by user\n  match a[x > 1] as one -> b[y == one.p] as two -> c as three\n  within 1h\n"
      "  where sum(two.q) > 3\n  alert \"{one.r} {three.s.t[1]} {user}\"\n}\n"
      "rule other { by account match a[z > 1] -> d by owner.id within 1h }\n");
  CHECK(names(program, type(program, "a").fields) == Names{"account", "p", "r", "user", "x", "z"});
  CHECK(names(program, type(program, "a").kept) == Names{"p", "r"});
  CHECK(names(program, type(program, "b").fields) == Names{"q", "user", "y"});
  CHECK(names(program, type(program, "b").kept) == Names{"q"});
  CHECK(names(program, type(program, "c").kept) == Names{"s.t[1]"});
  CHECK(names(program, type(program, "d").fields) == Names{"account", "owner.id"});
  CHECK(program.types[0].fields.empty());
  for (const TypeInfo& info : program.types) CHECK(std::is_sorted(info.fields.begin(), info.fields.end()));
}

TEST_CASE("emit: what every event can mean is read of every type") {
  const Program any = program_of(
      "rule r { by user match a as one -> *[x > one.p] as two within 1h alert \"{two.q}\" }\n"
      "rule other { match b[y > 1] }\n");
  CHECK(names(any, any.types[0].fields) == Names{"q", "user", "x"});
  CHECK(names(any, any.types[0].kept) == Names{"q"});
  CHECK(names(any, type(any, "b").fields) == Names{"q", "user", "x", "y"});

  // => and groups with `consecutive` need the key of every event.
  const Program strict = program_of("rule r { by user match a => b within 1h }\nrule other { match c[y > 1] }\n");
  CHECK(names(strict, strict.types[0].fields) == Names{"user"});
  CHECK(names(strict, type(strict, "c").fields) == Names{"user", "y"});
}

TEST_CASE("emit: a version changes with what decides the matches, and with nothing else") {
  const auto version = [](const std::string& text, const OptimizeOptions& options = {}) {
    return program_of(text, options).rules.back().version;
  };
  const std::string rule = "rule r \"title\" { by user match a[x > 60 * 60 and y == \"s\"] as one -> b within 1h }";
  const std::string plain = version(rule);
  CHECK(plain.size() == 16);
  CHECK(
      version("rule r \"other\" { severity critical by user match a[x > 60 * 60 and y == \"s\"] as one -> b within 60m "
              "cooldown 1d alert \"text\" }") == plain);
  CHECK(version("let limit = 3600 rule r { by user match a[this.x > limit and y == \"s\"] as one -> b within 1h }") ==
        plain);
  CHECK(version("rule before { match z[q > 1] -> a }\n" + rule) == plain);
  CHECK(version(rule, {false, false, false}) == plain);
  for (const char* other :
       {"rule r { by account match a[x > 60 * 60 and y == \"s\"] as one -> b within 1h }",
        "rule r { match a[x > 60 * 60 and y == \"s\"] as one -> b within 1h }",
        "rule r { by user match a[x > 60 * 61 and y == \"s\"] as one -> b within 1h }",
        "rule r { by user match a[x >= 60 * 60 and y == \"s\"] as one -> b within 1h }",
        "rule r { by user match a[x > 60 * 60 and y ==~ \"s\"] as one -> b within 1h }",
        "rule r { by user match a[z > 60 * 60 and y == \"s\"] as one -> b within 1h }",
        "rule r { by user match a[x > 60 * 60 and y == \"s\"] as two -> b within 1h }",
        "rule r { by user match a[x > 60 * 60 and y == \"s\"] as one => b within 1h }",
        "rule r { by user match a[x > 60 * 60 and y == \"s\"] as one -[30m]-> b within 1h }",
        "rule r { by user match a[x > 60 * 60 and y == \"s\"] as one -> c within 1h }",
        "rule r { by user match a[x > 60 * 60 and y == \"s\"] as one -> b within 2h }",
        "rule r { by user match a[x > 60 * 60 and y == \"s\"] as one -> b within 1h unless c }",
        "rule r { by user match a[x > 60 * 60 and y == \"s\"] as one -> b within 1h where one.x < 9 }",
        "rule r { by user match a[x > 60 * 60 and y == \"s\"] as one -> b within 1h overlap starts }",
        "rule r { by user match a[x > 60 * 60 and y == \"s\"]{2} as one -> b within 1h }"}) {
    CAPTURE(other);
    CHECK(version(other) != plain);
  }
}

TEST_CASE("emit: a rule without an action alerts with its title") {
  const Program program = program_of("rule r \"All {of} it\" { match a }\nrule s { match a }\n");
  const auto text = [&](size_t rule) { return dump_template(program, program.rules[rule].actions.at(0).text); };
  CHECK(text(0) == "\"All {{of} it\"");
  CHECK(text(1) == "\"s\"");
}

}  // namespace
}  // namespace omen
