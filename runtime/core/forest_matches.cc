// The matches that complete at one event (forest.h): all of them from the newest entry down, or, where they are more
// than are reported, the first in order from the starts up, and the number of the rest.
#include <algorithm>

#include "runtime/core/forest.h"
#include "runtime/model/status.h"

namespace omen {

void Forest::complete(RuleId rule, Trees* trees, std::vector<Completion>& out) {
  const Shape& shape = shapes_[rule];
  const bool is_known = trees != nullptr && trees->index != index_none;
  uint64_t total = is_known ? count_completing(shape, indexes_.at(trees->index)) : 0;
  if (total <= limits_.max_matches && report_all(shape, trees, out)) return;
  OMEN_ASSERT(trees != nullptr);
  ForestIndex& index = index_of(rule, *trees);
  index.note_used(trees->end);
  if (!is_known) total = count_completing(shape, index);
  const uint64_t reported = walk_in_order(rule, *trees, index, out);
  RuleCounters& counters = counters_[rule];
  counters.matches += total - std::min(total, reported);
  counters.matches_cut += total - std::min(total, reported);
}

uint64_t Forest::count_completing(const Shape& shape, const ForestIndex& index) const {
  uint64_t total = 0;
  for (const Growth& end : ends_) {
    const uint64_t more = end.below == 0 ? 1 : index.counts().count(static_cast<uint8_t>(shape.ways[end.way].from));
    if (__builtin_add_overflow(total, more, &total)) total = UINT64_MAX;
  }
  return total;
}

// ---- all of them ----

// False, and nothing is reported, when there are more than are.
bool Forest::report_all(const Shape& shape, const Trees* trees, std::vector<Completion>& out) {
  order_.clear();
  path_.clear();
  places_.clear();
  for (const Growth& end : ends_) {
    if (end.below == 0) {
      places_.push_back(path_.size());
    } else {
      OMEN_ASSERT(trees != nullptr);
      if (!walk_newest_first(*trees, end)) return false;
    }
    places_.push_back(place_none);  // between the ends
  }
  size_t end = 0;
  for (size_t i = 0; i < places_.size(); ++i) {
    if (places_[i] == place_none) {
      ++end;
      continue;
    }
    size_t next = i + 1;
    while (next < places_.size() && places_[next] == place_none) ++next;
    const size_t length = (next < places_.size() ? places_[next] : path_.size()) - places_[i];
    order_.add(match(shape, trees, ends_[end], path_.data() + places_[i], length));
  }
  order_.sort_into(out);
  return true;
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

// `path` goes from the newest entry to the start.
Completion Forest::match(const Shape& shape, const Trees* trees, const Growth& end, const EntryId* path,
                         size_t length) {
  slot_counts_.fill(0);
  CaptureId captures = capture_none;
  int64_t start_us = present_.event().time_us;
  OMEN_ASSERT(trees != nullptr || length == 0);
  for (size_t i = 0; i < length; ++i) {
    const Entry& entry = at(*trees, path[length - 1 - i]);
    if (i == 0) start_us = entry.time_us;
    captures = captures_.add(captures, entry.event, entry.slot, entry.opens, ++slot_counts_[entry.slot]);
  }
  return {end_of(shape, end, captures), start_us, present_.event().time_us, false, 1};
}

// The captures with the present event; takes over a reference to them.
CaptureId Forest::end_of(const Shape& shape, const Growth& end, CaptureId captures) {
  const Transition& way = *shape.ways[end.way].transition;
  return captures_.add(captures, present_.kept(), way.slot, way.opens, slot_counts_[way.slot] + 1);
}

// ---- the first of them ----

// The starts in the order of the stream, and at one event those at later slots first. How many were reported.
uint64_t Forest::walk_in_order(RuleId rule, const Trees& trees, const ForestIndex& index,
                               std::vector<Completion>& out) {
  const Shape& shape = shapes_[rule];
  const std::span<const uint8_t> begins(shape.by_slot.data() + shape.first_way[shape.initial],
                                        shape.by_slot.data() + shape.first_way[shape.initial + 1]);
  uint64_t reported = 0;
  dead_.clear();
  slot_counts_.fill(0);
  places_.clear();
  for (const uint8_t way : begins) places_.push_back(index.line(way).behind(trees.begin - 1));
  while (reported < limits_.max_matches) {
    size_t first = place_none;
    uint64_t first_sequence = 0;
    for (size_t i = 0; i < begins.size(); ++i) {
      const ForestIndex::Line& line = index.line(begins[i]);
      if (!skip_dead(trees, line, places_[i])) continue;
      const uint64_t sequence = at(trees, line.ids[places_[i]]).event->sequence;
      if (first != place_none && sequence >= first_sequence) continue;
      first = i;
      first_sequence = sequence;
    }
    if (first == place_none) break;
    walk_start(shape, trees, index, index.line(begins[first]).ids[places_[first]++], reported, out);
  }
  for (const uint8_t way : begins) {
    const auto end = std::ranges::find(ends_, way, &Growth::way);
    if (end == ends_.end() || reported >= limits_.max_matches) continue;
    out.push_back(match(shape, &trees, *end, nullptr, 0));
    ++reported;
  }
  return reported;
}

// The matches with this start, in their order.
void Forest::walk_start(const Shape& shape, const Trees& trees, const ForestIndex& index, EntryId start,
                        uint64_t& reported, std::vector<Completion>& out) {
  stands_.clear();
  enter(shape, trees, start, reported);
  while (!stands_.empty()) {
    Stand& top = stands_.back();
    const Branch branch = reported < limits_.max_matches ? next_branch(shape, trees, index, top) : Branch{0, nullptr};
    if (branch.end != nullptr) {
      captures_.retain(top.captures);
      out.push_back(
          {end_of(shape, *branch.end, top.captures), at(trees, start).time_us, present_.event().time_us, false, 1});
      ++reported;
    } else if (branch.entry != 0) {
      enter(shape, trees, branch.entry, reported);
    } else {
      const Entry& entry = at(trees, top.entry);
      if (reported == top.reported) {
        EntryId& dead = dead_.try_emplace(entry.bottom, top.entry).first->second;
        dead = std::min(dead, top.entry);
      }
      --slot_counts_[entry.slot];
      captures_.release(top.captures);
      stands_.pop_back();
    }
  }
}

void Forest::enter(const Shape& shape, const Trees& trees, EntryId id, uint64_t reported) {
  const Entry& entry = at(trees, id);
  const CaptureId before = stands_.empty() ? capture_none : stands_.back().captures;
  captures_.retain(before);
  const CaptureId captures = captures_.add(before, entry.event, entry.slot, entry.opens, ++slot_counts_[entry.slot]);
  stands_.push_back({id, shape.first_way[shape.ways[entry.way].to], place_none, reported, captures});
}

// What lengthens the entry next: by later slots first, then in the order of the stream. An entry lengthens all those of
// its `below` list that were there when it came, so behind an entry they stand in a row, until the list was ended.
Forest::Branch Forest::next_branch(const Shape& shape, const Trees& trees, const ForestIndex& index,
                                   Stand& stand) const {
  const EntryId bottom = at(trees, stand.entry).bottom;
  const uint32_t ways_end = shape.first_way[shape.ways[at(trees, stand.entry).way].to + 1];
  const auto lengthens = [&](EntryId below) { return below >= stand.entry && at(trees, below).bottom == bottom; };
  for (; stand.way < ways_end; ++stand.way, stand.place = place_none) {
    const uint8_t way = shape.by_slot[stand.way];
    const ForestIndex::Line& line = index.line(way);
    if (stand.place == place_none) stand.place = line.behind(stand.entry);
    while (skip_dead(trees, line, stand.place)) {
      const EntryId id = line.ids[stand.place];
      const EntryId below = at(trees, id).below;
      if (below >= stand.entry && !lengthens(below)) break;
      ++stand.place;
      // One of the same event is behind the entry, but does not lengthen it.
      if (lengthens(below) && may_complete(shape, trees, index, id)) return {id, nullptr};
    }
    const auto end = std::ranges::find(ends_, way, &Growth::way);
    if (end == ends_.end() || !lengthens(end->below)) continue;
    ++stand.way;
    stand.place = place_none;
    return {0, &*end};
  }
  return {0, nullptr};
}

// From `place` to the next entry of the line that is not known to lead to no completion; false when there is none. The
// lists of a line follow one another.
bool Forest::skip_dead(const Trees& trees, const ForestIndex::Line& line, size_t& place) const {
  while (place < line.ids.size()) {
    const EntryId bottom = at(trees, line.ids[place]).bottom;
    const auto dead = dead_.find(bottom);
    if (dead == dead_.end() || line.ids[place] < dead->second) return true;
    const auto rest = std::partition_point(line.ids.begin() + static_cast<ptrdiff_t>(place), line.ids.end(),
                                           [&](EntryId id) { return at(trees, id).bottom <= bottom; });
    place = static_cast<size_t>(rest - line.ids.begin());
  }
  return false;
}

// Quickly false for most entries that lead to no completion and stand in a circle of states, as those of a loop: else
// each would be gone into, before the one in front of it is known to be in vain. Something must leave the circle later.
bool Forest::may_complete(const Shape& shape, const Trees& trees, const ForestIndex& index, EntryId id) const {
  const std::vector<uint8_t>& leaving = shape.leaving[shape.ways[at(trees, id).way].to];
  return leaving.empty() || std::ranges::any_of(leaving, [&](uint8_t way) {
           const auto end = std::ranges::find(ends_, way, &Growth::way);
           if (end != ends_.end() && end->below >= id) return true;
           if (shape.ways[way].stays) return false;
           size_t place = index.line(way).behind(id);
           return skip_dead(trees, index.line(way), place);
         });
}

}  // namespace omen
