#include "compiler/pattern_bounds.h"

#include <algorithm>

#include "compiler/measure_bounds.h"
#include "runtime/model/limits.h"
#include "runtime/model/time.h"

namespace omen {

namespace {

// What comes behind a node, once it could be left.
enum class Behind : uint8_t { match, limit, open };

void collect(const TypedPattern& node, Behind behind, bool is_first, std::vector<OpenLoop>& out) {
  if (node.max == ast::repeat_unbounded && behind == Behind::open) out.push_back({&node, is_first});
  Behind inside =
      node.max > 1 && behind == Behind::match && node.kind != TypedPattern::Kind::step ? Behind::open : behind;
  if (node.within_us >= 0) inside = Behind::limit;
  if (node.kind != TypedPattern::Kind::sequence) {
    const bool is_all = node.kind == TypedPattern::Kind::all;
    for (const TypedPattern& item : node.items) {
      collect(item, is_all && inside == Behind::match ? Behind::open : inside, is_first, out);
    }
    return;
  }
  for (size_t i = 0; i < node.items.size(); ++i) {
    // The arrow to the next needed item ends the waiting, when all before it do.
    Behind next = inside;
    for (size_t j = i + 1; j < node.items.size(); ++j) {
      next = inside == Behind::limit || node.gates[j].max_us >= 0 ? Behind::limit : Behind::open;
      if (next == Behind::open || !is_nullable(node.items[j])) break;
    }
    collect(node.items[i], next, is_first, out);
    is_first = is_first && is_nullable(node.items[i]);
  }
}

// Whether a run can stand somewhere in a node, or behind it, without any limit in time.
bool waits(const TypedPattern& node, Behind behind) {
  if (node.max > 1 && (node.min > 1 || behind == Behind::open)) return true;
  if (node.within_us >= 0) return false;
  switch (node.kind) {
    case TypedPattern::Kind::step:
      return false;
    case TypedPattern::Kind::all:
      return true;  // its parts wait for one another
    case TypedPattern::Kind::any:
      return std::ranges::any_of(node.items, [&](const TypedPattern& item) { return waits(item, behind); });
    case TypedPattern::Kind::sequence:
      break;
  }
  for (size_t i = 0; i < node.items.size(); ++i) {
    Behind next = behind;
    for (size_t j = i + 1; j < node.items.size(); ++j) {
      next = node.gates[j].max_us >= 0 ? Behind::limit : Behind::open;
      if (next == Behind::open &&
          std::ranges::all_of(node.items.begin() + static_cast<ptrdiff_t>(j), node.items.end(), is_nullable)) {
        next = behind;
      }
      if (next == Behind::open) return true;
      if (!is_nullable(node.items[j])) break;
    }
    if (waits(node.items[i], next)) return true;
  }
  return false;
}

// The longest time from the first event to the last, or -1 when nothing limits it.
int64_t longest(const TypedPattern& node) {
  int64_t time = 0;
  if (node.kind == TypedPattern::Kind::sequence) {
    for (size_t i = 0; i < node.items.size() && time >= 0; ++i) {
      const int64_t item = longest(node.items[i]);
      const bool is_limited = item >= 0 && (i == 0 || node.gates[i].max_us >= 0);
      time = is_limited ? time + item + (i == 0 ? 0 : node.gates[i].max_us) : -1;
    }
  } else if (node.kind != TypedPattern::Kind::step) {
    for (const TypedPattern& item : node.items) {
      const int64_t most = longest(item);
      time = most < 0 || time < 0 ? -1 : std::max(time, most);
    }
    if (node.kind == TypedPattern::Kind::all) time = -1;  // its branches wait for one another
  }
  if (node.within_us >= 0) time = time < 0 ? node.within_us : std::min(time, node.within_us);
  return node.max > 1 ? -1 : time;
}

// The most events that a node takes, a loop without a maximum up to the limit on loops.
uint64_t most_events(const TypedPattern& node) {
  const uint64_t loop_limit = Limits{}.max_loop_events;
  uint64_t events = node.kind == TypedPattern::Kind::step ? 1 : 0;
  for (const TypedPattern& item : node.items) {
    const uint64_t most = most_events(item);
    events = node.kind == TypedPattern::Kind::any ? std::max(events, most) : events + most;
  }
  if (node.max == 1) return events;
  return node.max == ast::repeat_unbounded ? loop_limit
                                           : std::min<uint64_t>(events * node.max, std::max(events, loop_limit));
}

std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, ",");
  return digits;
}

