// ParseRecovery: what the parser says where it does not understand, and where it goes on.
//
// A mistake costs the innermost clause, field, test line or declaration that it stands in: that is reported once, in
// words, and skipped; brackets are balanced by then (parse_tokens.h), so a skip never leaves its block.
#pragma once

#include <antlr4-runtime.h>

#include <vector>

#include "compiler/parse_tokens.h"

namespace omen {

class ParseRecovery : public antlr4::DefaultErrorStrategy {
 public:
  // words: as given to the parser, in its order. All must outlive the strategy.
  ParseRecovery(const std::vector<Word>& words, const ParsedText& text, Diagnostics& diagnostics);

  void sync(antlr4::Parser* parser) override;
  void reportError(antlr4::Parser* parser, const antlr4::RecognitionException& e) override;
  void recover(antlr4::Parser* parser, std::exception_ptr e) override;
  antlr4::Token* recoverInline(antlr4::Parser* parser) override;

 private:
  void report(antlr4::Parser* parser, size_t index);
  void report_in_body(antlr4::Parser* parser, size_t index);
  void report_untyped_field(antlr4::Parser* parser, size_t index);
  void report_foreign_clause(size_t index, bool may_be_clause);
  bool report_swallowed_clause(antlr4::Parser* parser, size_t index);
  void skip(antlr4::Parser* parser, size_t rule);
  bool begins(size_t rule, size_t index) const;
  std::string shown(size_t index) const;
  size_t type_at(size_t index) const { return index < words_.size() ? words_[index].type : antlr4::Token::EOF; }
  void error(const char* code, size_t index, std::string message, std::string help);

  const std::vector<Word>& words_;
  const ParsedText& text_;
  Diagnostics& diagnostics_;
  std::vector<uint32_t> depths_;  // of each word: how many brackets are open before it; a closer counts as outside
};

}  // namespace omen
