// Measure rules: their measures, `every` and `when`.
#include <algorithm>
#include <array>

#include "compiler/resolve.h"
#include "runtime/model/limits.h"
#include "runtime/model/time.h"
#include "runtime/model/zones.h"

namespace omen {

namespace {

struct AggregateName {
  std::string_view name;
  Aggregate aggregate;
  bool needs_argument;
};

constexpr std::array<AggregateName, 11> aggregates = {{
    {"count", Aggregate::count, false},
    {"sum", Aggregate::sum, true},
    {"avg", Aggregate::avg, true},
    {"min", Aggregate::min, true},
    {"max", Aggregate::max, true},
    {"distinct", Aggregate::distinct, true},
    {"p50", Aggregate::p50, true},
    {"p90", Aggregate::p90, true},
    {"p95", Aggregate::p95, true},
    {"p99", Aggregate::p99, true},
    {"rate", Aggregate::rate, false},
}};

// What is meant by another language's word.
std::string nearest_aggregate(const std::string& name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 8> words = {{
      {"mean", "avg"},
      {"average", "avg"},
      {"median", "p50"},
      {"unique", "distinct"},
      {"cardinality", "distinct"},
      {"count_distinct", "distinct"},
      {"minimum", "min"},
      {"maximum", "max"},
  }};
  std::vector<std::string> known;
  for (const AggregateName& aggregate : aggregates) known.emplace_back(aggregate.name);
  for (const auto& [word, _] : words) known.emplace_back(word);
  const std::string near = nearest_name(name, known);
  for (const auto& [word, ours] : words) {
    if (word == near || word == name) return std::string(ours);
  }
  return near;
}

const AggregateName* find_aggregate(ResolveShared& shared, const ast::Name& name) {
  const auto found = std::ranges::find(aggregates, name.text, &AggregateName::name);
  if (found != aggregates.end()) return &*found;
  const std::string near = nearest_aggregate(name.text);
  shared.diagnostics.error(
      "E0701", name.span, "there is no aggregate `" + name.text + "`",
      (near.empty() ? "" : "did you mean `" + near + "`? ") +
          std::string("they are count, sum, avg, min, max, distinct, p50, p90, p95, p99 and rate"));
  return nullptr;
}

// What numbers are made of the argument.
bool check_argument(ResolveShared& shared, const ast::Measure& source, const TypedResult& argument,
                    TypedMeasure& measure) {
  const Aggregate of = measure.aggregate;
  if (of == Aggregate::count || of == Aggregate::distinct || argument.broken) return !argument.broken;
  const bool is_extreme = of == Aggregate::min || of == Aggregate::max;
  const Kinds takes = is_extreme ? kind_number | kind_duration | kind_time : kind_number | kind_duration;
  if ((argument.kinds & takes) == 0) {
    shared.diagnostics.error(
        "E0709", source.argument->span,
        "`" + source.aggregate.text + "` takes " + describe_kinds(takes) + ", and this is " +
            describe_kinds(argument.kinds),
        (argument.kinds & kind_text) != 0 ? "make a number of it with `number(…)`" : "name a field with numbers");
    return false;
  }
  measure.takes = (argument.kinds & kind_number) != 0     ? Kind::number
                  : (argument.kinds & kind_duration) != 0 ? Kind::duration
                                                          : Kind::time;
  return true;
}

// A measure's name must not hide what is already called so.
void check_name(ResolveShared& shared, const ast::Measure& source, const TypedRule& rule) {
  const std::string& text = source.name.text;
  const auto other = std::ranges::find(rule.measures, text, &TypedMeasure::name);
  if (other != rule.measures.end()) {
    shared.diagnostics.error("E0703", source.name.span, "two measures have the name `" + text + "`",
                             "rename one of them", {{other->span, "the first one"}});
  } else if (std::ranges::find(rule.by_texts, text) != rule.by_texts.end()) {
    shared.diagnostics.error("E0703", source.name.span, "`" + text + "` is a part of the rule's key",
                             "rename the measure", {{rule.source->by[0].span, "the key"}});
  } else if (text == "start" || text == "end" || text == "duration") {
    shared.diagnostics.error("E0703", source.name.span, "`" + text + "` has a meaning of its own in a rule",
                             "rename the measure");
  }
}

std::optional<TypedMeasure> resolve_measure(ResolveShared& shared, const ast::Measure& source, TypedRule& rule) {
  check_name(shared, source, rule);
  check_duration(shared, source.over, "`over`");
  if (source.ago) check_duration(shared, *source.ago, "`ago`");
  TypedMeasure measure;
  measure.name = source.name.text;
  measure.over_us = source.over.us;
  measure.ago_us = source.ago ? source.ago->us : 0;
  measure.span = source.span;
  measure.step = static_cast<uint32_t>(rule.steps.size());
  rule.steps.push_back(typed_step(shared, source.step, rule));
  TypedStep& step = rule.steps.back();
  step.label = step_text(source.step);
  const BoundNames nothing;
  ExprScope scope;
  scope.place = ExprScope::Place::condition;
  scope.what = "a measure";
  scope.names = &nothing;
  scope.types = step.types;
  resolve_condition(shared, source.step, step, scope);
  const AggregateName* const aggregate = find_aggregate(shared, source.aggregate);
  if (aggregate != nullptr && aggregate->needs_argument && !source.argument) {
    shared.diagnostics.error("E0702", source.aggregate.span,
                             "`" + source.aggregate.text + "` needs to know what of the events it takes",
                             "write `" + source.aggregate.text + "(" + step_text(source.step) + ", field)`");
    return std::nullopt;
  }
  if (aggregate == nullptr) return std::nullopt;
  measure.aggregate = aggregate->aggregate;
  if (!source.argument) return measure;
  ExprResolver resolver(shared, std::move(scope));
  TypedResult argument = resolver.resolve(*source.argument);
  if (!check_argument(shared, source, argument, measure)) return std::nullopt;
  measure.argument = std::move(argument.expr);
  return measure;
}

void resolve_every(ResolveShared& shared, const ast::Rule& source, TypedRule& rule) {
  if (!source.every || !check_duration(shared, *source.every, "`every`")) return;
  rule.every.us = source.every->us;
  if (!source.every_at || !source.every_zone) return;
  if (rule.every.us % us_per_day != 0) {
    shared.diagnostics.error("E0705", source.every->span, "a time of day goes with whole days",
                             "write `every 1d at " + *source.every_at + "`, or leave the time out");
    return;
  }
  if (find_zone(*source.every_zone) == nullptr) {
    shared.diagnostics.error("E0319", source.every->span, "there is no time zone \"" + *source.every_zone + "\"",
                             "write its name in the tz database, such as \"Europe/Berlin\" or \"UTC\"");
    return;
  }
  const size_t colon = source.every_at->find(':');
  rule.every.at_minute =
      std::stoi(source.every_at->substr(0, colon)) * 60 + std::stoi(source.every_at->substr(colon + 1));
  rule.every.zone = *source.every_zone;
}

void refuse_clauses_of_sequences(ResolveShared& shared, const ast::Rule& source) {
  struct Clause {
    bool is_given;
    Span span;
    const char* name;
    const char* help;
  };
  const Span none = source.name.span;
  const Clause clauses[] = {
      {source.within.has_value(), source.within ? source.within->span : none, "within", "windows are said by `over`"},
      {!source.unless.empty(), source.unless.empty() ? none : source.unless[0].span, "unless",
       "narrow the measures by `[…]`"},
      {source.where.has_value(), source.where ? source.where->span : none, "where", "the condition is `when`"},
      {source.overlap.has_value(), source.overlap_span, "overlap", "a condition is raised once, when it becomes true"},
  };
  for (const Clause& clause : clauses) {
    if (!clause.is_given) continue;
    shared.diagnostics.error("E0710", clause.span,
                             std::string("`") + clause.name + "` belongs to rules that `match` a sequence",
                             clause.help);
  }
}

}  // namespace

bool resolve_measures(ResolveShared& shared, const ast::Rule& source, TypedRule& rule) {
  refuse_clauses_of_sequences(shared, source);
  if (source.measures.empty() || !source.when) {
    const bool lacks_measure = source.measures.empty();
    shared.diagnostics.error("E0704", source.name.span,
                             lacks_measure ? "the rule measures nothing" : "the rule says nothing of when to raise it",
                             lacks_measure
                                 ? "say what to measure: `measure views = count(product_viewed) over 10m`"
                                 : "say it behind the measures: `when " + source.measures[0].name.text + " > 100`");
    return false;
  }
  bool is_whole = true;
  for (const ast::Measure& measure : source.measures) {
    if (std::optional<TypedMeasure> typed = resolve_measure(shared, measure, rule)) {
      rule.measures.push_back(std::move(*typed));
    } else {
      is_whole = false;
    }
  }
  if (source.measures.size() > measures_max) {
    shared.diagnostics.error("E0711", source.measures[measures_max].span,
                             "a rule has at most " + std::to_string(measures_max) + " measures", "write several rules");
    return false;
  }
  resolve_every(shared, source, rule);
  if (source.when_for && check_duration(shared, *source.when_for, "`for`")) rule.when_for_us = source.when_for->us;
  if (!is_whole) return false;
  const BoundNames nothing;
  ExprScope scope;
  scope.place = ExprScope::Place::match;
  scope.names = &nothing;
  scope.rule = &rule;
  scope.is_when = true;
  ExprResolver resolver(shared, std::move(scope));
  rule.when = resolver.condition(*source.when, "`when`").expr;
  return true;
}

}  // namespace omen
