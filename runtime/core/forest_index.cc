#include "runtime/core/forest_index.h"

#include <algorithm>

namespace omen {

size_t ForestIndex::Line::behind(uint64_t id) const {
  const auto found = std::upper_bound(ids.begin() + static_cast<ptrdiff_t>(begin), ids.end(), id);
  return static_cast<size_t>(found - ids.begin());
}

void ForestIndex::open(std::span<const WindowCount::Move> moves, uint32_t states, bool has_window) {
  counts_.open(moves, states, has_window);
  lines_.resize(moves.size());
  for (Line& line : lines_) {
    line.ids.clear();
    line.begin = 0;
  }
  used_at_ = 0;
}

void ForestIndex::add(uint8_t way, uint64_t id, uint64_t begin) {
  Line& line = lines_[way];
  while (line.begin < line.ids.size() && line.ids[line.begin] < begin) ++line.begin;
  if (line.begin > line.ids.size() / 2) {
    line.ids.erase(line.ids.begin(), line.ids.begin() + static_cast<ptrdiff_t>(line.begin));
    line.begin = 0;
  }
  line.ids.push_back(id);
}

uint32_t ForestIndexes::take() {
  if (free_.empty()) {
    all_.push_back(std::make_unique<ForestIndex>());
    return static_cast<uint32_t>(all_.size() - 1);
  }
  const uint32_t id = free_.back();
  free_.pop_back();
  return id;
}

}  // namespace omen
