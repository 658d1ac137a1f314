// What newcomers write, reported and put into our spelling. Every test here is on words that valid text cannot have
// in that place, so a valid file passes unchanged.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "OmenLexer.h"
#include "compiler/parse_tokens.h"
#include "runtime/model/limits.h"

namespace omen {

namespace {

using grammar::OmenLexer;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

constexpr std::array<std::pair<std::string_view, size_t>, 41> keywords = {{
    {"rule", OmenLexer::RULE},
    {"severity", OmenLexer::SEVERITY},
    {"by", OmenLexer::BY},
    {"match", OmenLexer::MATCH},
    {"within", OmenLexer::WITHIN},
    {"unless", OmenLexer::UNLESS},
    {"where", OmenLexer::WHERE},
    {"overlap", OmenLexer::OVERLAP},
    {"cooldown", OmenLexer::COOLDOWN},
    {"limit", OmenLexer::LIMIT},
    {"per", OmenLexer::PER},
    {"quiet", OmenLexer::QUIET},
    {"measure", OmenLexer::MEASURE},
    {"over", OmenLexer::OVER},
    {"ago", OmenLexer::AGO},
    {"every", OmenLexer::EVERY},
    {"when", OmenLexer::WHEN},
    {"on", OmenLexer::ON},
    {"resolve", OmenLexer::RESOLVE},
    {"alert", OmenLexer::ALERT},
    {"send", OmenLexer::SEND},
    {"emit", OmenLexer::EMIT},
    {"to", OmenLexer::TO},
    {"as", OmenLexer::AS},
    {"and", OmenLexer::AND},
    {"or", OmenLexer::OR},
    {"not", OmenLexer::NOT},
    {"for", OmenLexer::FOR},
    {"in", OmenLexer::IN},
    {"contains", OmenLexer::CONTAINS},
    {"matches", OmenLexer::MATCHES},
    {"like", OmenLexer::LIKE},
    {"is", OmenLexer::IS},
    {"null", OmenLexer::NULL_},
    {"event", OmenLexer::EVENT},
    {"destination", OmenLexer::DESTINATION},
    {"import", OmenLexer::IMPORT},
    {"test", OmenLexer::TEST},
    {"expect", OmenLexer::EXPECT},
    {"clock", OmenLexer::CLOCK},
    {"consecutive", OmenLexer::CONSECUTIVE},
}};

size_t keyword_of(std::string_view text) {
  const auto found = std::find_if(keywords.begin(), keywords.end(), [&](const auto& k) { return k.first == text; });
  return found == keywords.end() ? 0 : found->second;
}

// Units of time that are not ours, and what is written instead.
std::string unit_remedy(std::string_view unit) {
  constexpr std::array<std::array<std::string_view, 2>, 17> units = {{
      {"second", "s"},
      {"seconds", "s"},
      {"minute", "min"},
      {"minutes", "min"},
      {"hr", "h"},
      {"hrs", "h"},
      {"millisecond", "ms"},
      {"milliseconds", "ms"},
      {"msec", "ms"},
      {"microsecond", "us"},
      {"microseconds", "us"},
      {"month", "days"},
      {"months", "days"},
      {"year", "days"},
      {"years", "days"},
      {"mn", "min"},
      {"ns", "us"},
  }};
  const std::string lowered = lower(unit);
  for (const auto& [wrong, right] : units) {
    if (wrong == lowered) return std::string(right);
  }
  for (const std::string_view ours : {"us", "ms", "s", "sec", "secs", "m", "min", "mins", "h", "hour", "hours", "d",
                                      "day", "days", "w", "week", "weeks"}) {
    if (ours == lowered) return lowered;
  }
  return {};
}

bool is_literal(size_t type) {
  return type == OmenLexer::NUMBER || type == OmenLexer::DURATION || type == OmenLexer::TEXT ||
         type == OmenLexer::WRONG_TEXT || type == OmenLexer::UNIT;
}

size_t closer_of(size_t open) {
  if (open == OmenLexer::OPEN_ROUND) return OmenLexer::CLOSE_ROUND;
  if (open == OmenLexer::OPEN_SQUARE) return OmenLexer::CLOSE_SQUARE;
  if (open == OmenLexer::OPEN_BRACE) return OmenLexer::CLOSE_BRACE;
  return 0;
}

bool is_closer(size_t type) {
  return type == OmenLexer::CLOSE_ROUND || type == OmenLexer::CLOSE_SQUARE || type == OmenLexer::CLOSE_BRACE;
}

class Repair {
 public:
  Repair(std::vector<Word>& words, const ParsedText& text, Diagnostics& diagnostics)
      : words_(words), text_(text), diagnostics_(diagnostics) {}

