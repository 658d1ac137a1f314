// Evaluate: runs compiled expressions, predicates and templates over a candidate event and a run's captures.
//
// Pure. Texts that an operation makes (lower, concat, +) live in the Scratch until it is cleared.
//
// NOT HERE: the memory of which shared predicate held for the present event (predicates.h).
#pragma once

#include <span>
#include <string>

#include "runtime/core/captures.h"
#include "runtime/core/prepared.h"
#include "runtime/core/scratch.h"
#include "runtime/model/event.h"
#include "runtime/model/program.h"

namespace omen {

struct Evaluation {
  const Program& program;
  const Prepared& prepared;
  Scratch& scratch;
  const CaptureStore& captures;
  const Event* candidate = nullptr;   // nothing at a deadline
  CaptureId bindings = capture_none;  // the run's captures, newest first
  uint16_t opening = 0;               // group loops of which the candidate would begin a repetition: names scoped to
                                      // the present repetition of one of them are not bound yet
  int64_t start_us = 0, end_us = 0;   // of the match, for start, end, duration
  std::span<KeptEvent* const> history = {};  // the key's events, oldest first, as far back as any history(D) asks
  std::span<const Value> key = {};       // of the partition, one value for each part: `by` paths in where and actions
  std::span<const Value> measures = {};  // of a measure rule, in the order of writing
};

// True only when the predicate is true; unknown is not.
bool holds(PredicateId predicate, const Evaluation& evaluation);
Value evaluate(CodeId code, const Evaluation& evaluation);
// Appends the template's text.
void render(TemplateId text, const Evaluation& evaluation, std::string& out);

}  // namespace omen
