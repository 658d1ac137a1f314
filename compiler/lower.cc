// Lower: one rule's pattern -> its automaton, by exploring every place that can be reached (places.h).
//
// States are numbered in the order in which they are found, breadth first from the initial ones, so that dumps are
// stable. What an accepting state could still take matters only when `where` may refuse the completion.
#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "compiler/compile.h"
#include "compiler/pattern_bounds.h"
#include "compiler/places.h"
#include "runtime/model/limits.h"

namespace omen {

namespace {

class Lowering {
 public:
  Lowering(const TypedRule& typed, RuleProgram& rule)
      : typed_(typed), rule_(rule), is_all_(typed.overlap == Overlap::all), places_(typed) {}

  // False when there are too many states.
  bool run() {
    for (const Remainder& place : places_.first()) rule_.initial.push_back(state_of(place, true));
    while (!open_.empty()) {
      const StateId id = open_.front();
      open_.pop_front();
      if (rule_.states.size() > pattern_states_max) return false;
      explore(id);
    }
    rule_.registers = static_cast<uint8_t>(places_.registers());
    if (is_all_) {
      rule_.bars_register = rule_.registers++;
      rule_.strict_bars = places_.strict_bars();
      find_fatal_bars();
    }
    return true;
  }

  bool fits() const {
    const uint32_t registers = places_.registers() + (is_all_ ? 1 : 0);
    return registers <= registers_max && places_.ors() <= 64 && places_.bars() <= 64;
  }

 private:
  // The state of a place; `continues`: a thread may stand there, so its ways on are needed.
  StateId state_of(const Remainder& place, bool continues) {
    std::string key;
    place.append_key(key);
    const auto [found, is_new] = known_.try_emplace(key, static_cast<StateId>(rule_.states.size()));
    if (is_new) {
      rule_.states.emplace_back();
      rule_.states.back().on_pass = found->second;
      state_places_.push_back(place);
      explored_.push_back(false);
      State& state = rule_.states.back();
      const bool complete = !place.is_untouched() && places_.is_complete(place);
      state.accepts = complete && typed_.pattern.trailing.empty();
      state.waits = complete && !typed_.pattern.trailing.empty();
      state.pending = places_.pending(place);
    }
    if (continues && !explored_[found->second]) {
      explored_[found->second] = true;
      open_.push_back(found->second);
    }
    return found->second;
  }

  void explore(StateId id) {
    const Remainder place = state_places_[id];  // the vectors grow below
    State state = rule_.states[id];
    state.transitions = transitions_of(place, false);
    if (places_.has_immediate()) part_derived(place, state.transitions);
    if (!place.is_untouched()) {
      for (const OpenAbsence& open : places_.absences(place)) {
        state.absences.push_back({open.absence.steps, open.absence.for_us, false, open.bar});
      }
      if (state.waits) {  // its absences end with the final ones
        const size_t finals = typed_.pattern.trailing.size();
        for (size_t i = state.absences.size() - finals; i < state.absences.size(); ++i) {
          state.absences[i].ends_with_within = state.absences[i].for_us < 0;
        }
        for (const TypedPattern::Absence& absence : typed_.pattern.trailing) {
          if (absence.for_us < 0) state.ends_with_within = true;
          state.wait_us = std::max(state.wait_us, absence.for_us);
        }
        if (is_all_) state.wait_bars = places_.wait_bars(place);
      }
      for (const Closing& closing : places_.closings(place)) {
        if (is_all_) {
          state.breaks.push_back({closing.step, closing.place ? id : state_dead, closing.bar});
        } else {
          state.breaks.push_back({closing.step, closing.place ? alive(*closing.place) : state_dead});
        }
      }
    }
    if (!place.is_untouched() && !is_all_) {
      const std::optional<Remainder> passed = places_.passed(place);
      state.on_pass = passed ? alive(*passed) : state_dead;
      state.strict = state.on_pass == state_dead;
      if (state.strict) state.on_pass = id;
    }
    rule_.states[id] = std::move(state);
  }

  // Where a => stands in the way of derived events, or they in its way, they have transitions of their own.
  void part_derived(const Remainder& place, std::vector<Transition>& transitions) {
    const auto sees_derived = [&](StepId step) { return typed_.steps[step].sees_derived; };
    std::vector<Transition> received, derived;
    for (const Transition& way : transitions) {
      if (sees_derived(way.step)) received.push_back(way);
    }
    for (Transition& way : transitions_of(place, true)) {
      if (sees_derived(way.step)) derived.push_back(std::move(way));
    }
    if (received == derived) return;
    for (Transition& way : transitions) way.for_derived = false;
    for (Transition& way : derived) {
      way.for_received = false;
      transitions.push_back(std::move(way));
    }
  }

  // A place from which nothing can be taken and which no deadline completes is the end of its thread.
  StateId alive(const Remainder& place) {
    const bool waits = places_.is_complete(place) && !typed_.pattern.trailing.empty();
    if (!waits && places_.ways(place).empty()) return state_dead;
    return state_of(place, true);
  }

  std::vector<Transition> transitions_of(const Remainder& place, bool is_derived) {
    std::vector<Transition> out;
    for (Way& way : places_.ways(place, is_derived)) {
      Transition next = transition(way);
      if (!is_all_ || !is_known(out, next)) out.push_back(std::move(next));
    }
    return out;
  }

