#include "compiler/parse_tokens.h"

#include <antlr4-runtime.h>

#include "OmenLexer.h"

namespace omen {

namespace {

using grammar::OmenLexer;

// ANTLR's stream of code points, filled with bytes: offsets need no translation, and bad UTF-8 cannot throw.
class ByteStream : public antlr4::ANTLRInputStream {
 public:
  explicit ByteStream(std::string_view text) {
    _data.reserve(text.size());
    for (const char c : text) _data.push_back(static_cast<unsigned char>(c));
    p = 0;
  }
};

bool ends_operand(size_t type) {
  switch (type) {
    case OmenLexer::AND:
    case OmenLexer::OR:
    case OmenLexer::NOT:
    case OmenLexer::IN:
    case OmenLexer::CONTAINS:
    case OmenLexer::STARTS_WITH:
    case OmenLexer::ENDS_WITH:
    case OmenLexer::MATCHES:
    case OmenLexer::LIKE:
      return false;
    case OmenLexer::NUMBER:
    case OmenLexer::DURATION:
    case OmenLexer::BAD_NUMBER:
    case OmenLexer::TEXT:
    case OmenLexer::UNTERMINATED_TEXT:
    case OmenLexer::WRONG_TEXT:
    case OmenLexer::CLOSE_ROUND:
    case OmenLexer::CLOSE_SQUARE:
    case OmenLexer::CLOSE_BRACE:
    case OmenLexer::REGEX:
      return true;
    default:
      return is_name_word(type);
  }
}

// Decides what a `/` is by the word before it.
class Lexer : public OmenLexer {
 public:
  using OmenLexer::OmenLexer;

  std::unique_ptr<antlr4::Token> nextToken() override {
    auto token = OmenLexer::nextToken();
    if (token->getType() == SLASH && !operand_ended_) token = regex(*token);
    if (token->getChannel() == antlr4::Token::DEFAULT_CHANNEL) {
      operand_ended_ = ends_operand(token->getType()) || after_dot_;
      after_dot_ = token->getType() == DOT;
    }
    return token;
  }

 private:
  std::unique_ptr<antlr4::Token> regex(antlr4::Token& slash) {
    pushMode(REGULAR_EXPRESSION);
    auto body = OmenLexer::nextToken();
    auto token = std::make_unique<antlr4::CommonToken>(&slash);
    const bool is_closed = body->getType() == REGEX;
    token->setType(is_closed ? size_t{REGEX} : size_t{UNTERMINATED_REGEX});
    if (is_closed || body->getType() == UNTERMINATED_REGEX) token->setStopIndex(body->getStopIndex());
    if (body->getType() == EOF) popMode();
    return token;
  }

  bool operand_ended_ = false;
  bool after_dot_ = false;
};

}  // namespace

bool is_clause_word(size_t type) {
  switch (type) {
    case OmenLexer::SEVERITY:
    case OmenLexer::BY:
    case OmenLexer::MATCH:
    case OmenLexer::WITHIN:
    case OmenLexer::UNLESS:
    case OmenLexer::WHERE:
    case OmenLexer::OVERLAP:
    case OmenLexer::COOLDOWN:
    case OmenLexer::LIMIT:
    case OmenLexer::QUIET:
    case OmenLexer::MEASURE:
    case OmenLexer::EVERY:
    case OmenLexer::WHEN:
    case OmenLexer::ON:
    case OmenLexer::ALERT:
    case OmenLexer::SEND:
    case OmenLexer::EMIT:
      return true;
    default:
      return false;
  }
}

bool is_declaration_word(size_t type) {
  switch (type) {
    case OmenLexer::IMPORT:
    case OmenLexer::EVENT:
    case OmenLexer::DESTINATION:
    case OmenLexer::LET:
    case OmenLexer::PATTERN:
    case OmenLexer::TABLE:
    case OmenLexer::RULE:
    case OmenLexer::TEST:
    case OmenLexer::MAPPING:
      return true;
    default:
      return false;
  }
}

// The grammar lists keywords first, then the three kinds of names.
bool is_name_word(size_t type) { return type >= OmenLexer::IMPORT && type <= OmenLexer::QUOTED_NAME; }

std::vector<Word> read_words(std::string_view text) {
  ByteStream stream(text);
  Lexer lexer(&stream);
  lexer.removeErrorListeners();
  std::vector<Word> words;
  size_t end_before = 0;
  for (;;) {
    const auto token = lexer.nextToken();
    if (token->getType() == antlr4::Token::EOF) return words;
    const size_t begin = token->getStartIndex(), end = token->getStopIndex() + 1;
    const bool is_first =
        words.empty() || text.substr(end_before, begin - end_before).find('\n') != std::string_view::npos;
    words.push_back({token->getType(), static_cast<uint32_t>(begin), static_cast<uint32_t>(end), is_first});
    end_before = end;
  }
}

}  // namespace omen
