// Panes: a series of summaries in time of which any stretch can be summed up, each in logarithmic time.
//
// A ring of panes, oldest to newest, with a binary tree above it whose nodes sum up the two below (FlatFAT:
// Tangwongsan, Hirzel, Schneider, Wu, "General incremental sliding-window aggregation", VLDB 2015). Summaries need no
// inverse, so minima are kept like sums, and windows of any length and place share one series.
//
//   add         into the newest pane, whose ancestors hear of it when it is next asked for or a newer one begins
//   sum_of      the panes that end in (after, up_to]: at most two nodes on each level of the tree
//   forget      the oldest: nothing above them has to change, no later question covers them
//   shrink      when few are left: a series has room for eight panes, or for less than eight times those that it has
//
// A summary is a plain struct with `void add(const Summary&)`, all zero (or its default) being that of nothing.
// MEMORY of a pane: 8 bytes and two summaries, in a ring of a power of two.
// NOT HERE: which pane an event belongs to (windows).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <type_traits>

#include "runtime/core/pool.h"

namespace omen {

// The part that does not depend on the summary. All zero is empty.
struct PaneRing {
  std::byte* block;  // int64_t ends[capacity], then the tree: nodes 1 .. 2 * capacity - 1, leaves from `capacity` on
  uint32_t capacity, first, count;
  bool is_newest_open;  // its ancestors do not know it yet

  int64_t* ends() { return reinterpret_cast<int64_t*>(block); }
  const int64_t* ends() const { return reinterpret_cast<const int64_t*>(block); }
  uint32_t place(uint32_t index) const { return (first + index) & (capacity - 1); }
  int64_t end_us(uint32_t index) const { return ends()[place(index)]; }
  int64_t newest_us() const { return end_us(count - 1); }
  // How many of the oldest end at or before the time.
  uint32_t count_up_to(int64_t time_us) const {
    uint32_t low = 0, high = count;
    while (low < high) {
      const uint32_t middle = (low + high) / 2;
      if (end_us(middle) <= time_us) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
  bool is_too_large() const { return capacity > room_min && count * uint64_t{8} <= capacity; }
  static constexpr uint32_t room_min = 8;
  void drop_front(uint32_t number) {
    first = place(number);
    count -= number;
    if (count == 0) is_newest_open = false;
  }
};

template <typename Summary>
class Panes {
 public:
  static_assert(std::is_trivially_copyable_v<Summary>);
  Panes(PaneRing& ring, BytePool& pool) : ring_(ring), pool_(pool) {}

  // `end_us` is not before that of the newest pane.
  void add(int64_t end_us, const Summary& summary) {
    if (ring_.count == 0 || ring_.newest_us() != end_us) {
      close_newest();
      if (ring_.count == ring_.capacity) make_room(ring_.capacity == 0 ? 2 : ring_.capacity * 2);
      const uint32_t place = ring_.place(ring_.count++);
      ring_.ends()[place] = end_us;
      tree()[ring_.capacity + place] = Summary{};
    }
    tree()[ring_.capacity + ring_.place(ring_.count - 1)].add(summary);
    ring_.is_newest_open = true;
  }

  Summary sum_of(int64_t after_us, int64_t up_to_us) {
    Summary sum{};
    const uint32_t begin = ring_.count_up_to(after_us), end = ring_.count_up_to(up_to_us);
    if (begin >= end) return sum;
    if (end == ring_.count) close_newest();
    const uint32_t from = ring_.place(begin), to = ring_.place(end - 1) + 1;
    if (from < to) {
      add_stretch(sum, from, to);
    } else {
      add_stretch(sum, from, ring_.capacity);
      add_stretch(sum, 0, to);
    }
    return sum;
  }

  void shrink() { make_room(std::max(PaneRing::room_min, std::bit_ceil(ring_.count * 2))); }

  // Of the ring's place `first` and room for so many, the panes that `next` gives, each as its end and its summary.
  // Sums of floats hang on where panes stand, so they are put back where they were.
  template <typename Next>
  void restore(uint32_t capacity, uint32_t first, uint32_t count, Next next) {
    if (capacity == 0) return;
    make_room(capacity);
    ring_.first = first;
    Summary* const nodes = tree();
    for (; ring_.count < count; ++ring_.count) {
      const uint32_t place = ring_.place(ring_.count);
      const auto [end_us, summary] = next();
      ring_.ends()[place] = end_us;
      nodes[capacity + place] = summary;
    }
    for (uint32_t node = capacity - 1; node > 0; --node) join(nodes, node);
  }
  const Summary& summary(uint32_t index) const {
    return reinterpret_cast<const Summary*>(ring_.block +
                                            ring_.capacity * sizeof(int64_t))[ring_.capacity + ring_.place(index)];
  }

  void release() {
    if (ring_.block != nullptr) pool_.give(ring_.block, bytes(ring_.capacity));
    ring_ = {};
  }

 private:
  static uint32_t bytes(uint32_t capacity) { return capacity * (sizeof(int64_t) + 2 * sizeof(Summary)); }
  Summary* tree() { return reinterpret_cast<Summary*>(ring_.block + ring_.capacity * sizeof(int64_t)); }

  void close_newest() {
    if (!ring_.is_newest_open) return;
    ring_.is_newest_open = false;
    Summary* const nodes = tree();
    for (uint32_t node = (ring_.capacity + ring_.place(ring_.count - 1)) / 2; node > 0; node /= 2) join(nodes, node);
  }

  static void join(Summary* nodes, uint32_t node) {
    nodes[node] = nodes[2 * node];
    nodes[node].add(nodes[2 * node + 1]);
  }

  // The leaves [from, to), from left to right.
  void add_stretch(Summary& sum, uint32_t from, uint32_t to) {
    const Summary* const nodes = tree();
    uint32_t right[32];
    uint32_t rights = 0;
    uint32_t low = ring_.capacity + from, high = ring_.capacity + to;
    for (; low < high; low /= 2, high /= 2) {
      if ((low & 1) != 0) sum.add(nodes[low++]);
      if ((high & 1) != 0) right[rights++] = --high;
    }
    while (rights > 0) sum.add(nodes[right[--rights]]);
  }

  void make_room(uint32_t capacity) {
    PaneRing other{};
    other.capacity = capacity;
    other.count = ring_.count;
    other.block = pool_.take(bytes(capacity));
    auto* const nodes = reinterpret_cast<Summary*>(other.block + capacity * sizeof(int64_t));
    for (uint32_t i = 0; i < ring_.count; ++i) {
      other.ends()[i] = ring_.end_us(i);
      nodes[capacity + i] = tree()[ring_.capacity + ring_.place(i)];
    }
    for (uint32_t i = ring_.count; i < capacity; ++i) nodes[capacity + i] = Summary{};
    for (uint32_t node = capacity - 1; node > 0; --node) join(nodes, node);
    release();
    ring_ = other;
  }

  PaneRing& ring_;
  BytePool& pool_;
};

}  // namespace omen
