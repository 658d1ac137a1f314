#include "runtime/core/forest.h"

#include <algorithm>
#include <limits>
#include <new>
#include <tuple>

#include "runtime/model/status.h"

namespace omen {

namespace {

constexpr int64_t never = RuleMemory::never;

int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? time_unbounded : sum;
}

// Whether a match in the state can go on: only then are there partial matches to keep.
bool goes_on(const State& state) { return !state.transitions.empty(); }

}  // namespace

Forest::Forest(const Program& program, const Limits& limits, CaptureStore& captures, WordPool& words,
               std::vector<RuleCounters>& counters, Present& present, RuleMemory& memory, bool only_counts)
    : program_(program),
      limits_(limits),
      captures_(captures),
      words_(words),
      counters_(counters),
      present_(present),
      memory_(memory),
      only_counts_(program.rules.size(), only_counts ? 1 : 0),
      moves_(program.rules.size()),
      order_(captures) {
  for (RuleId id = 0; id < program.rules.size(); ++id) {
    const RuleProgram& rule = program.rules[id];
    if (rule.machine != Machine::forest) continue;
    // Who makes events of its matches needs all of them.
    for (const ActionProgram& action : rule.actions) {
      if (action.kind == ActionProgram::Kind::emit) only_counts_[id] = 0;
    }
    for (StateId from = 0; from < rule.states.size(); ++from) {
      const bool is_first = from == rule.initial[0];
      for (const Transition& way : rule.states[from].transitions) {
        moves_[id].push_back(
            {is_first ? WindowCount::start : static_cast<uint8_t>(from), static_cast<uint8_t>(way.targets[0])});
      }
    }
  }
}

void Forest::step(RuleState& state, uint32_t routes, std::vector<Completion>& out) {
  const RuleProgram& rule = program_.rules[state.rule];
  const int64_t now_us = present_.event().time_us;
  state.touched = present_.event().sequence;
  bound_us_ = rule.within_us == time_unbounded ? never + 1 : now_us - rule.within_us;
  if (only_counts_[state.rule] != 0) {
    step_counts(rule, state, routes, out);
  } else {
    step_trees(rule, state, routes, out);
  }
}

// Whether the event, passed over, ends all that stands in the state.
bool Forest::is_ended(const RuleProgram& rule, const State& state, uint32_t routes) {
  const auto fits = [&](StepId step) { return present_.fits(rule.steps[step], routes, capture_none, 0); };
  if (std::ranges::any_of(rule.unless, fits)) return true;
  const uint64_t bars = state.transitions[0].barred_by;
  if ((bars & rule.strict_bars) != 0 && !present_.event().is_derived) return true;
  for (const AbsenceProgram& absence : state.absences) {
    if ((absence.bar & bars) != 0 && std::ranges::any_of(absence.steps, fits)) return true;
  }
  return std::ranges::any_of(state.breaks, [&](const Break& closing) {
    const bool ends = (closing.bar & bars) != 0 || closing.to == state_dead;
    return ends && present_.sees(rule.steps[closing.step], routes) && !fits(closing.step);
  });
}

// ---- counting ----