  bool run() {
    std::erase_if(words_, [](const Word& word) { return word.type == OmenLexer::COMMENT; });
    repair_characters();
    mark_schemas();
    repair_neighbours();
    return balance();
  }

 private:
  void error(const char* code, const Word& word, std::string message, std::string help) {
    diagnostics_.error(code, text_.span(word.begin, word.end), std::move(message), std::move(help));
  }
  std::string_view text(const Word& word) const { return word.text(text_); }
  size_t type_at(size_t index) const { return index < words_.size() ? words_[index].type : 0; }

  // Single words that are never right: each is dropped or becomes what was meant.
  void repair_characters() {
    std::vector<Word> kept;
    bool semicolon_seen = false, dropped = false;
    for (size_t i = 0; i < words_.size(); ++i) {
      Word word = words_[i];
      word.follows_dropped = std::exchange(dropped, false);
      switch (word.type) {
        case OmenLexer::WRONG_COMMENT:
          error("E0105", word, "comments begin with `#`", "write `# …` up to the end of the line");
          continue;
        case OmenLexer::SEMICOLON:
          if (!semicolon_seen)
            error("E0131", word, "`;` has no meaning here", "leave it out: the next word ends a clause");
          semicolon_seen = true;
          continue;
        case OmenLexer::UNTERMINATED_TEXT:
          error("E0102", word, "the text is not closed on its line",
                "end it with `\"`; a line break in a text is `\\n`");
          break;
        case OmenLexer::UNTERMINATED_REGEX:
          error("E0103", word, "the regular expression is not closed on its line",
                "end it with `/`; a slash in it is `\\/`");
          break;
        case OmenLexer::WRONG_TEXT:
          wrong_text(word);
          break;
        case OmenLexer::BAD_NUMBER:
          bad_number(word, kept.empty() ? 0 : kept.back().type);
          break;
        case OmenLexer::WRONG_AND:
          foreign_operator(word, "and");
          break;
        case OmenLexer::WRONG_OR:
          foreign_operator(word, "or");
          break;
        case OmenLexer::WRONG_NOT:
          foreign_operator(word, "not");
          break;
        case OmenLexer::WRONG_EQUAL:
          foreign_operator(word, "==");
          break;
        case OmenLexer::WRONG_NOT_EQUAL:
          foreign_operator(word, "!=");
          break;
        case OmenLexer::FOREIGN:
        case OmenLexer::BAD_CHARACTER:
          if (foreign_name(kept, word, i)) break;
          dropped = !foreign_character(word, i);
          if (dropped) continue;
          break;
        default:
          break;
      }
      kept.push_back(word);
    }
    words_ = std::move(kept);
  }

  void foreign_operator(const Word& word, std::string_view ours) {
    error("E0109", word, fmt::format("`{}` is written `{}` here", text(word), ours), fmt::format("write `{}`", ours));
  }

  void wrong_text(const Word& word) {
    std::string ours(text(word).substr(1, word.end - word.begin - 2));
    for (size_t at = ours.find("\\'"); at != std::string::npos; at = ours.find("\\'", at)) ours.erase(at, 1);
    error("E0104", word, "texts stand in double quotes", fmt::format("write \"{}\"", ours));
  }

