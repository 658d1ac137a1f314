// A key of more parts than any rule has is reported, and cut, before the grammar sees it: whether a comma behind
// `by` goes on with the key or with the steps of an `unless` is found out by looking ahead, at each comma anew.
#include <fmt/format.h>

#include "OmenLexer.h"
#include "compiler/parse_tokens.h"
#include "runtime/model/limits.h"

namespace omen {

namespace {

using grammar::OmenLexer;

// Behind the path that begins at `at`; `at` itself when none does.
size_t path_end(const std::vector<Word>& words, size_t at) {
  const auto is = [&](size_t place, size_t type) { return place < words.size() && words[place].type == type; };
  if (at >= words.size() || !is_name_word(words[at].type)) return at;
  ++at;
  for (;;) {
    if (is(at, OmenLexer::DOT) && at + 1 < words.size() && is_name_word(words[at + 1].type)) {
      at += 2;
    } else if (is(at, OmenLexer::OPEN_SQUARE) && is(at + 1, OmenLexer::NUMBER) && is(at + 2, OmenLexer::CLOSE_SQUARE)) {
      at += 3;
    } else {
      return at;
    }
  }
}

}  // namespace

void bound_keys(std::vector<Word>& words, const ParsedText& text, Diagnostics& diagnostics) {
  std::vector<Word> out;
  out.reserve(words.size());
  for (size_t i = 0; i < words.size(); ++i) {
    out.push_back(words[i]);
    if (words[i].type != OmenLexer::BY) continue;
    size_t end = path_end(words, i + 1);
    size_t parts = end > i + 1 ? 1 : 0, kept_end = end;
    while (parts > 0 && end < words.size() && words[end].type == OmenLexer::COMMA) {
      const size_t next = path_end(words, end + 1);
      if (next == end + 1) break;
      end = next;
      if (++parts <= key_parts_max) kept_end = end;
    }
    if (parts <= key_parts_max) continue;
    diagnostics.error("E0122", text.span(words[kept_end + 1].begin, words[end - 1].end),
                      fmt::format("a key has at most {} parts", key_parts_max), "take the least selective ones out");
    out.insert(out.end(), words.begin() + static_cast<ptrdiff_t>(i) + 1,
               words.begin() + static_cast<ptrdiff_t>(kept_end));
    i = end - 1;
  }
  words = std::move(out);
}

}  // namespace omen