void Forest::step_counts(const RuleProgram& rule, RuleState& state, uint32_t routes, std::vector<Completion>& out) {
  uint64_t bytes = 0;
  if (state.first != index_none) {
    bytes = window_.at(state.first).bytes();
  } else {
    state.first = window_.take();
    window_.at(state.first)
        .open(moves_[state.rule], static_cast<uint32_t>(rule.states.size()), rule.within_us != time_unbounded);
  }
  WindowCount& window = window_.at(state.first);
  window.expire(bound_us_);
  uint64_t complete = 0, moves = 0, ended = 0;
  size_t move = 0;
  for (StateId from = 0; from < rule.states.size(); ++from) {
    const State& place = rule.states[from];
    const bool is_first = from == rule.initial[0];
    const bool is_alive = is_first ? memory_.leading_holds(state, present_.event().time_us)
                                   : window.newest_us(static_cast<uint8_t>(from)) >= bound_us_;
    for (const Transition& way : place.transitions) {
      const size_t bit = move++;
      if (!is_alive || !present_.fits(way, rule.steps[way.step], routes)) continue;
      const State& target = rule.states[way.targets[0]];
      if (target.accepts) {
        const uint64_t more = is_first ? 1 : window.count(static_cast<uint8_t>(from));
        if (__builtin_add_overflow(complete, more, &complete)) complete = UINT64_MAX;
      }
      if (goes_on(target)) moves |= uint64_t{1} << bit;
    }
    if (is_alive && !is_first && is_ended(rule, place, routes)) ended |= uint64_t{1} << from;
  }
  if (moves != 0 && window.events() >= limits_.max_entries) {
    ++counters_[state.rule].entries_refused;
    moves = 0;
  }
  if ((moves | ended) != 0) window.push(present_.event().time_us, moves, ended);
  window_.note_bytes(bytes, window.bytes());
  if (window.newest_of_all_us() < bound_us_) drop(state);
  if (complete > 0) out.push_back({capture_none, present_.event().time_us, present_.event().time_us, false, complete});
}

// ---- growing ----

uint32_t Forest::trees_words(const RuleProgram& rule) const {
  return static_cast<uint32_t>(sizeof(Trees) / sizeof(uint64_t) + rule.states.size());
}

Forest::Trees& Forest::open(const RuleProgram& rule, RuleState& state) {
  if (state.first == index_none) {
    state.first = words_.take(trees_words(rule));
    auto* trees = new (words_.at(state.first)) Trees{nullptr, 0, 0, 1, 1};
    std::fill_n(trees->heads(), rule.states.size(), EntryId{0});
  }
  return trees(state);
}

Forest::EntryId Forest::living(const Trees& trees, EntryId list) const {
  return list >= trees.begin && list != 0 && at(trees, list).list_newest_us >= bound_us_ ? list : 0;
}

void Forest::step_trees(const RuleProgram& rule, RuleState& state, uint32_t routes, std::vector<Completion>& out) {
  growths_.clear();
  ends_.clear();
  Trees* trees = state.first == index_none ? nullptr : &this->trees(state);
  const int64_t now_us = present_.event().time_us;
  if (trees != nullptr) {
    EntryId begin = trees->begin;
    while (begin < trees->end && at(*trees, begin).time_us < bound_us_) ++begin;
    cut(*trees, begin);
  }
  uint64_t ended = 0;
  for (StateId from = 0; from < rule.states.size(); ++from) {
    const State& place = rule.states[from];
    const bool is_first = from == rule.initial[0];
    const EntryId list = trees == nullptr || is_first ? 0 : living(*trees, trees->heads()[from]);
    if (list == 0 && !(is_first && memory_.leading_holds(state, now_us))) continue;
    for (const Transition& way : place.transitions) {
      if (!present_.fits(way, rule.steps[way.step], routes)) continue;
      const Growth growth{&way, list, is_first ? now_us : at(*trees, list).list_newest_us};
      const State& target = rule.states[way.targets[0]];
      if (target.accepts) ends_.push_back(growth);
      if (goes_on(target)) growths_.push_back(growth);
    }
    if (!is_first && is_ended(rule, place, routes)) ended |= uint64_t{1} << from;
  }
  if (!ends_.empty()) complete(rule, trees, out);
  for (uint64_t left = ended; left != 0; left &= left - 1) trees->heads()[__builtin_ctzll(left)] = 0;
  if (!growths_.empty()) {
    trees = &open(rule, state);
    std::ranges::stable_sort(growths_, {}, &Growth::newest_us);
    for (const Growth& growth : growths_) {
      if (trees->end - trees->begin >= limits_.max_entries) {
        ++counters_[state.rule].entries_refused;
        continue;
      }
      push(*trees, growth);
    }
  }
  if (trees == nullptr) return;
  const EntryId* heads = trees->heads();
  if (std::none_of(heads, heads + rule.states.size(), [&](EntryId head) { return living(*trees, head) != 0; })) {
    drop(state);
  }
}

