// Templates: pieces of text and expressions with their formats.

#include <charconv>

#include "compiler/emit_code.h"

namespace omen {

// [,][.DIGITS](f|%) or [,]d or `,` alone.
std::optional<NumberFormat> parse_format(std::string_view text) {
  NumberFormat format;
  if (text.starts_with(',')) {
    format.grouped = true;
    text.remove_prefix(1);
  }
  bool has_digits = false;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), format.digits);
    if (error != std::errc() || format.digits > 20) return {};
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    has_digits = true;
  }
  if (text == "f") {
    format.style = NumberFormat::Style::fixed;
  } else if (text == "%") {
    format.style = NumberFormat::Style::percent;
  } else if (text == "d" && !has_digits) {
    format.style = NumberFormat::Style::integer;
  } else if (!text.empty() || has_digits || !format.grouped) {
    return {};
  }
  return format;
}

TemplateId CodeEmitter::text(const std::vector<TypedTemplatePiece>& pieces, const TypedRule& rule) {
  std::vector<TemplatePiece> made;
  for (const TypedTemplatePiece& piece : pieces) {
    TemplatePiece next;
    next.text = piece.text;
    if (piece.expr) {
      next.code = code(*piece.expr, rule);
      if (!piece.format.empty()) next.format = parse_format(piece.format).value_or(NumberFormat());
    }
    made.push_back(std::move(next));
  }
  section_.templates.push_back(std::move(made));
  return static_cast<TemplateId>(section_.templates.size() - 1);
}

}  // namespace omen
