// Emit: the typed program becomes the machine's. For each rule: lower makes the automaton, and here its conditions
// and texts become code, its clauses numbers; last, each event type learns which of its fields anybody reads.

#include <algorithm>
#include <set>

#include "compiler/compile.h"
#include "compiler/emit_code.h"
#include "compiler/emit_measures.h"
#include "compiler/sharing.h"
#include "compiler/starting.h"
#include "compiler/version.h"

namespace omen {
namespace {

using ExprKind = TypedExpr::Kind;

template <typename Visit>
void visit_expr(const TypedExpr& expr, const Visit& visit) {
  visit(expr);
  for (const TypedExpr& child : expr.children) visit_expr(child, visit);
}

// Every expression of the rule that is evaluated when runs have taken events: all but the conditions of its steps.
template <typename Visit>
void visit_clauses(const TypedRule& rule, const Visit& visit) {
  if (rule.where) visit_expr(*rule.where, visit);
  if (rule.when) visit_expr(*rule.when, visit);
  for (const TypedAction& action : rule.actions) {
    if (action.body) visit_expr(*action.body, visit);
    for (const TypedTemplatePiece& piece : action.text) {
      if (piece.expr) visit_expr(*piece.expr, visit);
    }
  }
}

// Only the candidate decides: no name, no key, nothing of the match is read.
bool reads_candidate_only(const TypedExpr& expr) {
  bool only = true;
  visit_expr(expr, [&](const TypedExpr& part) {
    const bool is_of_match = part.kind == ExprKind::bound || part.kind == ExprKind::bound_event ||
                             part.kind == ExprKind::aggregate || part.kind == ExprKind::key ||
                             part.kind == ExprKind::match_value || part.kind == ExprKind::attribute;
    if (is_of_match && (part.kind != ExprKind::attribute || part.name >= 0)) only = false;
  });
  return only;
}

// Gathers what the rules read of the events of each type.
class FieldsByType {
 public:
  explicit FieldsByType(size_t types) : read_(types), kept_(types) {}

  void add_rule(const TypedRule& typed, const RuleProgram& rule) {
    std::set<TypeId> seen;                                           // types that can mean something to the rule
    bool sees_all = rule.sees_all_types || !rule.histories.empty();  // an event of any type is part of a history
    for (const TypedStep& step : typed.steps) {
      seen.insert(step.types.begin(), step.types.end());
      sees_all = sees_all || step.types.empty();
      if (step.condition) add_expr(*step.condition, step.types, typed);
    }
    for (const TypedMeasure& measure : typed.measures) {
      if (measure.argument) add_expr(*measure.argument, typed.steps[measure.step].types, typed);
    }
    visit_clauses(typed, [&](const TypedExpr& part) { add_read(part, typed); });
    for (const Route& route : rule.routes) {
      const bool is_for_all = route.types.empty();
      if (is_for_all && sees_all) {
        for (const FieldId field : route.key) add({}, field);
      }
      for (const TypeId type : is_for_all ? std::vector<TypeId>(seen.begin(), seen.end()) : route.types) {
        for (const FieldId field : route.key) add({type}, field);
      }
    }
  }

  // Last: what no rule reads is looked at for the declaration's sake only.
  void add_schemas(std::vector<Schema>& schemas) {
    for (Schema& schema : schemas) {
      for (FieldSchema& field : schema.fields) field.is_read = !read_[schema.type].insert(field.field).second;
    }
  }

  void fill(std::vector<TypeInfo>& types) const {
    for (size_t type = 0; type < types.size(); ++type) {
      types[type].fields.assign(read_[type].begin(), read_[type].end());
      types[type].kept.assign(kept_[type].begin(), kept_[type].end());
    }
  }

 private:
  // No types: all of them.
  void add(const std::vector<TypeId>& types, FieldId field) {
    if (types.empty()) {
      for (auto& fields : read_) fields.insert(field);
    }
    for (const TypeId type : types) read_[type].insert(field);
  }

  // A field of bound events is read of every type that a step of the name can take, and kept with the event.
  void add_read(const TypedExpr& expr, const TypedRule& rule) {
    if (expr.kind != ExprKind::bound) return;
    const uint64_t slots = rule.names[static_cast<size_t>(expr.name)].slots;
    for (const TypedStep& step : rule.steps) {
      if (step.slot < 0 || (slots >> step.slot & 1) == 0) continue;
      add(step.types, expr.field);
      if (step.types.empty()) {
        for (auto& fields : kept_) fields.insert(expr.field);
      }
      for (const TypeId type : step.types) kept_[type].insert(expr.field);
    }
  }

  void add_expr(const TypedExpr& expr, const std::vector<TypeId>& types, const TypedRule& rule) {
    visit_expr(expr, [&](const TypedExpr& part) {
      if (part.kind == ExprKind::field) add(types, part.field);
      add_read(part, rule);
    });
  }

