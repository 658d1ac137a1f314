// Program: what the compiler makes of rule files and the machine runs. Read-only at run time, shared by all.
//
// A sequence rule is an automaton whose states are the *places* of its pattern: what remains of it, with loops
// unrolled up to their minimum. A run stands in one state per thread (a thread is one still open branch of an `or`).
// An event moves a thread along the first transition that fits, furthest first; one that fits none is passed over,
// which may end the thread (strict, absences, unless) or close a `consecutive` loop (breaks, on_pass).
//
//   transition   step (type, predicate, route), guards on time, time marks to set, slot to capture into, targets
//   register     a time mark of a run: register 0 is the time of the last event taken, others are for groups
//                `within` and for branches of an `and`
//
// Under `overlap all` a run forks: it takes the event along every transition that fits, and passes it over too. What
// passing over forbids is then said of each transition: a *bar* (a bit) is lowered by an event passed over, and closes
// the transitions that are barred by it. So a `not` bars the way across its gap and nothing else.
//
// INVARIANTS (verify()): every index is in range; state 0.. of `initial` take events; predicates marked shared read
// the candidate event only; a transition with no target completes nothing.
// NOT HERE: how it is made (compiler/), how it is run (core/), the syntax tree (never at run time).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/model/code.h"
#include "runtime/model/event.h"
#include "runtime/model/measures.h"
#include "runtime/model/schema.h"
#include "runtime/model/status.h"
#include "runtime/model/value.h"

