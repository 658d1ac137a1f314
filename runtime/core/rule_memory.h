// Rule memory: what a rule remembers of a key beside its runs: when a match was last raised (cooldown), and when an
// event last broke each leading absence. One word each, behind RuleState::memory; rules without them have none. Under
// `overlap all` two more: the deadline met last, and how many matches it has completed.
//
// NOT HERE: runs (matcher), whether a match is held back (engine).
#pragma once

#include <cstdint>

#include "runtime/core/partition.h"
#include "runtime/core/pool.h"
#include "runtime/model/program.h"

namespace omen {

class StateReader;
class StateWriter;

class RuleMemory {
 public:
  static constexpr int64_t never = std::numeric_limits<int64_t>::min();

  RuleMemory(const Program& program, WordPool& words) : program_(program), words_(words) {}

  void init(RuleState& state);
  void drop(RuleState& state);

  // Whether the cooldown holds back a match that ends now; and a match was raised.
  bool is_cooling(const RuleState& state, int64_t end_us) const;
  void start_cooldown(RuleState& state, int64_t end_us);

  // When an event last broke the rule's leading absence of this index; `never` before the first.
  int64_t broken_us(const RuleState& state, size_t absence) const;
  // No event of the D before `time_us` has broken one of the leading absences.
  bool leading_holds(const RuleState& state, int64_t time_us) const;
  void set_broken(const RuleState& state, size_t absence, int64_t time_us);

  // Overlap all: a match has completed at this deadline; how many had before it.
  uint64_t count_match(const RuleState& state, int64_t deadline_us);

  // As bytes, and back into a state that init() has seen (state_writer.h). A rule may have got or lost its cooldown.
  void save(StateWriter& out, const RuleState& state) const;
  void load(StateReader& in, RuleState& state);

  // The last moment at which any of it can matter; `never` when nothing can.
  int64_t alive_until(const RuleState& state) const;

 private:
  static uint32_t words_of(const RuleProgram& rule);
  int64_t* at(const RuleState& state) { return static_cast<int64_t*>(words_.at(state.memory)); }
  const int64_t* at(const RuleState& state) const { return static_cast<const int64_t*>(words_.at(state.memory)); }

  const Program& program_;
  WordPool& words_;
};

}  // namespace omen
