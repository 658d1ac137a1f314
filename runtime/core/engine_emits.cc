// Derived events: what raised matches emit, and how the rules see it (engine.h).
#include <algorithm>

#include "runtime/core/engine.h"
#include "runtime/core/key.h"

namespace omen {

void Engine::prepare_emits() {
  const auto is_emit = [](const ActionProgram& action) { return action.kind == ActionProgram::Kind::emit; };
  const bool any = std::ranges::any_of(
      program_.rules, [&](const RuleProgram& rule) { return std::ranges::any_of(rule.actions, is_emit); });
  if (any) emits_ = std::make_unique<Emits>(program_, *prepared_, captures_);
}

// The list of matches is the queue: what an emitted event completes joins its end, and emits in its turn. The rules of
// an `emit` cannot form a circle, so it comes to an end.
void Engine::emit_from(size_t first_match) {
  if (emits_ == nullptr) return;
  uint32_t made = 0;
  for (size_t i = first_match; i < matches_.size(); ++i) {
    const Match match = matches_[i];  // the list grows
    RuleCounters& counters = rule_counters_[match.rule];
    uint32_t place = 0;
    for (const ActionProgram& action : program_.rules[match.rule].actions) {
      if (action.kind != ActionProgram::Kind::emit || action.on_resolve != match.resolves) continue;
      ++place;
      const bool emitted = made < limits_.max_derived && emit(match, action, place);
      ++(emitted ? counters.emitted : counters.emits_refused);
      made += emitted ? 1 : 0;
    }
  }
}

// `place`: of the action among the rule's emits. False: the event would break a limit on what is read.
bool Engine::emit(const Match& match, const ActionProgram& action, uint32_t place) {
  if (derived_interests_[action.emit_type].empty()) return true;  // nobody looks
  Emits& emits = *emits_;
  emits.key.clear();
  const std::string_view key = std::string_view(match_keys_).substr(match.key_begin, match.key_size);
  const size_t parts = program_.rules[match.rule].routes[0].key.size();
  if (parts > 0) for_each_key_part(key, parts, [&](std::string_view part) { emits.key.push_back(part); });
  const MatchView view = this->view(match, emits.key);
  emits.id = emits.actions.identity(view);
  emits.id += '-';
  emits.id += std::to_string(place);
  emits.object.clear();
  emits.actions.append_body(emits.object, view, action);
  const Event* const event =
      emits.derive.make(program_.types[action.emit_type].name, match.end_us, emits.id, emits.object);
  if (event != nullptr) see_derived(*event);
  return event != nullptr;
}

void Engine::see_derived(const Event& event) {
  const std::vector<Interest>& interests = derived_interests_[event.type];
  if (interests.empty()) return;
  Event numbered = event;
  numbered.time_us = clock_us_;
  numbered.sequence = ++sequence_;
  numbered.derived_so_far = ++derived_;
  place_.is_derived = true;
  see(numbered, interests, nullptr);
  place_.is_derived = false;
}

}  // namespace omen
