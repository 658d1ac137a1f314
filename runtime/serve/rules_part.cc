#include "runtime/serve/rules_part.h"

#include <algorithm>
#include <map>
#include <set>

#include "runtime/core/rule_shape.h"
#include "runtime/serve/horizon.h"

namespace omen {
namespace {

RuleId find_rule(const Program& program, const std::string& name) {
  return static_cast<RuleId>(std::ranges::find(program.rules, name, &RuleProgram::name) - program.rules.begin());
}

bool is_same_automaton(const RuleProgram& a, const RuleProgram& b) {
  return a.version == b.version && shape_of(a, false) == shape_of(b, false) && a.shares_start == b.shares_start;
}

// What stands in the state for them is the same.
bool has_same_limits(const RuleProgram& a, const RuleProgram& b) {
  return (a.cooldown_us > 0) == (b.cooldown_us > 0) && a.limit_count == b.limit_count &&
         a.limit_per_us == b.limit_per_us;
}

class Comparison {
 public:
  Comparison(const Program& before, const ChangedFiles& change) : before_(before), change_(change) {
    for (const std::string& name : change.replaced) {
      if (!name.empty()) going_.insert(name);
    }
    going_.insert(change.gone.begin(), change.gone.end());
  }

  std::optional<RulesPart> part() {
    part_.rules = change_.rules;
    const std::vector<RuleProgram>& rules = change_.rules->program.rules;
    RuleId behind = static_cast<RuleId>(before_.rules.size());
    for (size_t i = 0; i < rules.size(); ++i) {
      const bool comes_behind = change_.replaced[i].empty();
      const RuleId id = comes_behind ? behind++ : find_rule(before_, change_.replaced[i]);
      if (!place(rules[i], static_cast<RuleId>(i), id)) return std::nullopt;
    }
    for (const std::string& name : change_.gone) {
      part_.emptied.push_back(find_rule(before_, name));
      if (part_.emptied.back() == before_.rules.size()) return std::nullopt;
    }
    list_changes();
    return std::move(part_);
  }

 private:
  // False: it has moved from the place of another rule, or is of another kind now, and may go on all the same.
  bool place(const RuleProgram& rule, RuleId number, RuleId id) {
    const bool is_behind = id >= before_.rules.size();
    if (is_behind && !change_.replaced[number].empty()) return false;
    RuleChange change{rule.name, RuleFate::added};
    RulePlace place{id, false};
    if (!is_behind && before_.rules[id].name == rule.name) {
      place.goes_on = before_.rules[id].version == rule.version;
      if (place.goes_on && !is_same_automaton(before_.rules[id], rule)) return false;
      change.fate = place.goes_on ? RuleFate::kept : RuleFate::changed;
    } else if (going_.contains(rule.name)) {
      return false;
    }
    if (!place.goes_on) change.horizon_us = horizon_us(change_.rules->program, number);
    part_.places.push_back(place);
    come_.emplace(id, std::move(change));
    return true;
  }

  void list_changes() {
    std::set<std::string_view> names;
    for (const auto& [id, change] : come_) names.insert(change.rule);
    part_.changes.reserve(before_.rules.size() + come_.size());
    for (RuleId id = 0; id < before_.rules.size(); ++id) {
      const std::string& name = before_.rules[id].name;
      if (const auto come = come_.find(id); come != come_.end()) {
        part_.changes.push_back(come->second);
      } else if (!name.empty() && !going_.contains(name)) {
        part_.changes.push_back({name, RuleFate::kept});
      }
    }
    for (auto behind = come_.lower_bound(static_cast<RuleId>(before_.rules.size())); behind != come_.end(); ++behind) {
      part_.changes.push_back(behind->second);
    }
    for (const RuleProgram& rule : before_.rules) {
      if (going_.contains(rule.name) && !names.contains(rule.name)) {
        part_.changes.push_back({rule.name, RuleFate::removed});
      }
    }
  }

  const Program& before_;
  const ChangedFiles& change_;
  std::set<std::string> going_;        // that are replaced, by themselves or others, or go
  std::map<RuleId, RuleChange> come_;  // by place
  RulesPart part_;
};

}  // namespace

std::optional<RulesPart> part_of(const Program& before, const ChangedFiles& change, uint32_t shards) {
  std::optional<RulesPart> part = Comparison(before, change).part();
  if (!part || !can_change(before, *part, shards)) return std::nullopt;
  return part;
}

bool can_change(const Program& program, const RulesPart& part, uint32_t shards) {
  const auto is_bound = [&](const RuleProgram& rule) { return shards > 1 && rule.limit_count > 0; };
  const auto can_go = [&](RuleId rule) {
    return program.rules[rule].histories.empty() && !is_bound(program.rules[rule]);
  };
  for (size_t i = 0; i < part.places.size(); ++i) {
    const RulePlace& place = part.places[i];
    const RuleProgram& rule = part.rules->program.rules[i];
    if (is_bound(rule) || (place.id < program.rules.size() && !can_go(place.id))) return false;
    if (place.goes_on && !has_same_limits(rule, program.rules[place.id])) return false;
  }
  return std::ranges::all_of(part.emptied, can_go) && can_link(program, part.rules->program);
}

}  // namespace omen
