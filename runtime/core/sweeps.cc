#include "runtime/core/sweeps.h"

#include <algorithm>

namespace omen {

uint32_t Sweeps::note(Noted where, int64_t until_us, int64_t clock_us) {
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
  return tag_of(end_us);
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

std::vector<Noted> Sweeps::take_of(const std::vector<bool>& is_over) {
  std::vector<Noted> taken;
  for (auto at = buckets_.begin(); at != buckets_.end();) {
    Bucket& bucket = at->second;
    const size_t count = (bucket.chunks.size() - 1) * chunk_notes + bucket.used;
    size_t kept = 0;
    for (size_t i = 0; i < count; ++i) {
      const Noted note = (*bucket.chunks[i / chunk_notes])[i % chunk_notes];
      if (is_over[note.rule]) {
        taken.push_back(note);
      } else {
        (*bucket.chunks[kept / chunk_notes])[kept % chunk_notes] = note;
        ++kept;
      }
    }
    if (kept == 0) {
      at = buckets_.erase(at);
      continue;
    }
    bucket.chunks.resize((kept + chunk_notes - 1) / chunk_notes);
    bucket.used = static_cast<uint32_t>(kept - (bucket.chunks.size() - 1) * chunk_notes);
    ++at;
  }
  newest_.second = nullptr;
  earliest_us_ = buckets_.empty() ? std::numeric_limits<int64_t>::max() : buckets_.begin()->first;
  return taken;
}

size_t Sweeps::size() const {
  size_t sum = 0;
  for (const auto& [end_us, bucket] : buckets_) sum += (bucket.chunks.size() - 1) * chunk_notes + bucket.used;
  return sum;
}

}  // namespace omen
