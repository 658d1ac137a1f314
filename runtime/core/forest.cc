#include "runtime/core/forest.h"

#include <algorithm>
#include <limits>
#include <new>

#include "runtime/model/status.h"

namespace omen {

namespace {

constexpr int64_t never = RuleMemory::never;

int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  return __builtin_add_overflow(a, b, &sum) ? time_unbounded : sum;
}

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
      counts_only_(only_counts),
      order_(captures) {
  grow();
  for (RuleId id = 0; id < program.rules.size(); ++id) take_on(id);
}

void Forest::grow() {
  only_counts_.resize(program_.rules.size());
  shapes_.resize(program_.rules.size());
}

void Forest::take_on(RuleId id) {
  const RuleProgram& rule = program_.rules[id];
  // Who makes events of its matches needs all of them.
  const bool emits = std::ranges::any_of(
      rule.actions, [](const ActionProgram& action) { return action.kind == ActionProgram::Kind::emit; });
  only_counts_[id] = counts_only_ && !(rule.machine == Machine::forest && emits) ? 1 : 0;
  shapes_[id] = rule.machine == Machine::forest ? Shape(rule) : Shape();
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
  const Shape& shape = shapes_[state.rule];
  uint64_t bytes = 0;
  if (state.first != index_none) {
    bytes = window_.at(state.first).bytes();
  } else {
    state.first = window_.take();
    window_.at(state.first)
        .open(shape.moves, static_cast<uint32_t>(rule.states.size()), rule.within_us != time_unbounded);
  }
  WindowCount& window = window_.at(state.first);
  window.expire(bound_us_);
  const uint64_t seeing = shape.ways_of(present_.event());
  uint64_t complete = 0, moves = 0, ended = 0;
  for (StateId from = 0; from < rule.states.size(); ++from) {
    const bool is_first = from == rule.initial[0];
    const bool is_alive = is_first ? memory_.leading_holds(state, present_.event().time_us)
                                   : window.newest_us(static_cast<uint8_t>(from)) >= bound_us_;
    if (!is_alive) continue;
    for (uint64_t left = seeing & shape.ways_from[from]; left != 0; left &= left - 1) {
      const auto bit = static_cast<size_t>(__builtin_ctzll(left));
      const Shape::Way& way = shape.ways[bit];
      if (!present_.fits(*way.transition, rule.steps[way.transition->step], routes)) continue;
      if (way.accepts) {
        const uint64_t more = is_first ? 1 : window.count(static_cast<uint8_t>(from));
        if (__builtin_add_overflow(complete, more, &complete)) complete = UINT64_MAX;
      }
      if (way.goes_on) moves |= uint64_t{1} << bit;
    }
    if (!is_first && shape.may_end[from] != 0 && is_ended(rule, rule.states[from], routes))
      ended |= uint64_t{1} << from;
  }
  if (moves != 0 && window.events() >= std::min(limits_.max_entries, entries_limit)) {
    ++counters_[state.rule].entries_refused;
    moves = 0;
  }
  if ((moves | ended) != 0) window.push(present_.event().time_us, moves, ended);
  window_.note_bytes(bytes, window.bytes());
  // After a start there is something.
  const bool has_begun = (moves & shape.ways_from[shape.initial]) != 0;
  if (!has_begun && window.newest_of_all_us() < bound_us_) drop(state);
  if (complete > 0) out.push_back({capture_none, present_.event().time_us, present_.event().time_us, false, complete});
}

// ---- growing ----

uint32_t Forest::trees_words(const RuleProgram& rule) const {
  return static_cast<uint32_t>(sizeof(Trees) / sizeof(uint64_t) + rule.states.size());
}

Forest::Trees& Forest::open(const RuleProgram& rule, RuleState& state) {
  if (state.first == index_none) {
    state.first = words_.take(trees_words(rule));
    auto* trees = new (words_.at(state.first)) Trees{nullptr, 0, index_none, 1, 1};
    std::fill_n(trees->heads(), rule.states.size(), EntryId{0});
  }
  return trees(state);
}

Forest::EntryId Forest::living(const Trees& trees, EntryId list) const {
  return list >= trees.begin && list != 0 && at(trees, list).list_newest_us >= bound_us_ ? list : 0;
}

void Forest::step_trees(const RuleProgram& rule, RuleState& state, uint32_t routes, std::vector<Completion>& out) {
  const Shape& shape = shapes_[state.rule];
  growths_.clear();
  ends_.clear();
  Trees* trees = state.first == index_none ? nullptr : &this->trees(state);
  const int64_t now_us = present_.event().time_us;
  if (trees != nullptr) expire(*trees);
  const uint64_t seeing = shape.ways_of(present_.event());
  uint64_t ended = 0;
  for (StateId from = 0; from < rule.states.size(); ++from) {
    const bool is_first = from == rule.initial[0];
    const EntryId list = trees == nullptr || is_first ? 0 : living(*trees, trees->heads()[from]);
    if (list == 0 && !(is_first && memory_.leading_holds(state, now_us))) continue;
    for (uint64_t left = seeing & shape.ways_from[from]; left != 0; left &= left - 1) {
      const auto bit = static_cast<size_t>(__builtin_ctzll(left));
      const Shape::Way& way = shape.ways[bit];
      if (!present_.fits(*way.transition, rule.steps[way.transition->step], routes)) continue;
      const Growth growth{static_cast<uint8_t>(bit), list, is_first ? now_us : at(*trees, list).list_newest_us};
      if (way.accepts) ends_.push_back(growth);
      if (way.goes_on) growths_.push_back(growth);
    }
    if (!is_first && shape.may_end[from] != 0 && is_ended(rule, rule.states[from], routes))
      ended |= uint64_t{1} << from;
  }
  if (!ends_.empty()) complete(state.rule, trees, out);
  for (uint64_t left = ended; left != 0; left &= left - 1) trees->heads()[__builtin_ctzll(left)] = 0;
  uint64_t moves = 0;
  if (!growths_.empty()) {
    trees = &open(rule, state);
    sort_growths();
    for (const Growth& growth : growths_) {
      if (trees->end - trees->begin >= std::min(limits_.max_entries, entries_limit)) {
        ++counters_[state.rule].entries_refused;
        continue;
      }
      push(*trees, shape.ways[growth.way], growth);
      moves |= uint64_t{1} << growth.way;
    }
  }
  if (trees == nullptr) return;
  if (trees->index != index_none && (moves | ended) != 0) {
    indexes_.at(trees->index).counts().push(now_us, moves, ended);
    note_index(*trees);
  }
  const EntryId* heads = trees->heads();
  if (std::none_of(heads, heads + rule.states.size(), [&](EntryId head) { return living(*trees, head) != 0; })) {
    drop(state);
  }
}

// By their newest starts, and otherwise as they are: few, and std::stable_sort would allocate.
void Forest::sort_growths() {
  for (size_t i = 1; i < growths_.size(); ++i) {
    for (size_t k = i; k > 0 && growths_[k].newest_us < growths_[k - 1].newest_us; --k)
      std::swap(growths_[k], growths_[k - 1]);
  }
}

// What started before the window goes.
void Forest::expire(Trees& trees) {
  EntryId begin = trees.begin;
  while (begin < trees.end && at(trees, begin).time_us < bound_us_) ++begin;
  cut(trees, begin);
  if (trees.index == index_none) return;
  ForestIndex& index = indexes_.at(trees.index);
  index.counts().expire(bound_us_);
  if (index.is_idle(trees.begin)) drop_index(trees);
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

void Forest::push(Trees& trees, const Shape::Way& way, const Growth& growth) {
  if (trees.end - trees.begin == trees.capacity) make_room(trees, std::max(ring_begin, trees.capacity * 2));
  const EntryId id = trees.end++;
  EntryId& head = trees.heads()[way.to];
  const EntryId next = living(trees, head);
  Entry& entry = at(trees, id);
  entry.event = captures_.share(present_.kept());
  entry.time_us = present_.event().time_us;
  entry.newest_us = growth.newest_us;
  entry.list_newest_us = next == 0 ? growth.newest_us : std::max(growth.newest_us, at(trees, next).list_newest_us);
  entry.below = growth.below;
  entry.next = next;
  entry.bottom = next == 0 ? id : at(trees, next).bottom;
  entry.opens = way.transition->opens;
  entry.slot = way.transition->slot;
  entry.way = growth.way;
  head = id;
  ++entries_;
  if (trees.index != index_none) indexes_.at(trees.index).add(growth.way, id, trees.begin);
}

// Entries before `begin` go.
void Forest::cut(Trees& trees, EntryId begin) {
  entries_ -= begin - trees.begin;
  constexpr EntryId ahead = 8;
  for (; trees.begin < begin; ++trees.begin) {
    if (trees.begin + ahead < trees.end) __builtin_prefetch(at(trees, trees.begin + ahead).event, 1);
    captures_.release(at(trees, trees.begin).event);
  }
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
    if (trees.index != index_none) drop_index(trees);
    cut(trees, trees.end);
    if (trees.ring != nullptr) {
      blocks_.give(reinterpret_cast<std::byte*>(trees.ring), static_cast<uint32_t>(trees.capacity * sizeof(Entry)));
    }
    words_.give(state.first, trees_words(program_.rules[state.rule]));
  }
  state.first = index_none;
}

// ---- the index ----

ForestIndex& Forest::index_of(RuleId rule, Trees& trees) {
  if (trees.index == index_none) {
    trees.index = indexes_.take();
    build_index(rule, trees, indexes_.at(trees.index));
    note_index(trees);
  }
  return indexes_.at(trees.index);
}

// An event as its entries tell: the ways that it went, and the lists that had been ended when it began them anew.
void Forest::build_index(RuleId rule, const Trees& trees, ForestIndex& index) const {
  const RuleProgram& program = program_.rules[rule];
  const Shape& shape = shapes_[rule];
  index.open(shape.moves, static_cast<uint32_t>(program.states.size()), program.within_us != time_unbounded);
  int64_t time_us = never;
  for (EntryId id = trees.begin; id < trees.end;) {
    const KeptEvent* const event = at(trees, id).event;
    time_us = at(trees, id).time_us;
    uint64_t moves = 0, ended = 0;
    for (; id < trees.end && at(trees, id).event == event; ++id) {
      const Entry& entry = at(trees, id);
      if (entry.way == Shape::way_none) continue;
      moves |= uint64_t{1} << entry.way;
      if (entry.bottom == id) ended |= uint64_t{1} << shape.ways[entry.way].to;
      index.add(entry.way, id, trees.begin);
    }
    index.counts().push(time_us, moves, ended);
  }
  uint64_t ended = 0;
  for (size_t state = 0; state < program.states.size(); ++state) {
    if (trees.heads()[state] == 0) ended |= uint64_t{1} << state;
  }
  index.counts().push(time_us, 0, ended);
  index.counts().expire(bound_us_);
}

void Forest::drop_index(Trees& trees) {
  index_bytes_ += indexes_.at(trees.index).note_bytes(0);
  indexes_.give(trees.index);
  trees.index = index_none;
}

void Forest::note_index(const Trees& trees) {
  ForestIndex& index = indexes_.at(trees.index);
  index_bytes_ += index.note_bytes(index.counts().bytes() + (trees.end - trees.begin) * sizeof(EntryId));
}

}  // namespace omen
