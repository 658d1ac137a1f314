// The syntax tree: a rule file as it was written, nothing resolved yet.
//
// Plain copyable values. compiler/parse makes it, format prints it back, resolve reads it; the reference interpreter
// of the tests runs it as it stands. The machine never sees it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/source.h"

namespace omen::ast {

struct Name {
  std::string text;  // without backticks
  Span span;
};

enum class Op : uint8_t {
  logical_or,
  logical_and,
  logical_not,
  negate,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in,
  contains,
  starts_with,
  ends_with,
  matches,
  like,
  add,
  subtract,
  multiply,
  divide,
  modulo,
};

struct Member;

struct Expr {
  enum class Kind : uint8_t {
    integer,   // integer
    number,    // number: a float literal, or an integer beyond 64 bits
    text,      // text
    boolean,   // integer 0 or 1
    duration,  // integer, microseconds
    regex,     // text between the slashes, unescaped \/
    list,      // children
    name,      // text: the head of a path or a bound name; `this`, `type`, `ts`, `id`, `start`, `end`, `duration` too
    member,    // children[0] . text
    index,     // children[0] [ children[1] ]
    call,      // text ( children )
    unary,     // op children[0]
    binary,    // children[0] op children[1]; fold: the operator had a ~
    object,    // { member: expr, … }: names in members, values in children (only in send, emit, tests)
  };
  Kind kind = Kind::integer;
  Op op = Op::add;
  bool fold = false;
  bool parenthesised = false;
  int64_t integer = 0;
  double number = 0;
  std::string text;
  std::vector<Expr> children;
  std::vector<Name> members;  // object only
  Span span;                  // the whole expression
  Span op_span;               // of the operator, or of a member's or function's name
};

struct Duration {
  int64_t us = 0;
  Span span;
};

// properties.items[0].sku
struct Path {
  struct Part {
    std::string member;  // when index < 0
    int64_t index = -1;
  };
  std::vector<Part> parts;
  Span span;
};

// T[COND] by PATH, …
struct Step {
  bool any_type = false;  // `*`
  Name type;              // or the name of a `pattern`
  std::optional<Expr> condition;
  std::vector<Path> by;
  Span span;
};

struct Repeat {
  uint32_t min = 1;
  uint32_t max = 1;  // unbounded: repeat_unbounded
  bool consecutive = false;
  char spelling = '{';  // '{', '+', '*', '?'
  Span span;
};
inline constexpr uint32_t repeat_unbounded = UINT32_MAX;

// The arrow that leads to an item of a sequence.
struct Arrow {
  bool immediate = false;            // =>
  std::optional<Duration> at_least;  // -[D1..D2]->
  std::optional<Duration> at_most;   // -[D]->
  Span span;
};

struct Pattern {
  enum class Kind : uint8_t {
    step,      // step
    sequence,  // items joined by arrows (arrows[i] leads to items[i + 1]); one item: a group
    all,       // P and Q …: items
    any,       // P or Q …: items
    absence,   // not alternatives [for D]
  };
  Kind kind = Kind::step;
  Step step;
  std::vector<Pattern> items;
  std::vector<Arrow> arrows;
  std::vector<Step> alternatives;      // absence: not (T or U …)
  std::optional<Duration> absent_for;  // absence
  bool parenthesised = false;          // written as a group
  std::optional<Duration> within;      // (P within D)
  std::optional<Repeat> repeat;        // applies to the whole node
  std::optional<Name> as;              // applies after repeat
  Span span;
};

struct Template {  // "text {EXPR:format}"
  struct Piece {
    std::string text;  // literal, {{ already unescaped; or
    std::optional<Expr> expr;
    std::string format;  // after the colon, such as ".2f"
  };
  std::vector<Piece> pieces;
  std::string source;  // the literal's text, unescaped but with its braces
  Span span;
};

struct Action {
  enum class Kind : uint8_t { alert, send, emit };
  Kind kind = Kind::alert;
  std::optional<Template> text;    // alert
  std::vector<Name> destinations;  // alert … to A, B; send A
  Name type;                       // emit
  std::optional<Expr> body;        // send, emit: object
  bool on_resolve = false;
  Span span;
};

enum class Overlap : uint8_t { none, single, latest, starts, all };

struct Measure {  // measure NAME = AGG(STEP [, EXPR]) over D [ago D]
  Name name;
  Name aggregate;
  Step step;
  std::optional<Expr> argument;
  Duration over;
  std::optional<Duration> ago;
  Span span;
};

struct Limit {
  uint32_t count = 0;
  Duration per;
  Span span;
};

struct Quiet {  // quiet 22:00..08:00 "Europe/Berlin"
  int32_t from_minute = 0;
  int32_t to_minute = 0;
  std::string zone;
  Span span;
};

struct Rule {
  Name name;
  std::optional<std::string> title;
  std::optional<Name> severity;
  std::vector<Path> by;
  std::optional<Pattern> match;  // a sequence rule
  std::optional<Duration> within;
  std::vector<Step> unless;
  std::optional<Expr> where;
  std::optional<Overlap> overlap;
  Span overlap_span;
  std::vector<Measure> measures;  // a measure rule
  std::optional<Duration> every;
  std::optional<std::string> every_at;  // "09:00"
  std::optional<std::string> every_zone;
  std::optional<Expr> when;
  std::optional<Duration> when_for;
  std::optional<Duration> cooldown;
  std::optional<Limit> limit;
  std::optional<Quiet> quiet;
  std::vector<Action> actions;
  Span span;  // the whole rule
  Span match_span;
};

struct FieldDeclaration {
  Name name;
  std::optional<Name> type;
  bool optional = false;
  std::vector<Expr> one_of;                   // in [..]
  std::optional<std::string> matches;         // /../
  std::optional<Expr> range_low, range_high;  // 0..100
  std::optional<int64_t> max_length;
  std::optional<Path> from;
  Span span;
};

struct EventDeclaration {
  Name name;
  bool lenient = false;
  std::vector<FieldDeclaration> fields;
  Span span;
};

struct Destination {  // destination NAME = KIND { option: expr, … }
  Name name;
  Name kind;
  std::vector<Name> option_names;
  std::vector<Expr> option_values;
  std::optional<Quiet> quiet;
  Span span;
};

struct Let {
  Name name;
  Expr value;
  Span span;
};
struct NamedStep {
  Name name;
  Step step;
  Span span;
};  // pattern NAME = STEP
struct Import {
  std::string path;
  Span span;
};
struct Table {  // table NAME = csv {…} key FIELD
  Name name, kind, key;
  std::vector<Name> option_names;
  std::vector<Expr> option_values;
  Span span;
};

struct Mapped {  // NAME: EXPR [when EXPR], or *: EXPR
  Name name;
  bool is_rest = false;  // `*`: the members of the object that the value is
  Expr value;
  std::optional<Expr> when;
  Span span;
};

struct Mapping {  // mapping NAME { … }
  Name name;
  std::vector<Mapped> members;
  Span span;
};

struct TestLine {
  enum class Kind : uint8_t { at, clock, expect, expect_no, expect_nothing };
  Kind kind = Kind::at;
  std::optional<Duration> time;  // relative to the test's start
  Name name;                     // event type, or rule
  std::optional<Expr> object;
  Span span;
};

struct Test {
  std::string title;
  std::vector<Name> rules;  // for RULE {, RULE}; may be empty
  std::vector<TestLine> lines;
  Span span;
};

// One rule file. The vectors keep the order of writing; `order` the order across kinds (for format).
struct File {
  uint32_t file = 0;
  std::vector<Import> imports;
  std::vector<Let> lets;
  std::vector<NamedStep> patterns;
  std::vector<EventDeclaration> events;
  std::vector<Destination> destinations;
  std::vector<Table> tables;
  std::vector<Mapping> mappings;
  std::vector<Rule> rules;
  std::vector<Test> tests;
};

}  // namespace omen::ast
