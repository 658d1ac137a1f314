#include <fmt/format.h>

#include <array>
#include <utility>

#include "compiler/parse_build.h"
#include "runtime/model/limits.h"

namespace omen {

namespace {

using Kind = ast::Pattern::Kind;

// What may stand behind a step, its condition and its key, in the order in which it binds.
enum class Binding : uint8_t { repetition, consecutive, as };
constexpr std::array<std::string_view, 3> binding_names = {"the repetition", "`consecutive`", "`as`"};
constexpr const char* suffix_order = "the order is `T[COND] by KEY {n} consecutive as NAME`";

}  // namespace

ast::Pattern Builder::pattern(P::PatternContext* context) {
  const auto parts = context->patternOr();
  const auto arrows = context->arrow();
  ast::Pattern first = pattern_or(parts[0]);
  if (parts.size() == 1) return first;
  ast::Pattern out;
  out.kind = Kind::sequence;
  out.span = span(context);
  out.items.push_back(std::move(first));
  for (size_t i = 1; i < parts.size(); ++i) {
    out.arrows.push_back(arrow(arrows[i - 1]));
    out.items.push_back(pattern_or(parts[i]));
  }
  return out;
}

ast::Arrow Builder::arrow(P::ArrowContext* context) {
  ast::Arrow out;
  out.span = span(context);
  out.immediate = context->NEXT() != nullptr;
  const auto limits = context->duration();
  if (limits.size() == 1) out.at_most = duration(limits[0]);
  if (limits.size() == 2) {
    out.at_least = duration(limits[0]);
    out.at_most = duration(limits[1]);
  }
  return out;
}

ast::Pattern Builder::pattern_or(P::PatternOrContext* context) {
  const auto parts = context->patternAnd();
  ast::Pattern first = pattern_and(parts[0]);
  if (parts.size() == 1) return first;
  ast::Pattern out;
  out.kind = Kind::any;
  out.span = span(context);
  out.items.push_back(std::move(first));
  for (size_t i = 1; i < parts.size(); ++i) out.items.push_back(pattern_and(parts[i]));
  return out;
}

ast::Pattern Builder::pattern_and(P::PatternAndContext* context) {
  const auto parts = context->patternNot();
  ast::Pattern first = pattern_not(parts[0]);
  if (parts.size() == 1) return first;
  ast::Pattern out;
  out.kind = Kind::all;
  out.span = span(context);
  out.items.push_back(std::move(first));
  for (size_t i = 1; i < parts.size(); ++i) out.items.push_back(pattern_not(parts[i]));
  return out;
}

ast::Pattern Builder::pattern_not(P::PatternNotContext* context) {
  ast::Pattern operand = element(context->element());
  const auto words = context->notWord();
  if (words.empty()) {
    if (context->duration() != nullptr) {
      error("E0125", cover(span(context->FOR()->getSymbol()), span(context->duration())),
            "`for` stands behind an absence only",
            "write `not T for D`; the time between two steps is limited by `-[D]->`");
    }
    return operand;
  }
  if (words.size() > 1) error("E0125", span(words[1]), "`not` stands twice", "write it once");
  ast::Pattern out;
  out.kind = Kind::absence;
  out.span = span(context);
  out.alternatives = absent_steps(std::move(operand));
  if (context->duration() != nullptr) out.absent_for = duration(context->duration());
  return out;
}

// The steps of `not T` and `not (T or U)`.
std::vector<ast::Step> Builder::absent_steps(ast::Pattern&& operand) {
  std::vector<ast::Step> steps;
  const auto bad = [&](const ast::Pattern& at, const char* message) {
    error("E0125", at.span, message, "write `not T[COND]` or `not (T or U)`");
  };
  if (operand.repeat) bad(operand, "an absence has no repetition");
  if (operand.as) error("E0125", operand.as->span, "what does not happen has no name", "take the `as` out");
  if (operand.within) bad(operand, "an absence has no `within`");
  if (operand.kind == Kind::step) {
    steps.push_back(std::move(operand.step));
  } else if (operand.kind == Kind::any || (operand.kind == Kind::sequence && operand.items.size() == 1)) {
    for (ast::Pattern& item : operand.items) {
      const bool is_group = item.kind == Kind::any || (item.kind == Kind::sequence && item.items.size() == 1);
      if (item.kind != Kind::step && !is_group) {
        bad(item, "`not` speaks of single events");
      } else {
        for (ast::Step& step : absent_steps(std::move(item))) steps.push_back(std::move(step));
      }
    }
  } else {
    bad(operand, "`not` speaks of single events");
  }
  return steps;
}

ast::Pattern Builder::element(P::ElementContext* context) {
  ast::Pattern out;
  if (context->group() != nullptr) {
    auto* group = context->group();
    out = pattern(group->pattern());
    // A group of one step is a group of its own: what stands behind it speaks of the group.
    const bool is_taken = out.kind == Kind::step || out.kind == Kind::absence || out.parenthesised;
    if (is_taken) {
      ast::Pattern wrapped;
      wrapped.kind = Kind::sequence;
      wrapped.items.push_back(std::move(out));
      out = std::move(wrapped);
    }
    out.parenthesised = true;
    if (group->duration() != nullptr) out.within = duration(group->duration());
  } else {
    out.kind = Kind::step;
    out.step.any_type = context->stepName() == nullptr;
    out.step.type =
        context->stepName() != nullptr ? name(context->stepName()) : ast::Name{"*", span(context->STAR()->getSymbol())};
    out.step.span = out.step.type.span;
  }
  out.span = span(context);

  conditions(out, context->condition());
  if (auto* key = context->key()) {
    if (out.kind == Kind::step) {
      out.step.by = paths(key->paths());
      out.step.span = cover(out.step.span, span(key));
    } else {
      error("E0124", span(key), "`by` belongs to a step, not to a group", "put it behind each step of the group");
    }
  }
  suffixes(out, context->suffix());
  return out;
}

void Builder::conditions(ast::Pattern& pattern, const std::vector<P::ConditionContext*>& contexts) {
  if (contexts.empty()) return;
  if (contexts.size() > 1) {
    error("E0124", span(contexts[1]), "`[ ]` stands twice", "join the conditions by `and`",
          {{span(contexts[0]), "the first"}});
  }
  if (pattern.kind != Kind::step || pattern.parenthesised) {
    error("E0124", span(contexts[0]), "`[ ]` belongs to a step, not to a group",
          "put the condition behind each step; a condition on the whole match is `where`");
    return;
  }
  pattern.step.condition = expression(contexts[0]->expression(0));
  pattern.step.span = cover(pattern.step.span, span(contexts[0]));
  if (contexts[0]->expression().size() > 1) {
    error("E0135", span(contexts[0]->COMMA(0)->getSymbol()), "conditions are not separated by commas", "write `and`");
  }
}

// Each suffix once, in the order of their binding.
void Builder::suffixes(ast::Pattern& pattern, const std::vector<P::SuffixContext*>& contexts) {
  std::array<Rule*, binding_names.size()> given{};
  size_t last = 0;
  for (auto* part : contexts) {
    const Binding binding = part->CONSECUTIVE() != nullptr ? Binding::consecutive
                            : part->AS() != nullptr        ? Binding::as
                                                           : Binding::repetition;
    const size_t rank = static_cast<size_t>(binding);
    if (given[rank] != nullptr) {
      error("E0124", span(part), fmt::format("{} stands twice", binding_names[rank]),
            "write it once; a group in parentheses can have another", {{span(given[rank]), "the first"}});
      continue;
    }
    if (rank < last) {
      error("E0124", span(part), fmt::format("{} belongs before {}", binding_names[rank], binding_names[last]),
            suffix_order, {{span(given[last]), ""}});
    }
    if (binding == Binding::consecutive && !pattern.repeat) {
      error("E0124", span(part), "`consecutive` stands behind a repetition", "write `T{3} consecutive`");
      continue;
    }
    given[rank] = part;
    last = std::max(last, rank);
    suffix(pattern, part);
  }
}

void Builder::suffix(ast::Pattern& pattern, P::SuffixContext* context) {
  if (context->CONSECUTIVE() != nullptr) {
    pattern.repeat->consecutive = true;
    pattern.repeat->span = cover(pattern.repeat->span, span(context));
  } else if (context->AS() != nullptr) {
    pattern.as = name(context->name());
  } else {
    pattern.repeat = repeat(context->repetition());
  }
}

ast::Repeat Builder::repeat(P::RepetitionContext* context) {
  ast::Repeat out;
  out.span = span(context);
  out.spelling = spelling(context->start)[0];
  if (out.spelling == '+' || out.spelling == '*') out.max = ast::repeat_unbounded;
  if (out.spelling == '*' || out.spelling == '?') out.min = 0;
  if (out.spelling != '{') return out;
  const auto numbers = context->NUMBER();
  const bool has_comma = context->COMMA() != nullptr;
  const auto bad = [&](std::string help) {
    error("E0123", out.span, "a repetition is `{n}`, `{n,}` or `{n,m}`", std::move(help));
    return out;
  };
  if (numbers.empty()) return bad("write how often, such as `{3}`");
  if (numbers.size() == 2 && !has_comma) return bad("put a comma between the two numbers");
  if (has_comma && context->COMMA()->getSymbol()->getTokenIndex() < numbers[0]->getSymbol()->getTokenIndex()) {
    return bad(fmt::format("write `{{0,{}}}`", spelling(numbers[0]->getSymbol())));
  }
  out.min = whole_number(numbers[0]).value_or(1);
  out.max = !has_comma            ? out.min
            : numbers.size() == 1 ? ast::repeat_unbounded
                                  : whole_number(numbers[1]).value_or(out.min);
  if (out.max == 0) {
    error("E0123", out.span, "this repetition takes no event", "what must not happen is `not T`");
    out.min = out.max = 1;
  } else if (out.max < out.min) {
    error("E0123", out.span, fmt::format("the repetition takes at least {} and at most {}", out.min, out.max),
          fmt::format("write `{{{},{}}}`", out.max, out.min));
    std::swap(out.min, out.max);
  }
  return out;
}

// The step of an element that may be nothing else. `where` says for what.
std::optional<ast::Step> Builder::only_step(P::ElementContext* context, std::string_view where) {
  ast::Pattern pattern = element(context);
  if (pattern.kind != Kind::step || pattern.repeat || pattern.as) {
    error("E0125", pattern.span, fmt::format("{} takes a single step", where), "write `TYPE` or `TYPE[COND]`");
    return {};
  }
  return std::move(pattern.step);
}

}  // namespace omen
