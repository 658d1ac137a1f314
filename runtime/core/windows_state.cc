// What the windows of a key have counted, as bytes (state_writer.h): of each series its panes, then of each window over
// values which panes stand in it.
//
// A sum of floats hangs on where its panes stand in their tree, so their places are kept; what is above them is added
// up again, and so is what windows over values have together.
#include <bit>
#include <cmath>
#include <utility>

#include "runtime/core/state_reader.h"
#include "runtime/core/state_writer.h"
#include "runtime/core/windows.h"

namespace omen {

namespace {

using Keeps = SeriesProgram::Keeps;

constexpr int64_t sum_high_max = int64_t{1} << 38;  // far from where adding up overflows
constexpr uint64_t room_max = 1u << 24;             // panes: a block of a pool stays below 4 GB

// ---- summaries ----

void save_scalar(StateWriter& out, const Value& value) {
  out.byte(static_cast<uint8_t>(value.kind));
  value.kind == Kind::number ? out.real(value.number) : out.signed_number(value.integer);
}

Value load_scalar(StateReader& in, Kind takes) {
  const auto kind = static_cast<Kind>(in.byte());
  in.check(kind == takes || (kind == Kind::integer && takes == Kind::number), "a pane has a value of another kind");
  Value value;
  value.kind = kind;
  if (kind == Kind::number) {
    value.number = in.real();
  } else {
    value.integer = in.signed_number();
  }
  return value;
}

void save_summary(StateWriter& out, const Count& count) { out.number(count.number); }
void save_summary(StateWriter& out, const Sum& sum) {
  out.signed_number(static_cast<int64_t>(sum.integers >> 64));
  out.signed_number(static_cast<int64_t>(static_cast<uint64_t>(sum.integers)));
  out.real(sum.floats);
  out.number(sum.number);
}
template <Order wanted>
void save_summary(StateWriter& out, const Extreme<wanted>& extreme) {
  save_scalar(out, extreme.best);
}

void load_summary(StateReader& in, Kind, Count& count) { count.number = in.number_up_to(INT64_MAX); }
void load_summary(StateReader& in, Kind, Sum& sum) {
  const int64_t high = in.signed_number();
  in.check(high >= -sum_high_max && high <= sum_high_max, "a sum is out of range");
  sum.integers =
      (static_cast<Wide>(in.is_ok() ? high : 0) * (Wide{1} << 64)) + static_cast<uint64_t>(in.signed_number());
  sum.floats = in.real();
  sum.number = in.number_up_to(INT64_MAX);
}
template <Order wanted>
void load_summary(StateReader& in, Kind takes, Extreme<wanted>& extreme) {
  extreme.best = load_scalar(in, takes);
}

// Each later than the one before.
class PaneEnds {
 public:
  explicit PaneEnds(StateReader& in) : in_(in) {}
  int64_t next() {
    const int64_t end_us = in_.time();
    in_.check(end_us > last_us_, "panes are not in order");
    return last_us_ = end_us;
  }

