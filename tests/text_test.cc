// Texts: wildcards against a slow obvious matcher, letters without regard to case, places in code points.

#include "runtime/core/text.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace omen {
namespace {

// By the definition: a star takes nothing, or one code point and is asked again.
bool is_like_slowly(const std::vector<std::string>& text, size_t at, const std::vector<std::string>& pattern,
                    size_t wanted) {
  if (wanted == pattern.size()) return at == text.size();
  if (pattern[wanted] == "*") {
    return is_like_slowly(text, at, pattern, wanted + 1) ||
           (at < text.size() && is_like_slowly(text, at + 1, pattern, wanted));
  }
  const bool fits = at < text.size() && (pattern[wanted] == "?" || pattern[wanted] == text[at]);
  return fits && is_like_slowly(text, at + 1, pattern, wanted + 1);
}

std::string joined(const std::vector<std::string>& points) {
  std::string out;
  for (const std::string& point : points) out += point;
  return out;
}

TEST_CASE("text: wildcards agree with their definition") {
  const std::vector<std::string> letters = {"a", "b", "é", "世", "😀"}, signs = {"*", "*", "?", "a", "b", "é", "😀"};
  std::mt19937 random(7);
  const auto any_of = [&](const std::vector<std::string>& from, size_t longest) {
    std::vector<std::string> points(random() % (longest + 1));
    const size_t choice = 2 + random() % (from.size() - 1);  // few different ones make more of them fit
    for (std::string& point : points) point = from[random() % choice];
    return points;
  };
  size_t fitting = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto text = any_of(letters, 9), pattern = any_of(signs, 7);
    const bool expected = is_like_slowly(text, 0, pattern, 0);
    fitting += expected ? 1 : 0;
    if (is_like(joined(text), joined(pattern)) != expected) {
      FAIL_CHECK(joined(text) << " like " << joined(pattern) << " is " << expected);
    }
  }
  CHECK(fitting > 2'000);
}

TEST_CASE("text: long texts with many near misses take no long time") {
  const std::string text(200'000, 'a');
  std::string part(100'000, 'a');
  part += 'b';
  CHECK(find(text, part) == std::string_view::npos);
  CHECK_FALSE(index_of(text, part, 0).has_value());
  CHECK_FALSE(is_like(text, "*" + part + "*"));
}

TEST_CASE("text: folding keeps to one code point for one") {
  Scratch scratch;
  const auto folded = [&](std::string_view text) { return std::string(with_case(Case::fold, text, scratch)); };
  CHECK(folded("") == "");
  CHECK(folded("Straße") == "straße");
  CHECK(folded("STRAẞE") == "straße");
  CHECK(folded("ΑΣΣ ς") == "ασσ σ");
  CHECK(folded("K") == "k");    // the sign for Kelvin
  CHECK(folded("Ⱥ") == "ⱥ");    // longer in bytes than before
  CHECK(folded("İI") == "İi");  // Turkish letters have no simple folding
  CHECK(folded("𐐀😀") == "𐐨😀");
  CHECK(folded("ᾈ") == "ᾀ");
  CHECK(folded("Ꭰꭰ") == "ᎠᎠ");  // Cherokee folds to capitals
}

TEST_CASE("text: a text without such letters is not copied") {
  Scratch scratch;
  const std::string_view plain = "plain text 123";
  CHECK(with_case(Case::fold, plain, scratch).data() == plain.data());
  CHECK(with_case(Case::upper, "ABC", scratch) == "ABC");
}

TEST_CASE("text: scratch memory is used again") {
  Scratch scratch;
  const char* const first = scratch.allocate(100);
  const Scratch::Mark mark = scratch.mark();
  const char* const large = scratch.allocate(1'000'000);
  scratch.rewind(mark);
  CHECK(scratch.allocate(1'000'000) == large);
  scratch.clear();
  CHECK(scratch.allocate(100) == first);
}

}  // namespace
}  // namespace omen
