#include "runtime/core/match_order.h"

#include <algorithm>

#include "runtime/model/limits.h"

namespace omen {

void MatchOrder::clear() {
  entries_.clear();
  marks_.clear();
}

void MatchOrder::add(const Completion& completion) {
  const size_t begin = marks_.size();
  for (CaptureId id = completion.captures; id != capture_none; id = captures_.at(id).previous) {
    marks_.push_back(captures_.at(id).event->sequence);
    marks_.push_back(slots_max - captures_.at(id).slot);
  }
  marks_.push_back(marks_[marks_.size() - 2]);  // the start
  std::reverse(marks_.begin() + static_cast<ptrdiff_t>(begin), marks_.end());
  entries_.push_back({completion, begin, marks_.size()});
}

bool MatchOrder::before(const Entry& a, const Entry& b) const {
  const auto at = [&](size_t index) { return marks_.begin() + static_cast<ptrdiff_t>(index); };
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
