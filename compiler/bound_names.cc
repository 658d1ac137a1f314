#include "compiler/bound_names.h"

#include <algorithm>

namespace omen {

namespace {

// How many turns two positions share; the last shared one may go on to different items.
size_t shared_turns(const PatternPosition& a, const PatternPosition& b) {
  size_t count = 0;
  while (count < a.size() && count < b.size() && a[count].node == b[count].node) {
    ++count;
    if (a[count - 1].item != b[count - 1].item) break;
  }
  return count;
}

}  // namespace

bool are_alternatives(const PatternPosition& a, const PatternPosition& b) {
  const size_t shared = shared_turns(a, b);
  return shared > 0 && shared < a.size() && shared < b.size() && a[shared - 1].kind == PatternTurn::Kind::any;
}

int32_t BoundNames::find(const std::string& text) const {
  for (size_t i = 0; i < items.size(); ++i) {
    if (items[i].text == text) return static_cast<int32_t>(i);
  }
  return -1;
}

BoundNames::Reading BoundNames::read(uint32_t name, const PatternPosition& reader) const {
  Reading reading;
  std::vector<const NameOccurrence*> before;
  size_t before_depth = 0;
  for (const NameOccurrence& occurrence : items[name].occurrences) {
    const PatternPosition& position = occurrence.position;
    const size_t shared = shared_turns(position, reader);
    int32_t repetition = -1;
    for (size_t i = 0; i < std::min(shared, position.size() - 1); ++i) {
      if (position[i].loop >= 0 && position[i].repeats) repetition = position[i].loop;
    }
    bool is_list = occurrence.is_list;
    for (size_t i = shared; i + 1 < position.size(); ++i) is_list = is_list || position[i].repeats;

    if (shared == position.size()) {  // the name is around the reader
      if (!position.back().repeats) continue;
      return {.standing = Standing::bound, .is_list = true, .repetition = repetition, .missing = {}};
    }
    if (!reader.empty()) {
      const PatternTurn& parting = position[shared - 1];
      if (parting.kind == PatternTurn::Kind::any) continue;
      if (parting.kind == PatternTurn::Kind::all) {
        if (reading.standing == Standing::unbound) reading.standing = Standing::partly;
        reading.is_beside = true;
        reading.missing = occurrence.span;
        continue;
      }
      if (parting.item > reader[shared - 1].item) continue;
    }
    before.push_back(&occurrence);
    before_depth = shared;
    reading.is_list = reading.is_list || is_list;
    reading.repetition = std::max(reading.repetition, repetition);
  }
  if (before.empty()) return reading;
  reading.is_beside = false;
  reading.standing = is_definite(before, before_depth, reading.missing) ? Standing::bound : Standing::partly;
  return reading;
}

bool BoundNames::is_definite(const std::vector<const NameOccurrence*>& occurrences, size_t depth, Span& missing) const {
  const PatternPosition& first = occurrences.front()->position;
  // The first `or` on the way; the node that the name stands at does not count.
  while (depth + 1 < first.size() && first[depth].kind != PatternTurn::Kind::any) ++depth;
  if (depth + 1 >= first.size()) return true;
  const std::vector<Span>& spans = branches[first[depth].node];
  for (uint32_t branch = 0; branch < spans.size(); ++branch) {
    std::vector<const NameOccurrence*> inside;
    for (const NameOccurrence* occurrence : occurrences) {
      if (occurrence->position.size() > depth + 1 && occurrence->position[depth].node == first[depth].node &&
          occurrence->position[depth].item == branch) {
        inside.push_back(occurrence);
      }
    }
    if (inside.empty()) {
      missing = spans[branch];
      return false;
    }
    if (!is_definite(inside, depth + 1, missing)) return false;
  }
  return true;
}

}  // namespace omen
