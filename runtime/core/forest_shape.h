// Forest shape: the automaton of a rule whose matches are shared, as the forest goes through it: flat, and a bit for
// each way, so that an event looks only at those that its type may go.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "runtime/core/window_count.h"
#include "runtime/model/event.h"
#include "runtime/model/program.h"

namespace omen {

struct ForestShape {
  static constexpr uint8_t way_none = UINT8_MAX;
  // A transition.
  struct Way {
    const Transition* transition;
    StateId from, to;
    bool accepts;  // it completes a match
    bool goes_on;  // to a state that has ways out: there is something to keep
    bool stays;    // in a circle of states
  };

  ForestShape() = default;  // of a rule of another machine
  explicit ForestShape(const RuleProgram& rule);

  // The ways that the event's type may go, a bit each; whether it does, their steps say.
  uint64_t ways_of(const Event& event) const;
  // The way out of a state that is known by its slot.
  uint8_t way_of(StateId from, uint8_t slot) const;

  StateId initial = 0;
  std::vector<Way> ways;                             // in the order of the states; at most 64
  std::vector<WindowCount::Move> moves;              // the same, as the counts have them
  std::vector<uint32_t> first_way;                   // by state, and the end
  std::vector<uint64_t> ways_from;                   // by state
  std::vector<uint8_t> by_slot;                      // the ways of each state, those of later slots first
  std::vector<uint8_t> may_end;                      // by state: an event passed over may end what stands there
  std::vector<std::vector<uint8_t>> leaving;         // by state in a circle: the ways out of it, and to a completion
  std::vector<std::pair<TypeId, uint64_t>> by_type;  // the ways whose step names the type
  uint64_t of_any_type = 0;                          // those whose step names none

 private:
  void add_ways(const RuleProgram& rule, StateId from);
  void find_circles(size_t states);
};

}  // namespace omen