void Forest::make_room(Trees& trees, uint32_t capacity) {
  auto* ring = reinterpret_cast<Entry*>(blocks_.take(static_cast<uint32_t>(capacity * sizeof(Entry))));
  for (EntryId id = trees.begin; id < trees.end; ++id) ring[id & (capacity - 1)] = at(trees, id);
  if (trees.ring != nullptr) {
    blocks_.give(reinterpret_cast<std::byte*>(trees.ring), static_cast<uint32_t>(trees.capacity * sizeof(Entry)));
  }
  trees.ring = ring;
  trees.capacity = capacity;
}

void Forest::push(Trees& trees, const Growth& growth) {
  if (trees.end - trees.begin == trees.capacity) make_room(trees, std::max(ring_begin, trees.capacity * 2));
  const EntryId id = trees.end++;
  EntryId& head = trees.heads()[growth.way->targets[0]];
  const EntryId next = living(trees, head);
  Entry& entry = at(trees, id);
  entry.event = present_.kept();
  ++entry.event->references;
  entry.time_us = present_.event().time_us;
  entry.newest_us = growth.newest_us;
  entry.list_newest_us = next == 0 ? growth.newest_us : std::max(growth.newest_us, at(trees, next).list_newest_us);
  entry.below = growth.below;
  entry.next = next;
  entry.bottom = next == 0 ? id : at(trees, next).bottom;
  entry.opens = growth.way->opens;
  entry.slot = growth.way->slot;
  head = id;
  ++entries_;
}

// Entries before `begin` go.
void Forest::cut(Trees& trees, EntryId begin) {
  entries_ -= begin - trees.begin;
  for (; trees.begin < begin; ++trees.begin) captures_.release(at(trees, trees.begin).event);
}

int64_t Forest::alive_until(const RuleState& state) const {
  if (state.first == index_none) return never;
  const RuleProgram& rule = program_.rules[state.rule];
  int64_t newest_us = never;
  if (only_counts_[state.rule] != 0) {
    newest_us = window_.at(state.first).newest_of_all_us();
  } else {
    Trees& trees = this->trees(state);
    for (size_t i = 0; i < rule.states.size(); ++i) {
      const EntryId head = trees.heads()[i];
      if (head >= trees.begin && head != 0) newest_us = std::max(newest_us, at(trees, head).list_newest_us);
    }
  }
  return newest_us == never ? never : saturating_add(newest_us, rule.within_us);
}

void Forest::drop(RuleState& state) {
  if (state.first == index_none) return;
  if (only_counts_[state.rule] != 0) {
    WindowCount& window = window_.at(state.first);
    window_.note_bytes(window.bytes(), 0);
    window_.give(state.first);
  } else {
    Trees& trees = this->trees(state);
    cut(trees, trees.end);
    if (trees.ring != nullptr) {
      blocks_.give(reinterpret_cast<std::byte*>(trees.ring), static_cast<uint32_t>(trees.capacity * sizeof(Entry)));
    }
    words_.give(state.first, trees_words(program_.rules[state.rule]));
  }
  state.first = index_none;
}

// ---- enumerating ----

void Forest::complete(const RuleProgram& rule, const Trees* trees, std::vector<Completion>& out) {
  order_.clear();
  path_.clear();
  places_.clear();
  bool is_all = true;
  for (const Growth& end : ends_) {
    if (end.below == 0) {
      places_.push_back(path_.size());
    } else {
      OMEN_ASSERT(trees != nullptr);
      is_all = is_all && walk_newest_first(*trees, end);
    }
    places_.push_back(SIZE_MAX);  // between the ends
  }
  if (!is_all) return walk_in_order(rule, *trees, out);
  size_t end = 0;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i] == SIZE_MAX) {
      ++end;
      continue;
    }
    size_t next = i + 1;
    while (next < places_.size() && places_[next] == SIZE_MAX) ++next;
    const size_t length = (next < places_.size() ? places_[next] : path_.size()) - places_[i];
    order_.add(match(trees, ends_[end], path_.data() + places_[i], length, false));
  }
  order_.sort_into(out);
}