 private:
  StateReader& in_;
  int64_t last_us_ = INT64_MIN;
};

template <typename Summary>
void save_panes(StateWriter& out, const PaneRing& row, const Panes<Summary>& panes) {
  out.number(row.capacity);
  out.number(row.first);
  out.number(row.count);
  for (uint32_t i = 0; i < row.count; ++i) {
    out.time(row.end_us(i));
    save_summary(out, panes.summary(i));
  }
}

template <typename Summary>
void load_panes(StateReader& in, Kind takes, Panes<Summary>& panes) {
  PaneRing room{};
  room.capacity = static_cast<uint32_t>(in.number_up_to(room_max));
  room.first = static_cast<uint32_t>(in.number());
  constexpr uint64_t least_pane_bytes = 2;
  room.count = static_cast<uint32_t>(in.count(least_pane_bytes));
  in.check(room.capacity == 0 || std::has_single_bit(room.capacity), "a series has no such room");
  in.check(room.count <= room.capacity && room.first <= room.capacity && !room.is_too_large() && room.capacity != 1,
           "a series has no such room");
  in.check(room.first < room.capacity || room.first == 0, "a series begins outside of its room");
  if (!in.is_ok()) return;
  PaneEnds ends(in);
  panes.restore(room.capacity, room.first, room.count, [&] {
    std::pair<int64_t, Summary> pane;
    pane.first = ends.next();
    load_summary(in, takes, pane.second);
    return pane;
  });
}

// ---- values ----

void save_values(StateWriter& out, const ValueSeries& series) {
  out.number(series.panes.count);
  for (const ValueSeries::Pane& pane : series.panes) {
    out.time(pane.end_us);
    out.number(pane.values);
    out.number(pane.words);
    out.number(pane.settled);
  }
  for (uint64_t word : series.words) out.fixed(word);
}

// What sketches and multisets take away must have been put in.
bool is_pane_right(const ValueSeries& series, const ValueSeries::Pane& pane, Keeps keeps) {
  const uint64_t* const words = series.words_of(pane);
  if (keeps == Keeps::different) return pane.values == pane.settled && pane.settled <= pane.words;
  if (pane.settled != 0) return false;
  if (pane.values <= exact_values_max) {
    return pane.words == pane.values && std::all_of(words, words + pane.words, [](uint64_t word) {
             return std::isfinite(std::bit_cast<double>(word));
           });
  }
  uint64_t sum = 0;
  for (uint32_t i = 0; i < pane.words; ++i) {
    const auto bucket = std::bit_cast<Bucket>(words[i]);
    if (bucket.count == 0 || (i > 0 && bucket.key <= std::bit_cast<Bucket>(words[i - 1]).key)) return false;
    sum += bucket.count;
  }
  return sum == pane.values;
}

void load_values(StateReader& in, Keeps keeps, BytePool& pool, ValueSeries& series) {
  constexpr uint64_t least_pane_bytes = 4;
  PaneEnds ends(in);
  uint64_t words = 0, values = 0;
  for (uint64_t left = in.count(least_pane_bytes); left > 0 && in.is_ok(); --left) {
    ValueSeries::Pane pane{};
    pane.end_us = ends.next();
    pane.begin = words;
    pane.values = in.number_up_to(UINT32_MAX);
    pane.words = static_cast<uint32_t>(in.number_up_to(UINT32_MAX));
    pane.settled = static_cast<uint32_t>(in.number_up_to(UINT32_MAX));
    words += pane.words;
    values += pane.values;
    in.check(words <= room_max && values <= UINT32_MAX, "a series has too many values");
    series.panes.push(pool, pane);
  }
  for (; words > 0 && in.is_ok(); --words) series.words.push(pool, in.fixed());
  if (!in.is_ok()) return;
  for (const ValueSeries::Pane& pane : series.panes) {
    in.check(is_pane_right(series, pane, keeps), "a pane has other values than it says");
  }
}

}  // namespace

void Windows::save(StateWriter& out, const std::byte* block) const {
  auto* const key = const_cast<std::byte*>(block);
  for (uint32_t series = 0; series < measures_.series.size(); ++series) {
    if (has_values(series)) {
      save_values(out, values(key, series));
    } else {
      with_panes(key, series, [&](auto panes) { save_panes(out, ring(key, series), panes); });
    }
  }
  for (size_t i = 0; i < measures_.windows.size(); ++i) {
    const uint32_t series = measures_.windows[i].series;
    if (!has_values(series)) continue;
    const ValueWindow& counted = window(key, i);
    const uint64_t gone = values(key, series).panes_gone;
    out.number(counted.begin < gone ? 0 : counted.begin - gone);
    out.number(counted.end < gone ? 0 : counted.end - gone);
    out.byte(counted.is_summed_up ? 1 : 0);
  }
}

void Windows::load(StateReader& in, std::byte* key) {
  for (uint32_t series = 0; series < measures_.series.size(); ++series) {
    const SeriesProgram& program = measures_.series[series];
    if (has_values(series)) {
      load_values(in, program.keeps, *pool_, values(key, series));
    } else {
      with_panes(key, series, [&](auto panes) { load_panes(in, program.takes, panes); });
    }
  }
  for (size_t i = 0; i < measures_.windows.size() && in.is_ok(); ++i) {
    const uint32_t series = measures_.windows[i].series;
    if (!has_values(series)) continue;
    ValueSeries& row = values(key, series);
    const uint64_t begin = in.number_up_to(row.end()), end = in.number_up_to(row.end());
    const bool is_summed_up = in.flag();
    in.check(begin <= end && !(is_summed_up && measures_.series[series].keeps == Keeps::different),
             "a window has no such panes");
    if (in.is_ok()) value_panes(series).restore(row, window(key, i), begin, end, is_summed_up);
  }
}

}  // namespace omen