  void bad_number(Word& word, size_t before) {
    const std::string_view all = text(word);
    if (all[0] == '.') {
      return error("E0118", word, fmt::format("`{}` is not a number", all), fmt::format("write `0{}`", all));
    }
    if (is_declaration_word(before) || before == OmenLexer::AS || before == OmenLexer::MATCH ||
        before == OmenLexer::ARROW || before == OmenLexer::DOT) {
      error("E0132", word, "a name does not begin with a digit", fmt::format("put it in backticks: `{}`", all));
      word.type = OmenLexer::IDENT;
      return;
    }
    const size_t digits = std::min(all.find_first_not_of("0123456789."), all.size());
    const std::string remedy = unit_remedy(all.substr(digits));
    error("E0118", word, fmt::format("`{}` is neither a number nor a duration", all),
          !remedy.empty() && remedy != lower(all.substr(digits))
              ? fmt::format("write `{}{}{}`", all.substr(0, digits), remedy.size() > 1 ? " " : "", remedy)
              : "numbers are `42`, `0.5` or `1e9`, durations `90s`, `1h30m` or `5 days`");
  }

  // `größe`: the letters around belong to it.
  bool foreign_name(std::vector<Word>& kept, Word& word, size_t& index) {
    if (word.type != OmenLexer::FOREIGN || static_cast<unsigned char>(text(word)[0]) == 0xE2)
      return false;  // 0xE2: signs
    if (!kept.empty() && kept.back().end == word.begin && is_name_word(kept.back().type)) {
      word.begin = kept.back().begin;
      word.first_on_line = kept.back().first_on_line;
      kept.pop_back();
    }
    while (index + 1 < words_.size() && words_[index + 1].begin == word.end &&
           (is_name_word(words_[index + 1].type) || words_[index + 1].type == OmenLexer::FOREIGN)) {
      word.end = words_[++index].end;
    }
    error("E0106", word, fmt::format("the name `{}` has other letters than A to Z", text(word)),
          fmt::format("put it in backticks: `{}`", text(word)));
    word.type = OmenLexer::IDENT;
    return true;
  }

  // Returns whether the word stays (as something else). `index` may move on over words that it swallows.
  bool foreign_character(Word& word, size_t& index) {
    const std::string_view all = text(word);
    struct Sign {
      std::string_view spelling, ours;
      size_t type;
    };
    constexpr std::array<Sign, 6> signs = {{{"→", "->", OmenLexer::ARROW},
                                            {"⇒", "=>", OmenLexer::NEXT},
                                            {"≥", ">=", OmenLexer::GREATER_EQUAL},
                                            {"≤", "<=", OmenLexer::LESS_EQUAL},
                                            {"≠", "!=", OmenLexer::NOT_EQUAL},
                                            {"…", "..", OmenLexer::RANGE}}};
    for (const Sign& sign : signs) {
      if (all != sign.spelling) continue;
      foreign_operator(word, sign.ours);
      word.type = sign.type;
      return true;
    }
    for (const std::string_view open : {"“", "”", "„", "‘", "’", "«"}) {
      if (!all.starts_with(open)) continue;
      return curly_text(word, index);
    }
    if (all == "`") {
      error("E0104", word, "the name in backticks is not closed on its line", "end it with a backtick");
      return false;
    }
    if (all == "'") {
      error("E0104", word, "the text is not closed on its line", "texts stand in double quotes: \"…\"");
      return false;
    }
    const bool is_visible = word.type == OmenLexer::FOREIGN || (all[0] > 0x20 && all[0] < 0x7F);
    error("E0106", word,
          is_visible
              ? fmt::format("`{}` does not belong to the language", all)
              : fmt::format("the character {:#04x} does not belong into a rule file", static_cast<unsigned>(all[0])),
          word.type == OmenLexer::FOREIGN ? "other letters stand in texts, in comments and in names in backticks"
                                          : "leave it out");
    return false;
  }

