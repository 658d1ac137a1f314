#include "tests/support/reference.h"

#include <algorithm>

#include "tests/support/reference_schema.h"

namespace omen::reference {

struct Reference::Run {
  int started = 0;  // its first event
  int64_t start_us = 0;
  std::vector<Thread> threads;
};

// What a rule knows of one key.
struct Reference::Partition {
  std::vector<std::string> key;
  std::vector<Run> runs;                                   // by start
  std::vector<std::pair<int, std::vector<bool>>> history;  // events seen, and by which routes
  std::optional<int64_t> last_raised_us;
  // Under `overlap all`: what waits for its final absences, and how many matches a deadline has completed.
  struct Waiting {
    int64_t deadline_us;
    Assignment assignment;
  };
  std::vector<Waiting> waiting;
  std::map<int64_t, uint32_t> completed;
};

struct Reference::Rule {
  RulePattern pattern;
  ast::Overlap overlap = ast::Overlap::none;
  std::optional<int64_t> within_us;
  Names unless_bound;  // names that the first event binds on every path
  std::map<std::vector<std::string>, std::unique_ptr<Partition>> partitions;
  std::map<int64_t, uint32_t> raised;  // by tumbling window of `limit`

  int64_t bound(const Run& run) const { return within_us ? run.start_us + *within_us : INT64_MAX; }
};

namespace {

// The steps that can take the first event.
void add_first_steps(const PositionPtr& position, std::vector<const Node*>& out) {
  if (position == nullptr) return;
  if (position->node->kind == Node::Kind::step) out.push_back(position->node);
  for (const PositionPtr& part : position->parts) add_first_steps(part, out);
}

int64_t window_of(int64_t time_us, int64_t size_us) {
  int64_t window = time_us / size_us;
  return time_us % size_us < 0 ? window - 1 : window;
}

}  // namespace

std::string Alert::print() const {
  std::string out = rule + " [";
  for (const std::string& part : key) out += part + ",";
  out += "] " + std::to_string(start_us) + ".." + std::to_string(end_us);
  for (const auto& [name, events] : bindings) {
    out += " " + name + "=";
    for (int event : events) out += std::to_string(event) + ",";
  }
  for (const auto& [name, value] : measures) out += " " + name + "=" + value;
  if (resolved) out += " resolved";
  return out;
}

Reference::Reference(const std::vector<ast::File>& files, uint32_t max_runs, uint32_t max_matches)
    : files_(files), max_runs_(max_runs), max_matches_(max_matches) {
  for (const ast::File& file : files) {
    for (const ast::Rule& source : file.rules) {
      if (!source.match) continue;
      auto rule = std::make_unique<Rule>();
      rule->pattern = make_pattern(files, source);
      mark_single(*rule->pattern.root);
      rule->overlap = source.overlap.value_or(ast::Overlap::none);
      if (source.within) rule->within_us = source.within->us;
      std::vector<const Node*> first;
      for (const PositionPtr& world : fresh(*rule->pattern.root)) add_first_steps(world, first);
      for (const NameDefinition& name : rule->pattern.names) {
        bool always = std::all_of(first.begin(), first.end(), [&](const Node* step) {
          return std::any_of(name.nodes.begin(), name.nodes.end(),
                             [&](const Node* n) { return n->contains(step->id); });
        });
        if (always) rule->unless_bound.push_back(&name);
      }
      rules_.push_back(std::move(rule));
    }
  }
}

Reference::~Reference() = default;

void Reference::feed(int64_t ts_us, Json event) {
  int64_t time_us = clock_ ? std::max(*clock_, ts_us) : ts_us;
  meet_deadlines(time_us, false);
  clock_ = time_us;
  const Json* member = event.find("type");
  const std::string type = member != nullptr ? member->text : "";
  bool is_matched = true;
  if (const ast::EventDeclaration* declared = declaration_of(files_, type)) {
    event = as_declared(*declared, event);
    is_matched = declared->lenient || violations(files_, *declared, event).empty();
  }
  events_.push_back({time_us, type, std::move(event)});
  if (!is_matched) return;
  for (auto& rule : rules_) feed_rule(*rule, static_cast<int>(events_.size()) - 1);
  emit_raised();
}

// What the raised matches emit, in their order: every rule sees it, and what it completes emits in its turn.
void Reference::emit_raised() {
  while (!raised_.empty()) {
    const Raised match = std::move(raised_.front());
    raised_.pop_front();
    const ast::Rule& source = *match.rule->pattern.rule;
    Names all;
    for (const NameDefinition& name : match.rule->pattern.names) all.push_back(&name);
    static const Repetitions outside;
    for (const ast::Action& action : source.actions) {
      if (action.kind != ast::Action::Kind::emit) continue;
      Event event{match.end_us, action.type.text, {}, true};
      event.json.kind = Json::Kind::object;
      event.json.members.emplace_back("type", Json::of_text(action.type.text));
      for (size_t i = 0; i < action.body->members.size(); i++) {
        const ast::Expr& value = action.body->children[i];
        const Scope scope{match.rule->pattern,
                          events_,
                          nullptr,
                          match.captures,
                          all,
                          outside,
                          std::pair(match.start_us, match.end_us)};
        const auto part = std::find_if(source.by.begin(), source.by.end(), [&](const ast::Path& path) {
          return value.kind == ast::Expr::Kind::name && path.parts[0].member == value.text;
        });
        Json json = part == source.by.end() ? json_of(value, scope)
                                            : Json::of_text(match.key[static_cast<size_t>(part - source.by.begin())]);
        event.json.members.emplace_back(action.body->members[i].text, std::move(json));
      }
      events_.push_back(std::move(event));
      for (auto& rule : rules_) feed_rule(*rule, static_cast<int>(events_.size()) - 1);
    }
  }
}

void Reference::advance(int64_t time_us) {
  if (clock_ && time_us < *clock_) return;
  meet_deadlines(time_us, true);
  clock_ = time_us;
}

bool Reference::waits(const Rule& rule, const Thread& thread) const {
  return !rule.pattern.root->trailing.empty() && leavable(thread.position);
}

// When the first of the run's threads will have outlasted its final absences.
std::optional<int64_t> Reference::deadline(const Rule& rule, const Run& run) const {
  std::optional<int64_t> first;
  for (const Thread& thread : run.threads) {
    if (!waits(rule, thread)) continue;
    int64_t last = INT64_MIN;
    for (const Absence& absence : rule.pattern.root->trailing) {
      last = std::max(last, absence.for_us ? thread.last_us + *absence.for_us : rule.bound(run));
    }
    first = first ? std::min(*first, last) : last;
  }
  return first;
}

// The first of the rule's `by`s by which the event has this key.
size_t Reference::first_route(const Partition& partition, int event) {
  for (const auto& [seen, routes] : partition.history) {
    if (seen != event) continue;
    return static_cast<size_t>(std::find(routes.begin(), routes.end(), true) - routes.begin());
  }
  return 0;
}

void Reference::meet_deadlines(int64_t time_us, bool inclusive) {
  while (true) {
    emit_raised();
    Rule* rule = nullptr;
    Partition* partition = nullptr;
    size_t place = 0;
    int64_t earliest = 0;
    int started = 0;
    size_t by = 0;
    bool is_waiting = false;
    // By deadline, start, rule, and, of the keys of one start, in the order of the `by`s that give them.
    auto is_first = [&](const Rule& candidate, const Partition& of_key, int64_t due, int start) {
      if (rule == nullptr) return true;
      if (due != earliest) return due < earliest;
      if (start != started) return start < started;
      return rule == &candidate && first_route(of_key, start) < by;
    };
    for (auto& candidate : rules_) {
      for (auto& [key, of_key] : candidate->partitions) {
        for (size_t i = 0; i < of_key->runs.size(); i++) {
          const Run& run = of_key->runs[i];
          std::optional<int64_t> due = deadline(*candidate, run);
          if (!due || *due > time_us || (*due == time_us && !inclusive)) continue;
          if (!is_first(*candidate, *of_key, *due, run.started)) continue;
          rule = candidate.get();
          partition = of_key.get();
          place = i;
          earliest = *due;
          started = run.started;
          by = first_route(*of_key, started);
          is_waiting = false;
        }
        for (size_t i = 0; i < of_key->waiting.size(); i++) {
          const Partition::Waiting& one = of_key->waiting[i];
          if (one.deadline_us > time_us || (one.deadline_us == time_us && !inclusive)) continue;
          int start = one.assignment.captures.front().event;
          if (!is_first(*candidate, *of_key, one.deadline_us, start)) continue;
          rule = candidate.get();
          partition = of_key.get();
          place = i;
          earliest = one.deadline_us;
          started = start;
          by = first_route(*of_key, started);
          is_waiting = true;
        }
      }
    }
    if (rule == nullptr) return;
    clock_ = std::max(*clock_, earliest);
    if (is_waiting) {
      meet_deadline_all(*rule, *partition, place);
      continue;
    }
    Run run = partition->runs[place];
    std::optional<Thread> completed;
    std::vector<Thread> left;  // those whose own deadline is later, or that still need events
    for (const Thread& thread : run.threads) {
      Run alone{run.started, run.start_us, {thread}};
      if (deadline(*rule, alone) != earliest) {
        left.push_back(thread);
      } else if (!completed && where_holds(*rule, run.start_us, thread.captures, earliest)) {
        completed = thread;
      }
    }
    if (completed) {
      report(*rule, *partition, run.start_us, completed->captures, earliest);
      if (rule->overlap == ast::Overlap::none) {
        partition->runs.clear();
        continue;
      }
      left.clear();
    }
    partition->runs[place].threads = std::move(left);
    if (partition->runs[place].threads.empty())
      partition->runs.erase(partition->runs.begin() + static_cast<long>(place));
  }
}

void Reference::feed_rule(Rule& rule, int event) {
  const Event& now = events_[static_cast<size_t>(event)];
  struct Seen {
    std::vector<std::string> key;
    std::vector<bool> routes;
  };
  std::vector<Seen> keys;
  for (size_t r = 0; r < rule.pattern.routes.size(); r++) {
    const RulePattern::Route& route = rule.pattern.routes[r];
    bool exists = route.types.empty() || std::any_of(route.types.begin(), route.types.end(), [&](const auto& type) {
                    return type.first || type.second == now.type;
                  });
    std::vector<std::string> key;
    for (const Path& path : route.key) {
      key.push_back(key_text(now.json, path));
      if (key.back().empty()) exists = false;
    }
    if (!exists) continue;
    auto same = std::find_if(keys.begin(), keys.end(), [&](const Seen& seen) { return seen.key == key; });
    if (same == keys.end()) same = keys.insert(keys.end(), {key, std::vector<bool>(rule.pattern.routes.size())});
    same->routes[r] = true;
  }
  for (const Seen& seen : keys) {
    std::unique_ptr<Partition>& partition = rule.partitions[seen.key];
    if (!partition) {
      partition = std::make_unique<Partition>();
      partition->key = seen.key;
    }
    if (rule.overlap == ast::Overlap::all) {
      partition->history.emplace_back(event, seen.routes);
      feed_all(rule, *partition, event);
    } else {
      feed_partition(rule, *partition, event, seen.routes);
    }
  }
}

bool Reference::alive(const Rule& rule, const Run& run) const {
  return std::any_of(run.threads.begin(), run.threads.end(), [&](const Thread& thread) {
    if (waits(rule, thread)) return true;
    std::optional<int64_t> last = last_moment(thread.position, thread.last_us, rule.bound(run));
    return last && *last >= *clock_;
  });
}

size_t Reference::live_runs() const {
  size_t count = 0;
  for (const auto& rule : rules_) {
    for (const auto& [key, partition] : rule->partitions) {
      for (const Run& run : partition->runs) count += alive(*rule, run) ? 1 : 0;
    }
  }
  return count;
}

void Reference::feed_partition(Rule& rule, Partition& partition, int event, const std::vector<bool>& seen) {
  const Event& now = events_[static_cast<size_t>(event)];
  std::erase_if(partition.runs, [&](const Run& run) { return !alive(rule, run); });
  bool was_alive = !partition.runs.empty();
  std::vector<bool> arrived;
  std::vector<Run> left;
  bool completed = false;
  auto settle = [&](Run& run, const Outcome& outcome) {
    if (outcome.completed) {
      if (!completed || rule.overlap != ast::Overlap::none)
        report(rule, partition, run.start_us, outcome.completed->captures, now.time_us);
      completed = true;
    } else if (!run.threads.empty()) {
      left.push_back(std::move(run));
      arrived.push_back(outcome.took);
    }
  };
  for (Run& run : partition.runs) settle(run, step(rule, run, event, seen, false));
  bool may_start = left.size() < max_runs_;
  if (rule.overlap == ast::Overlap::none) may_start = may_start && !completed;
  if (rule.overlap == ast::Overlap::single) may_start = may_start && !was_alive;
  if (may_start && leading_holds(rule, partition, event)) {
    Run run;
    run.started = event;
    run.start_us = now.time_us;
    for (const PositionPtr& world : fresh(*rule.pattern.root)) run.threads.push_back({world, {}, now.time_us});
    settle(run, step(rule, run, event, seen, true));
  }
  partition.runs = std::move(left);
  if (completed && rule.overlap == ast::Overlap::none) partition.runs.clear();
  if (rule.overlap == ast::Overlap::latest) replace(partition, arrived);
  partition.history.emplace_back(event, seen);
}

// The assignments that the event ends: matches at once, or when their final absences have lasted.
void Reference::feed_all(Rule& rule, Partition& partition, int event) {
  const int64_t now_us = events_[static_cast<size_t>(event)].time_us;
  Assignments assignments(rule.pattern, events_, partition.history, rule.within_us, rule.unless_bound);
  std::map<std::vector<int>, Assignment> found;  // in order, equal ones once
  for (Assignment& one : assignments.ending_now(tries_)) {
    const auto& [first, seen] = partition.history[static_cast<size_t>(one.first)];
    if (leading_holds(rule, partition, first)) found.emplace(one.order(), one);
  }
  uint32_t number = 0;
  for (const auto& [order, one] : found) {
    const int64_t start_us = events_[static_cast<size_t>(one.captures.front().event)].time_us;
    if (rule.pattern.root->trailing.empty()) {
      if (!where_holds(rule, start_us, one.captures, now_us)) continue;
      if (number++ < max_matches_) report(rule, partition, start_us, one.captures, now_us);
      continue;
    }
    int64_t deadline_us = INT64_MIN;
    for (const Absence& absence : rule.pattern.root->trailing) {
      deadline_us = std::max(deadline_us, absence.for_us ? now_us + *absence.for_us : start_us + *rule.within_us);
    }
    partition.waiting.push_back({deadline_us, one});
  }
}

// All that has the deadline and the start of one of those that wait.
void Reference::meet_deadline_all(Rule& rule, Partition& partition, size_t place) {
  const int64_t deadline_us = partition.waiting[place].deadline_us;
  const int started = partition.waiting[place].assignment.captures.front().event;
  Assignments assignments(rule.pattern, events_, partition.history, rule.within_us, rule.unless_bound);
  std::map<std::vector<int>, Assignment> due;
  std::erase_if(partition.waiting, [&](Partition::Waiting& one) {
    if (one.deadline_us != deadline_us || one.assignment.captures.front().event != started) return false;
    if (assignments.outlasts(one.assignment)) due.emplace(one.assignment.order(), one.assignment);
    return true;
  });
  const int64_t start_us = events_[static_cast<size_t>(started)].time_us;
  for (const auto& [order, one] : due) {
    if (!where_holds(rule, start_us, one.captures, deadline_us)) continue;
    if (partition.completed[deadline_us]++ < max_matches_) report(rule, partition, start_us, one.captures, deadline_us);
  }
}

// `not X for D` before the first step: no X in [t - D, t] ahead of the candidate.
bool Reference::leading_holds(const Rule& rule, const Partition& partition, int event) const {
  const Event& now = events_[static_cast<size_t>(event)];
  for (const auto& [earlier, seen] : partition.history) {
    if (earlier >= event) break;
    const Event& before = events_[static_cast<size_t>(earlier)];
    for (const Absence& absence : rule.pattern.root->gaps[0].absences) {
      if (now.time_us - before.time_us > absence.for_us.value_or(0)) continue;
      static const std::vector<Capture> nothing;
      Offer offer;
      offer.event = &before;
      offer.seen = &seen;
      offer.pattern = &rule.pattern;
      offer.events = &events_;
      offer.captures = &nothing;
      if (std::any_of(absence.steps.begin(), absence.steps.end(),
                      [&](const StepDefinition& step) { return fits(step, {}, offer); }))
        return false;
    }
  }
  return true;
}

bool Reference::where_holds(const Rule& rule, int64_t start_us, const std::vector<Capture>& captures,
                            int64_t end_us) const {
  if (!rule.pattern.rule->where) return true;
  Names all;
  for (const NameDefinition& name : rule.pattern.names) all.push_back(&name);
  static const Repetitions outside;
  return is_true(*rule.pattern.rule->where,
                 Scope{rule.pattern, events_, nullptr, captures, all, outside, std::pair(start_us, end_us)});
}

Reference::Outcome Reference::step(const Rule& rule, Run& run, int event, const std::vector<bool>& seen,
                                   bool starting) {
  const Event& now = events_[static_cast<size_t>(event)];
  struct Next {
    Thread thread;
    std::vector<std::pair<int, size_t>> decided;
    bool completes = false;
    int step = 0;  // that took the event
  };
  std::vector<Next> next;
  Outcome outcome;
  const Node& root = *rule.pattern.root;
  for (const Thread& thread : run.threads) {
    Offer offer;
    offer.event = &now;
    offer.seen = &seen;
    offer.pattern = &rule.pattern;
    offer.events = &events_;
    offer.captures = &thread.captures;
    if (!starting) offer.last = thread.last_us;
    std::optional<Taken> taken;
    if (thread.position != nullptr && now.time_us <= rule.bound(run)) taken = take(thread.position, offer);
    if (taken) {
      bool completes = !taken->worlds.empty() && leavable(taken->worlds[0]) && root.trailing.empty();
      Thread moved{nullptr, thread.captures, now.time_us};
      moved.captures.push_back({event, taken->step, taken->repetitions});
      bool refused = completes && !where_holds(rule, run.start_us, moved.captures, now.time_us);
      if (!refused || taken->can_go_on) {
        outcome.took |= !taken->worlds.empty();  // one that ends by it has not arrived anywhere
        for (const PositionPtr& world : taken->worlds) {
          next.push_back({moved, taken->decided, completes && !refused, taken->step->id});
          next.back().thread.position = world;
        }
        continue;
      }
    }
    if (starting) continue;  // a branch that does not take the first event is no part of the run
    if (std::any_of(rule.pattern.unless.begin(), rule.pattern.unless.end(),
                    [&](const StepDefinition& unless) { return fits(unless, rule.unless_bound, offer); }))
      continue;
    if (waits(rule, thread)) {
      bool broken = false;
      for (const Absence& absence : root.trailing) {
        if (!absence.for_us && now.time_us > rule.bound(run)) continue;
        broken = broken || breaks({absence}, root.gap_bound.back(), offer);
      }
      if (broken) continue;
    }
    Thread stays = thread;
    if (thread.position != nullptr) {
      Passed passed = pass(thread.position, offer);
      if (passed.ends) continue;
      stays.position = passed.position;
      bool can_complete = waits(rule, stays);
      if (!has_way(stays.position) && !can_complete) continue;  // a closed place with no way on
    }
    next.push_back({std::move(stays), {}, false, 0});
  }

  // An `or` is done as soon as one branch is, the first written if several at once; the others are forgotten, with
  // whatever else they have done. Parts of an `and` that take the event each in a world of its own: the first written.
  std::map<int, size_t> done;
  auto is_late = [&](const Next& one) {
    return std::any_of(done.begin(), done.end(), [&](const auto& decision) {
      const int any = decision.first;
      const size_t branch = decision.second;
      const auto own =
          std::find_if(one.decided.begin(), one.decided.end(), [&](const auto& d) { return d.first == any; });
      return own == one.decided.end() ? is_open(one.thread.position, any) : own->second != branch;
    });
  };
  std::vector<const Next*> deciding;
  for (const Next& one : next) {
    if (!one.decided.empty()) deciding.push_back(&one);
  }
  std::stable_sort(deciding.begin(), deciding.end(), [](auto* a, auto* b) { return a->step < b->step; });
  for (const Next* one : deciding) {
    if (!is_late(*one)) done.insert(one->decided.begin(), one->decided.end());
  }
  std::vector<bool> forgotten(next.size());
  for (size_t i = 0; i < next.size(); i++) forgotten[i] = is_late(next[i]);
  std::vector<Next> left;
  for (size_t i = 0; i < next.size(); i++) {
    if (!forgotten[i]) left.push_back(std::move(next[i]));
  }
  next = std::move(left);

  run.threads.clear();
  std::vector<std::string> keys;
  for (Next& one : next) {
    if (one.completes) {
      outcome.completed = std::move(one.thread);
      return outcome;
    }
    std::string key;
    append_key(key, one.thread.position);
    if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;  // two in the same state are one
    keys.push_back(std::move(key));
    run.threads.push_back(std::move(one.thread));
  }
  return outcome;
}

// `latest`: at each place at most one run waits; the one that arrived last stays.
void Reference::replace(Partition& partition, const std::vector<bool>& arrived) const {
  struct Place {
    std::string key;
    bool only_waits = true;
  };
  std::vector<Place> places;
  for (const Run& run : partition.runs) {
    Place place;
    for (const Thread& thread : run.threads) {
      append_key(place.key, thread.position);
      place.key += '|';
      place.only_waits = place.only_waits && !has_way(thread.position);
    }
    places.push_back(std::move(place));
  }
  std::vector<bool> gone(partition.runs.size());
  for (size_t i = 0; i < partition.runs.size(); i++) {
    if (!arrived[i] || places[i].only_waits) continue;
    for (size_t other = 0; other < partition.runs.size(); other++) {
      bool was_there = other < i || !arrived[other];  // a later arrival of the same event replaces this one in turn
      if (other != i && was_there && places[other].key == places[i].key) gone[other] = true;
    }
  }
  std::vector<Run> left;
  for (size_t i = 0; i < partition.runs.size(); i++) {
    if (!gone[i]) left.push_back(std::move(partition.runs[i]));
  }
  partition.runs = std::move(left);
}

void Reference::report(Rule& rule, Partition& partition, int64_t start_us, const std::vector<Capture>& captures,
                       int64_t end_us) {
  const ast::Rule& source = *rule.pattern.rule;
  if (source.cooldown && partition.last_raised_us && end_us - *partition.last_raised_us < source.cooldown->us) return;
  if (source.limit) {
    uint32_t& raised = rule.raised[window_of(end_us, source.limit->per.us)];
    if (raised >= source.limit->count) return;
    raised++;
  }
  partition.last_raised_us = end_us;
  Alert alert{source.name.text, partition.key, start_us, end_us, {}};
  for (const NameDefinition& name : rule.pattern.names) {
    if (name.alert_nodes.empty()) continue;
    std::vector<int> events;
    for (const Capture& capture : captures) {
      bool is_named = std::any_of(name.alert_nodes.begin(), name.alert_nodes.end(),
                                  [&](const Node* node) { return node->contains(capture.step->id); });
      if (!is_named) continue;
      const Json* place = events_[static_cast<size_t>(capture.event)].json.find("place");
      events.push_back(place != nullptr ? static_cast<int>(place->integer) : -1);
    }
    alert.bindings.emplace_back(name.text, std::move(events));
  }
  alerts_.push_back(std::move(alert));
  raised_.push_back({&rule, partition.key, captures, start_us, end_us});
}

}  // namespace omen::reference
