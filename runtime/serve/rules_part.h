// Rules part: a change of a few rules, as it goes into a program that is at work: what comes, what goes, and where.
//
// Adding a rule to ten thousand costs then what one rule costs: the files that have changed are compiled by themselves
// (the compiler is handed in), the log is played for their rules alone, and at one place of the stream the pipeline in
// force takes these on (Pipeline::change), while the state of all others stays where it is. It comes to the same as
// compiling all rules and going on with them from a saved state, which is what happens wherever it cannot be done so
// (model/link, and can_change below), when there is no compiler for it, and in recovery.
//
// NOT HERE: when that is (service_rules.cc), how rules change their places (model/link, core/engine_change).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/model/link.h"
#include "runtime/model/program.h"
#include "runtime/serve/rule_set.h"

namespace omen {

// What a change of few files comes to, compiled by itself.
struct ChangedFiles {
  SharedRules rules;                       // those that come
  std::vector<std::string> replaced = {};  // by rule: in whose place it comes; empty: behind all others
  std::vector<std::string> gone = {};      // rules that no other replaces
};
// Nothing where all files have to be compiled together. Any thread may call it.
using CompileChange =
    std::function<std::optional<ChangedFiles>(const std::vector<RuleFile>& before, const std::vector<RuleFile>& after)>;

struct RulesPart {
  SharedRules rules;                   // those that come
  std::vector<RulePlace> places = {};  // of each
  std::vector<RuleId> emptied = {};    // places of rules that go
  std::vector<RuleChange> changes = {};
};

// Nothing when it cannot be done in place. `before` is in force.
std::optional<RulesPart> part_of(const Program& before, const ChangedFiles& change, uint32_t shards);
bool can_change(const Program& program, const RulesPart& part, uint32_t shards);

}  // namespace omen
