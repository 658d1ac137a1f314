// A rule's clauses around its pattern, and single steps.
#include <algorithm>
#include <array>

#include "compiler/pattern_bounds.h"
#include "compiler/resolve.h"
#include "runtime/model/limits.h"

namespace omen {

namespace {

// A step with the `pattern` names in it put in place.
struct ExpandedStep {
  const ast::Step* type = nullptr;             // the step that names the event type
  std::vector<const ast::Expr*> conditions;    // all of them hold
  const std::vector<ast::Path>* by = nullptr;  // the outermost one
  bool is_broken = false;
};

ExpandedStep expand(ResolveShared& shared, const ast::Step& step) {
  ExpandedStep out;
  std::vector<const ast::NamedStep*> open;
  const ast::Step* at = &step;
  while (true) {
    if (at->condition) out.conditions.push_back(&*at->condition);
    if (out.by == nullptr && !at->by.empty()) out.by = &at->by;
    const auto found = at->any_type ? shared.declared.patterns.end() : shared.declared.patterns.find(at->type.text);
    if (found == shared.declared.patterns.end()) break;
    if (open.size() >= expression_depth_max || std::ranges::find(open, found->second) != open.end()) {
      shared.diagnostics.error(
          "E0212", found->second->name.span,
          "the pattern `" + found->second->name.text + "` is defined by itself, or by too many others",
          "give it another name than the event type that it stands for");
      out.is_broken = true;
      break;
    }
    open.push_back(found->second);
    at = &found->second->step;
  }
  out.type = at;
  std::ranges::reverse(out.conditions);  // the pattern's own condition comes first
  return out;
}

void check_event_type(ResolveShared& shared, const ast::Name& type) {
  const Declarations& declared = shared.declared;
  if (declared.events.empty() || declared.events.contains(type.text) || type.text == "schema_violation") return;
  if (declared.emitted_types.contains(type.text)) return;
  std::vector<std::string> known(declared.emitted_types.begin(), declared.emitted_types.end());
  for (const auto& [name, _] : declared.events) known.push_back(name);
  for (const auto& [name, _] : declared.patterns) known.push_back(name);
  const std::string near = misspelt_name(type.text, known);
  if (near.empty()) return;
  shared.diagnostics.error("E0205", type.span, "no event type `" + type.text + "` is declared",
                           "did you mean `" + near + "`? otherwise declare it: `event " + type.text + " { … }`");
}

// A key's path must exist in the events that it is read from.
void check_key_field(ResolveShared& shared, const ast::Path& path, const TypedStep& step, bool is_own) {
  for (const TypeId type : step.types) {
    const ast::EventDeclaration* event = shared.declared.event(shared.program.types[type]);
    if (event == nullptr || path.parts.empty() || path.parts[0].index >= 0) continue;
    const std::string& member = path.parts[0].member;
    if (member == "type" || member == "ts" || member == "id") continue;
    std::vector<std::string> known;
    for (const ast::FieldDeclaration& field : event->fields) known.push_back(field.name.text);
    if (std::ranges::find(known, member) != known.end()) continue;
    const std::string near = nearest_name(member, known);
    std::string help = near.empty() ? "" : "did you mean `" + near + "`? otherwise ";
    help += is_own ? "add it to the event's declaration"
                   : "say where this event names the key: `" + event->name.text + " by FIELD`";
    std::vector<Label> causes = declared_here(*event, event->name.span);
    if (!is_own) causes.push_back({step.span, "a step of this type"});
    shared.diagnostics.error("E0204", path.span, "`" + event->name.text + "` has no field `" + member + "`",
                             std::move(help), std::move(causes));
  }
}

TypedExpr conjunction(std::vector<TypedExpr> conditions) {
  TypedExpr all = std::move(conditions.front());
  for (size_t i = 1; i < conditions.size(); ++i) {
    TypedExpr both;
    both.kind = TypedExpr::Kind::binary;
    both.op = ast::Op::logical_and;
    both.span = conditions[i].span;
    both.children.push_back(std::move(all));
    both.children.push_back(std::move(conditions[i]));
    all = std::move(both);
  }
  return all;
}

void resolve_key(ResolveShared& shared, const ast::Rule& source, TypedRule& rule) {
  for (const ast::Path& path : source.by) {
    const FieldPath field = field_path(path);
    if (std::ranges::find(rule.by_texts, field.text) != rule.by_texts.end()) {
      shared.diagnostics.error("E0421", path.span, "`" + field.text + "` stands twice in the key",
                               "remove one of them");
      continue;
    }
    rule.by.push_back(shared.field(field));
    rule.by_texts.push_back(field.text);
  }
}

void resolve_severity(ResolveShared& shared, const ast::Rule& source, TypedRule& rule) {
  if (!source.severity) return;
  static const std::vector<std::string> known = {"info", "warning", "critical"};
  const auto found = std::ranges::find(known, source.severity->text);
  if (found != known.end()) {
    rule.severity = static_cast<AlertSeverity>(found - known.begin());
    return;
  }
  const std::string near = nearest_name(source.severity->text, known);
  shared.diagnostics.error("E0418", source.severity->span, "there is no severity `" + source.severity->text + "`",
                           (near.empty() ? "" : "did you mean `" + near + "`? ") +
                               std::string("the severities are info, warning and critical"));
}

void resolve_unless(ResolveShared& shared, const ast::Rule& source, TypedRule& rule, const BoundNames& names) {
  for (const ast::Step& step : source.unless) {
    rule.unless.push_back(static_cast<uint32_t>(rule.steps.size()));
    rule.steps.push_back(typed_step(shared, step, rule));
    rule.steps.back().label = step_text(step);
    ExprScope scope;
    scope.place = ExprScope::Place::condition;
    scope.names = &names;
    scope.only_first = true;
    scope.first_slots = first_slots(rule);
    scope.types = rule.steps.back().types;
    scope.rule = &rule;
    resolve_condition(shared, step, rule.steps.back(), std::move(scope));
  }
}

void refuse_open_first_loop(ResolveShared& shared, const TypedRule& rule) {
  for (const OpenLoop& open : open_loops(rule)) {
    if (!open.is_first) continue;
    shared.diagnostics.error(
        "E0411", open.loop->span, "this loop begins the pattern and nothing ends it",
        "give the rule a `within`, such as `within 1 day`, or the arrow behind the loop a limit: `-[1h]->`");
  }
}

// The pattern and the clauses that speak of it.
bool resolve_match(ResolveShared& shared, const ast::Rule& source, TypedRule& rule, BoundNames& names) {
  if (source.within && check_duration(shared, *source.within, "`within`")) rule.within_us = source.within->us;
  if (!resolve_pattern(shared, source, rule, names)) return false;
  resolve_unless(shared, source, rule, names);
  if (source.where) {
    ExprScope scope;
    scope.place = ExprScope::Place::match;
    scope.names = &names;
    scope.rule = &rule;
    ExprResolver resolver(shared, std::move(scope));
    rule.where = resolver.condition(*source.where, "`where`").expr;
  }
  refuse_open_first_loop(shared, rule);
  if (source.overlap) rule.overlap = static_cast<Overlap>(*source.overlap);
  return true;
}

}  // namespace

std::string step_text(const ast::Step& step) { return step.any_type ? "*" : step.type.text; }

bool check_duration(ResolveShared& shared, const ast::Duration& duration, std::string_view what) {
  if (duration.us > 0 && duration.us <= duration_us_max) return true;
  shared.diagnostics.error("E0413", duration.span,
                           std::string(what) + (duration.us > 0 ? " is above a hundred years" : " of no time at all"),
                           duration.us > 0 ? "write a shorter time" : "write a time above 0, such as `10m`");
  return false;
}

TypedStep typed_step(ResolveShared& shared, const ast::Step& source, const TypedRule& rule) {
  TypedStep step;
  step.span = source.span;
  const ExpandedStep expanded = expand(shared, source);
  if (!expanded.type->any_type && !expanded.is_broken) {
    check_event_type(shared, expanded.type->type);
    step.types.push_back(shared.type(expanded.type->type.text));
  }
  if (expanded.by == nullptr) return step;
  if (expanded.by->size() != rule.by.size()) {
    const Span span = {expanded.by->front().span.file, expanded.by->front().span.begin, expanded.by->back().span.end};
    shared.diagnostics.error("E0415", span,
                             rule.by.empty() ? "this step has a key, but the rule has none"
                                             : "this step's key has " + std::to_string(expanded.by->size()) +
                                                   " parts, the rule's has " + std::to_string(rule.by.size()),
                             rule.by.empty() ? "give the rule a `by`, or remove this one"
                                             : "name one path for each part, in the order of the rule's `by`");
    return step;
  }
  for (const ast::Path& path : *expanded.by) {
    check_key_field(shared, path, step, true);
    step.by.push_back({shared.field(field_path(path))});
  }
  return step;
}

void resolve_condition(ResolveShared& shared, const ast::Step& source, TypedStep& step, ExprScope scope) {
  std::vector<TypedExpr> conditions;
  ExprResolver resolver(shared, std::move(scope));
  for (const ast::Expr* condition : expand(shared, source).conditions) {
    conditions.push_back(resolver.condition(*condition, "a condition").expr);
  }
  if (!conditions.empty()) step.condition = conjunction(std::move(conditions));
}

std::optional<TypedRule> resolve_rule(ResolveShared& shared, const ast::Rule& source) {
  const bool is_measure_rule = !source.measures.empty() || source.every || source.when;
  if (!source.match && !is_measure_rule) {
    shared.diagnostics.error("E0420", source.name.span, "the rule says nothing to look for",
                             "say what it looks for: `match failed_login{5}` and `within 10m`");
    return std::nullopt;
  }
  TypedRule rule;
  rule.source = &source;
  rule.name = source.name.text;
  rule.title = source.title.value_or("");
  resolve_severity(shared, source, rule);
  resolve_key(shared, source, rule);
  BoundNames names;
  const bool is_whole =
      is_measure_rule ? resolve_measures(shared, source, rule) : resolve_match(shared, source, rule, names);
  if (!is_whole) return std::nullopt;
  for (size_t i = 0; i < rule.by.size(); ++i) {
    for (const TypedStep& step : rule.steps) {
      if (step.by.empty()) check_key_field(shared, source.by[i], step, false);
    }
  }
  if (source.cooldown && check_duration(shared, *source.cooldown, "`cooldown`")) rule.cooldown_us = source.cooldown->us;
  if (source.limit) {
    check_duration(shared, source.limit->per, "a limit's window");
    rule.limit_count = source.limit->count;
    rule.limit_per_us = source.limit->per.us;
  }
  if (source.quiet) rule.quiet = resolve_quiet(shared, *source.quiet);
  resolve_actions(shared, source, rule, names);
  return rule;
}

}  // namespace omen
