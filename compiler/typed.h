// The resolved program: every name looked up, every expression typed, patterns normalised. resolve makes it, check
// judges it, lower turns patterns into automata, emit turns expressions into code.
//
// Compiler-internal: the machine sees model/program.h only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ast.h"
#include "compiler/source.h"
#include "runtime/model/event.h"
#include "runtime/model/program.h"

namespace omen {

// An expression whose names are resolved. `let` constants are put in place; constant operands are folded.
struct TypedExpr {
  // A kind's number is part of the rule's version, and so of every match's id: new ones go to the end.
  enum class Kind : uint8_t {
    constant,     // value; text bytes live in `text`
    regex,        // text
    list,         // children
    field,        // field of the candidate event
    attribute,    // attribute of the candidate event, or (name given) of the event(s) bound to it
    bound,        // field of the event(s) bound to a name
    bound_event,  // the bound event itself: argument of count, exists, missing; value in templates and bodies
    aggregate,    // aggregate of children[0]: a bound, attribute or bound_event (count of a name) with Selector::all
    key,          // part `index` of the key: a `by` path in where and actions
    match_value,  // start, end or duration of the match
    call,         // function (text) of children
    unary,        // op children[0]
    binary,       // children[0] op children[1]
    object,       // members and children
    measure,      // measure `index` of the rule
    lookup,       // column `text` (empty: the whole row) of table `index`, in the row whose key is children[0]
    history,      // the key's events of the last value.integer microseconds
  };
  enum class Attribute : uint8_t { type, ts, id };
  // Which of a name's events: the only one (none or one), first(NAME), last(NAME), NAME[index], or all as a list.
  enum class Selector : uint8_t { only, first, last, index, all };
  enum class Aggregate : uint8_t { count, sum, avg, min, max, distinct };
  enum class MatchValue : uint8_t { start, end, duration };

