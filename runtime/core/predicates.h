// Predicates: each distinct shared predicate is asked at most once per event, whoever asks for it.
//
// The memory is one stamp per predicate: twice the event's number, plus the answer.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/core/evaluate.h"

namespace omen {

class Predicates {
 public:
  explicit Predicates(const Program& program) : stamps_(program.code.predicates.size(), 0) {}
  void grow(const Program& program) { stamps_.resize(program.code.predicates.size(), 0); }
  void next_event() { stamp_ += 2; }
  // `fields` are the present event's; `evaluate` gives what the answer needs where it takes more: the event as its
  // candidate.
  template <typename Evaluate>
  bool holds(PredicateId predicate, const Prepared& prepared, const Value* fields, Evaluate evaluate) {
    uint64_t& stamp = stamps_[predicate];
    if (stamp < stamp_) {
      bool holds = false;
      if (!prepared.compares(predicate, fields, holds)) holds = omen::holds(predicate, evaluate());
      stamp = stamp_ + (holds ? 1 : 0);
    }
    return (stamp & 1) != 0;
  }

 private:
  std::vector<uint64_t> stamps_;
  uint64_t stamp_ = 0;
};

}  // namespace omen
