// Formatting keeps the meaning and is done once it is done: on every rule text there is, and on the same words with
// the space between them thrown about.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "compiler/parse_layout.h"
#include "tests/support/cases.h"
#include "tests/support/tree_text.h"

using namespace omen;

namespace {

namespace fs = std::filesystem;

Sources one(std::string text) {
  Sources sources;
  sources.files.push_back({"a.omen", std::move(text)});
  return sources;
}

std::string tree(const std::string& text) {
  Diagnostics diagnostics;
  return tree_text(parse(one(text), 0, diagnostics));
}

// Formatted; empty when it does not parse.
std::string formatted(const std::string& text) {
  Diagnostics diagnostics;
  return format(one(text), 0, diagnostics).value_or("");
}

void check_stable(const std::string& text, const std::string& meaning) {
  const std::string once = formatted(text);
  REQUIRE_FALSE(once.empty());
  CHECK(formatted(once) == once);
  CHECK(tree(once) == meaning);
  CHECK(std::count(once.begin(), once.end(), '#') == std::count(text.begin(), text.end(), '#'));
}

// The words and comments of a text with other space between them.
std::string shaken(const std::string& text, std::mt19937& random) {
  Diagnostics diagnostics;
  const auto pieces = layout(one(text), 0, diagnostics);
  if (!pieces) return {};
  std::string out;
  for (const Piece& piece : *pieces) {
    const unsigned dice = random() % 16;
    if (!out.empty()) {
      const bool after_comment = out.back() == '\n';
      if (!after_comment || piece.is_comment) out += dice < 3 ? "\n\n\n" : dice < 6 ? "\n " : dice < 8 ? "\t" : " ";
      if (!piece.is_comment && dice == 9) out += "# put in\n";
    }
    out.append(text, piece.begin, piece.end - piece.begin);
    if (piece.is_comment) out += '\n';
  }
  return out + '\n';
}

std::vector<std::string> rule_texts() {
  std::vector<fs::path> paths;
  for (const char* folder : {"rules", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(OMEN_SOURCE_ROOT) / folder)) {
      if (entry.path().extension() == ".omen") paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> texts;
  for (const fs::path& path : paths) {
    std::ifstream in(path, std::ios::binary);
    texts.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
  }
  return texts;
}

}  // namespace

TEST_CASE("format: the canonical layout") {
  const std::string ragged = R"(# head
import "a.omen"
let x=5 days
let longer=-3
event e lenient{ a:string in["a","b"] bbb?:number -1..100  # why
 # last
}
rule r "t" { by user_id, customer.id
 match (a[x == -5 and not (y in~ ["q"])] by k{2,3} consecutive as q -> b+ within 5   days)* -[5m]-> c or not (e or f) for 1h30m =[1m..2m]=> d
 within 90s


 alert "{a.x:.2f}" to d , e
 send d{a:1,long_member_name_number_one:"some long text to make it long",another_long_member:"another long text"} }
test "t" for r { at 0s a{x:1} at 10m bbbbbb { y:[] }
expect nothing })";
  CHECK(formatted(ragged) == R"(# head
import "a.omen"
let x      = 5 days
let longer = -3

event e lenient {
  a:     string in ["a", "b"]
  bbb?:  number -1..100  # why
  # last
}

rule r "t" {
  by user_id, customer.id
  match (a[x == -5 and not (y in~ ["q"])] by k{2,3} consecutive as q -> b+ within 5 days)*
     -[5m]-> c or not (e or f) for 1h30m
     =[1m..2m]=> d
  within 90s

  alert "{a.x:.2f}" to d, e
  send d {
    a: 1,
    long_member_name_number_one: "some long text to make it long",
    another_long_member: "another long text"
  }
}

test "t" for r {
  at 0s a        { x: 1 }
  at 10m bbbbbb  { y: [] }
  expect nothing
}
)");
}

TEST_CASE("format: comments stay where they were, wherever that is") {
  CHECK(formatted("rule r { match a # one\n -> # two\n # three\n b # four\n }") ==
        "rule r {\n  match a  # one\n     ->  # two\n      # three\n      b  # four\n}\n");
  CHECK(formatted("# only\n\n\n# comments") == "# only\n\n# comments\n");
  CHECK(formatted("rule r {\n# inside\n}\n# after") == "rule r {\n  # inside\n}\n# after\n");
}

TEST_CASE("format: what does not parse is left alone") {
  Diagnostics diagnostics;
  CHECK_FALSE(format(one("rule r { match a = b }"), 0, diagnostics).has_value());
  CHECK(diagnostics.has_errors());
  CHECK(formatted("") == "");
}

// Each 20 times, or OMEN_CASES / 250 times.
TEST_CASE("format: every rule text keeps its meaning and is stable, with any space between its words") {
  const uint64_t shakes = cases(5'000) / 250;
  std::mt19937 random(1);
  size_t formatted_texts = 0;
  for (const std::string& text : rule_texts()) {
    if (formatted(text).empty()) continue;
    ++formatted_texts;
    CAPTURE(text);
    const std::string meaning = tree(text);
    check_stable(text, meaning);
    for (uint64_t i = 0; i < shakes; ++i) {
      const std::string other = shaken(text, random);
      CAPTURE(other);
      check_stable(other, meaning);
      CHECK(tree(other) == meaning);
    }
  }
  CHECK(formatted_texts > 20);
}