// Every match of one end: its entries from the newest to the start behind one another in path_, where it begins in
// places_. False when there are more than are reported.
bool Forest::walk_newest_first(const Trees& trees, const Growth& end) {
  const auto first_of = [&](EntryId list) {
    EntryId id = living(trees, list);
    while (id != 0 && at(trees, id).newest_us < bound_us_) id = living(trees, at(trees, id).next);
    return id;
  };
  size_t begin = path_.size();
  path_.push_back(first_of(end.below));
  for (;;) {
    while (at(trees, path_.back()).below != 0) path_.push_back(first_of(at(trees, path_.back()).below));
    if (places_.size() >= limits_.max_matches + ends_.size()) return false;
    places_.push_back(begin);
    // The next path shares what stands before the last entry that has another behind it.
    size_t length = path_.size() - begin;
    EntryId other = 0;
    while (length > 0 && (other = first_of(at(trees, path_[begin + length - 1]).next)) == 0) --length;
    if (length == 0) return true;
    const size_t copy = path_.size();
    for (size_t i = 0; i + 1 < length; ++i) path_.push_back(path_[begin + i]);
    path_.push_back(other);
    begin = copy;
  }
}

Completion Forest::match(const Trees* trees, const Growth& end, const EntryId* path, size_t length, bool oldest_first) {
  slot_counts_.fill(0);
  CaptureId captures = capture_none;
  int64_t start_us = present_.event().time_us;
  OMEN_ASSERT(trees != nullptr || length == 0);
  for (size_t i = 0; i < length; ++i) {
    const Entry& entry = at(*trees, path[oldest_first ? i : length - 1 - i]);
    if (i == 0) start_us = entry.time_us;
    captures = captures_.add(captures, entry.event, entry.slot, entry.opens, ++slot_counts_[entry.slot]);
  }
  captures = captures_.add(captures, present_.kept(), end.way->slot, end.way->opens, ++slot_counts_[end.way->slot]);
  return {captures, start_us, present_.event().time_us, false, 1};
}

// Marks the lists and entries that lead to a completion, and counts the matches through them.
uint64_t Forest::mark_and_count(const Trees& trees) {
  const size_t size = trees.end - trees.begin;
  constexpr uint8_t list = 1, entry = 2;
  marks_.assign(size, 0);
  counts_.assign(size, 0);
  list_counts_.assign(size, 0);
  const auto index = [&](EntryId id) { return static_cast<size_t>(id - trees.begin); };
  for (const Growth& end : ends_) {
    if (end.below != 0) marks_[index(end.below)] |= list;
  }
  for (EntryId id = trees.end; id-- > trees.begin;) {
    if ((marks_[index(id)] & list) == 0) continue;
    const Entry& at_id = at(trees, id);
    if (const EntryId next = living(trees, at_id.next)) marks_[index(next)] |= list;
    if (at_id.newest_us < bound_us_) continue;
    marks_[index(id)] |= entry;
    if (const EntryId below = living(trees, at_id.below)) marks_[index(below)] |= list;
  }
  const auto add = [](uint64_t& sum, uint64_t more) {
    if (__builtin_add_overflow(sum, more, &sum)) sum = UINT64_MAX;
  };
  for (EntryId id = trees.begin; id < trees.end; ++id) {
    if ((marks_[index(id)] & list) == 0) continue;
    const Entry& at_id = at(trees, id);
    if ((marks_[index(id)] & entry) != 0) {
      counts_[index(id)] = at_id.below == 0 ? 1 : list_counts_[index(at_id.below)];
    }
    list_counts_[index(id)] = counts_[index(id)];
    if (const EntryId next = living(trees, at_id.next)) add(list_counts_[index(id)], list_counts_[index(next)]);
  }
  uint64_t total = 0;
  for (const Growth& end : ends_) add(total, end.below == 0 ? 1 : list_counts_[index(end.below)]);
  return total;
}

