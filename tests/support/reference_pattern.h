// The pattern of one rule as a tree in which every construct of section 3.1 is one node:
//
//   step      takes one event
//   sequence  items with a gap before each: the arrow that leads to the item, and the `not`s that hold over the gap
//   all, any  `and`, `or`
//   loop      repetition of its only item
//   span      (P within D) around its only item
//
// Groups of one item are that item. `not`s at the edge of a group that is not repeated hold over the gap outside.
// Made from the syntax tree alone; nothing of the compiler behind the parser is used.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/ast.h"

namespace omen::reference {

// A step with the `pattern` it may name put in place.
struct StepDefinition {
  bool any_type = false;
  std::string type;
  std::vector<const ast::Expr*> conditions;
  size_t route = 0;  // 0: the rule's own key
};

struct Absence {
  std::vector<StepDefinition> steps;
  std::optional<int64_t> for_us;
};

struct Gap {
  bool immediate = false;
  std::optional<int64_t> at_least, at_most;
  std::vector<Absence> absences;
};

struct NameDefinition;
using Names = std::vector<const NameDefinition*>;

struct Node {
  enum class Kind : uint8_t { step, sequence, all, any, loop, span };
  Kind kind = Kind::step;
  int id = 0, end = 0;  // nodes below this one have ids in (id, end)
  const Node* parent = nullptr;
  size_t place = 0;  // among the parent's items
  std::optional<std::string> name;
  StepDefinition step;
  std::vector<std::unique_ptr<Node>> items;
  std::vector<Gap> gaps;          // sequence
  std::vector<Absence> trailing;  // sequence: after the last item
  Names bound;                    // names bound before it on every path, those of loops around it included
  std::vector<Names> gap_bound;   // sequence: the same for the `not`s before each item and after the last
  uint32_t min = 1, max = 1;      // loop
  bool consecutive = false;       // loop
  bool is_group = false;          // loop: of a group, also one of a single step
  int64_t within_us = 0;          // span
  bool is_single = false;         // any: every branch is done with its first event
  bool contains(int node) const { return node >= id && node < end; }
};

struct NameDefinition {
  std::string text;
  std::vector<const Node*> nodes;
  std::vector<const Node*> alert_nodes;  // those listed in the alert: not the unnamed steps of a named group
};

using Path = std::vector<ast::Path::Part>;

struct RulePattern {
  const ast::Rule* rule = nullptr;
  std::unique_ptr<Node> root;         // always a sequence
  std::vector<NameDefinition> names;  // in the order of the pattern
  std::vector<StepDefinition> unless;
  struct Route {
    std::vector<Path> key;
    std::vector<std::pair<bool, std::string>> types;  // (any, type) it exists for; empty: all
  };
  std::vector<Route> routes;  // [0]: the rule's own
  std::unordered_map<std::string, const ast::Step*> patterns;
  std::unordered_map<std::string, const ast::Expr*> lets;
};

// Puts one rule's pattern into that form. `files` give `pattern`s and `let`s.
RulePattern make_pattern(const std::vector<ast::File>& files, const ast::Rule& rule);

// At most how many events the node can take.
uint64_t events_max(const Node& node);

}  // namespace omen::reference
