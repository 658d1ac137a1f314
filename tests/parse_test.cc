// What rule text means as a tree. Mistakes are in tests/golden/syntax.
#include <doctest/doctest.h>

#include <string>

#include "compiler/compile.h"
#include "tests/support/tree_text.h"

using namespace omen;

namespace {

struct Parsed {
  ast::File file;
  Diagnostics diagnostics;
};

Parsed parsed(std::string text) {
  Sources sources;
  sources.files.push_back({"a.omen", std::move(text)});
  Parsed out;
  out.file = parse(sources, 0, out.diagnostics);
  return out;
}

std::string tree(const std::string& text) {
  const Parsed p = parsed(text);
  return p.diagnostics.items.empty() ? tree_text(p.file) : "error: " + p.diagnostics.items[0].message;
}

std::string expression(const std::string& text) {
  const Parsed p = parsed("let x = " + text);
  return p.diagnostics.items.empty() ? tree_text(p.file.lets.at(0).value) : "error: " + p.diagnostics.items[0].message;
}

std::string pattern(const std::string& text) {
  const Parsed p = parsed("rule r { match " + text + " }");
  return p.diagnostics.items.empty() ? tree_text(*p.file.rules.at(0).match)
                                     : "error: " + p.diagnostics.items[0].message;
}

std::string code(const std::string& text) {
  const Parsed p = parsed(text);
  return p.diagnostics.items.empty() ? "" : p.diagnostics.items[0].code;
}

}  // namespace

TEST_CASE("parse: operators bind as the language says") {
  CHECK(expression("a or b and not c == 1") == "(or a (and b (not (== c 1))))");
  CHECK(expression("a - b - c * d % e") == "(- (- a b) (% (* c d) e))");
  CHECK(expression("-a.b + - - 3") == "(+ (neg a.b) (neg -3))");
  CHECK(expression("not a in [1, 2]") == "(not (in a [1 2]))");
  CHECK(expression("a not in~ [\"x\"]") == "(not_in~ a [\"x\"])");
  CHECK(expression("a ==~ \"x\" and b like~ \"y*\" and c contains~ [\"z\"]") ==
        "(and (and (==~ a \"x\") (like~ b \"y*\")) (contains~ c [\"z\"]))");
  CHECK(expression("(a or b) and c") == "(and (or a b) c)");
  CHECK(expression("f(a, g(), [b]).c[0].d") == "(at f(a g() [b]).c 0).d");
}

TEST_CASE("parse: literals") {
  CHECK(expression("9223372036854775807") == "9223372036854775807");
  CHECK(expression("-9223372036854775808") == "-9223372036854775808");
  CHECK(expression("9223372036854775808") == "9.223372036854776e+18f");
  CHECK(expression("1.5e3") == "1500f");
  CHECK(expression("[90s, 1h30m, 1.5h, 5 days, 2 weeks]") == "[1m30s 1h30m 1h30m 5d 14d]");
  CHECK(expression("[true, false]") == "[true false]");
  CHECK(expression(R"("a\"b\\c\/\n\u00e9\ud83d\ude00")") == "\"a\"b\\c/\né😀\"");
}

TEST_CASE("parse: a slash divides behind an operand and begins a regular expression elsewhere") {
  CHECK(expression("a / b / c") == "(/ (/ a b) c)");
  CHECK(expression("(a) / 2 + f(b) / [1][0] / 3") == "(+ (/ a 2) (/ (/ f(b) (at [1] 0)) 3))");
  CHECK(expression(R"(url matches /^a\/b "[0-9]+"$/ and limit / 2 > 1)") ==
        "(and (matches url /^a/b \"[0-9]+\"$/) (> (/ limit 2) 1))");
  CHECK(expression("x matches [/a/, /b/]") == "(matches x [/a/ /b/])");
  CHECK(expression("this.in / 2") == "(/ this.in 2)");
}

TEST_CASE("parse: patterns bind as the language says") {
  CHECK(pattern("a -> b and c or not d for 5m => e") == "(seq a -> (any (all b c) (not d for 5m)) => e)");
  CHECK(pattern("a[x == 1] by k, l{2,3} consecutive as q") == "a[(== x 1)] by k, l{2,3}!@q");
  CHECK(pattern("(a -> b within 5m)+ as g") == "(seq a -> b within 5m){1,}@g");
  CHECK(pattern("(a){2} consecutive") == "(group a){2,2}!");
  CHECK(pattern("((a or b))* -> * -> c?") == "(seq (group (any a b)){0,} -> * -> c{0,1})");
  CHECK(pattern("a -[5m]-> b -[1m..2 min]-> c =[1h]=> d") == "(seq a ->5m b ->1m..2m c =>1h d)");
  CHECK(pattern("a -> not (b[x] or c) -> d") == "(seq a -> (not b[x], c) -> d)");
  CHECK(pattern("a{3,} -> b{0,2} -> **") == "(seq a{3,} -> b{0,2} -> *{0,})");
}

TEST_CASE("parse: keywords are names where no keyword can stand") {
  CHECK(pattern("match -> within as by -> not for for 5m -> or") ==
        "(seq match -> within@by -> (not for for 5m) -> or)");
  CHECK(expression("in.in + and.or * not_a") == "(+ in.in (* and.or not_a))");
  CHECK(expression("min(s) - hour(m) > d") == "(> (- min(s) hour(m)) d)");
  CHECK(tree("rule rule { by by match type as as where where.where == 1 }") ==
        "rule rule \"\"\n  by by\n  match type@as\n  where (== where.where 1)\n");
  CHECK(tree("event event { in: string in [\"in\"]\n from: string from from.from\n max_length: int max_length 3 }") ==
        "event event\n  in: string in \"in\"\n  from: string at from.from\n  max_length: int max 3\n");
  CHECK(tree("test \"t\" { at 0s at { at: 1 } expect no no expect expect at 1s }") ==
        "test \"t\" for \n  at 0s at {at: 1}\n  expect no - no \n  expect 1s expect \n");
}

