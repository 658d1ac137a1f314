// The meaning of an expression, read off the syntax tree (section 5 of docs/language.md): names are looked up when
// they are met, and everything is three-valued.
//
// A head that is a bound name is the event (or the events) it names, any other head a field of the candidate.
//
// NOT HERE: the functions that random rules do not use; meeting one throws Unsupported, and the case is left out.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "compiler/ast.h"
#include "tests/support/json.h"
#include "tests/support/reference_pattern.h"

namespace omen::reference {

struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Event {
  int64_t time_us = 0;
  std::string type;
  Json json;
  bool is_derived = false;  // made by an `emit`
};

// The loops around a step, outermost first, each with the number of its repetition.
using Repetitions = std::vector<std::pair<const Node*, int>>;

struct Capture {
  int event = 0;  // its place in the stream, from 0
  const Node* step = nullptr;
  Repetitions repetitions;
};

struct Scope {
  const RulePattern& pattern;
  const std::vector<Event>& events;
  const Event* candidate = nullptr;  // none in `where` and at deadlines
  const std::vector<Capture>& captures;
  const Names& names;                                // bound here
  const Repetitions& repetitions;                    // of the reader
  std::optional<std::pair<int64_t, int64_t>> match;  // start and end, where they are known
};

// True only when it is true; unknown is not.
bool is_true(const ast::Expr& expr, const Scope& scope);

// Its value as JSON, as the body of an `emit` has it.
Json json_of(const ast::Expr& expr, const Scope& scope);

// A value as JSON: null when it is missing. Throws Unsupported for times, durations and events.
Json value_of(const ast::Expr& expr, const Scope& scope);

// The events a name means in the scope, in the order they were taken.
std::vector<int> events_of(const NameDefinition& name, const Scope& scope);

// The text by which key values are compared; empty when the field is absent, null or empty text.
std::string key_text(const Json& event, const Path& path);

}  // namespace omen::reference
