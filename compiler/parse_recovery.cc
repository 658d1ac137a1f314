#include "compiler/parse_recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "OmenParser.h"

namespace omen {

namespace {

using grammar::OmenParser;

const std::vector<std::string> clause_names = {"severity", "by",         "match", "within", "unless",  "where",
                                               "overlap",  "cooldown",   "limit", "quiet",  "measure", "every",
                                               "when",     "on resolve", "alert", "send",   "emit"};
const std::vector<std::string> declaration_names = {"import", "event", "destination", "let",    "pattern",
                                                    "table",  "rule",  "test",        "mapping"};

// What begins a clause or a declaration elsewhere, and how it is said here.
std::string foreign_remedy(std::string_view word) {
  constexpr std::array<std::array<std::string_view, 2>, 47> remedies = {{
      {"seq", "steps are joined by arrows: `match a -> b`"},
      {"sequence", "steps are joined by arrows: `by KEY`, then `match a -> b`"},
      {"join", "`by KEY` gives each key its own matcher; steps stand in `match`"},
      {"sample", "events in any order are joined by `and`: `match a and b`"},
      {"followed", "steps are joined by `->`"},
      {"followedby", "steps are joined by `->`"},
      {"next", "the very next event is `=>`: `match a => b`"},
      {"then", "what comes later is joined by `->`; what happens on a match is `alert`, `send` or `emit`"},
      {"select", "a rule is `rule NAME { match … alert \"…\" }`; what is reported stands in the alert's text"},
      {"insert", "a derived event is made by `emit TYPE { … }` inside a rule"},
      {"create", "a rule is `rule NAME { … }`, a schema `event NAME { … }`"},
      {"from", "event types stand in `match`"},
      {"having", "a condition on the whole match is `where EXPR`"},
      {"filter", "a condition on one step stands behind it: `T[COND]`; on the whole match: `where EXPR`"},
      {"condition", "a condition on one step stands behind it: `T[COND]`; on the whole match: `where EXPR`"},
      {"conditions", "a condition on one step stands behind it: `T[COND]`; on the whole match: `where EXPR`"},
      {"if", "a condition on one step stands behind it: `T[COND]`; on the whole match: `where EXPR`"},
      {"define", "the condition of a step stands behind it: `T[COND] as NAME`"},
      {"measures", "what is reported stands in the alert's text: `alert \"{a.price}\"`"},
      {"pattern", "the pattern of a rule is `match …`"},
      {"match_recognize", "the pattern of a rule is `match …`"},
      {"group", "`by KEY` gives each key its own matcher"},
      {"partition", "`by KEY` gives each key its own matcher"},
      {"key", "`by KEY` gives each key its own matcher"},
      {"order", "events come in the order of time by themselves"},
      {"window", "`within DURATION` limits a match, `over DURATION` a measure"},
      {"timeframe", "`within DURATION` limits a match"},
      {"timeout", "`within DURATION` limits a match"},
      {"maxspan", "`within DURATION` limits a match"},
      {"span", "`within DURATION` limits a match"},
      {"until", "what must not happen meanwhile is `unless T`"},
      {"without", "what must not happen meanwhile is `unless T`, or `-> not T ->`"},
      {"any", "one of several is `match a or b`"},
      {"all", "several in any order are `match a and b`"},
      {"after", "which overlapping matches are reported is said by `overlap`"},
      {"skip", "which overlapping matches are reported is said by `overlap`"},
      {"throttle", "fewer alerts: `cooldown DURATION` or `limit N per DURATION`"},
      {"suppress", "fewer alerts: `cooldown DURATION` or `limit N per DURATION`"},
      {"title", "the title is a text behind the rule's name: `rule NAME \"title\" { … }`"},
      {"description", "the title is a text behind the rule's name: `rule NAME \"title\" { … }`"},
      {"name", "the name stands behind `rule`: `rule NAME { … }`"},
      {"level", "`severity info`, `warning` or `critical`"},
      {"action", "`alert \"…\"`, `send DEST { … }` or `emit TYPE { … }`"},
      {"notify", "`alert \"…\" to DEST`"},
      {"output", "`alert \"…\"`, `send DEST { … }` or `emit TYPE { … }`"},
      {"return", "what is reported stands in the alert's text: `alert \"{a.price}\"`"},
      {"schema", "a schema is `event NAME { field: type }`"},
  }};
  std::string lowered(word);
  for (char& c : lowered) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const auto found = std::find_if(remedies.begin(), remedies.end(), [&](const auto& r) { return r[0] == lowered; });
  return found == remedies.end() ? std::string() : std::string((*found)[1]);
}

// Whether the word is what somebody may begin a clause or a declaration with.
bool resembles(std::string_view word, const std::vector<std::string>& names) {
  return !foreign_remedy(word).empty() || !nearest_name(word, names).empty();
}

bool has_body(size_t rule) {
  return rule == OmenParser::RuleFile || rule == OmenParser::RuleRuleDeclaration ||
         rule == OmenParser::RuleEventDeclaration || rule == OmenParser::RuleTestDeclaration;
}

// What the parts of a body are: a mistake in one ends with it.
bool is_part(size_t rule) {
  return rule == OmenParser::RuleDeclaration || rule == OmenParser::RuleClause || rule == OmenParser::RuleField ||
         rule == OmenParser::RuleTestLine;
}

// Words behind a value that are operators elsewhere.
std::string foreign_operator_remedy(std::string_view word) {
  constexpr std::array<std::array<std::string_view, 2>, 9> remedies = {{
      {"not",
       "`not` stands before the whole comparison: `not (a contains b)`; behind a value only `not in` is written"},
      {"is", "write `==`, `missing(x)` or `exists(x)`"},
      {"between", "write `x >= a and x <= b`"},
      {"equals", "write `==`"},
      {"eq", "write `==`"},
      {"regexp", "write `matches /…/`"},
      {"rlike", "write `matches /…/`"},
      {"xor", "write `a and not b or b and not a`"},
      {"?", "there is no choice in expressions; `coalesce(a, b)` is the first that is not missing"},
  }};
  std::string lowered(word);
  for (char& c : lowered) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  const auto found = std::find_if(remedies.begin(), remedies.end(), [&](const auto& r) { return r[0] == lowered; });
  return found == remedies.end() ? foreign_remedy(word) : std::string((*found)[1]);
}

bool is_expression_rule(size_t rule) { return rule >= OmenParser::RuleExpression && rule <= OmenParser::RulePrimary; }

std::string described(antlr4::Parser* parser, size_t type) {
  switch (type) {
    case OmenParser::NUMBER:
      return "a number";
    case OmenParser::TEXT:
      return "a text";
    case OmenParser::REGEX:
      return "a regular expression";
    case OmenParser::DURATION:
      return "a duration";
    case OmenParser::TIME_OF_DAY:
      return "a time of day";
    case antlr4::Token::EOF:
      return "the end";
    default: {
      std::string name = parser->getVocabulary().getDisplayName(type);
      std::replace(name.begin(), name.end(), '\'', '`');
      return name;
    }
  }
}

// The innermost of some rules in which the parser stands.
size_t innermost(const antlr4::RuleContext* context, std::initializer_list<size_t> rules) {
  for (; context != nullptr; context = static_cast<const antlr4::RuleContext*>(context->parent)) {
    if (std::find(rules.begin(), rules.end(), context->getRuleIndex()) != rules.end()) return context->getRuleIndex();
  }
  return SIZE_MAX;
}

}  // namespace

ParseRecovery::ParseRecovery(const std::vector<Word>& words, const ParsedText& text, Diagnostics& diagnostics)
    : words_(words), text_(text), diagnostics_(diagnostics) {
  uint32_t depth = 0;
  for (const Word& word : words) {
    const size_t type = word.type;
    const bool opens =
        type == OmenParser::OPEN_ROUND || type == OmenParser::OPEN_SQUARE || type == OmenParser::OPEN_BRACE;
    const bool closes =
        type == OmenParser::CLOSE_ROUND || type == OmenParser::CLOSE_SQUARE || type == OmenParser::CLOSE_BRACE;
    if (closes && depth > 0) --depth;
    depths_.push_back(depth);
    if (opens) ++depth;
  }
}

// Before a loop or a choice. In a body, what begins no part of it is reported and skipped here; elsewhere the rule is
// left with an exception, up to the part that it belongs to.
void ParseRecovery::sync(antlr4::Parser* parser) {
  if (inErrorRecoveryMode(parser)) return;
  antlr4::atn::ATNState* state =
      parser->getInterpreter<antlr4::atn::ParserATNSimulator>()->atn.states[parser->getState()];
  const antlr4::misc::IntervalSet next = parser->getATN().nextTokens(state);
  const size_t type = parser->getTokenStream()->LA(1);
  if (next.contains(antlr4::Token::EPSILON) || next.contains(type)) return;
  const size_t rule = parser->getContext()->getRuleIndex();
  const bool in_loop = state->getStateType() == antlr4::atn::ATNState::STAR_LOOP_ENTRY ||
                       state->getStateType() == antlr4::atn::ATNState::STAR_LOOP_BACK;
  const bool is_body =
      has_body(rule) && in_loop && (rule == OmenParser::RuleFile || next.contains(size_t{OmenParser::CLOSE_BRACE}));
  if (!is_body) throw antlr4::InputMismatchException(parser);
  const size_t part = rule == OmenParser::RuleRuleDeclaration    ? OmenParser::RuleClause
                      : rule == OmenParser::RuleEventDeclaration ? OmenParser::RuleField
                      : rule == OmenParser::RuleTestDeclaration  ? OmenParser::RuleTestLine
                                                                 : OmenParser::RuleDeclaration;
  do {
    const size_t index = parser->getCurrentToken()->getTokenIndex();
    if (!report_swallowed_clause(parser, index)) {
      report_in_body(parser, index);
      parser->consume();
    }
    skip(parser, part);
  } while (!next.contains(parser->getTokenStream()->LA(1)) && parser->getTokenStream()->LA(1) != antlr4::Token::EOF);
}

antlr4::Token* ParseRecovery::recoverInline(antlr4::Parser* parser) { throw antlr4::InputMismatchException(parser); }

void ParseRecovery::reportError(antlr4::Parser* parser, const antlr4::RecognitionException& e) {
  if (inErrorRecoveryMode(parser)) return;
  beginErrorCondition(parser);
  const size_t index = e.getOffendingToken()->getTokenIndex();
  if (!report_swallowed_clause(parser, index)) report(parser, index);
}

void ParseRecovery::recover(antlr4::Parser* parser, std::exception_ptr e) {
  const size_t rule = parser->getContext()->getRuleIndex();
  if (rule == OmenParser::RuleFile || rule == OmenParser::RuleTemplateExpression) {
    while (parser->getTokenStream()->LA(1) != antlr4::Token::EOF) parser->getTokenStream()->consume();
    return;
  }
  if (!is_part(rule)) std::rethrow_exception(e);
  // The part took its first word, or was only entered for it: going on here makes way.
  if (parser->getCurrentToken() == parser->getContext()->start &&
      type_at(parser->getCurrentToken()->getTokenIndex()) != antlr4::Token::EOF) {
    parser->consume();
  }
  skip(parser, rule);
  endErrorCondition(parser);
}

// Whether a part of that kind may begin at the word.
bool ParseRecovery::begins(size_t rule, size_t index) const {
  const Word& word = words_[index];
  switch (rule) {
    case OmenParser::RuleDeclaration:
      return (word.first_on_line || type_at(index - 1) == OmenParser::CLOSE_BRACE) &&
             (is_declaration_word(word.type) || resembles(word.text(text_), declaration_names));
    case OmenParser::RuleClause:
      return word.first_on_line && (is_clause_word(word.type) || resembles(word.text(text_), clause_names));
    case OmenParser::RuleTestLine:
      return word.first_on_line &&
             (word.type == OmenParser::AT || word.type == OmenParser::CLOCK || word.type == OmenParser::EXPECT);
    default:
      return word.first_on_line || type_at(index - 1) == OmenParser::COMMA;
  }
}

// On to the next part of the body, or to the body's end.
void ParseRecovery::skip(antlr4::Parser* parser, size_t rule) {
  const size_t body_depth = rule == OmenParser::RuleDeclaration ? 0 : 1;
  for (;;) {
    const size_t index = parser->getCurrentToken()->getTokenIndex();
    if (type_at(index) == antlr4::Token::EOF) return;
    if (depths_[index] < body_depth) return;  // the closing brace
    if (depths_[index] == body_depth && index > 0 && begins(rule, index)) return;
    parser->getTokenStream()->consume();
  }
}

std::string ParseRecovery::shown(size_t index) const {
  if (index >= words_.size()) return text_.offsets == nullptr ? "the end of the file" : "the end of the expression";
  const Word& word = words_[index];
  if (word.begin == word.end) return "the end of the brackets";
  const std::string_view text = word.text(text_);
  if (text.size() > 40) return fmt::format("`{}…`", text.substr(0, 30));
  return fmt::format("`{}`", text);
}

void ParseRecovery::error(const char* code, size_t index, std::string message, std::string help) {
  if (index < words_.size() && words_[index].follows_dropped) return;
  Span span;
  if (index < words_.size()) {
    span = text_.span(words_[index].begin, words_[index].end);
  } else {  // the end: the last word
    const uint32_t end = words_.empty() ? 0 : words_.back().end;
    span = text_.span(end, end);
  }
  diagnostics_.error(code, span, std::move(message), std::move(help));
}

// `match a -> ⏎ within 5m`: the keyword was taken for a name, and the mistake shows one word late. Reports what is
// missing before the keyword, and goes back to it.
bool ParseRecovery::report_swallowed_clause(antlr4::Parser* parser, size_t index) {
  if (innermost(parser->getContext(), {OmenParser::RuleEventDeclaration}) != SIZE_MAX) return false;  // only fields
  const antlr4::ParserRuleContext* part = parser->getContext();
  while (part != nullptr && part->getRuleIndex() != OmenParser::RuleClause &&
         part->getRuleIndex() != OmenParser::RuleTestLine) {
    part = static_cast<const antlr4::ParserRuleContext*>(part->parent);
  }
  const bool in_test = innermost(parser->getContext(), {OmenParser::RuleTestDeclaration}) != SIZE_MAX;
  for (const size_t at : {index, index - 1}) {
    if (at == 0 || at >= words_.size() || depths_[at] != 1) continue;
    if (!begins(in_test ? size_t{OmenParser::RuleTestLine} : size_t{OmenParser::RuleClause}, at)) continue;
    if (!in_test && !is_clause_word(type_at(at))) continue;
    // The word that begins this part was taken for what it is, and one in a body before which nothing is missing too.
    if (part == nullptr ? at == index || at == 1 || type_at(at - 1) == OmenParser::OPEN_BRACE
                        : part->start->getTokenIndex() == at) {
      continue;
    }
    const bool after_arrow = type_at(at - 1) == OmenParser::ARROW || type_at(at - 1) == OmenParser::NEXT;
    const bool in_measure = part != nullptr && part->start->getType() == OmenParser::MEASURE;
    error("E0112", at - 1, fmt::format("something is missing between {} and {}", shown(at - 1), shown(at)),
          after_arrow  ? "an arrow leads to a step"
          : in_measure ? "write `measure NAME = AGG(STEP) over DURATION`"
                       : fmt::format("write what belongs behind {}, or take it out", shown(at - 1)));
    parser->getTokenStream()->seek(at);
    return true;
  }
  return false;
}

// A word where a clause, field, test line or declaration should begin.
void ParseRecovery::report_in_body(antlr4::Parser* parser, size_t index) {
  auto* context = parser->getContext();
  const std::string word = shown(index);
  const bool is_name = index < words_.size() && is_name_word(words_[index].type);
  switch (context->getRuleIndex()) {
    case OmenParser::RuleRuleDeclaration: {
      auto* clause =
          context->children.empty() ? nullptr : dynamic_cast<OmenParser::ClauseContext*>(context->children.back());
      if (clause != nullptr && index < words_.size() && (!words_[index].first_on_line || !is_name)) {
        if (type_at(index) == OmenParser::OPEN_SQUARE) {
          return error("E0124", index, "a condition stands directly behind the type of its step",
                       "the order is `T[COND] by KEY {n} consecutive as NAME`");
        }
        if (clause->matchClause() != nullptr) {
          return error("E0101", index, fmt::format("{} cannot follow the pattern", word),
                       !foreign_remedy(words_[index].text(text_)).empty()
                           ? foreign_remedy(words_[index].text(text_))
                           : "steps are joined by `->` (later), `=>` (the very next event), `and` or `or`");
        }
        if (clause->whereClause() != nullptr || clause->whenClause() != nullptr) {
          return error("E0101", index, fmt::format("{} cannot follow the condition", word),
                       "conditions are joined by `and` and `or`");
        }
      }
      return report_foreign_clause(index, is_name);
    }
    case OmenParser::RuleEventDeclaration:
      return error("E0101", index, fmt::format("a field is expected, not {}", word),
                   "write `NAME: TYPE`, such as `amount: number`");
    case OmenParser::RuleTestDeclaration:
      return error("E0101", index, fmt::format("a line of a test is expected, not {}", word),
                   "write `at TIME TYPE { … }`, `clock TIME`, `expect RULE`, `expect no RULE` or `expect nothing`");
    default: {
      const std::string text = index < words_.size() ? std::string(words_[index].text(text_)) : std::string();
      std::string help = foreign_remedy(text);
      const std::string near = nearest_name(text, declaration_names);
      if (help.empty() && !near.empty()) help = fmt::format("did you mean `{}`?", near);
      if (help.empty() && is_clause_word(type_at(index))) help = "a clause stands inside of a rule: `rule NAME { … }`";
      if (help.empty())
        help = "a declaration begins with import, event, destination, let, pattern, table, rule or test";
      return error("E0113", index, fmt::format("{} begins no declaration", word), std::move(help));
    }
  }
}

void ParseRecovery::report_foreign_clause(size_t index, bool may_be_clause) {
  if (!may_be_clause) {
    return error("E0101", index, fmt::format("{} is not expected here", shown(index)),
                 "the clauses of a rule begin with a keyword, such as `match`, `within` or `alert`");
  }
  const std::string text(words_[index].text(text_));
  std::string help = foreign_remedy(text);
  const std::string near = nearest_name(text, clause_names);
  if (help.empty() && !near.empty()) help = fmt::format("did you mean `{}`?", near);
  if (help.empty())
    help =
        "clauses are severity, by, match, within, unless, where, overlap, cooldown, limit, quiet, measure, every, when "
        "and the actions alert, send, emit";
  error("E0114", index, fmt::format("`{}` begins no clause of a rule", text), std::move(help));
}

// `amount number` or `amount`: there is no colon behind the name.
void ParseRecovery::report_untyped_field(antlr4::Parser* parser, size_t index) {
  const std::string_view name = words_[parser->getContext()->start->getTokenIndex()].text(text_);
  if (index < words_.size() && !words_[index].first_on_line && is_name_word(words_[index].type)) {
    return error("E0134", index, "a colon is missing before the type",
                 fmt::format("write `{}: {}`", name, words_[index].text(text_)));
  }
  error("E0134", parser->getContext()->start->getTokenIndex(), fmt::format("the field `{}` has no type", name),
        fmt::format("write `{}: any`, or one of string, int, number, bool, time, list, object", name));
}

// A word that does not fit inside of a part: by what the parser was reading.
void ParseRecovery::report(antlr4::Parser* parser, size_t index) {
  const antlr4::RuleContext* context = parser->getContext();
  const size_t rule = context->getRuleIndex();
  const std::string word = shown(index);
  const std::string before = index > 0 ? shown(index - 1) : std::string("the beginning");
  const antlr4::misc::IntervalSet expected = parser->getExpectedTokens();
  const auto expects = [&](size_t type) { return expected.contains(type); };
  const std::string_view text = index < words_.size() ? words_[index].text(text_) : std::string_view();

  switch (rule) {
    case OmenParser::RuleDuration:
      return error("E0119", index, fmt::format("a duration is expected, not {}", word),
                   "write it like `90s`, `1h30m` or `5 days`");
    case OmenParser::RuleElement:
    case OmenParser::RulePattern:
    case OmenParser::RulePatternOr:
    case OmenParser::RulePatternAnd:
    case OmenParser::RulePatternNot:
      return error("E0115", index, fmt::format("an event type is expected after {}, not {}", before, word),
                   type_at(index) == OmenParser::ARROW || type_at(index) == OmenParser::NEXT
                       ? "an arrow stands between two steps"
                       : "a step is `TYPE`, `TYPE[COND]`, `*` or a group in parentheses");
    case OmenParser::RuleRepetition:
      return error("E0123", index, fmt::format("a repetition cannot hold {}", word),
                   "write `{n}`, `{n,}` or `{n,m}` with whole numbers");
    case OmenParser::RulePath:
    case OmenParser::RulePaths:
      return error("E0101", index, fmt::format("a field is expected, not {}", word),
                   "write a path, such as `user_id` or `customer.id`");
    case OmenParser::RuleText:
      return error("E0101", index, fmt::format("a text is expected after {}, not {}", before, word),
                   "write it in double quotes: \"…\"");
    case OmenParser::RuleComparisonOperator:
    case OmenParser::RuleComparisonTail:
      if (type_at(index - 1) == OmenParser::NOT) {
        return error(
            "E0101", index, fmt::format("`not` cannot stand before {} here", word),
            "`not` stands before a whole comparison: `not (a contains b)`; behind a value only `not in` is written");
      }
      break;
    case OmenParser::RuleObject:
    case OmenParser::RuleMember:
      if (expects(OmenParser::COLON)) {
        return error("E0101", index, fmt::format("`:` and a value are expected after {}, not {}", before, word),
                     "an object is `{ name: value, … }`");
      }
      return error("E0101", index, fmt::format("a member is expected, not {}", word),
                   "an object is `{ name: value, … }`");
    case OmenParser::RuleSettings:
    case OmenParser::RuleSetting:
      return error("E0101", index, fmt::format("an option is expected, not {}", word),
                   "options are `{ name: value, … }`");
    case OmenParser::RuleTestLine:
      return error("E0101", index, fmt::format("{} does not fit into the line of the test", word),
                   "write `at TIME TYPE { … }`, `clock TIME`, `expect RULE`, `expect no RULE` or `expect nothing`");
    case OmenParser::RuleField:
      if (expects(OmenParser::COLON)) return report_untyped_field(parser, index);
      [[fallthrough]];
    case OmenParser::RuleConstraint:
      return error("E0134", index, fmt::format("{} does not fit into the field's declaration", word),
                   "write `NAME: TYPE`, then `in [..]`, `matches /../`, `0..100`, `max_length N` or `from PATH`");
    default:
      break;
  }
  if (is_expression_rule(rule) && !expects(OmenParser::CLOSE_ROUND) && !expects(OmenParser::CLOSE_SQUARE)) {
    const bool is_operator_twice = type_at(index) == OmenParser::EQUAL || type_at(index) == OmenParser::ASSIGN;
    return error(
        "E0116", index, fmt::format("a value is expected after {}, not {}", before, word),
        is_operator_twice ? "write `==` once" : "write a field, a number, a \"text\", a list or a function here");
  }
  if (rule == OmenParser::RuleGroup &&
      (type_at(index) == OmenParser::OPEN_SQUARE || type_at(index) == OmenParser::BY)) {
    return error("E0124", index,
                 type_at(index) == OmenParser::BY ? "`by` belongs before the repetition and `as`"
                                                  : "a condition stands directly behind the type of its step",
                 "the order is `T[COND] by KEY {n} consecutive as NAME`");
  }
  const bool is_dashed = type_at(index - 1) == OmenParser::MINUS && index > 1 && is_name_word(type_at(index - 2)) &&
                         words_[index - 2].end == words_[index - 1].begin &&
                         words_[index - 1].end == words_[index].begin;
  if (rule == OmenParser::RuleArrow && is_dashed) {
    return error("E0132", index - 1, "a name has no `-` in it",
                 fmt::format("write `_`, or put the name in backticks: `{}-{}`", words_[index - 2].text(text_), text));
  }
  const std::string foreign = foreign_operator_remedy(text);
  if (expects(OmenParser::CLOSE_SQUARE) || expects(OmenParser::CLOSE_ROUND)) {
    return error(
        "E0101", index, fmt::format("{} cannot follow {} here", word, before),
        !foreign.empty() ? foreign : "conditions are joined by `and` and `or`, the parts of a list or call by commas");
  }
  if (type_at(index) == OmenParser::MINUS && index > 0 && is_name_word(type_at(index - 1)) &&
      !is_expression_rule(rule)) {
    return error("E0132", index, "a name has no `-` in it", "write `_`, or put the name in backticks: `my-name`");
  }
  if (rule == OmenParser::RuleRuleDeclaration || rule == OmenParser::RuleEventDeclaration ||
      rule == OmenParser::RuleTestDeclaration) {
    const bool is_rule = rule == OmenParser::RuleRuleDeclaration;
    return error("E0107", index, fmt::format("`{{` is expected after {}, not {}", before, word),
                 is_rule                                    ? "write `rule NAME \"title\" { … }`"
                 : rule == OmenParser::RuleEventDeclaration ? "write `event NAME { field: type … }`"
                                                            : "write `test \"title\" for RULE { … }`");
  }
  std::string help;
  if (expects(OmenParser::IDENT)) {
    help = "a name is expected; other names than letters, digits and `_` stand in backticks";
  } else if (expected.size() <= 6) {
    for (const ssize_t type : expected.toList()) {
      help += (help.empty() ? "expected: " : ", ") + described(parser, static_cast<size_t>(type));
    }
  }
  error("E0101", index, fmt::format("{} is not expected after {}", word, before), std::move(help));
}

}  // namespace omen