TEST_CASE("parse: names in backticks") {
  CHECK(pattern("`Order Completed`[`ga:session-id` == 1] as `my order`") ==
        "Order Completed[(== ga:session-id 1)]@my order");
  CHECK(expression("properties.`a.b`.c") == "properties.a.b.c");
}

TEST_CASE("parse: a comma leads to the next step behind as many paths as the rule's key has") {
  CHECK(tree("rule r { by u match a unless b by x, c, d by y, e[z == 1] }") ==
        "rule r \"\"\n  by u\n  match a\n  unless b by x, c, d by y, e[(== z 1)]\n");
  CHECK(parsed("rule r { by u match a unless b by x, c }").file.rules.at(0).unless.size() == 2);
  CHECK(parsed("rule r { by u, v match a unless b by x, c }").file.rules.at(0).unless.size() == 1);
  CHECK(tree("rule r { by u measure m = sum(b by x, n) over 5m when m > 1 }") ==
        "rule r \"\"\n  by u\n  measure m = sum(b by x, n) over 5m\n  when (> m 1)\n");
}

TEST_CASE("parse: templates") {
  CHECK(tree(R"(rule r { match a alert "x {a.b:.2f} {{y} {f(\"}\", [1]):%d} {`a:b`}" to c, d })") ==
        "rule r \"\"\n  match a\n  do alert \"x \" {a.b:.2f} \" {y} \" {f(\"}\" [1]):%d} \" \" {a:b:} to c, d\n");
  const Parsed p = parsed("rule r { match a alert \"\\u00e9 {a.b}\" }");
  const ast::Expr& expr = *p.file.rules.at(0).actions.at(0).text->pieces.at(1).expr;
  CHECK(expr.span.begin == 32);  // in the file, behind the escape
  CHECK(expr.span.end == 35);
}

TEST_CASE("parse: spans are the words themselves") {
  const std::string text = "rule r {\n  match login[a == (1)] as x -> b\n}\n";
  const Parsed p = parsed(text);
  const auto at = [&](Span span) { return text.substr(span.begin, span.end - span.begin); };
  const ast::Rule& rule = p.file.rules.at(0);
  CHECK(at(rule.name.span) == "r");
  CHECK(at(rule.match_span) == "match login[a == (1)] as x -> b");
  CHECK(at(rule.match->items[0].span) == "login[a == (1)] as x");
  CHECK(at(rule.match->items[0].step.span) == "login[a == (1)]");
  CHECK(at(rule.match->items[0].step.condition->span) == "a == (1)");
  CHECK(at(rule.match->items[0].step.condition->op_span) == "==");
  CHECK(at(rule.match->arrows[0].span) == "->");
}

TEST_CASE("parse: bad bytes are reported, never a crash") {
  CHECK(code(std::string("rule r { match a }\0", 19)) == "E0106");
  CHECK(code("rule r { match a \xff }") == "E0106");
  CHECK(code("rule r { match a \xed\xa0\x80 }") == "E0106");
  CHECK(code(std::string((1u << 20) + 1, ' ')) == "E0122");
  CHECK(code("\xEF\xBB\xBFrule r { match a }") == "");
  CHECK(code("") == "");
  CHECK(code("rule r {\r\n  match a\r\n}\r\n") == "");
}

TEST_CASE("parse: the ways to read a text do not grow with its length") {
  const auto repeat = [](const std::string& part, size_t count) {
    std::string out;
    for (size_t i = 0; i < count; ++i) out += part;
    return out;
  };
  CHECK(code("event e { " + repeat("a ", 5'000) + "}") == "E0134");
  CHECK(code("event e {" + repeat("\nfrom from", 2'000) + "\n}") == "E0134");
  CHECK(code("event e { x: string " + repeat("from from ", 2'000) + "}") == "E0134");
  CHECK(code("event e { x: string " + repeat("from from ", 2'000) + "y: string }") == "E0134");
}

TEST_CASE("parse: depth is limited, length is not") {
  const auto repeat = [](const std::string& part, size_t count) {
    std::string out;
    for (size_t i = 0; i < count; ++i) out += part;
    return out;
  };
  CHECK(code("let x = " + repeat("(", 100'000) + "1") == "E0122");
  CHECK(code("rule r { match " + repeat("(", 100'000) + " }") == "E0122");
  CHECK(code("let x = " + repeat("not ", 100'000) + "a") == "E0122");
  CHECK(code("let x = " + repeat("-", 100'000) + "a") == "E0122");
  CHECK(code("let x = a" + repeat(".a", 100'000)) == "E0122");
  CHECK(code("let x = 1" + repeat(" + 1", 100'000)) == "E0122");
  CHECK(code("rule r { match a " + repeat("on resolve ", 50'000) + "alert \"x\" }") == "E0127");
  CHECK(code("let x = a" + repeat(" or a", 10'000)) == "");
  CHECK(code("rule r { match a" + repeat(" -> a", 10'000) + " }") == "");
  CHECK(code("rule r { match a" + repeat(" -[5s..1m]-> a", 2'000) + " }") == "");
}