namespace omen {

using StateId = uint32_t;
using StepId = uint32_t;
using RuleId = uint32_t;

inline constexpr StateId state_dead = UINT32_MAX;
inline constexpr RuleId rule_none = UINT32_MAX;
inline constexpr int64_t time_unbounded = std::numeric_limits<int64_t>::max();

enum class AlertSeverity : uint8_t { info, warning, critical };
std::string_view severity_text(AlertSeverity severity);  // its word in rules and alerts
enum class Overlap : uint8_t { none, single, latest, starts, all };
// What runs a rule: explicit runs (core/matcher), shared matches (core/forest), windows and their evaluations
// (core/measure).
enum class Machine : uint8_t { runs, forest, measure };

// A path into an event: members and array places. `is_whole` paths name the engine's members (type, ts, id).
struct FieldPath {
  struct Part {
    std::string member;  // when index < 0
    int32_t index = -1;
  };
  std::vector<Part> parts;
  std::string text;  // "properties.items[0].sku"
};

// A field that the events of one type have elsewhere than its name says (`user_id from properties.customer.id`).
struct FieldSource {
  FieldId field = 0;
  FieldPath path;
};

struct TypeInfo {
  std::string name;
  std::vector<FieldId> fields;            // what the decoder extracts from events of this type, ascending
  std::vector<FieldId> kept;              // the part of them that outlives the event when it is captured, ascending
  std::vector<FieldSource> sources = {};  // by field; others are read where their path says
  const FieldPath& path(FieldId field, const std::vector<FieldPath>& fields_of_program) const;
};

// event.time - registers[anchor] must lie in [min_us, max_us].
struct Guard {
  uint8_t anchor = 0;
  int64_t min_us = 0;
  int64_t max_us = time_unbounded;
  bool operator==(const Guard&) const = default;
};

// A step as the matcher tests it.
struct StepProgram {
  std::vector<TypeId> types;               // ascending; empty: any type
  PredicateId predicate = predicate_none;  // none: the type suffices
  bool is_shared = true;                   // the predicate reads the candidate only
  uint8_t route = 0;                       // index into RuleProgram::routes
  std::string label;                       // for people: graph, dump, explanations
};

struct Transition {
  StepId step = 0;
  std::vector<Guard> guards;
  std::vector<std::pair<uint8_t, uint8_t>> copies;  // registers[second] = registers[first], before marks are set
  std::vector<uint8_t> marks;                       // registers set to the event's time; register 0 always is
  std::vector<StateId> targets;  // one per thread it goes on with, in written order; empty: the run dies
  uint8_t slot = 0;
  uint32_t loop = 0;               // 1 + index of the innermost loop the step stands in; 0: none
  uint16_t opens = 0;              // group loops (bit per loop) of which it begins a repetition, the first too
  uint64_t decides = 0;            // `or`s (bit each) that this event completes: their other threads end
  std::vector<uint8_t> branches;   // for each bit of decides, ascending: which branch
  bool can_repeat = false;         // the step is in a loop that can go on in the target (`where` refused)
  uint64_t barred_by = 0;          // overlap all: closed while one of these bars is down
  uint64_t lifts = 0, lowers = 0;  // overlap all: bars that taking it moves
  bool for_received = true;        // a way of received events; of derived ones, to which a => means nothing
  bool for_derived = true;
  bool operator==(const Transition&) const = default;
};

struct AbsenceProgram {
  std::vector<StepId> steps;      // any of them breaks it
  int64_t for_us = -1;            // since register 0; -1: as long as the thread stands here
  bool ends_with_within = false;  // a final one without `for`: until the end of `within`
  uint64_t bar = 0;               // overlap all: what breaking it lowers
};

// An event of this step's type that does not fit it, passed over, sends the thread to `to`.
struct Break {
  StepId step = 0;
  StateId to = state_dead;
  uint64_t bar = 0;  // overlap all: lowered; the thread stays unless `to` is state_dead
};

struct State {
  std::vector<Transition> transitions;   // furthest first
  std::vector<AbsenceProgram> absences;  // broken by an event passed over: the thread ends
  std::vector<Break> breaks;
  StateId on_pass = 0;            // where any event passed over sends the thread; itself as a rule
  bool strict = false;            // nothing may be passed over
  bool accepts = false;           // arriving here completes the match
  bool waits = false;             // everything is taken, only final absences have to last
  bool ends_with_within = false;  // one of them lasts until the end of `within`
  int64_t wait_us = 0;            // the longest `for` of them, since register 0
  uint64_t pending = 0;           // `or`s entered and not yet decided, bit each
  uint64_t wait_bars = 0;         // overlap all: the final absences do not hold while one of them is down
  uint64_t fatal_bars = 0;        // overlap all: with one of them down nothing can complete any more
  std::string label;              // what remains, for people
};

// Where a rule finds its key in an event: one field for each part of the key. Route 0 is the rule's own `by`.
struct Route {
  std::vector<FieldId> key;
  std::vector<TypeId> types;  // it exists for these types only; empty: for all
};

struct NameProgram {
  std::string text;
  uint64_t slots = 0;
  bool in_alert = true;
};

struct ActionProgram {
  enum class Kind : uint8_t { alert, send, emit };
  Kind kind = Kind::alert;
  TemplateId text = 0;      // of the match record; the rule's title where it is no alert
  CodeId body = code_none;  // send, emit
  std::vector<uint32_t> destinations;
  TypeId emit_type = 0;
  bool on_resolve = false;  // of a measure rule: when its condition is no longer true
};

// Hours of a day in which deliveries are held: from 22:00 up to, and not including, 08:00.
struct QuietHours {
  int32_t from_minute = 0, to_minute = 0;
  std::string zone;
};

struct RuleProgram {
  std::string name, title;
  AlertSeverity severity = AlertSeverity::info;
  std::string version;                 // hash of what decides its matches: pattern, window, key, conditions
  std::vector<std::string> key_names;  // members of the alert's key; empty: one partition for the stream
  std::vector<Route> routes;
  std::vector<StepProgram> steps;
  std::vector<StateId> initial;         // one per thread; events that fit a transition out of one start a run
  std::vector<AbsenceProgram> leading;  // first `not … for D`: no fitting event in the D before the first event
  std::vector<State> states;
  std::vector<StepId> unless;
  CodeId where = code_none;
  int64_t within_us = time_unbounded;
  uint8_t registers = 1;
  uint8_t bars_register = 0;  // overlap all: this register holds the bars that are down
  uint64_t strict_bars = 0;   // overlap all: lowered by every event passed over
  Overlap overlap = Overlap::none;
  Machine machine = Machine::runs;
  std::optional<Measures> measures;  // of a measure rule, which has steps and no states
  int64_t cooldown_us = 0;           // 0: none
  uint32_t limit_count = 0;          // 0: none
  int64_t limit_per_us = 0;
  std::optional<QuietHours> quiet;
  std::vector<NameProgram> names;  // in the order of the pattern
  std::vector<ActionProgram> actions;
  bool resolves = false;            // one of them is on_resolve
  std::vector<uint32_t> histories;  // those that its where, texts and bodies read: indices into the code's
  bool sees_all_types = false;      // a step `*`, a => or a consecutive group makes every event count
  bool shares_start = false;        // many rules begin as it does (core/shared_starts); needs an only_start()
};

// The one way in which a run of the rule begins, when that can be put off: the event is judged by itself, and what is
// begun waits in one place, unmoved by time and by events of most types. nullptr: its runs begin at once.
const Transition* only_start(const RuleProgram& rule);

struct Program;
// A step as its author would write it, without its name: `purchase[amount > 5] by customer.id`.
std::string step_text(const Program& program, const RuleProgram& rule, StepId step);
// `sum(purchase, amount) over 1h ago 1d`, and `every 1d at 09:00 "Europe/Berlin"`.
std::string measure_text(const Program& program, const RuleProgram& rule, const MeasureProgram& measure);
std::string every_text(const Program& program, const Measures& measures);

struct DestinationProgram {
  std::string name, kind;
  std::vector<std::pair<std::string, std::string>> options;
  std::optional<QuietHours> quiet;
};

// A member of an event that is made of a record.
struct MappedProgram {
  std::string name;
  bool is_rest = false;  // the members of the object that the value is, but those with lines of their own
  CodeId value = code_none;
  CodeId when = code_none;  // none: always
};

// How records of a foreign envelope become events: of several members of one name the first whose condition is true.
struct MappingProgram {
  std::string name;
  std::vector<FieldId> fields;  // what it reads of a record, ascending
  std::vector<MappedProgram> members;
};

// A table that expressions look rows up in. Its rows are no part of the program: they are read when it runs, and again
// when they change (io/tables).
struct TableProgram {
  std::string name, kind;
  std::string key;                                           // the column by which rows are looked up
  std::vector<std::pair<std::string, std::string>> options;  // path, delimiter; table or query
  std::string folder;                                        // of the rule file: a relative path starts there
  std::vector<std::string> columns;                          // those that are read
  bool reads_rows = false;                                   // whole rows are read too
};

struct Program {
  std::vector<TypeInfo> types;     // by TypeId; [0]: types no rule names
  std::vector<FieldPath> fields;   // by FieldId
  std::vector<Schema> schemas;     // of the declared types, by type
  CodeSection code;                // predicates, expressions, templates, constants
  std::vector<RuleProgram> rules;  // in the order of the files
  std::vector<DestinationProgram> destinations;
  std::vector<MappingProgram> mappings;
  std::vector<TableProgram> tables;

  // How, not what: from so many waiting runs of a key on an event is offered to places, not runs (core/stretches.cc);
  // 0: never.
  uint32_t stretch_runs_from = 16;
  uint32_t state_rows_from = 8;  // a key of so many rule states has a row of them (core/state_row.h); 0: none has
  bool keeps_newcomers = true;   // a key that nothing but first events is known of has no partition (core/newcomers.h)

  Status verify() const;     // every index in range; run after compile and after load
  std::string dump() const;  // stable text: golden tests, `omen dump`
};

}  // namespace omen
