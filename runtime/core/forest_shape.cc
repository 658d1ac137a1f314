#include "runtime/core/forest_shape.h"

#include <algorithm>
#include <functional>

namespace omen {

namespace {

bool goes_on(const State& state) { return !state.transitions.empty(); }

}  // namespace

ForestShape::ForestShape(const RuleProgram& rule) : initial(rule.initial[0]) {
  for (StateId from = 0; from < rule.states.size(); ++from) add_ways(rule, from);
  first_way.push_back(static_cast<uint32_t>(ways.size()));
  find_circles(rule.states.size());
}

void ForestShape::add_ways(const RuleProgram& rule, StateId from) {
  const State& place = rule.states[from];
  const auto first = static_cast<uint32_t>(ways.size());
  first_way.push_back(first);
  uint64_t all = 0;
  for (const Transition& way : place.transitions) {
    const StateId to = way.targets[0];
    const uint64_t bit = uint64_t{1} << ways.size();
    all |= bit;
    for (const TypeId type : rule.steps[way.step].types) {
      const auto known = std::ranges::find(by_type, type, &std::pair<TypeId, uint64_t>::first);
      (known == by_type.end() ? by_type.emplace_back(type, 0) : *known).second |= bit;
    }
    if (rule.steps[way.step].types.empty()) of_any_type |= bit;
    by_slot.push_back(static_cast<uint8_t>(ways.size()));
    ways.push_back({&way, from, to, rule.states[to].accepts, goes_on(rule.states[to]), false});
    moves.push_back({from == initial ? WindowCount::start : static_cast<uint8_t>(from), static_cast<uint8_t>(to)});
  }
  ways_from.push_back(all);
  std::ranges::stable_sort(by_slot.begin() + first, by_slot.end(), std::ranges::greater{},
                           [&](uint8_t way) { return ways[way].transition->slot; });
  may_end.push_back(!rule.unless.empty() || !place.absences.empty() || !place.breaks.empty() ||
                    (goes_on(place) && (place.transitions[0].barred_by & rule.strict_bars) != 0));
}

void ForestShape::find_circles(size_t states) {
  std::vector<uint64_t> reaches(states);
  for (const Way& way : ways) reaches[way.from] |= uint64_t{1} << way.to;
  for (size_t via = 0; via < states; ++via) {
    for (uint64_t& from : reaches) from |= (from >> via & 1) != 0 ? reaches[via] : 0;
  }
  leaving.resize(states);
  for (StateId state = 0; state < states; ++state) {
    const auto is_in_circle = [&](StateId other) {
      return (reaches[state] >> other & 1) != 0 && (reaches[other] >> state & 1) != 0;
    };
    if (!is_in_circle(state)) continue;
    for (uint8_t number = 0; number < ways.size(); ++number) {
      Way& way = ways[number];
      if (!is_in_circle(way.from)) continue;
      way.stays = is_in_circle(way.to);
      if (!way.stays || way.accepts) leaving[state].push_back(number);
    }
  }
}

uint64_t ForestShape::ways_of(const Event& event) const {
  uint64_t seeing = event.is_derived ? 0 : of_any_type;
  for (const auto& [type, of_type] : by_type) seeing |= type == event.type ? of_type : 0;
  return seeing;
}

uint8_t ForestShape::way_of(StateId from, uint8_t slot) const {
  for (uint32_t way = first_way[from]; way < first_way[from + 1]; ++way) {
    if (ways[way].transition->slot == slot && ways[way].goes_on) return static_cast<uint8_t>(way);
  }
  return way_none;
}

}  // namespace omen
