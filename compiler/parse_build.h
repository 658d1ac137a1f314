// Build: ANTLR's tree -> our syntax tree, and the judgement of what the grammar takes but the language does not.
//
// Parts in which the parser met a mistake carry an exception and are left out; what is whole is built.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "OmenParser.h"
#include "compiler/ast.h"
#include "compiler/parse_tokens.h"

namespace omen {

class Builder {
 public:
  Builder(const ParsedText& text, Diagnostics& diagnostics) : text_(text), diagnostics_(diagnostics) {}

  ast::File file(grammar::OmenParser::FileContext* context);              // parse_declaration.cc
  ast::Expr expression(grammar::OmenParser::ExpressionContext* context);  // parse_expression.cc

  // Where a clause stands among the others. Clauses of measure rules share turns with those of sequence rules.
  enum class Turn : uint8_t { severity, by, match, within, unless, where, overlap, cooldown, limit, quiet, action };

 private:
  using P = grammar::OmenParser;
  using Rule = antlr4::ParserRuleContext;

  // An expression and how deep it is: the depth is limited as it grows, so that nobody after us has to.
  struct Tree {
    ast::Expr expr;
    uint32_t depth = 1;
  };

  // parse_expression.cc
  Tree disjunction(P::ExpressionContext* context);
  Tree conjunction(P::AndExpressionContext* context);
  Tree negated(P::NotExpressionContext* context);
  Tree comparison(P::ComparisonContext* context);
  void compare(Tree& left, P::ComparisonTailContext* tail);
  Tree binary(ast::Op op, Span op_span, Tree left, Tree right);
  Tree sum(P::SumContext* context);
  Tree product(P::ProductContext* context);
  Tree negation(P::NegationContext* context);
  Tree reference(P::ReferenceContext* context);
  Tree primary(P::PrimaryContext* context);
  Tree named(P::PrimaryContext* context);
  Tree number(P::PrimaryContext* context);
  ast::Expr literal(antlr4::Token* token);
  Tree object(P::ObjectContext* context);
  Tree join(ast::Op op, std::vector<Tree> operands, const std::vector<Span>& operators);
  void grow(Tree& tree, std::vector<Tree> children);
  ast::Expr object_expression(P::ObjectContext* context);

  // parse_text.cc
  struct Text {
    std::string bytes;
    std::vector<uint32_t> offsets;  // of each byte, and of the end, in the file
  };
  Text text(P::TextContext* context);
  std::string regex(P::RegexContext* context);
  ast::Template text_template(P::TextContext* context);
  std::optional<ast::Expr> template_expression(const Text& text, size_t begin, size_t end);

  // parse_pattern.cc
  ast::Pattern pattern(P::PatternContext* context);
  ast::Pattern pattern_or(P::PatternOrContext* context);
  ast::Pattern pattern_and(P::PatternAndContext* context);
  ast::Pattern pattern_not(P::PatternNotContext* context);
  ast::Pattern element(P::ElementContext* context);
  void conditions(ast::Pattern& pattern, const std::vector<P::ConditionContext*>& contexts);
  void suffixes(ast::Pattern& pattern, const std::vector<P::SuffixContext*>& contexts);
  void suffix(ast::Pattern& pattern, P::SuffixContext* context);
  ast::Arrow arrow(P::ArrowContext* context);
  ast::Repeat repeat(P::RepetitionContext* context);
  std::vector<ast::Step> absent_steps(ast::Pattern&& operand);
  std::optional<ast::Step> only_step(P::ElementContext* context, std::string_view where);

  // parse_declaration.cc
  void declaration(P::DeclarationContext* context, ast::File& file);
  ast::EventDeclaration event(P::EventDeclarationContext* context);
  ast::FieldDeclaration field(P::FieldContext* context);
  void constraint(ast::FieldDeclaration& field, P::ConstraintContext* context);
  ast::Expr signed_number(P::SignedNumberContext* context);
  ast::Destination destination(P::DestinationDeclarationContext* context);
  ast::Table table(P::TableDeclarationContext* context);
  void settings(P::SettingsContext* context, std::vector<ast::Name>& names, std::vector<ast::Expr>& values,
                std::optional<ast::Quiet>* quiet_hours);
  ast::Mapping mapping(P::MappingDeclarationContext* context);
  ast::Mapped mapped(P::MappedContext* context);
  ast::Test test(P::TestDeclarationContext* context);
  ast::TestLine test_line(P::TestLineContext* context);

  // parse_rule.cc
  ast::Rule rule(P::RuleDeclarationContext* context);
  void clauses(ast::Rule& rule, const std::vector<P::ClauseContext*>& contexts);
  void repeated_clause(Turn turn, P::ClauseContext* context, P::ClauseContext* first);
  void clause_order(const std::vector<P::ClauseContext*>& contexts);
  void clause(ast::Rule& rule, P::ClauseContext* context);
  void unless(ast::Rule& rule, P::UnlessClauseContext* context);
  void every(ast::Rule& rule, P::EveryClauseContext* context);
  ast::Measure measure(P::MeasureClauseContext* context, size_t key_parts);
  ast::Action action(P::ActionContext* context);
  std::optional<ast::Quiet> quiet(P::QuietHoursContext* context);
  std::optional<int32_t> minute_of_day(antlr4::tree::TerminalNode* node);

  // parse_text.cc: words
  ast::Name name(Rule* context);
  ast::Duration duration(P::DurationContext* context);
  int64_t duration_us(Span span, std::string_view spelling);
  ast::Path path(P::PathContext* context);
  std::vector<ast::Path> paths(P::PathsContext* context);
  std::optional<uint32_t> whole_number(antlr4::tree::TerminalNode* node);
  std::string_view spelling(antlr4::Token* token) const;
  std::string_view spelling(Rule* context) const;
  Span span(antlr4::Token* token) const;
  Span span(Rule* context) const;
  static Span cover(Span first, Span last) { return {first.file, first.begin, last.end}; }
  void error(const char* code, Span span, std::string message, std::string help, std::vector<Label> causes = {}) {
    diagnostics_.error(code, span, std::move(message), std::move(help), std::move(causes));
  }

  const ParsedText& text_;
  Diagnostics& diagnostics_;
  bool objects_allowed_ = false;  // in a body of send, emit or a test
};

// The tree of one expression of a template. Nothing when it does not parse.
std::optional<ast::Expr> parse_expression(const ParsedText& text, Diagnostics& diagnostics);  // parse.cc

}  // namespace omen
