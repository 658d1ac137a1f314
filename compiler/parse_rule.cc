// Declarations: rules and their clauses.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include "compiler/parse_build.h"

namespace omen {

namespace {

constexpr size_t turns = 11;
constexpr size_t clauses_compared_max = 64;  // a rule with more has actions beyond them

constexpr const char* sequence_order =
    "the order is severity, by, match, within, unless, where, overlap, cooldown, limit, quiet, then the actions";
constexpr const char* measure_order =
    "the order is severity, by, measure, every, when, cooldown, limit, quiet, then the actions";

Builder::Turn turn_of(size_t type) {
  using Turn = Builder::Turn;
  using P = grammar::OmenParser;
  switch (type) {
    case P::SEVERITY:
      return Turn::severity;
    case P::BY:
      return Turn::by;
    case P::MATCH:
    case P::MEASURE:
      return Turn::match;
    case P::WITHIN:
    case P::EVERY:
      return Turn::within;
    case P::UNLESS:
    case P::WHEN:
      return Turn::unless;
    case P::WHERE:
      return Turn::where;
    case P::OVERLAP:
      return Turn::overlap;
    case P::COOLDOWN:
      return Turn::cooldown;
    case P::LIMIT:
      return Turn::limit;
    case P::QUIET:
      return Turn::quiet;
    default:
      return Turn::action;
  }
}

}  // namespace

ast::Rule Builder::rule(P::RuleDeclarationContext* context) {
  ast::Rule rule;
  rule.span = span(context);
  if (context->name() != nullptr) {
    rule.name = name(context->name());
  } else {
    rule.name.span = span(context->RULE()->getSymbol());
    error("E0133", rule.name.span, "the rule has no name", "write `rule NAME { … }`");
  }
  if (context->text() != nullptr) rule.title = text(context->text()).bytes;
  std::vector<P::ClauseContext*> whole;
  for (auto* part : context->clause()) {
    if (part->exception == nullptr) whole.push_back(part);
  }
  clauses(rule, whole);
  return rule;
}

// Judges repetition and order, then reads each.
void Builder::clauses(ast::Rule& rule, const std::vector<P::ClauseContext*>& contexts) {
  std::array<P::ClauseContext*, turns> given{};
  std::vector<P::ClauseContext*> kept;
  for (auto* context : contexts) {
    const Turn turn = turn_of(context->start->getType());
    auto*& first = given[static_cast<size_t>(turn)];
    const bool may_repeat = turn == Turn::action || (context->measureClause() != nullptr && first != nullptr &&
                                                     first->measureClause() != nullptr);
    if (first != nullptr && !may_repeat) {
      repeated_clause(turn, context, first);
      continue;
    }
    if (first == nullptr) first = context;
    kept.push_back(context);
    if (context->byClause() != nullptr) rule.by = paths(context->byClause()->key()->paths());
  }
  clause_order(kept);
  for (auto* context : kept) clause(rule, context);
}

void Builder::repeated_clause(Turn turn, P::ClauseContext* context, P::ClauseContext* first) {
  const std::string_view here = spelling(context->start), there = spelling(first->start);
  if (here != there) {
    error("E0137", span(context->start), fmt::format("`{}` and `{}` cannot stand in one rule", there, here),
          "a rule either matches a sequence (`match`) or watches measures (`measure`, `every`, `when`)",
          {{span(first->start), ""}});
    return;
  }
  const char* help = turn == Turn::match   ? "a rule has one pattern: join them by `or`, or write two rules"
                     : turn == Turn::where ? "join the conditions by `and`"
                     : turn == Turn::by    ? "write the keys side by side: `by a, b`"
                                           : "write it once";
  error("E0127", span(context->start), fmt::format("`{}` stands twice", here), help,
        {{span(first->start), "the first"}});
}

// Keeps the longest part of the clauses that is in order, and reports the others against it.
void Builder::clause_order(const std::vector<P::ClauseContext*>& contexts) {
  const size_t count = contexts.size();
  std::vector<size_t> length(count, 1), before(count, SIZE_MAX);
  const auto turn = [&](size_t i) { return turn_of(contexts[i]->start->getType()); };
  size_t last = 0;
  for (size_t i = 0; i < count; ++i) {
    const size_t from = i > clauses_compared_max ? i - clauses_compared_max : 0;
    for (size_t k = from; k < i; ++k) {
      if (turn(k) <= turn(i) && length[k] + 1 > length[i]) {
        length[i] = length[k] + 1;
        before[i] = k;
      }
    }
    if (length[i] > length[last]) last = i;
  }
  std::vector<bool> in_order(count, false);
  for (size_t i = last; i < count; i = before[i]) in_order[i] = true;
  const bool measures =
      std::any_of(contexts.begin(), contexts.end(), [](auto* c) { return c->measureClause() != nullptr; });
  for (size_t i = 0; i < count; ++i) {
    if (in_order[i]) continue;
    for (size_t k = 0; k < count; ++k) {
      if (!in_order[k] || (k < i ? turn(k) <= turn(i) : turn(k) >= turn(i))) continue;
      error("E0127", span(contexts[i]->start),
            fmt::format("`{}` belongs {} `{}`", spelling(contexts[i]->start), k < i ? "before" : "behind",
                        spelling(contexts[k]->start)),
            measures ? measure_order : sequence_order, {{span(contexts[k]->start), ""}});
      break;
    }
  }
}

void Builder::clause(ast::Rule& rule, P::ClauseContext* context) {
  if (auto* c = context->severityClause()) {
    rule.severity = name(c->name());
  } else if (auto* c = context->matchClause()) {
    rule.match = pattern(c->pattern());
    rule.match_span = span(c);
  } else if (auto* c = context->withinClause()) {
    rule.within = duration(c->duration());
  } else if (auto* c = context->unlessClause()) {
    unless(rule, c);
  } else if (auto* c = context->whereClause()) {
    rule.where = expression(c->expression());
  } else if (auto* c = context->overlapClause()) {
    const ast::Name mode = name(c->name());
    rule.overlap_span = mode.span;
    const std::vector<std::string> modes = {"none", "single", "latest", "starts", "all"};
    const auto found = std::find(modes.begin(), modes.end(), mode.text);
    if (found != modes.end()) {
      rule.overlap = static_cast<ast::Overlap>(found - modes.begin());
    } else {
      const std::string near = nearest_name(mode.text, modes);
      error("E0138", mode.span, fmt::format("there is no `overlap {}`", mode.text),
            near.empty() ? "it is one of none, single, latest, starts, all" : fmt::format("did you mean `{}`?", near));
    }
  } else if (auto* c = context->cooldownClause()) {
    rule.cooldown = duration(c->duration());
  } else if (auto* c = context->limitClause()) {
    rule.limit = {whole_number(c->NUMBER()).value_or(1), duration(c->duration()), span(c)};
    if (rule.limit->count == 0)
      error("E0123", span(c->NUMBER()->getSymbol()), "a limit of 0 reports nothing", "write a number from 1");
  } else if (auto* c = context->quietClause()) {
    rule.quiet = quiet(c->quietHours());
  } else if (auto* c = context->measureClause()) {
    rule.measures.push_back(measure(c, rule.by.size()));
  } else if (auto* c = context->everyClause()) {
    every(rule, c);
  } else if (auto* c = context->whenClause()) {
    rule.when = expression(c->expression());
    if (c->duration() != nullptr) rule.when_for = duration(c->duration());
  } else if (auto* c = context->action()) {
    rule.actions.push_back(action(c));
  }
}

// `unless a by x, b`: after as many paths as the rule's `by` has, a comma leads to the next step.
void Builder::unless(ast::Rule& rule, P::UnlessClauseContext* context) {
  if (!context->orWord().empty()) {
    error("E0125", span(context->orWord(0)), "the steps of `unless` are separated by commas", "write `unless a, b`");
  }
  for (auto* part : context->element()) {
    auto step = only_step(part, "`unless`");
    if (!step) continue;
    std::vector<ast::Step> further;
    while (!rule.by.empty() && step->by.size() > rule.by.size() && step->by.back().parts.size() == 1) {
      ast::Step next;
      next.type = {step->by.back().parts[0].member, step->by.back().span};
      next.span = next.type.span;
      further.insert(further.begin(), std::move(next));
      step->by.pop_back();
      step->span.end = step->by.back().span.end;
    }
    rule.unless.push_back(std::move(*step));
    for (ast::Step& next : further) rule.unless.push_back(std::move(next));
  }
}

void Builder::every(ast::Rule& rule, P::EveryClauseContext* context) {
  rule.every = duration(context->duration());
  if (context->TIME_OF_DAY() == nullptr) return;
  if (!minute_of_day(context->TIME_OF_DAY())) return;
  rule.every_at = std::string(spelling(context->TIME_OF_DAY()->getSymbol()));
  if (context->text() != nullptr) {
    rule.every_zone = text(context->text()).bytes;
  } else {
    error("E0139", span(context->TIME_OF_DAY()->getSymbol()), "the time of day has no zone",
          "write `at 09:00 \"Europe/Berlin\"` or \"UTC\"");
  }
}

ast::Measure Builder::measure(P::MeasureClauseContext* context, size_t key_parts) {
  ast::Measure out;
  out.span = span(context);
  out.name = name(context->name(0));
  out.aggregate = name(context->name(1));
  out.over = duration(context->duration(0));
  if (context->duration().size() > 1) out.ago = duration(context->duration(1));
  if (context->expression() != nullptr) out.argument = expression(context->expression());
  if (auto step = only_step(context->element(), "a measure")) out.step = std::move(*step);
  // `sum(T by user, amount)`: after as many paths as the rule's `by` has, a comma leads to what is summed.
  if (!out.argument && key_parts > 0 && out.step.by.size() == key_parts + 1) {
    const ast::Path path = std::move(out.step.by.back());
    out.step.by.pop_back();
    out.step.span.end = out.step.by.back().span.end;
    ast::Expr expr;
    expr.kind = ast::Expr::Kind::name;
    expr.text = path.parts[0].member;
    expr.span = expr.op_span = path.span;
    for (size_t i = 1; i < path.parts.size(); ++i) {
      ast::Expr outer;
      outer.span = outer.op_span = path.span;
      const bool is_index = path.parts[i].index >= 0;
      outer.kind = is_index ? ast::Expr::Kind::index : ast::Expr::Kind::member;
      outer.text = path.parts[i].member;
      outer.children.push_back(std::move(expr));
      if (is_index) {
        ast::Expr index;
        index.integer = path.parts[i].index;
        index.span = path.span;
        outer.children.push_back(std::move(index));
      }
      expr = std::move(outer);
    }
    out.argument = std::move(expr);
  }
  return out;
}

ast::Action Builder::action(P::ActionContext* context) {
  ast::Action out;
  out.span = span(context);
  out.on_resolve = !context->ON().empty();
  if (context->ON().size() > 1)
    error("E0127", span(context->ON(1)->getSymbol()), "`on resolve` stands twice", "write it once");
  if (auto* alert = context->alertAction()) {
    out.text = text_template(alert->text());
    for (auto* part : alert->name()) out.destinations.push_back(name(part));
  } else if (auto* send = context->sendAction()) {
    out.kind = ast::Action::Kind::send;
    out.destinations.push_back(name(send->name()));
    if (send->object() != nullptr) out.body = object_expression(send->object());
  } else if (auto* emit = context->emitAction()) {
    out.kind = ast::Action::Kind::emit;
    out.type = name(emit->name());
    if (emit->object() != nullptr) {
      out.body = object_expression(emit->object());
    } else {
      error("E0128", span(emit), "the event has no body",
            fmt::format("write `emit {} {{ name: value }}`, or `{{}}` for none", out.type.text));
    }
  }
  return out;
}

std::optional<int32_t> Builder::minute_of_day(antlr4::tree::TerminalNode* node) {
  const std::string_view spelt = spelling(node->getSymbol());
  const size_t colon = spelt.find(':');
  int32_t hour = 0, minute = 0;
  for (const char c : spelt.substr(0, colon)) hour = hour * 10 + (c - '0');
  for (const char c : spelt.substr(colon + 1)) minute = minute * 10 + (c - '0');
  if (hour < 24 && minute < 60) return hour * 60 + minute;
  error("E0139", span(node->getSymbol()), fmt::format("there is no time of day `{}`", spelt),
        "write it from 00:00 to 23:59");
  return {};
}

std::optional<ast::Quiet> Builder::quiet(P::QuietHoursContext* context) {
  ast::Quiet out;
  out.span = span(context);
  const auto from = minute_of_day(context->TIME_OF_DAY(0)), to = minute_of_day(context->TIME_OF_DAY(1));
  if (context->text() == nullptr) {
    error("E0139", out.span, "the quiet hours have no zone", "write `quiet 22:00..08:00 \"Europe/Berlin\"` or \"UTC\"");
    return {};
  }
  if (!from || !to) return {};
  out.from_minute = *from;
  out.to_minute = *to;
  out.zone = text(context->text()).bytes;
  return out;
}

}  // namespace omen
