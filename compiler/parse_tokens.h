// Words: rule text cut into tokens, and put right where another language's habit stands in the way.
//
// Two steps before the grammar sees anything:
//   read    ANTLR's lexer over bytes (an offset is a byte); a `/` where an operand is expected begins a regular
//   expression repair  what newcomers write (`AND`, 'text', `&&`, `followed by`, `;`, // comments) is reported and put
//   into our
//           spelling; brackets are balanced, so that the parser can skip what it does not understand
//
// After repair every bracket has its partner and none stands deeper than expression_depth_max.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "compiler/diagnostic.h"
#include "compiler/source.h"

namespace omen {

// Text that is being parsed: a file, or an expression inside of a text literal, whose bytes stand elsewhere in the
// file.
struct ParsedText {
  std::string_view text;
  uint32_t file = 0;
  const std::vector<uint32_t>* offsets = nullptr;  // of each byte (and of the end) in the file; null: the file itself

  Span span(uint32_t begin, uint32_t end) const {
    if (offsets == nullptr) return {file, begin, end};
    return {file, (*offsets)[begin], end > begin ? (*offsets)[end - 1] + 1 : (*offsets)[begin]};
  }
};

struct Word {
  size_t type = 0;  // of OmenLexer
  uint32_t begin = 0;
  uint32_t end = 0;  // == begin: put in by repair
  bool first_on_line = false;
  bool follows_dropped = false;  // a character before it was reported and dropped: what does not fit here is no news

  std::string_view text(const ParsedText& of) const { return of.text.substr(begin, end - begin); }
};

bool is_clause_word(size_t type);       // begins a clause of a rule
bool is_declaration_word(size_t type);  // begins a declaration
bool is_name_word(size_t type);         // can be a name

// All words, comments (type COMMENT) among them. No end-of-file word.
std::vector<Word> read_words(std::string_view text);

// Takes comments out and repairs. False when the text is nested too deep to be parsed.
[[nodiscard]] bool repair_words(std::vector<Word>& words, const ParsedText& text, Diagnostics& diagnostics);

// Cuts each `by` to key_parts_max parts and reports what it cut.
void bound_keys(std::vector<Word>& words, const ParsedText& text, Diagnostics& diagnostics);

}  // namespace omen