  // “text” as word processors write it.
  bool curly_text(Word& word, size_t& index) {
    const std::string_view rest = text_.text.substr(word.begin);
    const std::string_view line = rest.substr(0, rest.find('\n'));
    size_t end = line.size();
    for (const std::string_view close : {"”", "“", "’", "»", "\""}) {
      const size_t found = line.find(close, 3);
      if (found != std::string_view::npos) end = std::min(end, found + close.size());
    }
    word.end = word.begin + static_cast<uint32_t>(end);
    error("E0104", word, "texts stand in straight double quotes", "write \"…\"");
    while (index + 1 < words_.size() && words_[index + 1].begin < word.end) ++index;
    word.type = OmenLexer::WRONG_TEXT;
    return true;
  }

  // In the body of a schema two names may stand side by side: fields are separated by nothing.
  void mark_schemas() {
    in_schema_.assign(words_.size(), false);
    for (size_t i = 0; i + 2 < words_.size(); ++i) {
      if (words_[i].type != OmenLexer::EVENT || !is_name_word(words_[i + 1].type)) continue;
      size_t at = i + 2;
      if (type_at(at) == OmenLexer::LENIENT) ++at;
      if (type_at(at) != OmenLexer::OPEN_BRACE) continue;
      for (size_t depth = 0; at < words_.size(); ++at) {
        in_schema_[at] = true;
        if (words_[at].type == OmenLexer::OPEN_BRACE) ++depth;
        if (words_[at].type == OmenLexer::CLOSE_BRACE && --depth == 0) break;
        if (begins_declaration(at)) break;
      }
      i = at - (at < words_.size() && begins_declaration(at) ? 1 : 0);
    }
  }

  // Words that are wrong because of their neighbours: outside of schemas two names never stand side by side.
  void repair_neighbours() {
    std::vector<Word> kept;
    for (size_t i = 0; i < words_.size(); ++i) {
      Word word = words_[i];
      if (word.type == OmenLexer::IDENT && !in_schema_[i]) {
        const size_t before = kept.empty() ? 0 : kept.back().type;
        const size_t before_that = kept.size() < 2 ? 0 : kept[kept.size() - 2].type;
        const size_t after = type_at(i + 1);
        const bool follows_operand = before == OmenLexer::IDENT || before == OmenLexer::QUOTED_NAME ||
                                     is_literal(before) || before == OmenLexer::REGEX || is_closer(before);
        if (before == OmenLexer::NUMBER && foreign_unit(kept.back(), word)) continue;
        if (follows_operand && followed_by(word, i)) {
          kept.push_back(word);
          continue;
        }
        const bool follows_time = (is_literal(before) && before_that == OmenLexer::AT) ||
                                  (kept.size() > 2 && kept[kept.size() - 3].type == OmenLexer::AT);
        const bool follows_not = before == OmenLexer::NOT || before == OmenLexer::IS;
        const bool names_something = is_declaration_word(before);
        const bool precedes_operand = after == OmenLexer::IDENT || after == OmenLexer::QUOTED_NAME || is_literal(after);
        wrong_case(word, (follows_operand && !follows_time) || (precedes_operand && !names_something), follows_not,
                   after == OmenLexer::OPEN_ROUND);
      }
      kept.push_back(word);
    }
    words_ = std::move(kept);
    add_opening_braces();
  }

  // `WHERE`, `And` …: a keyword in other letters where a name cannot stand.
  void wrong_case(Word& word, bool is_no_name, bool follows_not, bool precedes_round) {
    const std::string lowered = lower(text(word));
    if (lowered == text(word)) return;
    const size_t type = keyword_of(lowered);
    if (type == 0) return;
    const bool ends_not = follows_not && (type == OmenLexer::IN || type == OmenLexer::NULL_ || type == OmenLexer::NOT);
    const bool is_not_group = type == OmenLexer::NOT && precedes_round;
    if (!is_no_name && !ends_not && !is_not_group) return;
    error("E0110", word, fmt::format("keywords are written in small letters: `{}`", lowered),
          fmt::format("write `{}`", lowered));
    word.type = type;
  }

