// Texts, templates and the small words: names, paths, numbers, durations.

#include <fmt/format.h>

#include <charconv>

#include "compiler/parse_build.h"
#include "runtime/model/limits.h"
#include "runtime/model/time.h"

namespace omen {

namespace {

void append_utf8(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

// The four hexadecimal digits behind \u.
std::optional<uint32_t> hex4(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return {};
  uint32_t code = 0;
  const auto [end, ec] = std::from_chars(text.data() + at, text.data() + at + 4, code, 16);
  if (ec != std::errc() || end != text.data() + at + 4) return {};
  return code;
}

char simple_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

}  // namespace

std::string_view Builder::spelling(antlr4::Token* token) const {
  const size_t begin = token->getStartIndex(), end = token->getStopIndex() + 1;
  return end > begin ? text_.text.substr(begin, end - begin) : std::string_view();
}

std::string_view Builder::spelling(Rule* context) const { return spelling(context->start); }

Span Builder::span(antlr4::Token* token) const {
  return text_.span(static_cast<uint32_t>(token->getStartIndex()), static_cast<uint32_t>(token->getStopIndex() + 1));
}

Span Builder::span(Rule* context) const {
  const Span first = span(context->start);
  return context->stop == nullptr ? first : cover(first, span(context->stop));
}

ast::Name Builder::name(Rule* context) {
  std::string_view text = spelling(context);
  if (text.starts_with('`')) text = text.substr(1, text.size() - 2);
  return {std::string(text), span(context)};
}

std::optional<uint32_t> Builder::whole_number(antlr4::tree::TerminalNode* node) {
  const std::string_view text = spelling(node->getSymbol());
  uint32_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec == std::errc() && end == text.data() + text.size() && number <= INT32_MAX) return number;
  error("E0118", span(node->getSymbol()), fmt::format("`{}` is not a whole number here", text),
        fmt::format("write a whole number up to {}", INT32_MAX));
  return {};
}

ast::Path Builder::path(P::PathContext* context) {
  ast::Path path;
  path.span = span(context);
  for (auto* child : context->children) {
    if (auto* part = dynamic_cast<P::NameContext*>(child)) {
      path.parts.push_back({name(part).text, -1});
    } else if (auto* node = dynamic_cast<antlr4::tree::TerminalNode*>(child);
               node != nullptr && node->getSymbol()->getType() == P::NUMBER) {
      path.parts.push_back({{}, whole_number(node).value_or(0)});
    }
  }
  if (path.parts.size() > expression_depth_max) {
    error("E0122", path.span, fmt::format("the path has more than {} parts", expression_depth_max), "");
    path.parts.resize(expression_depth_max);
  }
  return path;
}

std::vector<ast::Path> Builder::paths(P::PathsContext* context) {
  std::vector<ast::Path> out;
  for (auto* part : context->path()) out.push_back(path(part));
  return out;
}

ast::Duration Builder::duration(P::DurationContext* context) {
  const Span where = span(context);
  if (context->BAD_NUMBER() != nullptr) return {us_per_second, where};  // reported by repair
  if (context->NUMBER() != nullptr && context->UNIT() == nullptr) {
    error("E0119", where, "a duration needs a unit",
          fmt::format("write `{}s`, `{}m`, `{}h` or `{} days`", spelling(context), spelling(context), spelling(context),
                      spelling(context)));
    return {us_per_second, where};
  }
  std::string text(spelling(context->start));
  if (context->UNIT() != nullptr) text.append(" ").append(spelling(context->UNIT()->getSymbol()));
  return {duration_us(where, text), where};
}

int64_t Builder::duration_us(Span span, std::string_view spelling) {
  if (const auto us = parse_duration(spelling)) return *us;
  const bool has_exponent = spelling.find_first_of("eE+") < spelling.find_first_of("udhwms");
  if (has_exponent) {
    error("E0119", span, fmt::format("`{}` is not a duration", spelling), "write it like `90s`, `1h30m` or `5 days`");
  } else {
    error("E0119", span, fmt::format("`{}` is longer than a hundred years", spelling), "write a shorter duration");
  }
  return us_per_second;
}

// Escapes are those of JSON.
Builder::Text Builder::text(P::TextContext* context) {
  Text out;
  antlr4::Token* token = context->start;
  std::string_view source = spelling(token);
  const uint32_t begin = static_cast<uint32_t>(token->getStartIndex());
  const bool is_curly = static_cast<unsigned char>(source[0]) >= 0x80;
  size_t at = is_curly ? 3 : 1;
  const bool is_closed = context->UNTERMINATED_TEXT() == nullptr;
  const size_t end = source.size() - (!is_closed                                      ? 0
                                      : source.back() == '"' || source.back() == '\'' ? 1
                                      : is_curly                                      ? 3
                                                                                      : 0);
  bool escape_reported = false;
  const auto bad_escape = [&](size_t from, size_t to, const char* help) {
    if (!escape_reported) {
      error("E0120",
            text_.span(begin + static_cast<uint32_t>(from), begin + static_cast<uint32_t>(std::min(to, source.size()))),
            fmt::format("`{}` is no escape", source.substr(from, to - from)), help);
    }
    escape_reported = true;
  };
  while (at < end) {
    const size_t from = at, size_before = out.bytes.size();
    if (source[at] != '\\') {
      out.bytes += source[at++];
    } else if (at + 1 >= end) {
      ++at;  // an unterminated text, reported
    } else if (source[at + 1] == 'u') {
      auto code = hex4(source, at + 2);
      at += 6;
      if (code && *code >= 0xD800 && *code < 0xDC00 && source.substr(std::min(at, source.size()), 2) == "\\u") {
        const auto low = hex4(source, at + 2);
        if (low && *low >= 0xDC00 && *low < 0xE000) {
          code = 0x10000 + ((*code - 0xD800) << 10) + (*low - 0xDC00);
          at += 6;
        }
      }
      if (!code || (*code >= 0xD800 && *code < 0xE000)) {
        bad_escape(from, from + 6, "write `\\u` and four hexadecimal digits; a pair of them beyond U+FFFF");
        at = code ? at : from + 2;
      } else {
        append_utf8(out.bytes, *code);
      }
    } else if (const char c = simple_escape(source[at + 1]); c != '\0') {
      out.bytes += c;
      at += 2;
    } else {
      if (context->WRONG_TEXT() == nullptr) {
        bad_escape(from, from + 2,
                   "escapes are those of JSON: \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u0041; a backslash is `\\\\`");
      }
      at += 2;
    }
    for (size_t i = size_before; i < out.bytes.size(); ++i) {
      out.offsets.push_back(text_.span(begin + static_cast<uint32_t>(from), begin + static_cast<uint32_t>(at)).begin);
    }
  }
  out.offsets.push_back(text_
                            .span(begin + static_cast<uint32_t>(std::min(end, source.size())),
                                  begin + static_cast<uint32_t>(std::min(end, source.size())))
                            .begin);
  return out;
}

std::string Builder::regex(P::RegexContext* context) {
  std::string_view source = spelling(context);
  source.remove_prefix(1);
  if (context->UNTERMINATED_REGEX() == nullptr) source.remove_suffix(1);
  std::string out;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\\' && i + 1 < source.size()) {
      if (source[i + 1] != '/') out += '\\';
      ++i;
    }
    out += source[i];
  }
  return out;
}

