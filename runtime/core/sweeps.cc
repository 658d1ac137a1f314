#include "runtime/core/sweeps.h"

#include <algorithm>

namespace omen {

void Sweeps::note(Noted where, int64_t until_us, int64_t clock_us) {
  until_us = std::max(until_us, clock_us);  // what can come to nothing already goes with the next sweep
  int64_t width_us = 1'000'000;
  while (width_us < (until_us - clock_us) / 32) width_us *= 2;
  int64_t end_us = 0;
  if (__builtin_add_overflow(until_us, width_us, &end_us)) end_us = time_unbounded;
  end_us -= end_us % width_us;
  if (newest_.second == nullptr || newest_.first != end_us) newest_ = {end_us, &buckets_[end_us]};
  earliest_us_ = std::min(earliest_us_, end_us);
  Bucket& bucket = *newest_.second;
  if (bucket.chunks.empty() || bucket.used == chunk_notes) {
    if (spare_.empty()) {
      bucket.chunks.push_back(std::make_unique_for_overwrite<Chunk>());
    } else {
      bucket.chunks.push_back(std::move(spare_.back()));
      spare_.pop_back();
    }
    bucket.used = 0;
  }
  (*bucket.chunks.back())[bucket.used++] = where;
  ++noted_;
}

Noted Sweeps::take() {
  Bucket& bucket = buckets_.begin()->second;
  const Noted where = (*bucket.chunks.back())[--bucket.used];
  if (bucket.used > 0) return where;
  if (spare_.size() < spare_max) spare_.push_back(std::move(bucket.chunks.back()));
  bucket.chunks.pop_back();
  bucket.used = chunk_notes;
  if (!bucket.chunks.empty()) return where;
  if (newest_.second == &bucket) newest_.second = nullptr;
  buckets_.erase(buckets_.begin());
  earliest_us_ = buckets_.empty() ? std::numeric_limits<int64_t>::max() : buckets_.begin()->first;
  return where;
}

}  // namespace omen
