#include "compiler/parse_layout.h"

#include "OmenParser.h"
#include "compiler/parse_build.h"
#include "compiler/parse_tokens.h"
#include "runtime/model/status.h"

namespace omen {

namespace {

using P = grammar::OmenParser;
using Joint = Piece::Joint;
using Column = Piece::Column;

constexpr uint8_t indent_columns = 2;
constexpr uint8_t arrow_columns = 3;  // so that the steps of a broken pattern stand below the first, behind `match `

class Layout {
 public:
  std::vector<Piece> run(antlr4::ParserRuleContext* tree) {
    walk(tree, 0);
    return std::move(pieces_);
  }

 private:
  // What is known of the next piece before it is met.
  struct Next {
    std::optional<Joint> joint;
    uint8_t indent = 0;
    uint32_t group = 0;
    uint8_t level = 0;
    Column column = Column::none;
    bool begins_block = false;
  };

  void walk(antlr4::ParserRuleContext* context, uint8_t level) {
    const size_t rule = context->getRuleIndex();
    if (rule == P::RuleDeclaration) {
      const auto* declared = static_cast<antlr4::ParserRuleContext*>(context->children[0]);
      next_ = {Joint::line, 0, 0, 0, Column::none, is_block(declared->getRuleIndex())};
    }
    if (rule == P::RuleClause || rule == P::RuleField || rule == P::RuleMapped || rule == P::RuleTestLine) {
      next_ = {Joint::line, indent_columns, 0, 0, Column::none, false};
    }
    const bool is_braced = rule == P::RuleObject || rule == P::RuleSettings;
    const bool is_match =
        rule == P::RulePattern && context->parent != nullptr &&
        static_cast<antlr4::ParserRuleContext*>(context->parent)->getRuleIndex() == P::RuleMatchClause;
    const uint32_t group = is_braced || is_match ? ++groups_ : 0;
    const uint8_t inner = is_braced ? static_cast<uint8_t>(level + 1) : level;
    const uint8_t member_indent = static_cast<uint8_t>(indent_columns * inner);
    if (rule == P::RuleObject && is_at_line_of_test(context)) next_.column = Column::event;
    for (antlr4::tree::ParseTree* child : context->children) {
      if (auto* node = dynamic_cast<antlr4::tree::TerminalNode*>(child)) {
        const bool closes = is_braced && node->getSymbol()->getType() == P::CLOSE_BRACE && before_ != P::OPEN_BRACE;
        if (closes)
          next_ = {Joint::soft, static_cast<uint8_t>(member_indent - indent_columns), group, level, {}, false};
        add(node->getSymbol(), context);
        continue;
      }
      auto* part = static_cast<antlr4::ParserRuleContext*>(child);
      OMEN_ASSERT(part != nullptr);
      const size_t part_rule = part->getRuleIndex();
      if (is_braced) next_ = {Joint::soft, member_indent, group, level, {}, false};
      if (is_match && part_rule == P::RuleArrow) next_ = {Joint::soft, arrow_columns, group, level, {}, false};
      if ((rule == P::RuleField || rule == P::RuleMapped) && before_ == P::COLON) next_.column = Column::field;
      walk(part, inner);
    }
  }

  void add(antlr4::Token* token, antlr4::ParserRuleContext* context) {
    const size_t type = token->getType(), rule = context->getRuleIndex();
    if (type == antlr4::Token::EOF) return;
    Piece piece;
    piece.begin = static_cast<uint32_t>(token->getStartIndex());
    piece.end = static_cast<uint32_t>(token->getStopIndex() + 1);
    const Next next = std::exchange(next_, {});
    const bool is_block_rule = is_block(rule);
    piece.closes_block = is_block_rule && type == P::CLOSE_BRACE;
    piece.joint = next.joint                                       ? *next.joint
                  : piece.closes_block && before_ != P::OPEN_BRACE ? Joint::line
                  : is_glued(type, rule)                           ? Joint::glued
                                                                   : Joint::space;
    piece.indent = next.indent;
    piece.group = next.group;
    piece.level = next.level;
    piece.column = type == P::ASSIGN ? assign_column(rule) : next.column;
    piece.begins_block = next.begins_block;
    pieces_.push_back(piece);
    before_ = type;
    rule_before_ = rule;
  }