ast::Template Builder::text_template(P::TextContext* context) {
  ast::Template out;
  out.span = span(context);
  Text text = this->text(context);
  out.source = text.bytes;
  const std::string& bytes = text.bytes;
  std::string literal;
  const auto place = [&](size_t begin, size_t end) {
    return Span{text_.file, text.offsets[begin], end > begin ? text.offsets[end - 1] + 1 : text.offsets[begin]};
  };
  for (size_t at = 0; at < bytes.size();) {
    if (bytes[at] != '{') {
      literal += bytes[at++];
      continue;
    }
    if (at + 1 < bytes.size() && bytes[at + 1] == '{') {
      literal += '{';
      at += 2;
      continue;
    }
    // The partner of the brace, and a colon before it, outside of quotes, backticks and brackets.
    size_t end = at + 1, colon = std::string::npos, depth = 0;
    char quote = '\0';
    for (; end < bytes.size(); ++end) {
      const char c = bytes[end];
      if (quote != '\0') {
        if (c == '\\' && quote == '"') {
          ++end;
        } else if (c == quote) {
          quote = '\0';
        }
      } else if (c == '"' || c == '`') {
        quote = c;
      } else if (c == '(' || c == '[' || c == '{') {
        ++depth;
      } else if (c == '}' && depth == 0) {
        break;
      } else if (c == ')' || c == ']' || c == '}') {
        depth -= depth > 0 ? 1 : 0;
      } else if (c == ':' && depth == 0 && colon == std::string::npos) {
        colon = end;
      }
    }
    if (end >= bytes.size()) {
      error("E0121", place(at, at + 1), "the `{` in the text is not closed",
            "close the expression with `}`, or write `{{` for a brace");
      break;
    }
    const size_t expression_end = colon == std::string::npos ? end : colon;
    if (bytes.find_first_not_of(" \t\n", at + 1) >= expression_end) {
      error("E0121", place(at, end + 1), "there is no expression between the braces",
            "write `{EXPR}`, or `{{` for a brace");
    } else {
      if (!literal.empty()) out.pieces.push_back({std::move(literal), {}, {}});
      literal.clear();
      ast::Template::Piece piece;
      piece.expr = template_expression(text, at + 1, expression_end);
      if (colon != std::string::npos) piece.format = bytes.substr(colon + 1, end - colon - 1);
      if (piece.expr) out.pieces.push_back(std::move(piece));
    }
    at = end + 1;
  }
  if (!literal.empty()) out.pieces.push_back({std::move(literal), {}, {}});
  return out;
}

std::optional<ast::Expr> Builder::template_expression(const Text& text, size_t begin, size_t end) {
  const std::vector<uint32_t> offsets(text.offsets.begin() + static_cast<std::ptrdiff_t>(begin),
                                      text.offsets.begin() + static_cast<std::ptrdiff_t>(end) + 1);
  const ParsedText piece{std::string_view(text.bytes).substr(begin, end - begin), text_.file, &offsets};
  return parse_expression(piece, diagnostics_);
}

}  // namespace omen
