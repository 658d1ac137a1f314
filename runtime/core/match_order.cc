#include "runtime/core/match_order.h"

#include <algorithm>

namespace omen {

void MatchOrder::clear() {
  entries_.clear();
  places_.clear();
}

void MatchOrder::add(const Completion& completion) {
  taken_.clear();
  for (CaptureId id = completion.captures; id != capture_none; id = captures_.at(id).previous) {
    taken_.emplace_back(captures_.at(id).slot, captures_.at(id).event->sequence);
  }
  const size_t begin = places_.size();
  places_.push_back(taken_.back().second);  // the start
  std::ranges::sort(taken_);
  uint8_t slot = 0;
  for (const auto& [of, place] : taken_) {
    for (; slot < of; ++slot) places_.push_back(0);
    places_.push_back(place);
  }
  entries_.push_back({completion, begin, places_.size()});
}

bool MatchOrder::before(const Entry& a, const Entry& b) const {
  const auto at = [&](size_t index) { return places_.begin() + static_cast<ptrdiff_t>(index); };
  return std::lexicographical_compare(at(a.begin), at(a.end), at(b.begin), at(b.end));
}

void MatchOrder::sort_into(std::vector<Completion>& out) {
  std::ranges::sort(entries_, [&](const Entry& a, const Entry& b) { return before(a, b); });
  const Entry* last = nullptr;
  for (const Entry& entry : entries_) {
    if (last != nullptr && !before(*last, entry)) {
      captures_.release(entry.completion.captures);
      continue;
    }
    last = &entry;
    out.push_back(entry.completion);
  }
  clear();
}

}  // namespace omen
