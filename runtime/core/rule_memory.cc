#include "runtime/core/rule_memory.h"

#include <algorithm>

#include "runtime/core/state_reader.h"
#include "runtime/core/state_writer.h"

namespace omen {

namespace {

size_t first_absence(const RuleProgram& rule) { return rule.cooldown_us > 0 ? 1 : 0; }

int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? time_unbounded : sum;
}

}  // namespace

uint32_t RuleMemory::words_of(const RuleProgram& rule) {
  return static_cast<uint32_t>(first_absence(rule) + rule.leading.size()) + (rule.overlap == Overlap::all ? 2 : 0);
}

void RuleMemory::init(RuleState& state) {
  const uint32_t words = words_of(program_.rules[state.rule]);
  state.memory = words == 0 ? index_none : words_.take(words);
  for (uint32_t i = 0; i < words; ++i) at(state)[i] = never;
}

void RuleMemory::drop(RuleState& state) {
  const uint32_t words = words_of(program_.rules[state.rule]);
  if (words > 0) words_.give(state.memory, words);
}

bool RuleMemory::is_cooling(const RuleState& state, int64_t end_us) const {
  const RuleProgram& rule = program_.rules[state.rule];
  if (rule.cooldown_us <= 0) return false;
  const int64_t last_us = at(state)[0];
  return last_us != never && end_us - last_us < rule.cooldown_us;
}

void RuleMemory::start_cooldown(RuleState& state, int64_t end_us) {
  if (program_.rules[state.rule].cooldown_us > 0) at(state)[0] = end_us;
}

int64_t RuleMemory::broken_us(const RuleState& state, size_t absence) const {
  return at(state)[first_absence(program_.rules[state.rule]) + absence];
}

bool RuleMemory::leading_holds(const RuleState& state, int64_t time_us) const {
  const RuleProgram& rule = program_.rules[state.rule];
  for (size_t i = 0; i < rule.leading.size(); ++i) {
    const int64_t last_us = broken_us(state, i);
    if (last_us != never && time_us - last_us <= rule.leading[i].for_us) return false;
  }
  return true;
}

void RuleMemory::set_broken(const RuleState& state, size_t absence, int64_t time_us) {
  at(state)[first_absence(program_.rules[state.rule]) + absence] = time_us;
}

uint64_t RuleMemory::count_match(const RuleState& state, int64_t deadline_us) {
  int64_t* words = at(state) + words_of(program_.rules[state.rule]) - 2;
  if (words[0] != deadline_us) words[1] = 0;
  words[0] = deadline_us;
  return static_cast<uint64_t>(words[1]++);
}

void RuleMemory::save(StateWriter& out, const RuleState& state) const {
  const RuleProgram& rule = program_.rules[state.rule];
  const bool has_any = state.memory != index_none;  // of a rule that is known by what it has begun alone: nothing
  out.time(has_any && rule.cooldown_us > 0 ? at(state)[0] : never);
  for (size_t i = 0; i < rule.leading.size(); ++i) out.time(has_any ? broken_us(state, i) : never);
  if (rule.overlap != Overlap::all) return;
  if (!has_any) return out.time(never);
  const int64_t* words = at(state) + words_of(rule) - 2;
  out.time(words[0]);
  if (words[0] != never) out.number(static_cast<uint64_t>(words[1]));
}

void RuleMemory::load(StateReader& in, RuleState& state) {
  const RuleProgram& rule = program_.rules[state.rule];
  const int64_t raised_us = in.time_or(never);
  if (rule.cooldown_us > 0) at(state)[0] = raised_us;
  for (size_t i = 0; i < rule.leading.size(); ++i) set_broken(state, i, in.time_or(never));
  if (rule.overlap != Overlap::all) return;
  int64_t* words = at(state) + words_of(rule) - 2;
  words[0] = in.time_or(never);
  if (words[0] != never) words[1] = static_cast<int64_t>(in.number_up_to(INT64_MAX / 2));
}

int64_t RuleMemory::alive_until(const RuleState& state) const {
  const RuleProgram& rule = program_.rules[state.rule];
  int64_t until_us = never;
  if (rule.cooldown_us > 0 && at(state)[0] != never) until_us = saturating_add(at(state)[0], rule.cooldown_us);
  for (size_t i = 0; i < rule.leading.size(); ++i) {
    const int64_t last_us = broken_us(state, i);
    if (last_us != never) until_us = std::max(until_us, saturating_add(last_us, rule.leading[i].for_us));
  }
  return until_us;
}

}  // namespace omen
