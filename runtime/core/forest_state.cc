// The shared matches of a key as bytes (state_writer.h): the heads of the states' lists, then the entries in their
// order; or, where they are only counted, the window of the counts.
//
// The walks over entries trust that a living list leads to living entries. So what is read is held against the sums
// that each entry has of those behind it: nothing dead may call itself alive.
#include <algorithm>
#include <bit>
#include <new>

#include "runtime/core/forest.h"
#include "runtime/core/state_reader.h"
#include "runtime/core/state_writer.h"

namespace omen {

namespace {

constexpr int64_t never = RuleMemory::never;

}  // namespace

void Forest::save(StateWriter& out, const RuleState& state) const {
  out.byte(state.first == index_none ? 0 : 1);
  if (state.first == index_none) return;
  if (is_counted(state.rule)) {
    window_.at(state.first).save(out);
  } else {
    save_trees(out, state);
  }
}

void Forest::load(StateReader& in, RuleState& state, int64_t clock_us) {
  const RuleProgram& rule = program_.rules[state.rule];
  if (!in.flag()) return;
  if (is_counted(state.rule)) {
    state.first = window_.take();
    WindowCount& window = window_.at(state.first);
    window.open(shapes_[state.rule].moves, static_cast<uint32_t>(rule.states.size()), rule.within_us != time_unbounded);
    window.load(in);
    window_.note_bytes(0, window.bytes());
  } else {
    // What started before can complete no more, whatever comes.
    load_trees(in, state, rule.within_us == time_unbounded ? never : clock_us - rule.within_us);
  }
}

// ---- entries ----

void Forest::save_trees(StateWriter& out, const RuleState& state) const {
  Trees& trees = this->trees(state);
  out.number(trees.begin);
  out.number(trees.end - trees.begin);
  for (size_t i = 0; i < program_.rules[state.rule].states.size(); ++i) {
    const EntryId head = trees.heads()[i];
    out.number(head < trees.begin ? 0 : head);
  }
  for (EntryId id = trees.begin; id < trees.end; ++id) {
    const Entry& entry = at(trees, id);
    out.event(*entry.event);
    out.number(uint64_t{entry.slot});
    out.number(uint64_t{entry.opens});
    for (EntryId other : {entry.below, entry.next, entry.bottom}) out.number(other == 0 ? 0 : id + 1 - other);
    out.number(static_cast<uint64_t>(entry.time_us - entry.newest_us));
    out.number(static_cast<uint64_t>(entry.list_newest_us - entry.newest_us));
  }
}

void Forest::load_trees(StateReader& in, RuleState& state, int64_t dead_us) {
  const RuleProgram& rule = program_.rules[state.rule];
  const Shape& shape = shapes_[state.rule];
  Trees& trees = open(rule, state);
  constexpr uint64_t least_entry_bytes = 8;
  const uint64_t begin = in.number_up_to(INT64_MAX), count = in.count(least_entry_bytes);
  if (!in.check(begin > 0 && count <= entries_limit, "a forest has too many entries")) return;
  trees.begin = trees.end = begin;
  for (size_t i = 0; i < rule.states.size(); ++i) {
    EntryId& head = trees.heads()[i];
    head = in.number_up_to(begin + count - 1);
    in.check(head == 0 || head >= begin, "a list begins with what is gone");
  }
  if (count > 0) make_room(trees, std::max(ring_begin, std::bit_ceil(static_cast<uint32_t>(count))));
  Places places;
  while (trees.end < begin + count && in.is_ok()) {
    if (load_entry(in, trees, trees.end, dead_us)) find_way(in, shape, trees, places, dead_us);
  }
  for (StateId i = 0; i < rule.states.size() && in.is_ok(); ++i) {
    const EntryId head = trees.heads()[i];
    if (head == 0 || at(trees, head).list_newest_us < dead_us) continue;
    const auto place = places.find(at(trees, head).bottom);
    in.check(place != places.end() && place->second == i, "a list is of another place");
  }
  if (!in.is_ok()) std::fill_n(trees.heads(), rule.states.size(), EntryId{0});
}

bool Forest::load_entry(StateReader& in, Trees& trees, EntryId id, int64_t dead_us) {
  Entry& entry = at(trees, id);
  KeptEvent* const event = in.event();
  if (event == nullptr) return false;
  entry.event = event;
  entry.time_us = event->time_us;
  in.check(id == trees.begin || at(trees, id - 1).time_us <= entry.time_us, "entries are not in order");
  entry.slot = static_cast<uint8_t>(in.number_up_to(slots_max - 1));
  entry.opens = static_cast<uint16_t>(in.number_up_to(UINT16_MAX));
  const auto other = [&](EntryId nearest) {
    const uint64_t back = in.number_up_to(id);
    if (back != 0 && back <= nearest) in.fail("an entry stands on a later one");
    return back == 0 ? EntryId{0} : id + 1 - back;
  };
  entry.below = other(1);
  entry.next = other(1);
  entry.bottom = other(0);
  entry.newest_us = entry.time_us - static_cast<int64_t>(in.number_up_to(StateReader::time_max_us));
  const int64_t more_us = static_cast<int64_t>(in.number_up_to(2 * StateReader::time_max_us));
  entry.list_newest_us = entry.newest_us + more_us;
  const auto is_there = [&](EntryId one) { return one >= trees.begin; };
  const int64_t begun_us = entry.below == 0        ? entry.time_us
                           : is_there(entry.below) ? at(trees, entry.below).list_newest_us
                                                   : entry.newest_us;
  in.check(entry.newest_us == begun_us, "an entry has another start than what it stands on");
  in.check(entry.below == 0 || is_there(entry.below) || entry.newest_us < dead_us, "an entry stands on nothing");
  if (is_there(entry.next)) {
    const Entry& next = at(trees, entry.next);
    in.check(entry.list_newest_us == std::max(entry.newest_us, next.list_newest_us), "a list has another start");
    in.check(entry.bottom == next.bottom, "a list has two ends");
  } else {
    in.check(more_us == 0 || (entry.next != 0 && entry.list_newest_us < dead_us), "a list goes on with nothing");
    in.check(entry.next == 0 ? entry.bottom == id : entry.bottom < trees.begin, "a list has another end");
  }
  if (!in.is_ok()) return false;
  captures_.share(event);
  ++trees.end;
  ++entries_;
  return true;
}

// The way of the newest entry is told by the place that it leads from, which is that of the list below it, and its
// slot. What stands on entries that are gone is dead, and need not be known.
void Forest::find_way(StateReader& in, const Shape& shape, Trees& trees, Places& places, int64_t dead_us) const {
  Entry& entry = at(trees, trees.end - 1);
  const auto place_of = [&](EntryId one) {
    const auto found = one < trees.begin ? places.end() : places.find(at(trees, one).bottom);
    return found == places.end() ? state_dead : found->second;
  };
  const StateId from = entry.below == 0 ? shape.initial : place_of(entry.below);
  entry.way = from == state_dead ? Shape::way_none : shape.way_of(from, entry.slot);
  if (entry.way == Shape::way_none) {
    in.check(entry.newest_us < dead_us, "an entry has come by no way");
    return;
  }
  const StateId to = places.try_emplace(entry.bottom, shape.ways[entry.way].to).first->second;
  in.check(to == shape.ways[entry.way].to, "a list is of two places");
}

// ---- counts ----

void WindowCount::save(StateWriter& out) const {
  out.number(events() - (border_ - begin_));
  out.number(border_ - begin_);
  for (size_t i = begin_; i < events_.size(); ++i) {
    out.time(events_[i].time_us);
    out.number(events_[i].moves);
    out.number(events_[i].ended);
  }
  for (size_t i = begin_ * states_; i < border_ * states_; ++i) out.number(rows_[i]);
  for (size_t row = 0; row <= states_; ++row) {
    for (size_t column = 0; column <= states_; ++column) out.number(line(column)[row]);
  }
  for (int64_t newest_us : newest_us_) out.time(newest_us);
}

void WindowCount::load(StateReader& in) {
  constexpr uint64_t least_event_bytes = 3;
  const uint64_t behind = in.count(least_event_bytes), front = in.count(least_event_bytes);
  in.check(has_window_ || behind + front == 0, "counts without a window have events");
  const auto bits = [](size_t count) { return count >= 64 ? UINT64_MAX : (uint64_t{1} << count) - 1; };
  for (uint64_t left = behind + front; left > 0 && in.is_ok(); --left) {
    Change change{};
    change.time_us = in.time();
    change.moves = in.number_up_to(bits(moves_.size()));
    change.ended = in.number_up_to(bits(states_));
    in.check(events_.empty() || events_.back().time_us <= change.time_us, "counted events are not in order");
    events_.push_back(change);
  }
  if (!in.is_ok()) return;
  border_ = front;
  for (uint64_t left = front * states_; left > 0 && in.is_ok(); --left) rows_.push_back(in.number());
  for (size_t row = 0; row <= states_; ++row) {
    for (size_t column = 0; column <= states_; ++column) line(column)[row] = in.number();
  }
  for (int64_t& newest_us : newest_us_) newest_us = in.time_or(never);
  if (in.is_ok()) return;
  // What is there must be whole.
  events_.clear();
  rows_.clear();
  border_ = 0;
}

}  // namespace omen