  Transition transition(Way& way) {
    Transition out;
    out.step = way.step;
    out.guards = std::move(way.guards);
    out.copies = std::move(way.copies);
    out.marks = std::move(way.marks);
    out.slot = static_cast<uint8_t>(std::max(typed_.steps[way.step].slot, 0));
    out.loop = way.loop;
    out.opens = way.opens;
    out.can_repeat = way.can_repeat && typed_.where.has_value();
    out.barred_by = way.barred_by;
    out.lifts = way.lifts;
    out.lowers = way.lowers;
    std::ranges::sort(way.decides);
    for (const auto& [bit, branch] : way.decides) {
      out.decides |= uint64_t{1} << bit;
      out.branches.push_back(branch);
    }
    if (way.place) {
      const bool accepts = places_.is_complete(*way.place) && typed_.pattern.trailing.empty();
      const bool continues = is_all_ || !accepts || out.can_repeat;
      for (const Remainder& place : places_.expanded(*way.place)) out.targets.push_back(state_of(place, continues));
    }
    return out;
  }

  // Repetitions that part differently can come to the same place by the same step.
  static bool is_known(const std::vector<Transition>& ways, const Transition& way) {
    return std::ranges::any_of(ways, [&](const Transition& other) {
      return other.step == way.step && other.targets == way.targets && other.opens == way.opens &&
             other.copies == way.copies && other.marks == way.marks && other.barred_by == way.barred_by &&
             other.lifts == way.lifts && other.lowers == way.lowers && other.guards == way.guards;
    });
  }

  // A bar is fatal in a state when every way to a completion is barred by it before something lifts it.
  void find_fatal_bars() {
    const uint64_t all = places_.bars() >= 64 ? ~uint64_t{0} : (uint64_t{1} << places_.bars()) - 1;
    for (State& state : rule_.states) state.fatal_bars = all;
    for (bool changed = true; changed;) {
      changed = false;
      for (State& state : rule_.states) {
        uint64_t fatal = state.waits ? state.wait_bars : all;
        for (const Transition& way : state.transitions) {
          const State& target = rule_.states[way.targets[0]];
          fatal &= way.barred_by | (target.accepts ? 0 : target.fatal_bars & ~way.lifts);
        }
        changed = changed || fatal != state.fatal_bars;
        state.fatal_bars = fatal;
      }
    }
  }

  const TypedRule& typed_;
  RuleProgram& rule_;
  const bool is_all_;
  Places places_;
  std::map<std::string, StateId> known_;
  std::vector<Remainder> state_places_;
  std::vector<bool> explored_;
  std::deque<StateId> open_;
};

// The rule's own `by` is route 0; each other `by` of a step is a route for that step's types.
void lower_routes(const TypedRule& typed, RuleProgram& rule) {
  rule.routes.push_back({typed.by, {}});
  for (size_t i = 0; i < typed.steps.size(); ++i) {
    const TypedStep& step = typed.steps[i];
    StepProgram& out = rule.steps[i];
    out.types = step.types;
    std::ranges::sort(out.types);
    out.label = step.label;
    if (step.by.empty()) continue;
    Route route;
    for (const std::vector<FieldId>& part : step.by) route.key.push_back(part.at(0));
    route.types = out.types;
    size_t index = 1;
    while (index < rule.routes.size() &&
           (rule.routes[index].key != route.key || rule.routes[index].types != route.types)) {
      ++index;
    }
    if (index == rule.routes.size()) rule.routes.push_back(std::move(route));
    out.route = static_cast<uint8_t>(index);
  }
}

bool sees_all_types(const RuleProgram& rule) {
  if (rule.strict_bars != 0) return true;
  for (const State& state : rule.states) {
    const StateId self = static_cast<StateId>(&state - rule.states.data());
    if (state.strict || state.on_pass != self) return true;
  }
  return std::ranges::any_of(rule.steps, [](const StepProgram& step) { return step.types.empty(); });
}

std::string label_of(const RuleProgram& rule, const State& state) {
  if (state.accepts) return "match";
  std::string out;
  for (const Transition& transition : state.transitions) {
    const std::string& step = rule.steps[transition.step].label;
    if (out.find(step) != std::string::npos) continue;
    out += out.empty() ? "waits for " : " or ";
    out += step;
  }
  for (const AbsenceProgram& absence : state.absences) {
    out += out.empty() ? "waits: no " : ", no ";
    for (size_t i = 0; i < absence.steps.size(); ++i) {
      if (i > 0) out += " or ";
      out += rule.steps[absence.steps[i]].label;
    }
  }
  return out;
}

}  // namespace

void lower(const TypedRule& typed, RuleProgram& rule, Diagnostics& diagnostics) {
  rule.steps.resize(typed.steps.size());
  lower_routes(typed, rule);
  if (!typed.measures.empty()) {  // it has steps and a key, and no states
    rule.sees_all_types = sees_all_types(rule);
    return;
  }
  rule.unless = typed.unless;
  if (!typed.pattern.gates.empty()) {
    for (const TypedPattern::Absence& absence : typed.pattern.gates[0].absences) {
      rule.leading.push_back({absence.steps, absence.for_us});
    }
  }
  Lowering lowering(typed, rule);
  const Span span = typed.source != nullptr ? typed.source->match_span : Span{};
  if (!lowering.fits()) {
    diagnostics.error("E0480", span, "this pattern has too many nested groups, `and` branches or `or`s for one rule",
                      "split it into several rules");
    return;
  }
  if (least_places(typed.pattern, pattern_states_max) > pattern_states_max || !lowering.run()) {
    diagnostics.error("E0481", span,
                      "this pattern unrolls to more than " + std::to_string(pattern_states_max) + " places",
                      "use smaller repetition counts, or fewer branches under one `and`");
    return;
  }
  for (State& state : rule.states) state.label = label_of(rule, state);
  rule.sees_all_types = sees_all_types(rule);
}

}  // namespace omen
