// Present: the event in hand, as the machines of all rules see it.
//
// It answers whether the event fits a step, asking each shared predicate at most once, and keeps the one copy of the
// event that all runs which take it share.
//
// NOT HERE: which rules are asked (engine), what they do with the answer (matcher).
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/core/captures.h"
#include "runtime/core/evaluate.h"
#include "runtime/core/history.h"
#include "runtime/core/predicates.h"
#include "runtime/model/program.h"

namespace omen {

class Present {
 public:
  Present(const Program& program, const Prepared& prepared, CaptureStore& captures)
      : program_(program), prepared_(prepared), captures_(captures), predicates_(program) {}

  void grow() { predicates_.grow(program_); }
  // The event that all of the following speak of, until end().
  void begin(const Event& event) {
    event_ = &event;
    predicates_.next_event();
    scratch_.clear();
  }
  void end() {
    if (kept_ != nullptr) captures_.release(kept_);
    kept_ = nullptr;
  }
  // The key under which it is looked at: one value for each part; and its history, when a rule asks for one, with the
  // key as it is kept there.
  void set_key(std::span<const Value> key) { key_ = key; }
  std::span<const Value> key() const { return key_; }
  void set_history(const History* history, std::string_view key) {
    history_ = history;
    history_key_ = key;
  }

  const Event& event() const { return *event_; }
  // The copy that outlives the event; end() gives back the one reference that it has by itself.
  KeptEvent* kept() {
    if (kept_ == nullptr) kept_ = captures_.keep(*event_);
    return kept_;
  }

  // The event as the candidate, nothing bound.
  Evaluation evaluation() {
    Evaluation out{program_, prepared_, scratch_, captures_};
    out.candidate = event_;
    out.key = key_;
    return out;
  }
  // The key's events as far back from `end_us` as the rule asks. Valid until the next call.
  std::span<KeptEvent* const> history(const RuleProgram& rule, int64_t end_us) {
    events_.clear();
    int64_t back_us = 0;
    for (uint32_t history : rule.histories) back_us = std::max(back_us, program_.code.histories_us[history]);
    if (history_ != nullptr && back_us > 0) history_->collect(events_, history_key_, end_us - back_us);
    return events_;
  }
  bool shared_holds(PredicateId predicate) {
    return predicates_.holds(predicate, prepared_, event_->fields, [&] { return evaluation(); });
  }
  // By type and route (bit each of those by which the event is seen): the step's condition may still refuse it.
  bool sees(const StepProgram& step, uint32_t routes) const {
    if ((routes >> step.route & 1) == 0) return false;
    if (step.types.empty()) return !event_->is_derived;
    return std::ranges::find(step.types, event_->type) != step.types.end();
  }
  bool sees(const Transition& way, const StepProgram& step, uint32_t routes) const {
    return (event_->is_derived ? way.for_derived : way.for_received) && sees(step, routes);
  }
  // A step whose condition asks for nothing that was taken, as this way of its automaton takes it.
  bool fits(const Transition& way, const StepProgram& step, uint32_t routes) {
    return sees(way, step, routes) && fits(step, routes, capture_none, 0);
  }
  // `bindings` are what the run has taken; `opening` the group loops of which the event would begin a repetition.
  bool fits(const StepProgram& step, uint32_t routes, CaptureId bindings, uint16_t opening) {
    if (!sees(step, routes)) return false;
    if (step.predicate == predicate_none) return true;
    if (step.is_shared) return shared_holds(step.predicate);
    Evaluation asked = evaluation();
    asked.bindings = bindings;
    asked.opening = opening;
    return holds(step.predicate, asked);
  }

 private:
  const Program& program_;
  const Prepared& prepared_;
  CaptureStore& captures_;
  Predicates predicates_;
  Scratch scratch_;
  const Event* event_ = nullptr;
  KeptEvent* kept_ = nullptr;
  std::span<const Value> key_;
  const History* history_ = nullptr;
  std::string_view history_key_;
  std::vector<KeptEvent*> events_;
};

}  // namespace omen
