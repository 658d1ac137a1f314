// Parse: rule text -> syntax tree, by way of words (parse_tokens.h), ANTLR's parser and build (parse_build.h).
//
// The parser is asked twice at most: first in SLL mode with no recovery, which is fast and decides every valid file;
// if that fails, in LL mode with recovery (parse_recovery.h), which reports the mistakes.

#include <antlr4-runtime.h>
#include <fmt/format.h>

#include "OmenLexer.h"
#include "OmenParser.h"
#include "compiler/compile.h"
#include "compiler/parse_build.h"
#include "compiler/parse_layout.h"
#include "compiler/parse_recovery.h"
#include "compiler/parse_tokens.h"
#include "runtime/model/limits.h"

namespace omen {

std::vector<Piece> layout_pieces(antlr4::ParserRuleContext* tree, const std::vector<Word>& all,
                                 std::string_view text);  // parse_layout.cc

namespace {

using grammar::OmenParser;

// Repaired words as ANTLR sees them.
class Grammar {
 public:
  explicit Grammar(const std::vector<Word>& words, uint32_t end)
      : source_(tokens(words, end)), stream_(&source_), parser_(&stream_) {
    parser_.removeErrorListeners();
    stream_.fill();
  }

  // The tree of one rule of the grammar. It lives as long as this.
  template <typename Context>
  Context* parse(Context* (OmenParser::*rule)(), const std::vector<Word>& words, const ParsedText& text,
                 Diagnostics& diagnostics) {
    auto* simulator = parser_.getInterpreter<antlr4::atn::ParserATNSimulator>();
    simulator->setPredictionMode(antlr4::atn::PredictionMode::SLL);
    parser_.setErrorHandler(std::make_shared<antlr4::BailErrorStrategy>());
    try {
      return (parser_.*rule)();
    } catch (const antlr4::ParseCancellationException&) {
      parser_.reset();
    }
    simulator->setPredictionMode(antlr4::atn::PredictionMode::LL);
    parser_.setErrorHandler(std::make_shared<ParseRecovery>(words, text, diagnostics));
    return (parser_.*rule)();
  }

 private:
  static std::vector<std::unique_ptr<antlr4::Token>> tokens(const std::vector<Word>& words, uint32_t end) {
    std::vector<std::unique_ptr<antlr4::Token>> out;
    out.reserve(words.size() + 1);
    const auto add = [&](size_t type, uint32_t from, uint32_t to) {
      auto token = std::make_unique<antlr4::CommonToken>(type);
      token->setStartIndex(from);
      token->setStopIndex(size_t{to} - 1);
      out.push_back(std::move(token));
    };
    for (const Word& word : words) add(word.type, word.begin, word.end);
    add(antlr4::Token::EOF, end, end);
    return out;
  }

  antlr4::ListTokenSource source_;
  antlr4::CommonTokenStream stream_;
  OmenParser parser_;
};

// The offset of the first byte that is not UTF-8, or npos.
size_t bad_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto at = [&](size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u; };
    const unsigned c = at(i);
    if (c < 0x80) {
      ++i;
      continue;
    }
    const size_t length = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
    if (c < 0xC2 || c > 0xF4) return i;
    for (size_t k = 1; k < length; ++k) {
      if ((at(i + k) & 0xC0) != 0x80) return i;
    }
    const unsigned second = at(i + 1);
    if ((c == 0xE0 && second < 0xA0) || (c == 0xED && second > 0x9F) || (c == 0xF0 && second < 0x90) ||
        (c == 0xF4 && second > 0x8F))
      return i;
    i += length;
  }
  return std::string_view::npos;
}

// Whether the file is text that can be read at all.
bool is_readable(std::string_view text, uint32_t file, Diagnostics& diagnostics) {
  if (text.size() > rule_file_bytes_max) {
    diagnostics.error("E0122", {file, 0, 0}, fmt::format("the file is longer than {} bytes", rule_file_bytes_max),
                      "split it: rules of several files are compiled together");
    return false;
  }
  const auto report = [&](size_t offset, std::string what, std::string help) {
    const uint32_t at = static_cast<uint32_t>(offset);
    diagnostics.error("E0106", {file, at, at + 1}, std::move(what), std::move(help));
    return false;
  };
  if (const size_t zero = text.find('\0'); zero != std::string_view::npos) {
    return report(zero, "there is a NUL byte in the file", "rule files are UTF-8 text; UTF-16 must be converted");
  }
  if (const size_t bad = bad_utf8(text); bad != std::string_view::npos) {
    return report(bad,
                  fmt::format("byte {:#04x} at offset {} is not UTF-8", static_cast<unsigned char>(text[bad]), bad),
                  "save the file as UTF-8");
  }
  return true;
}

// The tree of a file, and if wanted the pieces of its layout.
ast::File read_file(const Sources& sources, uint32_t file, Diagnostics& diagnostics, std::vector<Piece>* pieces) {
  ast::File empty;
  empty.file = file;
  std::string bytes = sources.files[file].text;
  if (!is_readable(bytes, file, diagnostics)) return empty;
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.replace(0, 3, "   ");  // a byte order mark is no word
  const ParsedText text{bytes, file, nullptr};
  const std::vector<Word> all = read_words(bytes);
  std::vector<Word> words = all;
  if (!repair_words(words, text, diagnostics)) return empty;
  bound_keys(words, text, diagnostics);
  Grammar grammar(words, static_cast<uint32_t>(bytes.size()));
  auto* tree = grammar.parse(&OmenParser::file, words, text, diagnostics);
  ast::File out = Builder(text, diagnostics).file(tree);
  if (pieces != nullptr && !diagnostics.has_errors()) *pieces = layout_pieces(tree, all, bytes);
  return out;
}

}  // namespace

ast::File parse(const Sources& sources, uint32_t file, Diagnostics& diagnostics) {
  return read_file(sources, file, diagnostics, nullptr);
}

std::optional<std::vector<Piece>> layout(const Sources& sources, uint32_t file, Diagnostics& diagnostics) {
  Diagnostics found;
  std::vector<Piece> pieces;
  read_file(sources, file, found, &pieces);
  const bool has_errors = found.has_errors();
  for (Diagnostic& item : found.items) diagnostics.items.push_back(std::move(item));
  if (has_errors) return {};
  return pieces;
}

std::optional<ast::Expr> parse_expression(const ParsedText& text, Diagnostics& diagnostics) {
  std::vector<Word> words = read_words(text.text);
  if (!repair_words(words, text, diagnostics)) return {};
  Grammar grammar(words, static_cast<uint32_t>(text.text.size()));
  auto* tree = grammar.parse(&OmenParser::templateExpression, words, text, diagnostics);
  if (tree->exception != nullptr) return {};
  return Builder(text, diagnostics).expression(tree->expression());
}

}  // namespace omen