  std::vector<std::set<FieldId>> read_, kept_;
};

void emit_steps(const TypedRule& typed, CodeEmitter& code, RuleProgram& rule) {
  OMEN_ASSERT(rule.steps.size() == typed.steps.size());
  for (size_t i = 0; i < typed.steps.size(); ++i) {
    const TypedStep& from = typed.steps[i];
    StepProgram& step = rule.steps[i];
    if (!from.condition) continue;
    step.is_shared = reads_candidate_only(*from.condition);
    step.predicate = code.predicate(*from.condition, step.is_shared, typed);
  }
}

// What the record of a match says where no template does.
std::vector<TypedTemplatePiece> title_of(const TypedRule& rule) {
  return {{rule.title.empty() ? rule.name : rule.title, {}, {}}};
}

ActionProgram emit_action(const TypedAction& typed, const TypedRule& rule, CodeEmitter& code) {
  ActionProgram action;
  action.destinations = typed.destinations;
  action.on_resolve = typed.on_resolve;
  if (typed.body) action.body = code.code(*typed.body, rule);
  switch (typed.kind) {
    case ast::Action::Kind::alert:
      action.kind = ActionProgram::Kind::alert;
      action.text = code.text(typed.text, rule);
      break;
    case ast::Action::Kind::send:
      action.kind = ActionProgram::Kind::send;
      action.text = code.text(title_of(rule), rule);
      break;
    case ast::Action::Kind::emit:
      action.kind = ActionProgram::Kind::emit;
      action.emit_type = typed.emit_type;
      action.text = code.text(title_of(rule), rule);
      break;
  }
  return action;
}

void emit_actions(const TypedRule& typed, CodeEmitter& code, RuleProgram& rule) {
  for (const TypedAction& action : typed.actions) rule.actions.push_back(emit_action(action, typed, code));
  rule.resolves = std::ranges::any_of(rule.actions, &ActionProgram::on_resolve);
  if (!std::ranges::all_of(rule.actions, &ActionProgram::on_resolve)) return;
  TypedAction title;  // a rule without an action alerts with its title
  title.text = title_of(typed);
  rule.actions.push_back(emit_action(title, typed, code));
}

// Clauses that are numbers and names.
void emit_clauses(const TypedRule& typed, RuleProgram& rule) {
  rule.name = typed.name;
  rule.title = typed.title;
  rule.severity = typed.severity;
  rule.key_names = typed.by_texts;
  rule.within_us = typed.within_us < 0 ? time_unbounded : typed.within_us;
  rule.overlap = typed.overlap;
  rule.cooldown_us = std::max<int64_t>(typed.cooldown_us, 0);
  rule.limit_count = typed.limit_count;
  rule.limit_per_us = typed.limit_per_us;
  rule.quiet = typed.quiet;
  for (const TypedName& name : typed.names)
    rule.names.push_back({name.text, name.in_alert ? name.alert_slots : name.slots, name.in_alert});
}

// Where `from` moves the fields of a type: a declared one, and what is read below it.
void emit_sources(const TypedProgram& typed, Program& program) {
  for (const TypedProgram::Source& source : typed.sources) {
    const auto type = std::ranges::find(program.types, source.type, &TypeInfo::name);
    for (const FieldId field : type->fields) {
      const std::vector<FieldPath::Part>& parts = program.fields[field].parts;
      if (parts[0].index >= 0 || parts[0].member != source.field) continue;
      FieldPath path = source.path;
      path.parts.insert(path.parts.end(), parts.begin() + 1, parts.end());
      finish_field_path(path);
      type->sources.push_back({field, std::move(path)});
    }
  }
  for (TypeInfo& type : program.types) std::ranges::sort(type.sources, {}, &FieldSource::field);
}

// Every member is read of the record alone, as a condition is of its candidate.
MappingProgram emit_mapping(const TypedMapping& typed, CodeEmitter& code) {
  MappingProgram mapping;
  mapping.name = typed.name;
  std::set<FieldId> fields;
  const auto emit = [&](const TypedExpr& expr) {
    visit_expr(expr, [&](const TypedExpr& part) {
      if (part.kind == ExprKind::field) fields.insert(part.field);
    });
    return code.code(expr, TypedRule());
  };
  for (const TypedMapped& member : typed.members) {
    mapping.members.push_back(
        {member.name, member.is_rest, emit(member.value), member.when ? emit(*member.when) : code_none});
  }
  mapping.fields.assign(fields.begin(), fields.end());
  return mapping;
}

}  // namespace

Program emit(const TypedProgram& typed, const OptimizeOptions& options, Diagnostics& diagnostics) {
  Program program;
  program.stretch_runs_from = options.stretch_runs_from;
  program.state_rows_from = options.state_rows_from;
  program.keeps_newcomers = options.keep_newcomers;
  program.fields = typed.fields;
  program.schemas = typed.schemas;
  std::ranges::sort(program.schemas, {}, &Schema::type);
  for (const std::string& name : typed.types) program.types.push_back({name, {}, {}});
  for (const TypedDestination& destination : typed.destinations) {
    program.destinations.push_back({destination.name, destination.kind, destination.options, destination.quiet});
  }
  for (const TypedTable& table : typed.tables) {
    program.tables.push_back({table.name, table.kind, table.key, table.options, {}, {}, false});
  }
  CodeEmitter code(options, program);
  for (const TypedRule& from : typed.rules) {
    RuleProgram& rule = program.rules.emplace_back();
    emit_clauses(from, rule);
    lower(from, rule, diagnostics);
    if (diagnostics.has_errors()) continue;
    emit_steps(from, code, rule);
    if (from.where) rule.where = code.code(*from.where, from);
    if (!from.measures.empty()) emit_measures(from, code, rule);
    emit_actions(from, code, rule);
    rule.histories = code.take_histories();
    rule.version = version_of(from, typed);
    if (rule.overlap == Overlap::all) choose_machine(from, options, rule, diagnostics);
  }
  if (!diagnostics.has_errors()) share_starts(options, program);
  for (const TypedMapping& mapping : typed.mappings) program.mappings.push_back(emit_mapping(mapping, code));
  FieldsByType fields(program.types.size());
  for (size_t i = 0; i < typed.rules.size(); ++i) fields.add_rule(typed.rules[i], program.rules[i]);
  fields.add_schemas(program.schemas);
  fields.fill(program.types);
  emit_sources(typed, program);
  return program;
}

}  // namespace omen