// What lengthens each list, by list, later slots first, then in the order of the stream.
void Forest::list_branches(const Trees& trees) {
  branches_.clear();
  for (EntryId id = trees.begin; id < trees.end; ++id) {
    const Entry& entry = at(trees, id);
    if ((marks_[id - trees.begin] & 2) == 0) continue;
    const EntryId bottom = entry.below == 0 ? 0 : at(trees, entry.below).bottom;
    branches_.push_back({bottom, slots_max - uint64_t{entry.slot}, entry.below, id, nullptr});
  }
  for (const Growth& end : ends_) {
    const EntryId bottom = end.below == 0 ? 0 : at(trees, end.below).bottom;
    branches_.push_back({bottom, slots_max - uint64_t{end.way->slot}, end.below, trees.end, &end});
  }
  std::ranges::sort(branches_, before);
}

bool Forest::before(const Branch& a, const Branch& b) {
  return std::tie(a.bottom, a.slot_order, a.below, a.entry) < std::tie(b.bottom, b.slot_order, b.below, b.entry);
}

// From the starts on, along what is marked only, so that no way is in vain: the first of the matches in order.
void Forest::walk_in_order(const RuleProgram& rule, const Trees& trees, std::vector<Completion>& out) {
  const uint64_t total = mark_and_count(trees);
  list_branches(trees);
  // The first branch at or behind `place` that lengthens the list as the entry has left it.
  const auto next_branch = [&](size_t place, const Entry& entry, EntryId id) {
    while (place < branches_.size() && branches_[place].bottom == entry.bottom && branches_[place].below < id) {
      const Branch sought{entry.bottom, branches_[place].slot_order, id, 0, nullptr};
      place = static_cast<size_t>(
          std::lower_bound(branches_.begin() + static_cast<ptrdiff_t>(place), branches_.end(), sought, before) -
          branches_.begin());
    }
    return place < branches_.size() && branches_[place].bottom == entry.bottom ? place : SIZE_MAX;
  };
  const auto first_branch = [&](EntryId id) {
    const Entry& entry = at(trees, id);
    const Branch sought{entry.bottom, 0, 0, 0, nullptr};
    const auto found = std::ranges::lower_bound(branches_, sought, before);
    return next_branch(static_cast<size_t>(found - branches_.begin()), entry, id);
  };
  // Starts stand first among the branches; in the order of the stream, then later slots first.
  const auto starts_end = std::ranges::partition_point(branches_, [](const Branch& one) { return one.bottom == 0; });
  const auto place_of = [&](const Branch& one) {
    return one.end != nullptr ? present_.event().sequence : at(trees, one.entry).event->sequence;
  };
  std::sort(branches_.begin(), starts_end, [&](const Branch& a, const Branch& b) {
    return std::pair(place_of(a), a.slot_order) < std::pair(place_of(b), b.slot_order);
  });
  uint64_t reported = 0;
  for (auto start = branches_.begin(); start != starts_end && reported < limits_.max_matches; ++start) {
    if (start->end != nullptr) {
      out.push_back(match(&trees, *start->end, nullptr, 0, true));
      ++reported;
      continue;
    }
    path_.assign(1, start->entry);
    places_.assign(1, first_branch(start->entry));
    while (!path_.empty() && reported < limits_.max_matches) {
      const size_t place = places_.back();
      if (place == SIZE_MAX) {
        path_.pop_back();
        places_.pop_back();
        continue;
      }
      places_.back() = next_branch(place + 1, at(trees, path_.back()), path_.back());
      const Branch& branch = branches_[place];
      if (branch.end != nullptr) {
        out.push_back(match(&trees, *branch.end, path_.data(), path_.size(), true));
        ++reported;
      } else {
        path_.push_back(branch.entry);
        places_.push_back(first_branch(branch.entry));
      }
    }
  }
  RuleCounters& counters = counters_[static_cast<size_t>(&rule - program_.rules.data())];
  counters.matches += total - reported;
  counters.matches_cut += total - reported;
}

}  // namespace omen