  Kind kind = Kind::constant;
  ast::Op op = ast::Op::add;
  bool fold = false;
  Value value;
  std::string text;
  FieldId field = 0;
  Attribute attribute = Attribute::type;
  int32_t name = -1;  // index into TypedRule::names, -1: the candidate
  Selector selector = Selector::only;
  int32_t index = 0;
  Aggregate aggregate = Aggregate::count;
  int32_t repetition = -1;  // bound, bound_event, aggregate, attribute of a name: only what the present repetition of
                            // this group loop has taken (the reader stands in the same body); -1: all
  MatchValue match_value = MatchValue::start;
  std::vector<TypedExpr> children;
  std::vector<std::string> members;
  Span span;
};

// A step of one rule: an event type (or any) with its condition. Steps that take events have a slot; those of `not`
// and `unless` have none.
struct TypedStep {
  std::vector<TypeId> types;  // empty: any type
  std::optional<TypedExpr> condition;
  std::vector<std::vector<FieldId>> by;  // empty: the rule's key; else one path per part of the key (size 1 inner)
  int32_t slot = -1;
  bool sees_derived = false;  // its type is one that rules emit, or schema_violation
  std::string label;          // as graph and dump show it: `payment_failed[amount > 5] as pay`
  Span span;
};

// A pattern after normalisation: groups of one item unwrapped, trailing and leading absences of unrepeated groups
// moved to the sequence around them, `pattern` names and `let`s put in place.
struct TypedPattern {
  enum class Kind : uint8_t { step, sequence, all, any };
  struct Absence {
    std::vector<uint32_t> steps;  // indices into TypedRule::steps; any of them breaks it
    int64_t for_us = -1;          // -1: until the neighbour, or (last) the end of `within`
  };
  // What leads to an item of a sequence.
  struct Gate {
    bool immediate = false;
    int64_t min_us = 0;             // arrow limits, measured from the last event taken
    int64_t max_us = -1;            // -1: none
    std::vector<Absence> absences;  // hold over the gap before this item
  };
  Kind kind = Kind::step;
  uint32_t step = 0;                // step: index into TypedRule::steps
  std::vector<TypedPattern> items;  // sequence, all, any
  std::vector<Gate> gates;          // sequence: gates[i] leads to items[i]; gates[0] holds leading absences only
  std::vector<Absence> trailing;    // outermost sequence only: final absences
  int64_t within_us = -1;           // the span of this group
  uint32_t min = 1, max = 1;        // repetition of the whole node; ast::repeat_unbounded
  bool consecutive = false;
  int32_t loop = -1;  // the number (bit) of a group loop: a node with repetition that is no step
  Span span;
};

// A name of a rule and the steps whose events it means.
struct TypedName {
  std::string text;
  uint64_t slots = 0;        // bit per slot
  bool is_list = false;      // may mean more than one event (seen from outside its loop)
  bool is_implicit = false;  // an event type's name, given to unnamed steps
  bool in_alert = true;      // listed in `bindings`
  uint64_t alert_slots = 0;  // what is listed: not the unnamed steps of a named group
  Span span;
};

struct TypedTemplatePiece {
  std::string text;
  std::optional<TypedExpr> expr;
  std::string format;
};

struct TypedAction {
  ast::Action::Kind kind = ast::Action::Kind::alert;
  std::vector<TypedTemplatePiece> text;
  std::vector<uint32_t> destinations;  // indices into TypedProgram::destinations
  std::optional<TypedExpr> body;
  TypeId emit_type = 0;
  bool on_resolve = false;
  Span span;
};

struct TypedMeasure {
  std::string name;
  Aggregate aggregate = Aggregate::count;
  uint32_t step = 0;  // index into TypedRule::steps
  std::optional<TypedExpr> argument;
  omen::Kind takes = omen::Kind::number;  // of the argument: number, duration or time
  int64_t over_us = 0;
  int64_t ago_us = 0;
  Span span;
};

// `every D [at TIME ZONE]`
struct TypedEvery {
  int64_t us = 0;  // 0: none
  int32_t at_minute = -1;
  std::string zone;
};

struct TypedRule {
  const ast::Rule* source = nullptr;
  std::string name, title;
  AlertSeverity severity = AlertSeverity::info;
  std::vector<FieldId> by;            // one path per part; empty: one partition
  std::vector<std::string> by_texts;  // as written: the member names of the alert's key
  std::vector<TypedStep> steps;
  TypedPattern pattern;          // always a sequence at the top
  std::vector<TypedName> names;  // in the order of the pattern
  int64_t within_us = -1;
  std::vector<uint32_t> unless;  // steps
  std::optional<TypedExpr> where;
  std::vector<TypedMeasure> measures;  // of a measure rule, which has no pattern
  TypedEvery every;
  std::optional<TypedExpr> when;
  int64_t when_for_us = 0;
  Overlap overlap = Overlap::none;
  int64_t cooldown_us = -1;
  uint32_t limit_count = 0;  // 0: none
  int64_t limit_per_us = 0;
  std::optional<QuietHours> quiet;
  std::vector<TypedAction> actions;
};

struct TypedDestination {
  std::string name, kind;
  std::vector<std::pair<std::string, std::string>> options;  // constants as text; env("X") as written
  std::optional<QuietHours> quiet;
  Span span;
};

struct TypedMapped {
  std::string name;
  bool is_rest = false;  // the members of the object that the value is
  TypedExpr value;       // of the record, as of a candidate
  std::optional<TypedExpr> when;
};

struct TypedMapping {
  std::string name;
  std::vector<TypedMapped> members;
};

struct TypedTable {
  std::string name, kind, key;
  std::vector<std::pair<std::string, std::string>> options;  // constants as text; env("X") as written
  Span span;
};

struct TypedProgram {
  std::vector<std::string> types;  // by TypeId; [0] is empty: a type no rule names
  std::vector<FieldPath> fields;   // by FieldId
  std::vector<Schema> schemas;     // in the order of their names
  // What declarations say with `from`: where an event type has a field.
  struct Source {
    std::string type, field;
    FieldPath path;
  };
  std::vector<Source> sources;
  std::vector<TypedRule> rules;
  std::vector<TypedDestination> destinations;
  std::vector<TypedMapping> mappings;
  std::vector<TypedTable> tables;
  size_t nodes = 0;  // of all expressions
};

// Sets a path's text from its parts: `properties.items[0].sku`, names in backticks where they need them.
void finish_field_path(FieldPath& path);

}  // namespace omen
