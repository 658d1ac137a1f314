// Declarations other than rules: schemas, destinations, constants, tables, mappings, tests.

#include <fmt/format.h>

#include <string>
#include <utility>

#include "compiler/parse_build.h"

namespace omen {

ast::File Builder::file(P::FileContext* context) {
  ast::File out;
  out.file = text_.file;
  for (auto* part : context->declaration()) {
    if (part->exception == nullptr) declaration(part, out);
  }
  return out;
}

void Builder::declaration(P::DeclarationContext* context, ast::File& file) {
  if (auto* d = context->importDeclaration()) {
    file.imports.push_back({text(d->text()).bytes, span(d)});
  } else if (auto* d = context->eventDeclaration()) {
    file.events.push_back(event(d));
  } else if (auto* d = context->destinationDeclaration()) {
    file.destinations.push_back(destination(d));
  } else if (auto* d = context->letDeclaration()) {
    file.lets.push_back({name(d->name()), expression(d->expression()), span(d)});
  } else if (auto* d = context->patternDeclaration()) {
    if (auto step = only_step(d->element(), "`pattern`"))
      file.patterns.push_back({name(d->name()), std::move(*step), span(d)});
  } else if (auto* d = context->tableDeclaration()) {
    file.tables.push_back(table(d));
  } else if (auto* d = context->mappingDeclaration()) {
    file.mappings.push_back(mapping(d));
  } else if (auto* d = context->ruleDeclaration()) {
    file.rules.push_back(rule(d));
  } else if (auto* d = context->testDeclaration()) {
    file.tests.push_back(test(d));
  }
}

ast::EventDeclaration Builder::event(P::EventDeclarationContext* context) {
  ast::EventDeclaration out;
  out.name = name(context->name());
  out.lenient = context->LENIENT() != nullptr;
  out.span = span(context);
  for (auto* part : context->field()) {
    if (part->exception == nullptr) out.fields.push_back(field(part));
  }
  return out;
}

ast::FieldDeclaration Builder::field(P::FieldContext* context) {
  ast::FieldDeclaration out;
  out.span = span(context);
  if (context->text() != nullptr) {
    out.name = {text(context->text()).bytes, span(context->text())};
    error("E0134", out.name.span, "the name of a field stands without quotes",
          "write `name: type`; other names stand in backticks");
  } else {
    out.name = name(context->name(0));
  }
  out.optional = context->QUESTION() != nullptr;
  out.type = name(context->name(context->text() != nullptr ? 0 : 1));
  for (auto* part : context->constraint()) constraint(out, part);
  return out;
}

void Builder::constraint(ast::FieldDeclaration& field, P::ConstraintContext* context) {
  const auto twice = [&](bool given) {
    if (given) error("E0134", span(context), "this constraint stands twice", "write it once");
  };
  if (context->IN() != nullptr) {
    twice(!field.one_of.empty());
    for (auto* value : context->expression()) field.one_of.push_back(expression(value));
    if (field.one_of.empty())
      error("E0134", span(context), "nothing is in an empty list", "write the values that the field may have");
  } else if (context->MATCHES() != nullptr) {
    twice(field.matches.has_value());
    field.matches = context->regex() != nullptr ? regex(context->regex()) : text(context->text()).bytes;
  } else if (context->RANGE() != nullptr) {
    twice(field.range_low.has_value());
    field.range_low = signed_number(context->signedNumber(0));
    field.range_high = signed_number(context->signedNumber(1));
  } else if (context->MAX_LENGTH() != nullptr) {
    twice(field.max_length.has_value());
    if (const auto number = whole_number(context->NUMBER())) field.max_length = *number;
  } else if (context->FROM() != nullptr) {
    twice(field.from.has_value());
    field.from = path(context->path());
  }
}

ast::Expr Builder::signed_number(P::SignedNumberContext* context) {
  ast::Expr out = context->NUMBER() != nullptr ? literal(context->NUMBER()->getSymbol()) : ast::Expr();
  if (context->MINUS() != nullptr) {
    out.integer = -out.integer;
    out.number = -out.number;
  }
  out.span = span(context);
  return out;
}

// The options of a destination or table, side by side.
void Builder::settings(P::SettingsContext* context, std::vector<ast::Name>& names, std::vector<ast::Expr>& values,
                       std::optional<ast::Quiet>* quiet_hours) {
  if (context == nullptr) return;
  Rule* before = nullptr;
  for (auto* child : context->children) {
    auto* part = dynamic_cast<P::SettingContext*>(child);
    if (part == nullptr) {
      before = nullptr;
      continue;
    }
    if (before != nullptr) {
      error("E0129", span(part), "a comma is missing before this option", "write `{ a: 1, b: 2 }`",
            {{span(before), "behind this one"}});
    }
    before = part;
    if (part->quietHours() == nullptr) {
      names.push_back(name(part->name()));
      objects_allowed_ = true;
      values.push_back(expression(part->expression()));
      objects_allowed_ = false;
    } else if (part->COLON() != nullptr || quiet_hours == nullptr) {
      error("E0139", span(part), "quiet hours are no option",
            "in a destination write `quiet 22:00..08:00 \"Europe/Berlin\"`, without a colon");
    } else {
      *quiet_hours = quiet(part->quietHours());
    }
  }
}

ast::Destination Builder::destination(P::DestinationDeclarationContext* context) {
  ast::Destination out;
  out.name = name(context->name(0));
  out.kind = name(context->name(1));
  out.span = span(context);
  settings(context->settings(), out.option_names, out.option_values, &out.quiet);
  return out;
}

ast::Table Builder::table(P::TableDeclarationContext* context) {
  ast::Table out;
  out.name = name(context->name(0));
  out.kind = name(context->name(1));
  out.span = span(context);
  settings(context->settings(), out.option_names, out.option_values, nullptr);
  if (context->KEY() != nullptr) {
    out.key = name(context->name(2));
  } else {
    error("E0140", out.name.span, "the table has no key", "write `table NAME = csv { … } key FIELD`");
  }
  return out;
}

ast::Mapping Builder::mapping(P::MappingDeclarationContext* context) {
  ast::Mapping out;
  out.name = name(context->name());
  out.span = span(context);
  Rule* before = nullptr;
  for (auto* child : context->children) {
    auto* part = dynamic_cast<P::MappedContext*>(child);
    if (part == nullptr) {
      before = nullptr;
      continue;
    }
    if (before != nullptr) {
      error("E0129", span(part), "a comma is missing before this member", "write `{ type: a, ts: b }`",
            {{span(before), "behind this one"}});
    }
    before = part;
    if (part->exception == nullptr) out.members.push_back(mapped(part));
  }
  return out;
}

ast::Mapped Builder::mapped(P::MappedContext* context) {
  ast::Mapped out;
  out.span = span(context);
  out.is_rest = context->STAR() != nullptr;
  if (out.is_rest) {
    out.name = {"*", span(context->STAR()->getSymbol())};
  } else if (context->name() != nullptr) {
    out.name = name(context->name());
  } else {
    out.name = {text(context->text()).bytes, span(context->text())};
  }
  const bool allowed_before = std::exchange(objects_allowed_, true);
  out.value = expression(context->expression(0));
  objects_allowed_ = allowed_before;
  if (context->WHEN() != nullptr) out.when = expression(context->expression(1));
  return out;
}

ast::Test Builder::test(P::TestDeclarationContext* context) {
  ast::Test out;
  out.title = text(context->text()).bytes;
  out.span = span(context);
  for (auto* part : context->name()) out.rules.push_back(name(part));
  for (auto* part : context->testLine()) {
    if (part->exception == nullptr) out.lines.push_back(test_line(part));
  }
  return out;
}

ast::TestLine Builder::test_line(P::TestLineContext* context) {
  using Kind = ast::TestLine::Kind;
  ast::TestLine out;
  out.span = span(context);
  out.kind = context->CLOCK() != nullptr     ? Kind::clock
             : context->NOTHING() != nullptr ? Kind::expect_nothing
             : context->NO() != nullptr      ? Kind::expect_no
             : context->EXPECT() != nullptr  ? Kind::expect
                                             : Kind::at;
  if (context->duration() != nullptr) out.time = duration(context->duration());
  if (context->name() != nullptr) out.name = name(context->name());
  if (context->object() != nullptr) out.object = object_expression(context->object());
  if (out.kind == Kind::at && !out.object) {
    error("E0128", out.name.span, "the event has no object",
          fmt::format("write `{} {{}}`, with its fields between the braces", out.name.text));
  }
  return out;
}

}  // namespace omen
