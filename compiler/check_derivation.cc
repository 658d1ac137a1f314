// Derivation: which rules see what others emit. A circle would go on for ever within one moment, so there is none:
// the shortest way round is shown, rule by rule.
#include <algorithm>
#include <deque>
#include <string>
#include <vector>

#include "compiler/compile.h"

namespace omen {

namespace {

// A rule emits what a step of another names.
struct Link {
  size_t to = 0;
  Span emit, step;
};

class Derivation {
 public:
  explicit Derivation(const TypedProgram& typed) : typed_(typed), links_(typed.rules.size()) {
    std::vector<std::vector<Link>> readers(typed.types.size());  // by type, `emit` not known yet
    for (size_t rule = 0; rule < typed.rules.size(); ++rule) {
      for (const TypedStep& step : typed.rules[rule].steps) {
        for (const TypeId type : step.types) {
          if (readers[type].empty() || readers[type].back().to != rule) readers[type].push_back({rule, {}, step.span});
        }
      }
    }
    for (size_t rule = 0; rule < typed.rules.size(); ++rule) {
      for (const TypedAction& action : typed.rules[rule].actions) {
        if (action.kind != ast::Action::Kind::emit) continue;
        for (Link link : readers[action.emit_type]) {
          link.emit = action.span;
          links_[rule].push_back(link);
        }
      }
    }
  }

  // Rules that stand behind no circle are taken away, last ones first; what is left leads back to itself.
  std::vector<bool> in_circles() const {
    std::vector<bool> left(links_.size(), true);
    std::vector<size_t> open(links_.size());
    std::vector<std::vector<size_t>> before(links_.size());
    std::deque<size_t> ends;
    for (size_t rule = 0; rule < links_.size(); ++rule) {
      open[rule] = links_[rule].size();
      for (const Link& link : links_[rule]) before[link.to].push_back(rule);
      if (open[rule] == 0) ends.push_back(rule);
    }
    while (!ends.empty()) {
      const size_t rule = ends.front();
      ends.pop_front();
      left[rule] = false;
      for (const size_t earlier : before[rule]) {
        if (--open[earlier] == 0) ends.push_back(earlier);
      }
    }
    return left;
  }

  // The shortest way from a rule back to itself; empty when there is none.
  std::vector<std::pair<size_t, Link>> circle(size_t start) const {
    std::vector<std::pair<size_t, const Link*>> came(links_.size(), {0, nullptr});  // from which rule, by which link
    std::deque<size_t> open = {start};
    while (!open.empty() && came[start].second == nullptr) {
      const size_t rule = open.front();
      open.pop_front();
      for (const Link& link : links_[rule]) {
        if (came[link.to].second != nullptr) continue;
        came[link.to] = {rule, &link};
        open.push_back(link.to);
      }
    }
    std::vector<std::pair<size_t, Link>> out;
    for (size_t rule = start; came[rule].second != nullptr;) {
      out.insert(out.begin(), {came[rule].first, *came[rule].second});
      rule = came[rule].first;
      if (rule == start) break;
    }
    return out;
  }

  const std::string& name(size_t rule) const { return typed_.rules[rule].name; }

 private:
  const TypedProgram& typed_;
  std::vector<std::vector<Link>> links_;  // by rule
};

}  // namespace

void check_derivation(const TypedProgram& typed, Diagnostics& diagnostics) {
  const Derivation derivation(typed);
  std::vector<bool> left = derivation.in_circles();
  for (size_t rule = 0; rule < left.size(); ++rule) {
    if (!left[rule]) continue;
    const std::vector<std::pair<size_t, Link>> circle = derivation.circle(rule);
    if (circle.empty()) continue;  // it only leads to one
    std::string way = "`" + derivation.name(rule) + "`";
    std::vector<Label> causes;
    for (size_t i = 0; i < circle.size(); ++i) {
      const auto& [from, link] = circle[i];
      left[from] = false;
      way += " -> `" + derivation.name(link.to) + "`";
      if (i > 0) causes.push_back({link.emit, "and emits this"});
      causes.push_back({link.step, "which `" + derivation.name(link.to) + "` sees"});
    }
    diagnostics.error("E0503", circle[0].second.emit, "what this rule emits comes back to it: " + way,
                      "emit another type of event in one of the rules, or let one of them look for something else",
                      std::move(causes));
  }
}

}  // namespace omen
