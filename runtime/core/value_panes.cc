#include "runtime/core/value_panes.h"

#include <algorithm>
#include <bit>

#include "runtime/core/operators.h"
#include "runtime/core/partition.h"

namespace omen {
namespace {

using Pane = ValueSeries::Pane;

double number_of(const Value& value) {
  return value.kind == Kind::number ? value.number : static_cast<double>(value.integer);
}

uint64_t mix(uint64_t word) {  // splitmix64
  word += 0x9E3779B97F4A7C15u;
  word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9u;
  word = (word ^ word >> 27) * 0x94D049BB133111EBu;
  return word ^ word >> 31;
}

// Equal values have equal hashes: an integer and a float of the same value are one.
uint64_t hash_of(const Value& value) {
  switch (value.kind) {
    case Kind::missing:
      return 0;
    case Kind::boolean:
      return mix(value.boolean ? 1 : 2);
    case Kind::number: {
      const Value integer = whole(value.number);
      const bool is_whole = integer.kind == Kind::integer && compare(integer, value) == Order::equal;
      return is_whole ? hash_of(integer) : mix(std::bit_cast<uint64_t>(value.number) ^ 0x6E);
    }
    case Kind::integer:
      return mix(static_cast<uint64_t>(value.integer) ^ 0x6900);
    case Kind::time:
      return mix(static_cast<uint64_t>(value.integer) ^ 0x7400);
    case Kind::duration:
      return mix(static_cast<uint64_t>(value.integer) ^ 0x6400);
    case Kind::text:
    case Kind::list:
    case Kind::object:
      break;
  }
  uint64_t hash = mix(static_cast<uint64_t>(value.kind) << 32 | value.size);
  const char* data = value.data;
  for (size_t left = value.size; left > 0;) {
    const size_t size = std::min<size_t>(left, 8);
    uint64_t word = 0;
    std::memcpy(&word, data, size);
    hash = mix(hash ^ word);
    data += size;
    left -= size;
  }
  return hash;
}

Bucket bucket_of(uint64_t word) { return std::bit_cast<Bucket>(word); }

bool is_sketch(const Pane& pane) { return pane.values > exact_values_max; }

}  // namespace

void ValuePanes::add(ValueSeries& series, int64_t end_us, const Value& value) {
  if (series.panes.count == 0 || series.pane(series.end() - 1).end_us != end_us) {
    if (keeps_hashes_ && series.panes.count > 0) settle(series, series.pane(series.end() - 1));
    series.panes.push(*pool_, {end_us, series.words_gone + series.words.count, 0, 0, 0});
  }
  Pane& pane = series.pane(series.end() - 1);
  if (!keeps_hashes_) {
    add_number(series, pane, number_of(value));
    return;
  }
  series.words.push(*pool_, hash_of(value));
  ++pane.words;
  if (pane.words >= 2 * pane.settled + 64) settle(series, pane);
}

// The newest pane's hashes, each once.
void ValuePanes::settle(ValueSeries& series, Pane& pane) {
  uint64_t* const begin = series.words_of(pane);
  if (pane.settled != pane.words) {
    std::sort(begin, begin + pane.words);
    pane.words = static_cast<uint32_t>(std::unique(begin, begin + pane.words) - begin);
    series.words.cut(static_cast<uint32_t>(pane.begin - series.words_gone) + pane.words);
  }
  pane.settled = pane.words;
  pane.values = pane.words;
}

void ValuePanes::add_number(ValueSeries& series, Pane& pane, double number) {
  ++pane.values;
  if (!is_sketch(pane)) {
    series.words.push(*pool_, std::bit_cast<uint64_t>(number));
    ++pane.words;
    return;
  }
  const uint32_t begin = static_cast<uint32_t>(pane.begin - series.words_gone);
  if (pane.values == exact_values_max + 1) {
    keys_.clear();
    for (uint32_t i = 0; i < pane.words; ++i) {
      keys_.push_back(sketch_key(std::bit_cast<double>(series.words[begin + i])));
    }
    std::sort(keys_.begin(), keys_.end());
    series.words.cut(begin);
    for (size_t i = 0, next = 0; i < keys_.size(); i = next) {
      while (next < keys_.size() && keys_[next] == keys_[i]) ++next;
      series.words.push(*pool_, std::bit_cast<uint64_t>(Bucket{keys_[i], static_cast<uint32_t>(next - i)}));
    }
  }
  const int32_t key = sketch_key(number);
  uint64_t* const place = std::lower_bound(series.words.begin() + begin, series.words.end(), key,
                                           [](uint64_t word, int32_t wanted) { return bucket_of(word).key < wanted; });
  if (place != series.words.end() && bucket_of(*place).key == key) {
    *place = std::bit_cast<uint64_t>(Bucket{key, bucket_of(*place).count + 1});
  } else {
    series.words.insert(*pool_, static_cast<uint32_t>(place - series.words.begin()),
                        std::bit_cast<uint64_t>(Bucket{key, 1}));
  }
  pane.words = series.words.count - begin;
}

void ValuePanes::move(ValueSeries& series, ValueWindow& window, int64_t after_us, int64_t up_to_us) {
  if (window.end < series.panes_gone) window.begin = window.end = series.panes_gone;
  while (window.end < series.end() && series.pane(window.end).end_us <= up_to_us) {
    enter(series, window, window.end++);
  }
  while (window.begin < window.end && series.pane(window.begin).end_us <= after_us) {
    leave(series, window, window.begin++);
  }
  if (keeps_hashes_ || window.is_summed_up == (window.values > exact_values_max)) return;
  if (window.is_summed_up) {
    window.buckets.release(*pool_);
    window.is_summed_up = false;
  } else {
    sum_up(series, window);
  }
}

void ValuePanes::restore(ValueSeries& series, ValueWindow& window, uint64_t begin, uint64_t end, bool is_summed_up) {
  window.begin = begin;
  window.end = end;
  window.is_summed_up = is_summed_up;
  for (uint64_t pane = begin; pane < end; ++pane) enter(series, window, pane);
}

void ValuePanes::sum_up(ValueSeries& series, ValueWindow& window) {
  window.is_summed_up = true;
  window.values = 0;
  for (uint64_t pane = window.begin; pane < window.end; ++pane) enter(series, window, pane);
}

void ValuePanes::enter(ValueSeries& series, ValueWindow& window, uint64_t number) {
  Pane& pane = series.pane(number);
  if (keeps_hashes_) settle(series, pane);
  window.values += pane.values;
  const uint64_t* const words = series.words_of(pane);
  for (uint32_t i = 0; i < pane.words && (keeps_hashes_ || window.is_summed_up); ++i) {
    if (keeps_hashes_) {
      window.hashes.add(*pool_, words[i]);
    } else if (is_sketch(pane)) {
      add_to_bucket(window.buckets, *pool_, bucket_of(words[i]).key, bucket_of(words[i]).count);
    } else {
      add_to_bucket(window.buckets, *pool_, sketch_key(std::bit_cast<double>(words[i])), 1);
    }
  }
}

void ValuePanes::leave(ValueSeries& series, ValueWindow& window, uint64_t number) {
  const Pane& pane = series.pane(number);
  window.values -= pane.values;
  const uint64_t* const words = series.words_of(pane);
  for (uint32_t i = 0; i < pane.words && (keeps_hashes_ || window.is_summed_up); ++i) {
    if (keeps_hashes_) {
      window.hashes.take(words[i]);
    } else if (is_sketch(pane)) {
      take_from_bucket(window.buckets, bucket_of(words[i]).key, bucket_of(words[i]).count);
    } else {
      take_from_bucket(window.buckets, sketch_key(std::bit_cast<double>(words[i])), 1);
    }
  }
  if (window.hashes.count == 0) window.hashes.release(*pool_);
}

void ValuePanes::give_back_newest(ValueSeries& series, ValueWindow& window) {
  if (window.end == series.end() && window.begin < window.end) leave(series, window, --window.end);
}

void ValuePanes::lose_oldest(ValueSeries& series, ValueWindow& window) {
  if (window.begin == series.panes_gone && window.begin < window.end) leave(series, window, window.begin++);
}

void ValuePanes::forget_oldest(ValueSeries& series) {
  const Pane& oldest = series.pane(series.panes_gone);
  series.words.drop_front(oldest.words);
  series.words_gone += oldest.words;
  series.panes.drop_front(1);
  ++series.panes_gone;
}

void ValuePanes::release(ValueSeries& series) {
  series.panes.release(*pool_);
  series.words.release(*pool_);
  series = {};
}

void ValuePanes::release(ValueWindow& window) {
  window.hashes.release(*pool_);
  window.buckets.release(*pool_);
  window = {};
}

Value ValuePanes::quantile(ValueSeries& series, const ValueWindow& window, uint32_t percent) {
  if (window.values == 0) return {};
  const uint64_t rank = (window.values * percent + 99) / 100;
  if (window.is_summed_up) return Value::of_number(number_of_rank(window.buckets, rank));
  numbers_.clear();
  for (uint64_t number = window.begin; number < window.end; ++number) {
    const Pane& pane = series.pane(number);
    const uint64_t* const words = series.words_of(pane);
    for (uint32_t i = 0; i < pane.words; ++i) numbers_.push_back(std::bit_cast<double>(words[i]));
  }
  const auto place = numbers_.begin() + static_cast<ptrdiff_t>(rank - 1);
  std::nth_element(numbers_.begin(), place, numbers_.end());
  return Value::of_number(*place);
}

}  // namespace omen
