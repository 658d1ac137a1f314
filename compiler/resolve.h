// Resolve, inside: what the resolve_* files share. The door is resolve() in compile.h.
//
//   resolve.cc             the whole: declarations, constants, rules in order, tests
//   resolve_event.cc       declarations of events
//   resolve_pattern.cc     a pattern's shape: steps, gaps, loops, names
//   resolve_rule.cc        a rule's clauses around the pattern
//   resolve_measure.cc     measures, every, when
//   resolve_action.cc      actions: alerts, bodies, quiet hours
//   resolve_destination.cc destinations and their options
//   resolve_body.cc        the objects of `send` and `emit`
//   resolve_path.cc        what a path means: a field, a bound event's field, the key, a constant
//   resolve_expression.cc  operators and literals, with their kinds
//   resolve_function.cc    calls
//   resolve_mapping.cc     mappings
//   resolve_table.cc       tables, look-ups in them, the key's history
//   resolve_test.cc        test blocks
//
// A mistake is reported once: an expression that has one is `broken` and stays silent in whatever it is part of.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/bound_names.h"
#include "compiler/compile.h"
#include "compiler/kinds.h"

namespace omen {

struct TypedResult {
  TypedExpr expr;
  Kinds kinds = kinds_any;
  bool broken = false;
  bool is_name_list = false;             // several values of a name that a loop bound
  size_t nodes = 1;                      // of the expression
  std::vector<Kinds> member_kinds = {};  // of an object
};

// Everything declared in any file, by name.
struct Declarations {
  std::map<std::string, const ast::Let*> lets;
  std::map<std::string, const ast::NamedStep*> patterns;
  std::map<std::string, const ast::EventDeclaration*> events;
  std::map<std::string, uint32_t> destinations;  // index into TypedProgram::destinations
  std::map<std::string, const ast::Table*> tables;
  std::map<std::string, const ast::Mapping*> mappings;
  std::map<std::string, uint32_t> table_indices;  // into TypedProgram::tables
  std::map<std::string, const ast::Rule*> rules;
  std::set<std::string> used_types;     // named by a step of a rule
  std::set<std::string> emitted_types;  // made by an `emit`
  bool is_complete = true;              // false: a file had spelling mistakes, so something may be missing
  const ast::EventDeclaration* event(const std::string& name) const;  // of `schema_violation` too
};

// The part of the resolving that outlives one rule.
struct ResolveShared {
  const Declarations& declared;
  const OptimizeOptions& options;
  TypedProgram& program;
  Diagnostics& diagnostics;
  std::map<std::string, TypeId> type_ids;
  std::map<std::string, FieldId> field_ids;
  std::map<std::string, TypedResult> constants;  // `let`s by name, resolved when first used
  std::vector<std::string> constants_open;       // being resolved: to see a circle
  bool constants_too_deep = false;               // has been reported
  size_t nodes = 0;                              // of all expressions: a few constants can make huge ones

  TypeId type(const std::string& name);
  FieldId field(const FieldPath& path);
};

// Where an expression stands, and so what its names mean.
struct ExprScope {
  enum class Place : uint8_t {
    condition,  // within [ ]: a bare path is a field of the candidate
    record,     // in a mapping: a bare path is a member of the record, `type`, `ts` and `id` too
    match,      // where, templates, bodies: bound names, the key, start, end and duration
    constant,   // let and tests: no names
  };
  Place place = Place::constant;
  std::string what;  // "a test's object": where no names are known
  const BoundNames* names = nullptr;
  PatternPosition reader;
  bool only_first = false;            // unless: names that the first event binds on every path
  std::vector<uint64_t> first_slots;  // only_first: the steps that can be first
  std::vector<TypeId> types;          // of the candidate; empty: any
  const TypedRule* rule = nullptr;
  bool is_when = false;  // asked before there is a match: it has no start and no duration
};

class ExprResolver {
 public:
  ExprResolver(ResolveShared& shared, ExprScope scope) : shared_(shared), scope_(std::move(scope)) {}

  TypedResult resolve(const ast::Expr& source);
  void allow_regex() { allows_regex_ = true; }  // a `let` may name one
  void allow_event() { allows_event_ = true; }  // a template may show one
  // The same, and it must be a condition (true, false or unknown).
  TypedResult condition(const ast::Expr& source, std::string_view where);
  // Whether RE2 takes the pattern; reports one that it does not.
  bool regex(const TypedResult& pattern);

 private:
  struct Chain;  // a head and the members behind it

