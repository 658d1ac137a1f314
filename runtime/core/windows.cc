#include "runtime/core/windows.h"

#include <algorithm>
#include <new>

#include "runtime/core/operators.h"
#include "runtime/core/summaries.h"
#include "runtime/model/time.h"

namespace omen {
namespace {

using Keeps = SeriesProgram::Keeps;

constexpr uint32_t entries_limit = 16'000'000;  // blocks of a pool stay below 4 GB

int64_t ceiling(int64_t time_us, int64_t step_us) {
  const int64_t rest = time_us % step_us;
  return rest == 0 ? time_us : time_us - rest + (rest > 0 ? step_us : 0);
}

// A result in the kind of what went into it.
Value as_kind(Kind kind, const Value& number) {
  if (kind == Kind::number || number.is_missing()) return number;
  const Value integer = number.kind == Kind::number ? whole(number.number) : number;
  if (integer.kind != Kind::integer) return {};
  return kind == Kind::duration ? Value::of_duration(integer.integer) : Value::of_time(integer.integer);
}

uint32_t percent_of(Aggregate aggregate) {
  switch (aggregate) {
    case Aggregate::p50:
      return 50;
    case Aggregate::p90:
      return 90;
    case Aggregate::p95:
      return 95;
    default:
      return 99;
  }
}

}  // namespace

Windows::Windows(const Measures& measures, BytePool& pool, uint32_t entries_max)
    : measures_(measures),
      pool_(&pool),
      entries_max_(std::clamp(entries_max, 2u, entries_limit)),
      hashes_(pool, true),
      numbers_(pool, false) {
  for (uint32_t series = 0; series < measures.series.size(); ++series) {
    series_at_.push_back(bytes_);
    bytes_ += has_values(series) ? sizeof(ValueSeries) : sizeof(PaneRing);
  }
  for (const WindowProgram& window : measures.windows) {
    window_at_.push_back(bytes_);
    if (has_values(window.series)) bytes_ += sizeof(ValueWindow);
  }
}

bool Windows::has_values(uint32_t series) const {
  const Keeps keeps = measures_.series[series].keeps;
  return keeps == Keeps::different || keeps == Keeps::spread;
}

void Windows::init(std::byte* key) const { std::fill(key, key + bytes_, std::byte{0}); }

void Windows::release(std::byte* key) {
  for (size_t i = 0; i < measures_.windows.size(); ++i) {
    const uint32_t series = measures_.windows[i].series;
    if (has_values(series)) value_panes(series).release(window(key, i));
  }
  for (uint32_t series = 0; series < measures_.series.size(); ++series) {
    if (has_values(series)) {
      value_panes(series).release(values(key, series));
    } else {
      with_panes(key, series, [](auto panes) { panes.release(); });
    }
  }
}

bool Windows::takes(uint32_t series, const Value& value) const {
  const SeriesProgram& program = measures_.series[series];
  if (program.keeps == Keeps::count || program.keeps == Keeps::different) {
    return program.argument == code_none || !value.is_missing();
  }
  return value.kind == program.takes || (value.kind == Kind::integer && program.takes == Kind::number);
}

int64_t Windows::pane_end_us(int64_t time_us) const {
  return measures_.pane_us == 0 ? time_us : ceiling(time_us, measures_.pane_us);
}

uint32_t Windows::add(std::byte* key, uint32_t series, int64_t time_us, const Value& value) {
  const int64_t end_us = pane_end_us(time_us);
  uint32_t given_up = 0;
  if (has_values(series)) {
    for (ValueSeries& row = values(key, series); row.entries() >= entries_max_; ++given_up) {
      if (row.panes.count <= 1) return given_up + 1;  // this one value
      forget_oldest(key, series);
    }
    add_values(key, series, end_us, value);
    return given_up;
  }
  PaneRing& row = ring(key, series);
  if (row.count >= entries_max_ && row.newest_us() != end_us) {
    row.drop_front(1);
    ++given_up;
  }
  switch (measures_.series[series].keeps) {
    case Keeps::count:
      Panes<Count>(row, *pool_).add(end_us, {1});
      break;
    case Keeps::sum:
      Panes<Sum>(row, *pool_).add(end_us, Sum::of(value));
      break;
    case Keeps::least:
      Panes<Least>(row, *pool_).add(end_us, {value});
      break;
    default:
      Panes<Greatest>(row, *pool_).add(end_us, {value});
      break;
  }
  return given_up;
}

// A value may come after an evaluation at its own time: an event that another rule made then.
void Windows::add_values(std::byte* key, uint32_t series, int64_t end_us, const Value& value) {
  ValueSeries& row = values(key, series);
  ValuePanes& panes = value_panes(series);
  if (row.panes.count > 0 && row.pane(row.end() - 1).end_us == end_us) {
    for (size_t i = 0; i < measures_.windows.size(); ++i) {
      if (measures_.windows[i].series == series) panes.give_back_newest(row, window(key, i));
    }
  }
  panes.add(row, end_us, value);
}

void Windows::forget_oldest(std::byte* key, uint32_t series) {
  ValueSeries& row = values(key, series);
  for (size_t i = 0; i < measures_.windows.size(); ++i) {
    if (measures_.windows[i].series == series) value_panes(series).lose_oldest(row, window(key, i));
  }
  value_panes(series).forget_oldest(row);
}

void Windows::move_to(std::byte* key, int64_t time_us) {
  for (size_t i = 0; i < measures_.windows.size(); ++i) {
    const WindowProgram& program = measures_.windows[i];
    if (!has_values(program.series)) continue;
    const int64_t up_to_us = time_us - program.ago_us;
    value_panes(program.series).move(values(key, program.series), window(key, i), up_to_us - program.over_us, up_to_us);
  }
  for (uint32_t series = 0; series < measures_.series.size(); ++series) {
    const int64_t gone_us = time_us - measures_.series[series].span_us;
    if (has_values(series)) {
      ValueSeries& row = values(key, series);
      while (row.panes.count > 0 && row.pane(row.panes_gone).end_us <= gone_us) value_panes(series).forget_oldest(row);
    } else {
      PaneRing& row = ring(key, series);
      row.drop_front(row.count_up_to(gone_us));
      if (row.is_too_large()) [[unlikely]]
        with_panes(key, series, [](auto panes) { panes.shrink(); });
    }
  }
}

Value Windows::read(std::byte* key, const MeasureProgram& measure, int64_t time_us) {
  const uint32_t series = measures_.windows[measure.window].series;
  if (!has_values(series)) return read_scalar(key, measure, time_us);
  const ValueWindow& counted = window(key, measure.window);
  if (measure.aggregate == Aggregate::distinct) return Value::of_integer(counted.hashes.count);
  const Value number = numbers_.quantile(values(key, series), counted, percent_of(measure.aggregate));
  return as_kind(measures_.series[series].takes, number);
}

Value Windows::read_scalar(std::byte* key, const MeasureProgram& measure, int64_t time_us) {
  const WindowProgram& window = measures_.windows[measure.window];
  const SeriesProgram& series = measures_.series[window.series];
  PaneRing& row = ring(key, window.series);
  const int64_t up_to_us = time_us - window.ago_us, after_us = up_to_us - window.over_us;
  const Value seconds = Value::of_number(static_cast<double>(window.over_us) / us_per_second);
  switch (series.keeps) {
    case Keeps::count: {
      const Value count =
          Value::of_integer(static_cast<int64_t>(Panes<Count>(row, *pool_).sum_of(after_us, up_to_us).number));
      return measure.aggregate == Aggregate::rate ? divide(count, seconds) : count;
    }
    case Keeps::sum: {
      const Sum sum = Panes<Sum>(row, *pool_).sum_of(after_us, up_to_us);
      if (measure.aggregate == Aggregate::rate) return as_kind(series.takes, divide(sum.value(), seconds));
      if (measure.aggregate == Aggregate::sum) return as_kind(series.takes, sum.value());
      return as_kind(series.takes, divide(sum.value(), Value::of_integer(static_cast<int64_t>(sum.number))));
    }
    case Keeps::least:
      return Panes<Least>(row, *pool_).sum_of(after_us, up_to_us).best;
    default:
      return Panes<Greatest>(row, *pool_).sum_of(after_us, up_to_us).best;
  }
}

int64_t Windows::next_change_us(std::byte* key, int64_t time_us) const {
  int64_t next_us = never;
  for (size_t i = 0; i < measures_.windows.size(); ++i) {
    const WindowProgram& program = measures_.windows[i];
    const int64_t up_to_us = time_us - program.ago_us, span_us = program.ago_us + program.over_us;
    if (has_values(program.series)) {
      const ValueSeries& row = values(key, program.series);
      const ValueWindow& counted = window(key, i);
      if (counted.begin < counted.end) next_us = std::min(next_us, row.pane(counted.begin).end_us + span_us);
      if (counted.end < row.end()) next_us = std::min(next_us, row.pane(counted.end).end_us + program.ago_us);
    } else {
      const PaneRing& row = ring(key, program.series);
      const uint32_t begin = row.count_up_to(up_to_us - program.over_us), end = row.count_up_to(up_to_us);
      if (begin < end) next_us = std::min(next_us, row.end_us(begin) + span_us);
      if (end < row.count) next_us = std::min(next_us, row.end_us(end) + program.ago_us);
    }
  }
  return next_us;
}

int64_t Windows::empty_from_us(const std::byte* key) const {
  int64_t from_us = never;
  for (uint32_t series = 0; series < measures_.series.size(); ++series) {
    const std::byte* const at = key + series_at_[series];
    int64_t newest_us = 0;
    if (has_values(series)) {
      const auto& row = *reinterpret_cast<const ValueSeries*>(at);
      if (row.panes.count == 0) continue;
      newest_us = row.pane(row.end() - 1).end_us;
    } else {
      const auto& row = *reinterpret_cast<const PaneRing*>(at);
      if (row.count == 0) continue;
      newest_us = row.newest_us();
    }
    const int64_t empty_us = newest_us + measures_.series[series].span_us;
    from_us = from_us == never ? empty_us : std::max(from_us, empty_us);
  }
  return from_us;
}

uint64_t Windows::panes(const std::byte* key) const {
  uint64_t panes = 0;
  for (uint32_t series = 0; series < measures_.series.size(); ++series) {
    const std::byte* const at = key + series_at_[series];
    panes += has_values(series) ? reinterpret_cast<const ValueSeries*>(at)->panes.count
                                : reinterpret_cast<const PaneRing*>(at)->count;
  }
  return panes;
}

}  // namespace omen
