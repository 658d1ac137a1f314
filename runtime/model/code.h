// Code: compiled expressions, predicates and templates of a program.
//
// An expression is a short run of instructions for a stack machine (core/evaluate); the instruction set is below. A
// test is a condition of a fixed simple kind (field, operator, constant) that needs no stack. A predicate is what a
// step asks: one test, several that must all hold, or an expression that must yield true. Equal predicates have one
// id, so that an event is tested against each at most once.
//
// Truth on the stack is Kleene's: a boolean, or missing for unknown.
//
// INVARIANTS (verify_code): every index is in range; jumps go forward, within their expression; an expression leaves
// one value and never holds more than its `depth`.
// NOT HERE: what the instructions do (core/evaluate), which of them a condition becomes (compiler/emit).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/model/status.h"
#include "runtime/model/value.h"

namespace omen {

using FieldId = uint32_t;
using CodeId = uint32_t;
using PredicateId = uint32_t;
using TemplateId = uint32_t;
inline constexpr CodeId code_none = UINT32_MAX;
inline constexpr PredicateId predicate_none = UINT32_MAX;

enum class Attribute : uint8_t { type, ts, id };
enum class MatchValue : uint8_t { start, end, duration };

// How a left side stands to a right one. `equal` is what `in` asks of each element.
enum class Relation : uint8_t {
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  contains,
  starts_with,
  ends_with,
  like
};

enum class Function : uint8_t {
  exists,
  missing,
  coalesce,
  lower,
  upper,
  len,
  substring,
  index_of,
  concat,
  string,
  number,
  abs,
  round,
  floor,
  ceil,
  hour,
  weekday,
  date,
  cidr_match,
};

// Operands are taken from the stack, results put on it. `small` and `index` are written s and i.
enum class Opcode : uint8_t {
  constant,       // constants[i]
  field,          // field i of the candidate
  attribute,      // attribute s of the candidate
  whole,          // the candidate as an object
  key,            // part i of the partition's key
  match_value,    // s: start, end or duration of the match
  read,           // reads[i]: of the events bound to a name
  history,        // the key's events of the last histories_us[i], as a list
  lookup,         // lookups[i]: of the row whose key is on the stack
  measure,        // measure i of the rule, as of its last evaluation
  test,           // truth of tests[i]
  relate,         // left s right; a list on the right of a text relation means any of its elements
  in,             // left equals an element of the list on the stack
  any_of_list,    // left s any of lists[i]
  any_of_read,    // left s any of what reads[i] gives
  matches,        // left is matched by one of s regexes from regexes[i] on
  jump_if_false,  // to instruction i of this expression, when the top is false; the top stays
  jump_if_true,
  logical_and,
  logical_or,
  logical_not,
  negate,
  add,
  subtract,
  multiply,
  divide,
  modulo,
  call,       // function s of i arguments
  call_zone,  // function s (hour, weekday, date) of one argument, in zones[i]
  list,       // a list of i values
  object,     // an object with the members of objects[i]
};

struct Instruction {
  Opcode op = Opcode::constant;
  bool fold = false;  // texts are compared without regard to case
  uint16_t small = 0;
  uint32_t index = 0;
};
static_assert(sizeof(Instruction) == 8);

struct Code {
  std::vector<Instruction> instructions;
  uint32_t depth = 0;  // the most values on the stack
};

struct Constant {
  Kind kind = Kind::missing;
  int64_t integer = 0;  // boolean, time, duration too
  double number = 0;
  std::string text;
  Value value() const;  // points into text
  bool operator==(const Constant&) const = default;
};

// The elements of a list literal, folded when they are compared without regard to case.
struct ConstantList {
  std::vector<uint32_t> constants;
  bool fold = false;
};

// What is read of the events bound to a name: those whose slot is in `slots`, of the present repetition of loop
// `repetition` only when that is not negative.
struct Read {
  enum class What : uint8_t { field, attribute, event };
  enum class Select : uint8_t { only, first, last, index, all, count, sum, avg, min, max, distinct };
  uint64_t slots = 0;
  What what = What::event;
  Select select = Select::only;
  Attribute attribute = Attribute::type;
  FieldId field = 0;
  int32_t index = 0;
  int32_t repetition = -1;
  std::string name;  // for people
};

// A column of a table, or the whole row.
struct Lookup {
  static constexpr uint32_t whole = UINT32_MAX;
  uint32_t table = 0;
  uint32_t column = whole;  // index into TableProgram::columns
};

struct Test {
  // is_true is a boolean field by itself. Those from `contains` on take a text or a list of them.
  enum class Kind : uint8_t { exists, missing, is_true, is_false, relate, any_of_list, none_of_list };
  Kind kind = Kind::exists;
  Relation relation = Relation::equal;
  bool fold = false;
  FieldId field = 0;
  uint32_t operand = 0;  // relate: constants; …_of_list: lists
};

struct Predicate {
  enum class Kind : uint8_t { tests, code };
  Kind kind = Kind::tests;
  std::vector<uint32_t> tests;  // all of them must be true
  CodeId code = code_none;
};

// {amount:,.2f}: thousands separated, two digits after the point.
struct NumberFormat {
  enum class Style : uint8_t { plain, fixed, integer, percent };
  Style style = Style::plain;
  bool grouped = false;
  uint8_t digits = 6;  // fixed, percent
};

struct TemplatePiece {
  std::string text;  // when code is code_none
  CodeId code = code_none;
  NumberFormat format;
};

struct RegexText {
  std::string text;
  bool fold = false;
};

struct CodeSection {
  std::vector<Code> codes;                            // by CodeId
  std::vector<Predicate> predicates;                  // by PredicateId
  std::vector<std::vector<TemplatePiece>> templates;  // by TemplateId
  std::vector<Test> tests;
  std::vector<Constant> constants;
  std::vector<ConstantList> lists;
  std::vector<RegexText> regexes;
  std::vector<Read> reads;
  std::vector<Lookup> lookups;
  std::vector<int64_t> histories_us;
  std::vector<std::string> zones;                 // "Europe/Berlin"
  std::vector<std::vector<std::string>> objects;  // members of object literals
};

struct Program;

// Every index of the code section is in range and every expression well formed. Part of Program::verify.
Status verify_code(const Program& program);

// As an author writes it: 5, "text", true, 1h30m; null when it is missing.
std::string constant_text(const Constant& constant);

// As an author would write it, names of fields and bound events included: `amount > 5 and not (plan == "pro")`.
std::string dump_code(const Program& program, CodeId code);
std::string dump_predicate(const Program& program, PredicateId predicate);
std::string dump_template(const Program& program, TemplateId text);

}  // namespace omen