  // `5 MINUTES`. The number becomes the whole duration.
  bool foreign_unit(Word& number, const Word& unit) {
    const std::string remedy = unit_remedy(text(unit));
    if (remedy.empty()) return false;
    number.end = unit.end;
    number.type = OmenLexer::BAD_NUMBER;
    error("E0119", unit, fmt::format("there is no unit of time `{}`", text(unit)),
          remedy == "days" ? "months and years differ in length: write it in days, such as `30 days`"
                           : fmt::format("write `{}`; units are us, ms, s, min, h, days and weeks", remedy));
    return true;
  }

  // `a followedBy b`, `a followed by b`, `a then b`: an arrow.
  bool followed_by(Word& word, size_t& index) {
    const std::string lowered = lower(text(word));
    const bool in_two = lowered == "followed" && index + 1 < words_.size() && lower(text(words_[index + 1])) == "by";
    if (!in_two && lowered != "followedby" && lowered != "followed_by" && lowered != "followedbyany" &&
        lowered != "then") {
      return false;
    }
    if (!is_name_word(type_at(index + (in_two ? 2 : 1))) &&
        type_at(index + (in_two ? 2 : 1)) != OmenLexer::OPEN_ROUND) {
      return false;
    }
    if (in_two) word.end = words_[++index].end;
    error("E0111", word, "steps are joined by an arrow", "write `->` for `later`, `=>` for `the very next event`");
    word.type = OmenLexer::ARROW;
    return true;
  }

  // `rule NAME match …`: the brace is missing.
  void add_opening_braces() {
    std::vector<Word> kept;
    for (size_t i = 0; i < words_.size(); ++i) {
      kept.push_back(words_[i]);
      const size_t name = i == 0 ? 0 : i - 1;
      const size_t head = type_at(i) == OmenLexer::TEXT && i >= 2 ? i - 2 : name;
      const bool is_head =
          type_at(head) == OmenLexer::RULE && head < i && is_name_word(type_at(head + 1)) && words_[head].first_on_line;
      if (!is_head || !is_clause_word(type_at(i + 1)) || !words_[i + 1].first_on_line) continue;
      error("E0107", words_[i], "the `{` of the rule is missing",
            "put the clauses of a rule in braces: `rule NAME { … }`");
      kept.push_back({OmenLexer::OPEN_BRACE, words_[i].end, words_[i].end, false});
    }
    words_ = std::move(kept);
  }

  // A declaration's first words at the beginning of a line, where no clause or field can look like them.
  bool begins_declaration(size_t index) const {
    if (!words_[index].first_on_line) return false;
    const size_t next = type_at(index + 1), then = type_at(index + 2);
    switch (words_[index].type) {
      case OmenLexer::RULE:
        return is_name_word(next) && (then == OmenLexer::OPEN_BRACE ||
                                      (then == OmenLexer::TEXT && type_at(index + 3) == OmenLexer::OPEN_BRACE));
      case OmenLexer::EVENT:
        return is_name_word(next) && (then == OmenLexer::OPEN_BRACE || then == OmenLexer::LENIENT);
      case OmenLexer::MAPPING:
        return is_name_word(next) && then == OmenLexer::OPEN_BRACE;
      case OmenLexer::TEST:
        return next == OmenLexer::TEXT && (then == OmenLexer::OPEN_BRACE || then == OmenLexer::FOR);
      case OmenLexer::IMPORT:
        return next == OmenLexer::TEXT;
      case OmenLexer::DESTINATION:
      case OmenLexer::LET:
      case OmenLexer::PATTERN:
      case OmenLexer::TABLE:
        return is_name_word(next) && then == OmenLexer::ASSIGN;
      default:
        return false;
    }
  }

