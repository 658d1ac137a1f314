// Reference: the slow, obvious reading of section 3 of docs/language.md (with docs/semantics.md), which the machine
// must agree with on every stream. It walks the syntax tree and keeps every run as an explicit configuration.
//
//   feed(event)   meet the deadlines before it; then for each rule and each key the event is seen under:
//                 every thread of every run takes it or passes it over; a run whose thread completes is a match;
//                 the event may start a run; `overlap` says which runs go on
//                 then what matches emit, in their order, is fed likewise, before anything else
//   advance(t)    meet the deadlines up to t
//
// Written from the text, not from the machine, and linked into tests only.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ast.h"
#include "tests/support/json.h"
#include "tests/support/reference_all.h"
#include "tests/support/reference_expression.h"
#include "tests/support/reference_pattern.h"
#include "tests/support/reference_position.h"

namespace omen::reference {

struct Alert {
  std::string rule;
  std::vector<std::string> key;  // as text
  int64_t start_us = 0, end_us = 0;
  std::vector<std::pair<std::string, std::vector<int>>> bindings;  // the events' members `place`, -1: none
  std::vector<std::pair<std::string, std::string>> measures = {};  // of a measure rule, as JSON
  bool resolved = false;
  std::string print() const;
};

class Reference {
 public:
  // The trees must outlive it. Rules of measures are left out.
  explicit Reference(const std::vector<ast::File>& files, uint32_t max_runs = 10'000, uint32_t max_matches = 1'000);
  ~Reference();
  // The event's members `type` and, beside the time given here, its fields. Older than the clock: at the clock.
  void feed(int64_t ts_us, Json event);
  void advance(int64_t time_us);

  const std::vector<Alert>& alerts() const { return alerts_; }
  const std::vector<Event>& events() const { return events_; }
  size_t live_runs() const;  // as of the clock

 private:
  // One world of a run: which branch of every entered `or` was chosen is part of its position.
  struct Thread {
    PositionPtr position;  // null: only final absences have to last
    std::vector<Capture> captures;
    int64_t last_us = 0;
  };
  struct Run;
  struct Partition;
  struct Rule;

  struct Raised {
    Rule* rule;
    std::vector<std::string> key;
    std::vector<Capture> captures;
    int64_t start_us, end_us;
  };

  void emit_raised();
  static size_t first_route(const Partition& partition, int event);
  void meet_deadlines(int64_t time_us, bool inclusive);
  void feed_rule(Rule& rule, int event);
  void feed_all(Rule& rule, Partition& partition, int event);
  void meet_deadline_all(Rule& rule, Partition& partition, size_t place);
  void feed_partition(Rule& rule, Partition& partition, int event, const std::vector<bool>& seen);
  // What the event does to one run: whether a thread took it, and the thread that completed, if one did.
  struct Outcome {
    bool took = false;
    std::optional<Thread> completed;
  };
  Outcome step(const Rule& rule, Run& run, int event, const std::vector<bool>& seen, bool starting);
  bool leading_holds(const Rule& rule, const Partition& partition, int event) const;
  bool where_holds(const Rule& rule, int64_t start_us, const std::vector<Capture>& captures, int64_t end_us) const;
  void replace(Partition& partition, const std::vector<bool>& arrived) const;
  bool waits(const Rule& rule, const Thread& thread) const;
  std::optional<int64_t> deadline(const Rule& rule, const Run& run) const;
  bool alive(const Rule& rule, const Run& run) const;
  void report(Rule& rule, Partition& partition, int64_t start_us, const std::vector<Capture>& captures, int64_t end_us);

  const std::vector<ast::File>& files_;
  std::vector<std::unique_ptr<Rule>> rules_;
  std::vector<Event> events_;
  std::vector<Alert> alerts_;
  std::deque<Raised> raised_;  // and not yet emitted
  uint32_t max_runs_, max_matches_;
  uint64_t tries_ = 300'000;  // of `overlap all`
  std::optional<int64_t> clock_;
};

}  // namespace omen::reference