  // resolve_path.cc
  TypedResult path(const ast::Expr& source);
  TypedResult of_candidate(const Chain& chain, size_t from);
  TypedResult of_name(const Chain& chain, uint32_t name, TypedExpr::Selector selector, int32_t index, size_t from);
  TypedResult of_constant(const Chain& chain);
  TypedResult of_match(const Chain& chain);
  TypedResult of_measure(const Chain& chain, size_t measure);
  TypedResult of_selected(const Chain& chain);
  // The name's reading here, or nothing when it was reported.
  bool usable(uint32_t name, const ast::Expr& head, BoundNames::Reading& reading);
  // Whether a name is bound before this place; reports one that is not.
  bool is_known_name(const ast::Expr& head);
  void warn_of_unbound_head(const Chain& chain);
  TypedResult unknown_name(const ast::Expr& head);
  TypedResult bare_field(const Chain& chain);
  Kinds declared_kinds(const std::vector<TypeId>& types, const FieldPath& path, const Chain& chain, size_t from,
                       bool& broken);
  std::vector<TypeId> types_of_name(uint32_t name) const;

  // resolve_expression.cc
  TypedResult literal(const ast::Expr& source);
  TypedResult list(const ast::Expr& source);
  TypedResult object(const ast::Expr& source);
  TypedResult unary(const ast::Expr& source);
  TypedResult binary(const ast::Expr& source);
  Kinds logical(const ast::Expr& source, const TypedResult& left, const TypedResult& right);
  Kinds arithmetic(const ast::Expr& source, const TypedResult& left, const TypedResult& right);
  void comparison(const ast::Expr& source, const TypedResult& left, const TypedResult& right);
  void membership(const ast::Expr& source, const TypedResult& left, const TypedResult& right);
  void text_operator(const ast::Expr& source, const TypedResult& left, const TypedResult& right);
  void check_declared_values(const TypedResult& field, const TypedResult& constant);

  // resolve_function.cc
  TypedResult call(const ast::Expr& source);
  TypedResult aggregate(const ast::Expr& source, TypedExpr::Aggregate aggregate);

  // resolve_table.cc
  // The index expression of `TABLE[key]` when the path begins with one.
  const ast::Expr* lookup_in(const ast::Expr& path) const;
  TypedResult lookup(const ast::Expr& source, const ast::Expr& row);
  TypedResult history(const ast::Expr& source);

  bool check_zone(const TypedExpr& zone);
  bool check_network(const TypedExpr& network);

  TypedResult broken(const ast::Expr& source) const;
  void error(const char* code, Span span, std::string message, std::string help = {}, std::vector<Label> causes = {});

  ResolveShared& shared_;
  ExprScope scope_;
  bool allows_regex_ = false;  // on the right of `matches`
  bool allows_event_ = false;  // where an event by itself has a meaning
};

// A duration that bounds something: neither zero nor above a hundred years. `what`: "`within`".
bool check_duration(ResolveShared& shared, const ast::Duration& duration, std::string_view what);

// A path as FieldPath: `properties.items[0].sku`, names in backticks where they need them.
FieldPath field_path(const ast::Path& path);

// The rule's pattern, its steps and names. False when it is too broken to look at the other clauses.
bool resolve_pattern(ResolveShared& shared, const ast::Rule& source, TypedRule& rule, BoundNames& names);
// A step's type and key; its condition comes later, when all names are known.
TypedStep typed_step(ResolveShared& shared, const ast::Step& source, const TypedRule& rule);
void resolve_condition(ResolveShared& shared, const ast::Step& source, TypedStep& step, ExprScope scope);
// The slots of the steps that can take a match's first event.
std::vector<uint64_t> first_slots(const TypedRule& rule);

std::optional<TypedRule> resolve_rule(ResolveShared& shared, const ast::Rule& source);
// The measures, `every` and `when` of a rule. False when it is too broken to look at its actions.
bool resolve_measures(ResolveShared& shared, const ast::Rule& source, TypedRule& rule);
void resolve_actions(ResolveShared& shared, const ast::Rule& source, TypedRule& rule, const BoundNames& names);
// What stands between the braces of a `send` or an `emit`; an emitted one is held against the event's declaration.
void resolve_body(ResolveShared& shared, const ast::Action& source, const TypedRule& rule, const BoundNames& names,
                  TypedAction& action);
std::optional<QuietHours> resolve_quiet(ResolveShared& shared, const ast::Quiet& source);
void resolve_event(ResolveShared& shared, const ast::EventDeclaration& event);
// What the engine declares: the event `schema_violation`.
const ast::EventDeclaration& violation_declaration();
// A label for what stands in a declaration; none when that is the engine's own.
std::vector<Label> declared_here(const ast::EventDeclaration& event, Span span);
void resolve_mapping(ResolveShared& shared, const ast::Mapping& source);
void resolve_test(ResolveShared& shared, const ast::Test& source);
void resolve_destination(ResolveShared& shared, const ast::Destination& source);
void resolve_table(ResolveShared& shared, const ast::Table& source);
// An option's value as text; env("NAME") and file("PATH") stay as they are written.
std::string option_text(const ast::Expr& value);
bool is_secret(const ast::Expr& value);
// An address, and how many of its bits are fixed (all when it does not say).
bool is_network(const std::string& text);
// The value of a `let`, resolved once.
const TypedResult& constant(ResolveShared& shared, const ast::Let& let);

// The event type or `pattern` name that a step names: `*` for any.
std::string step_text(const ast::Step& step);

}  // namespace omen
