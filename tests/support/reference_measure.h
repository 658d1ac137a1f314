// Reference of measure rules: section 4 of docs/language.md (with docs/semantics.md) read literally. It keeps every
// event for ever, evaluates at every multiple of `every`, and finds what a window holds by looking at all of them.
//
//   feed(event)   evaluations before its time, in their order; then it may make one due
//   advance(t)    evaluations up to and including t
//
// Written from the text, not from the machine, and linked into tests only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ast.h"
#include "tests/support/json.h"
#include "tests/support/reference.h"
#include "tests/support/reference_expression.h"

namespace omen::reference {

class MeasureReference {
 public:
  // The trees must outlive it. Sequence rules are left out.
  explicit MeasureReference(const std::vector<ast::File>& files);
  void feed(int64_t ts_us, Json event);
  void advance(int64_t time_us);
  const std::vector<Alert>& alerts() const { return alerts_; }

 private:
  // An event as a measure counts it.
  struct Counted {
    int64_t time_us = 0;
    Json value;  // null: none was asked for
  };
  struct Key {
    int known_since = -1;  // an event, by its place in the stream
    size_t route = 0;      // by which it was seen
    bool is_known = false;
    std::vector<std::vector<Counted>> counted;  // by measure
    std::optional<int64_t> due_us;              // evaluation: of an event, or the next multiple
    std::optional<int64_t> true_since_us, looked_us, raised_us;
    bool is_complete = false, is_raised = false;
  };
  // A way to the key: the rule's own, or that of steps of some types.
  struct Route {
    std::vector<ast::Path> by;
    bool any_type = false;
    std::string type;
  };
  struct Rule {
    const ast::Rule* source = nullptr;
    std::vector<Route> routes;
    RulePattern pattern;  // has no steps; its lets and routes are used
    std::map<std::vector<std::string>, Key> keys;
    std::map<int64_t, uint32_t> raised;  // by tumbling window of `limit`
  };

  void begin(int64_t time_us);
  void evaluate_until(int64_t time_us, bool inclusive);
  std::optional<int64_t> next_us(const Rule& rule, const Key& key) const;
  void look(Rule& rule, const std::vector<std::string>& name, Key& key, int64_t time_us);
  size_t route_of(const Rule& rule, const std::vector<std::string>& name, const Event& event) const;
  std::optional<std::vector<std::string>> key_of(const Rule& rule, const ast::Measure& measure,
                                                 const Event& event) const;
  std::optional<int64_t> empty_from_us(const Rule& rule, const Key& key) const;
  static Json aggregate(const ast::Measure& measure, const std::vector<Counted>& counted, int64_t time_us);
  bool holds(const Rule& rule, const std::vector<Json>& values) const;
  void report(Rule& rule, const std::vector<std::string>& name, Key& key, int64_t time_us, bool resolved,
              const std::vector<Json>& values);

  std::vector<Rule> rules_;
  std::vector<Event> events_;
  std::vector<Alert> alerts_;
  std::optional<int64_t> clock_;
};

}  // namespace omen::reference
