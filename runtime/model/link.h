// Link: the rules of a small program take their places in a large one that is at work.
//
// Nothing that the large program has moves or gets another number, for engines point into it: what it has already
// (types, fields, constants, tests, predicates) is used as it is, so that equal conditions are one predicate still, and
// what is new stands behind it, in room that was made beforehand. What cannot be done so can_link() says, before
// anything is done; all rules are compiled together then. That is so where the small program
//
//   has derived events in it, or the large one has: what rules emit, schema_violation
//   looks into tables or histories
//   keeps a field of a type's events that were kept without it so far
//   has destinations that the large one has not
//   finds no room
//
// A rule that goes leaves its place empty: a rule without a name, a step or a state. What it alone has needed stays.
//
// NOT HERE: which rules go where (compiler/part), what engines do about it (core/engine_change).
#pragma once

#include <span>

#include "runtime/model/program.h"

namespace omen {

// Before engines are made of it: for rules to come.
void make_room(Program& program);

// Where a rule of the small program comes to stand: behind all others, or in place of one, which the new one follows or
// goes on from.
struct RulePlace {
  RuleId id = 0;
  bool goes_on = false;  // it matches as that one does: it gets its name, texts and actions, and keeps its automaton
};

bool can_link(const Program& whole, const Program& part);

// `places`: of each rule of the part; new ids are ascending, without a gap. True: events are to be decoded otherwise.
bool link(Program& whole, const Program& part, std::span<const RulePlace> places);

void empty_place(RuleProgram& rule);
inline bool is_place_empty(const RuleProgram& rule) { return rule.name.empty(); }

}  // namespace omen
