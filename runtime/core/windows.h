// Windows: what one measure rule has counted for one key, and what its measures are at a time.
//
// Each series of the rule is a row of panes. With `every` all edges of windows fall on multiples of Measures::pane_us,
// and so do those of panes: an event counts in the pane (end - pane_us, end], so the state of a key is bounded by the
// panes in its longest span, however many events come. Without `every` each moment at which an event counted is a pane,
// and the half-open windows are exact at every time.
//
//   count sum least greatest   trees of summaries (panes.h), asked for any stretch
//   different spread           values and windows that move over them (value_panes.h)
//
// A key's state is one block: its series, then its windows over values.
//
// INVARIANT: what is read at t depends on the values added at or before t alone, as long as no limit is met.
// NOT HERE: when that is asked, and what comes of it (measure).
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/core/panes.h"
#include "runtime/core/summaries.h"
#include "runtime/core/value_panes.h"
#include "runtime/model/measures.h"

namespace omen {

class StateReader;
class StateWriter;

class Windows {
 public:
  static constexpr int64_t never = INT64_MAX;

  // At most `entries_max` panes and values in a series of a key: beyond it the oldest pane goes early.
  Windows(const Measures& measures, BytePool& pool, uint32_t entries_max);

  uint32_t bytes() const { return bytes_; }  // of a key's block
  void init(std::byte* key) const;
  void release(std::byte* key);

  // Whether the series takes this value of its argument. Missing stands for none at all.
  bool takes(uint32_t series, const Value& value) const;
  // Returns how many panes (or values) were given up for it.
  uint32_t add(std::byte* key, uint32_t series, int64_t time_us, const Value& value);
  // Every window becomes what it is at the time; what none needs any more goes.
  void move_to(std::byte* key, int64_t time_us);
  // At the time that they were moved to.
  Value read(std::byte* key, const MeasureProgram& measure, int64_t time_us);

  // When something next enters or leaves a window after the time that they were moved to.
  int64_t next_change_us(std::byte* key, int64_t time_us) const;
  // From when on everything counted has left the windows that it can stand in; `never` when there is nothing.
  int64_t empty_from_us(const std::byte* key) const;
  uint64_t panes(const std::byte* key) const;

  // What a key's windows have, as bytes, and back into those of a key that are empty (state_writer.h).
  void save(StateWriter& out, const std::byte* key) const;
  void load(StateReader& in, std::byte* key);

 private:
  bool has_values(uint32_t series) const;
  // Calls with the trees of a series that keeps no values.
  template <typename Visit>
  void with_panes(std::byte* key, uint32_t series, Visit visit) const {
    PaneRing& row = ring(key, series);
    switch (measures_.series[series].keeps) {
      case SeriesProgram::Keeps::count:
        return visit(Panes<Count>(row, *pool_));
      case SeriesProgram::Keeps::sum:
        return visit(Panes<Sum>(row, *pool_));
      case SeriesProgram::Keeps::least:
        return visit(Panes<Least>(row, *pool_));
      default:
        return visit(Panes<Greatest>(row, *pool_));
    }
  }
  int64_t pane_end_us(int64_t time_us) const;
  PaneRing& ring(std::byte* key, uint32_t series) const {
    return *reinterpret_cast<PaneRing*>(key + series_at_[series]);
  }
  ValueSeries& values(std::byte* key, uint32_t series) const {
    return *reinterpret_cast<ValueSeries*>(key + series_at_[series]);
  }
  ValueWindow& window(std::byte* key, size_t window) const {
    return *reinterpret_cast<ValueWindow*>(key + window_at_[window]);
  }
  ValuePanes& value_panes(uint32_t series) {
    return measures_.series[series].keeps == SeriesProgram::Keeps::different ? hashes_ : numbers_;
  }
  void add_values(std::byte* key, uint32_t series, int64_t end_us, const Value& value);
  void forget_oldest(std::byte* key, uint32_t series);
  Value read_scalar(std::byte* key, const MeasureProgram& measure, int64_t time_us);

  const Measures& measures_;
  BytePool* pool_;
  uint32_t entries_max_;
  ValuePanes hashes_, numbers_;
  std::vector<uint32_t> series_at_;  // of each in the block
  std::vector<uint32_t> window_at_;  // of those over values
  uint32_t bytes_ = 0;
};

}  // namespace omen
