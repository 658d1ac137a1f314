// Generator: random rules, as text, and random streams to run them on.
//
// A rule is planned as a small tree first, so that a failing case can be made smaller: simpler() gives every rule
// that is one step simpler. Most plans are legal rules; the rest do not compile and are left out.
//
// Few types, keys, values and times, so that ties, repeats and near misses are common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/json.h"

namespace omen::reference {

// A source of choices: a seed, or the bytes of a fuzzer (then 0 when they are used up).
class Choices {
 public:
  explicit Choices(uint64_t seed) : state_(seed) {}
  Choices(const uint8_t* bytes, size_t size) : bytes_(bytes), left_(size) {}
  uint32_t below(uint32_t n);
  bool chance(uint32_t percent) { return below(100) < percent; }
  template <typename T>
  const T& of(const std::vector<T>& items) {
    return items[below(static_cast<uint32_t>(items.size()))];
  }

 private:
  uint64_t state_ = 0;
  const uint8_t* bytes_ = nullptr;
  size_t left_ = 0;
};

struct PatternPlan {
  enum class Kind : uint8_t { step, sequence, all, any, absence };
  Kind kind = Kind::step;
  std::string type, condition, by;  // step
  std::vector<PatternPlan> items;   // of absence: the steps that break it
  std::vector<std::string> arrows;  // sequence: arrows[i] leads to items[i + 1]
  std::string span, repeat, name;   // "5s", "{2,3} consecutive", "n1"
  std::string lasts;                // absence: "3s"
};

struct RulePlan {
  std::string name = "r";
  PatternPlan pattern;
  std::string by;
  std::string within, where, cooldown, limit;
  std::string emits;  // "x { k: k, v: n1.v }"
  std::vector<PatternPlan> unless;
  std::vector<std::string> overlaps = {"none", "single", "latest", "starts"};
  std::string text() const;  // one rule for each overlap
};

struct StreamItem {
  int64_t time_us = 0;
  std::optional<Json> event;  // none: the clock is advanced
};

struct Case {
  RulePlan rule;
  std::vector<RulePlan> readers;  // of what the rules before them emit
  std::vector<StreamItem> stream;
  uint32_t max_matches = 1'000;
  std::string rules_text() const;
  std::string print() const;
};

Case make_case(Choices& choices);
// Of `overlap all`, on a short stream, for there are many matches; half of the rules such that they can be shared.
Case make_all_case(Choices& choices);
// Two or three rules, of which the later ones read what the earlier ones emit.
Case make_emit_case(Choices& choices);
// A `=>` inside a repeated `and`, under `overlap all`, with derived events between.
Case make_and_case(Choices& choices);
// Every case that is a little simpler, the boldest first.
std::vector<Case> simpler(const Case& from);

// How often each form occurs in the plan: adds to the counts.
void count_forms(const RulePlan& rule, std::map<std::string, uint64_t>& counts);

}  // namespace omen::reference
