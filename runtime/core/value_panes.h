// Value panes: a series that keeps its values, for `distinct` and the quantiles, and the windows over it.
//
// The values of a pane stand side by side in one row of words, pane behind pane:
//
//   different   the hash of each value, each once
//   spread      the numbers; more than 1,000 of them in one pane become the buckets of a sketch: a window of whole
//   panes
//               that has such a pane is beyond 1,000 values anyhow, for which a sketch is allowed
//
// A window remembers which panes stand in it, and what they have together: pane by pane is added as it enters and taken
// away as it leaves. Of numbers nothing is added up while they are few; their quantiles are read off the panes.
//
// Hashes have 64 bits: a thousand million different values collide with a probability of 3 %.
// NOT HERE: when a window moves (measure), summaries that need no values (panes).
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/core/multiset.h"
#include "runtime/core/pool_queue.h"
#include "runtime/core/sketch.h"
#include "runtime/model/value.h"

namespace omen {

inline constexpr uint32_t exact_values_max = 1000;  // the most of which a quantile is exact

// Plain; all zero is empty. Panes and words are numbered from the first there ever was.
struct ValueSeries {
  struct Pane {
    int64_t end_us;
    uint64_t begin;   // word
    uint64_t values;  // in spread: more than exact_values_max are kept in buckets
    uint32_t words;
    uint32_t settled;  // different: so many words are sorted, each once
  };
  PoolQueue<Pane> panes;
  PoolQueue<uint64_t> words;
  uint64_t panes_gone, words_gone;

  uint64_t end() const { return panes_gone + panes.count; }
  Pane& pane(uint64_t number) { return panes[static_cast<uint32_t>(number - panes_gone)]; }
  const Pane& pane(uint64_t number) const { return panes[static_cast<uint32_t>(number - panes_gone)]; }
  const uint64_t* words_of(const Pane& pane) const { return words.begin() + (pane.begin - words_gone); }
  uint64_t* words_of(const Pane& pane) { return words.begin() + (pane.begin - words_gone); }
  uint64_t entries() const { return panes.count + uint64_t{words.count}; }
};

struct ValueWindow {
  uint64_t begin, end;  // the panes in it
  uint64_t values;
  bool is_summed_up;  // spread: the buckets have all of them
  Multiset hashes;    // different
  Buckets buckets;    // spread
};

class ValuePanes {
 public:
  ValuePanes(BytePool& pool, bool keeps_hashes) : pool_(&pool), keeps_hashes_(keeps_hashes) {}

  // The pane ends at `end_us`, which is not before that of the newest; no window has it.
  void add(ValueSeries& series, int64_t end_us, const Value& value);
  // The window becomes (after, up_to].
  void move(ValueSeries& series, ValueWindow& window, int64_t after_us, int64_t up_to_us);
  // A window that has the newest pane gives it back: more comes into it.
  void give_back_newest(ValueSeries& series, ValueWindow& window);
  // The oldest pane leaves a window early.
  void lose_oldest(ValueSeries& series, ValueWindow& window);
  // The oldest pane, which no window has, goes.
  void forget_oldest(ValueSeries& series);
  void release(ValueSeries& series);
  void release(ValueWindow& window);

  // What was saved of the series: the window becomes the panes [begin, end).
  void restore(ValueSeries& series, ValueWindow& window, uint64_t begin, uint64_t end, bool is_summed_up);

  // By nearest rank: the least of which `percent` of the values are not above it. Missing for none.
  Value quantile(ValueSeries& series, const ValueWindow& window, uint32_t percent);

 private:
  void settle(ValueSeries& series, ValueSeries::Pane& pane);
  void add_number(ValueSeries& series, ValueSeries::Pane& pane, double number);
  void enter(ValueSeries& series, ValueWindow& window, uint64_t pane);
  void leave(ValueSeries& series, ValueWindow& window, uint64_t pane);
  void sum_up(ValueSeries& series, ValueWindow& window);

  BytePool* pool_;
  bool keeps_hashes_;
  std::vector<double> numbers_;  // of a window, to find a rank
  std::vector<int32_t> keys_;    // of a pane that becomes a sketch
};

}  // namespace omen