// The longest final absence.
int64_t final_wait(const TypedRule& rule) {
  int64_t wait = 0;
  for (const TypedPattern::Absence& absence : rule.pattern.trailing) wait = std::max(wait, absence.for_us);
  return wait;
}

bool is_single_event(const TypedRule& rule) {
  const TypedPattern& first = rule.pattern.items[0];
  return rule.pattern.items.size() == 1 && rule.pattern.trailing.empty() && first.kind == TypedPattern::Kind::step &&
         first.min == 1;
}

}  // namespace

bool is_nullable(const TypedPattern& node) {
  if (node.min == 0) return true;
  switch (node.kind) {
    case TypedPattern::Kind::step:
      return false;
    case TypedPattern::Kind::any:
      return std::ranges::any_of(node.items, is_nullable);
    default:
      return std::ranges::all_of(node.items, is_nullable);
  }
}

uint64_t least_places(const TypedPattern& node, uint64_t enough) {
  if (is_nullable(node)) return 0;
  uint64_t places = node.kind == TypedPattern::Kind::step ? 1 : 0;
  for (const TypedPattern& item : node.items) {
    const uint64_t inside = least_places(item, enough);
    switch (node.kind) {
      case TypedPattern::Kind::step:
        break;
      case TypedPattern::Kind::sequence:
        places += inside;
        break;
      case TypedPattern::Kind::any:
        places = std::max(places, inside);
        break;
      case TypedPattern::Kind::all:  // places are all but the one where each branch is complete
        places = (places + 1) * (inside + 1) - 1;
        break;
    }
    places = std::min(places, enough + 1);
  }
  return places;
}

std::vector<OpenLoop> open_loops(const TypedRule& rule) {
  std::vector<OpenLoop> loops;
  const Behind behind = rule.within_us >= 0 || !rule.pattern.trailing.empty() ? Behind::limit : Behind::match;
  if (rule.within_us < 0) collect(rule.pattern, behind, true, loops);
  return loops;
}

bool waits_for_ever(const TypedRule& rule) {
  return rule.within_us < 0 && waits(rule.pattern, rule.pattern.trailing.empty() ? Behind::match : Behind::limit);
}

std::string state_bound(const TypedRule& rule) {
  if (!rule.measures.empty()) return measure_state_bound(rule);
  if (is_single_event(rule)) return "keeps nothing: one event decides";
  const uint64_t events = most_events(rule.pattern);
  std::string text = rule.overlap == Overlap::single   ? "at most 1 run a key"
                     : rule.overlap == Overlap::latest ? "at most 1 run a key at each place of the pattern"
                                                       : "at most " + grouped(Limits{}.max_runs) + " runs a key";
  text += ", each up to " + grouped(events) + (events == 1 ? " event" : " events");
  int64_t time = longest(rule.pattern);
  if (rule.within_us >= 0) time = time < 0 ? rule.within_us : std::min(time, rule.within_us);
  if (time < 0) return text + (waits_for_ever(rule) ? ", without a limit in time" : ", as long as events keep coming");
  return text + ", for " + duration_text(time + final_wait(rule));
}

std::string shared_bound(const TypedRule& rule) {
  if (is_single_event(rule)) return "keeps nothing: one event decides";
  const std::string text = "at most " + grouped(Limits{}.max_entries) + " events a key";
  int64_t time = longest(rule.pattern);
  if (rule.within_us >= 0) time = time < 0 ? rule.within_us : std::min(time, rule.within_us);
  if (time < 0) return text + ", without a limit in time";
  return text + ", for " + duration_text(time);
}

}  // namespace omen