  // Gives every bracket its partner.
  bool balance() {
    struct Open {
      Word word;
      size_t line_end;  // where a closer is put if it is missing: before an arrow or the first clause on a later line
      bool is_swallowed = false;  // its closer stands in a text that is not closed, which is reported
    };
    std::vector<Open> open;
    std::vector<std::vector<size_t>> put_before(words_.size() + 1);
    std::vector<bool> dropped(words_.size(), false);
    const auto close_missing = [&](size_t index) {
      const Open& top = open.back();
      const bool is_brace = top.word.type == OmenLexer::OPEN_BRACE;
      error("E0107", top.word, fmt::format("this `{}` is not closed", text(top.word)),
            fmt::format("add `{}`", is_brace                                 ? "}"
                                    : top.word.type == OmenLexer::OPEN_ROUND ? ")"
                                                                             : "]"));
      put_before[is_brace ? index : std::min(index, top.line_end)].push_back(closer_of(top.word.type));
      open.pop_back();
    };
    for (size_t i = 0; i < words_.size(); ++i) {
      const Word& word = words_[i];
      if (!open.empty() && begins_declaration(i)) {
        while (!open.empty()) close_missing(i);
      }
      const bool ends_line = is_clause_word(word.type) && word.first_on_line;
      const bool is_arrow = word.type == OmenLexer::ARROW || word.type == OmenLexer::NEXT;
      for (Open& o : open) {
        const bool ends_it =
            ends_line || (is_arrow && o.word.type == OmenLexer::OPEN_SQUARE) || (o.is_swallowed && word.first_on_line);
        if (ends_it) o.line_end = std::min(o.line_end, i);
      }
      if (word.type == OmenLexer::UNTERMINATED_TEXT || word.type == OmenLexer::UNTERMINATED_REGEX) {
        for (Open& o : open) {
          const std::string_view between = text_.text.substr(o.word.begin, word.begin - o.word.begin);
          if (o.word.type != OmenLexer::OPEN_BRACE && between.find('\n') == std::string_view::npos)
            o.is_swallowed = true;
        }
      }
      if (closer_of(word.type) != 0) {
        if (open.size() >= expression_depth_max) {
          error("E0122", word, fmt::format("brackets are nested deeper than {}", expression_depth_max),
                "name parts of it with `let` or `pattern`");
          return false;
        }
        open.push_back({word, words_.size()});
      } else if (is_closer(word.type)) {
        size_t partner = open.size();
        while (partner > 0 && closer_of(open[partner - 1].word.type) != word.type) {
          if (open[partner - 1].word.type == OmenLexer::OPEN_BRACE) partner = 1;  // ( and [ do not reach over a {
          --partner;
        }
        if (partner == 0) {
          error("E0108", word, fmt::format("this `{}` closes nothing", text(word)), "take it out, or open it before");
          dropped[i] = true;
        } else {
          while (open.size() > partner) close_missing(i);
          open.pop_back();
        }
      }
    }
    while (!open.empty()) close_missing(words_.size());

    std::vector<Word> balanced;
    for (size_t i = 0; i <= words_.size(); ++i) {
      const uint32_t at = i < words_.size() ? words_[i].begin : static_cast<uint32_t>(text_.text.size());
      for (const size_t type : put_before[i]) balanced.push_back({type, at, at, false});
      if (i < words_.size() && !dropped[i]) balanced.push_back(words_[i]);
    }
    words_ = std::move(balanced);
    return true;
  }

  std::vector<Word>& words_;
  const ParsedText& text_;
  Diagnostics& diagnostics_;
  std::vector<bool> in_schema_;
};

}  // namespace

bool repair_words(std::vector<Word>& words, const ParsedText& text, Diagnostics& diagnostics) {
  return Repair(words, text, diagnostics).run();
}

}  // namespace omen