  // Whether the declaration's parts stand on lines of their own.
  static bool is_block(size_t rule) {
    return rule == P::RuleRuleDeclaration || rule == P::RuleEventDeclaration || rule == P::RuleMappingDeclaration ||
           rule == P::RuleTestDeclaration;
  }

  static bool is_at_line_of_test(antlr4::ParserRuleContext* object) {
    auto* line = dynamic_cast<P::TestLineContext*>(object->parent);
    return line != nullptr && line->EXPECT() == nullptr;
  }

  static Column assign_column(size_t rule) {
    switch (rule) {
      case P::RuleMeasureClause:
        return Column::measure;
      case P::RuleLetDeclaration:
        return Column::let;
      case P::RulePatternDeclaration:
        return Column::pattern;
      case P::RuleDestinationDeclaration:
        return Column::destination;
      case P::RuleTableDeclaration:
        return Column::table;
      default:
        return Column::none;
    }
  }

  // Whether nothing stands between the word before and this one.
  bool is_glued(size_t type, size_t rule) const {
    if (rule == P::RuleArrow) return rule_before_ == P::RuleArrow || rule_before_ == P::RuleDuration;
    if (rule_before_ == P::RuleArrow && before_ != P::ARROW && before_ != P::NEXT) return true;  // -[5m
    switch (before_) {
      case P::OPEN_ROUND:
      case P::OPEN_SQUARE:
      case P::RANGE:
        return true;
      case P::DOT:
        return type != P::NUMBER;
      case P::OPEN_BRACE:
        return rule_before_ == P::RuleRepetition || type == P::CLOSE_BRACE;
      case P::COMMA:
        return rule_before_ == P::RuleRepetition;
      case P::MINUS:
        if (rule_before_ == P::RuleNegation || rule_before_ == P::RuleSignedNumber) return true;
        break;
      default:
        break;
    }
    switch (type) {
      case P::COMMA:
      case P::COLON:
      case P::RANGE:
      case P::TILDE:
      case P::CLOSE_ROUND:
      case P::CLOSE_SQUARE:
        return true;
      case P::DOT:
        return before_ != P::NUMBER && before_ != P::DURATION;  // 5.x would be another word
      case P::OPEN_SQUARE:
        return rule == P::RuleCondition || rule == P::RuleReference || rule == P::RulePath;
      case P::OPEN_ROUND:
        return rule == P::RuleCallArguments || rule == P::RuleMeasureClause;
      case P::QUESTION:
        return true;
      case P::OPEN_BRACE:
      case P::CLOSE_BRACE:
      case P::NUMBER:
      case P::PLUS:
      case P::STAR:
        return rule == P::RuleRepetition;
      default:
        return false;
    }
  }

  std::vector<Piece> pieces_;
  Next next_;
  size_t before_ = 0;       // type of the word before
  size_t rule_before_ = 0;  // in which it stands
  uint32_t groups_ = 0;
};

}  // namespace

std::vector<Piece> layout_pieces(antlr4::ParserRuleContext* tree, const std::vector<Word>& all, std::string_view text) {
  const std::vector<Piece> words = Layout().run(tree);
  std::vector<Piece> out;
  size_t at = 0;
  for (const Word& word : all) {
    if (word.type != P::COMMENT) {
      if (at == words.size() || words[at].begin != word.begin) continue;
      const bool after_comment = !out.empty() && out.back().is_comment;
      out.push_back(words[at++]);
      if (out.back().closes_block && after_comment) out.back().joint = Joint::line;  // a block of nothing but comments
      continue;
    }
    Piece piece;
    piece.begin = word.begin;
    piece.end = word.end;
    while (piece.end > piece.begin && (text[piece.end - 1] == ' ' || text[piece.end - 1] == '\t')) --piece.end;
    piece.is_comment = true;
    piece.is_trailing = !word.first_on_line;
    out.push_back(piece);
  }
  return out;
}

}  // namespace omen
