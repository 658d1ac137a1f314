// Generator of measure rules, as text, and of streams to run them on. Few types, keys, values and times, so that ties,
// empty windows and changes of the condition are common.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/generator.h"

namespace omen::reference {

struct MeasurePlan {
  std::string by;
  std::vector<std::string> measures;  // "count(a[v > 1]) over 3s ago 2s", named m0, m1, …
  std::string every, when, lasts, cooldown, limit;
  std::string text(const std::string& name) const;
};

struct MeasureCase {
  std::vector<MeasurePlan> rules;
  std::vector<StreamItem> stream;
  std::string text() const;  // of the rules
  std::string print() const;
};

MeasureCase make_measure_case(Choices& choices);
// Every case that is a little simpler, the boldest first.
std::vector<MeasureCase> simpler(const MeasureCase& from);
void count_forms(const MeasureCase& one, std::map<std::string, uint64_t>& counts);

}  // namespace omen::reference
