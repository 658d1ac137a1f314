#include "compiler/diagnostic.h"

#include <doctest/doctest.h>

using namespace omen;

namespace {

Sources one(std::string text) {
  Sources sources;
  sources.files.push_back({"a.omen", std::move(text)});
  return sources;
}

Diagnostic at(uint32_t begin, uint32_t end) {
  return {"E0101", Severity::error, "something is wrong", {{0, begin, end}, {}}, {}, "put it right"};
}

}  // namespace

TEST_CASE("diagnostic: excerpt with carets under the culprit and dashes under causes") {
  const Sources sources = one("rule a {\n  match b -> c\n  within 5m\n}\n");
  Diagnostic d = at(11, 16);
  d.culprit.text = "here";
  d.causes = {{{0, 26, 32}, "because of this"}, {{0, 17, 18}, ""}};
  CHECK(render_text(d, sources, false) ==
        "error[E0101]: something is wrong\n"
        " --> a.omen:2:3\n"
        "   |\n"
        " 2 |   match b -> c\n"
        "   |         -\n"
        "   |   ^^^^^ here\n"
        " 3 |   within 5m\n"
        "   |   ------ because of this\n"
        "   = help: put it right\n");
}

TEST_CASE("diagnostic: columns are code points, tabs and control bytes one column") {
  const Sources sources = one("größe\t\"ü\" x");
  const std::string text = render_text(at(13, 14), sources, false);
  CHECK(text.find("a.omen:1:11\n") != std::string::npos);
  CHECK(text.find(" 1 | größe \"ü\" x\n   |           ^\n") != std::string::npos);
}

TEST_CASE("diagnostic: places at the edges of a file") {
  const Sources sources = one("ab\r\ncd");
  CHECK(sources.place(0, 0).line == 1);
  CHECK(sources.place(0, 6).line == 2);
  CHECK(sources.place(0, 6).column == 3);
  CHECK(sources.place(0, 999).line == 2);
  CHECK(sources.place(7, 1).line == 1);
  CHECK(sources.line(0, 1) == "ab");
  CHECK(sources.line(0, 2) == "cd");
  CHECK(sources.line(0, 3).empty());
  CHECK(sources.text({0, 4, 99}) == "cd");
  CHECK_FALSE(render_text(at(6, 6), sources, false).empty());
  CHECK_FALSE(render_text(at(0, 6), one(""), false).empty());
}

TEST_CASE("diagnostic: a long line is shown around the culprit") {
  const Sources sources = one(std::string(5000, 'x') + "!" + std::string(5000, 'y'));
  const std::string text = render_text(at(5000, 5001), sources, false);
  CHECK(text.size() < 600);
  CHECK(text.find('!') != std::string::npos);
  CHECK(text.find('^') != std::string::npos);
}

TEST_CASE("diagnostic: JSON") {
  const Sources sources = one("rule \"a\"\n");
  Diagnostic d = at(5, 8);
  d.message = "a \"quoted\" \n thing";
  d.causes = {{{0, 0, 4}, "this"}};
  CHECK(render_json({d}, sources) ==
        "[{\"code\":\"E0101\",\"severity\":\"error\",\"message\":\"a \\\"quoted\\\" \\n thing\",\"file\":\"a.omen\","
        "\"line\":1,\"column\":6,\"end_line\":1,\"end_column\":9,\"help\":\"put it right\",\"labels\":["
        "{\"file\":\"a.omen\",\"line\":1,\"column\":1,\"end_line\":1,\"end_column\":5,\"text\":\"this\"}]}]\n");
  CHECK(render_json({}, sources) == "[]\n");
}

TEST_CASE("diagnostic: sorted by place, repeats dropped") {
  Diagnostics diagnostics;
  diagnostics.error("E0102", {0, 9, 10}, "second");
  diagnostics.warning("W0101", {0, 1, 2}, "first");
  diagnostics.error("E0102", {0, 9, 10}, "second");
  diagnostics.error("E0103", {0, 9, 10}, "third");
  CHECK(diagnostics.has_errors());
  diagnostics.sort();
  REQUIRE(diagnostics.items.size() == 3);
  CHECK(diagnostics.items[0].message == "first");
  CHECK(diagnostics.items[2].message == "third");
}

TEST_CASE("diagnostic: the nearest known name") {
  const std::vector<std::string> known = {"user_id", "amount", "plan", "by"};
  CHECK(nearest_name("usr_id", known) == "user_id");
  CHECK(nearest_name("USER_ID", known) == "user_id");
  CHECK(nearest_name("amuont", known) == "amount");
  CHECK(nearest_name("plann", known) == "plan");
  CHECK(nearest_name("zebra", known).empty());
  CHECK(nearest_name("x", known).empty());
  CHECK(nearest_name("amount", known).empty());
  CHECK(nearest_name(std::string(100'000, 'a'), known).empty());
}
