// Bound names: which names of a pattern a reader (a condition, `where`, a template) may use, and what they mean there.
//
// Every node of the pattern has a position: the way to it from the root. Comparing the position of a reader with
// that of a name tells all:
//
//   they part in a sequence   the name is bound before the reader, or after it
//   they part in an `and`     it may or may not be bound before
//   they part in an `or`      it is on another path
//   the name is around the reader   a loop: what it has taken so far; otherwise not bound yet
//
// A name inside an `or` is bound on every path when each branch of it binds the name. Inside a group loop a name of the
// same body means the present repetition; the loops between the name and the place where the two part make it a list.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/source.h"
#include "runtime/model/event.h"

namespace omen {

// One node on the way from the pattern's root, and which of its items the way goes through.
struct PatternTurn {
  enum class Kind : uint8_t { step, sequence, all, any };
  uint32_t node = 0;
  Kind kind = Kind::step;
  uint32_t item = 0;
  bool repeats = false;  // more than once
  int32_t loop = -1;     // its number when it is a group loop
};
using PatternPosition = std::vector<PatternTurn>;  // ends with the node itself; empty: after the whole pattern

struct NameOccurrence {
  PatternPosition position;
  uint64_t slots = 0;
  bool is_list = false;  // its node can take more than one event
  Span span;
};

struct BoundName {
  std::string text;
  std::vector<NameOccurrence> occurrences;
  uint64_t slots = 0;
  bool is_implicit = false;
  bool is_ambiguous = false;  // implicit, of several steps
  bool in_alert = true;
};

class BoundNames {
 public:
  enum class Standing : uint8_t {
    bound,    // on every path
    partly,   // on some paths only
    unbound,  // not before this place
  };
  struct Reading {
    Standing standing = Standing::unbound;
    bool is_list = false;
    int32_t repetition = -1;  // the group loop whose present repetition is meant
    Span missing;             // partly: the branch that does not bind it; of the name itself when it stands beside
    bool is_beside = false;   // partly: bound in another part of an `and`
  };

  std::vector<BoundName> items;             // in the order of the pattern
  std::vector<std::vector<Span>> branches;  // by node: the branches of an `or`; empty for others

  // The index of a name, or -1.
  int32_t find(const std::string& text) const;
  Reading read(uint32_t name, const PatternPosition& reader) const;

 private:
  bool is_definite(const std::vector<const NameOccurrence*>& occurrences, size_t depth, Span& missing) const;
};

// Whether two nodes stand in different branches of one `or`.
bool are_alternatives(const PatternPosition& a, const PatternPosition& b);

}  // namespace omen
