// Forest index: of a forest where more matches complete at one moment than are reported, what finds the first of them,
// and how many there are, without looking at every entry of the window.
//
//   counts   the partial matches of each state, as `--count` has them (window_count.h)
//   lines    for each way of the automaton the entries that were made by it, oldest first: what lengthens an entry is
//            found by halving
//
// It is made of the entries when it is first needed, and goes when none was needed for as long as the window: a key
// that never has so many pays nothing.
//
// NOT HERE: the walk (forest_matches.cc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/core/window_count.h"

namespace omen {

class ForestIndex {
 public:
  // The entries of one way, by number, from `begin` on.
  struct Line {
    std::vector<uint64_t> ids;
    size_t begin = 0;
    // The first behind the entry; ids.size() when there is none.
    size_t behind(uint64_t id) const;
  };

  void open(std::span<const WindowCount::Move> moves, uint32_t states, bool has_window);
  // An entry was made; those before `begin` are gone.
  void add(uint8_t way, uint64_t id, uint64_t begin);
  const Line& line(uint8_t way) const { return lines_[way]; }
  WindowCount& counts() { return counts_; }
  const WindowCount& counts() const { return counts_; }
  void note_used(uint64_t end) { used_at_ = end; }
  // It has not been needed since an entry that is gone.
  bool is_idle(uint64_t begin) const { return used_at_ <= begin; }
  // What it takes, as was last noted; returns how much more that is than before.
  uint64_t note_bytes(uint64_t bytes) { return bytes - std::exchange(noted_bytes_, bytes); }

 private:
  WindowCount counts_;
  std::vector<Line> lines_;  // by way
  uint64_t used_at_ = 0, noted_bytes_ = 0;
};

// Of all keys, by number; what is given back is used again.
class ForestIndexes {
 public:
  uint32_t take();
  void give(uint32_t id) { free_.push_back(id); }
  ForestIndex& at(uint32_t id) { return *all_[id]; }
  const ForestIndex& at(uint32_t id) const { return *all_[id]; }

 private:
  std::vector<std::unique_ptr<ForestIndex>> all_;
  std::vector<uint32_t> free_;
};

}  // namespace omen
