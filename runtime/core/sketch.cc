#include "runtime/core/sketch.h"

#include <algorithm>
#include <cmath>

namespace omen {
namespace {

constexpr double base = (1 + sketch_error) / (1 - sketch_error);
constexpr double least = 1e-300;
const double log_base = std::log(base);
// Of `least`: keys of positive numbers begin at 1.
const int32_t first_power = static_cast<int32_t>(std::ceil(std::log(least) / log_base));

Bucket* place_of(Buckets& buckets, int32_t key) {
  return std::lower_bound(buckets.begin(), buckets.end(), key, [](const Bucket& b, int32_t k) { return b.key < k; });
}

}  // namespace

int32_t sketch_key(double number) {
  const double size = std::abs(number);
  if (!(size >= least)) return 0;
  const int32_t key = static_cast<int32_t>(std::ceil(std::log(size) / log_base)) - first_power + 1;
  return number < 0 ? -key : key;
}

double sketch_number(int32_t key) {
  if (key == 0) return 0;
  // The bucket of power p has the numbers in (base^(p-1), base^p]; its middle is within the error of both ends.
  const double size = std::exp((std::abs(key) - 1 + first_power) * log_base) * 2 / (base + 1);
  return key < 0 ? -size : size;
}

void add_to_bucket(Buckets& buckets, BytePool& pool, int32_t key, uint32_t count) {
  Bucket* const place = place_of(buckets, key);
  if (place != buckets.end() && place->key == key) {
    place->count += count;
  } else {
    buckets.insert(pool, static_cast<uint32_t>(place - buckets.begin()), {key, count});
  }
}

void take_from_bucket(Buckets& buckets, int32_t key, uint32_t count) {
  Bucket* const place = place_of(buckets, key);
  place->count -= count;
  if (place->count == 0) buckets.erase(static_cast<uint32_t>(place - buckets.begin()));
}

double number_of_rank(const Buckets& buckets, uint64_t rank) {
  for (const Bucket& bucket : buckets) {
    if (rank <= bucket.count) return sketch_number(bucket.key);
    rank -= bucket.count;
  }
  return 0;
}

}  // namespace omen
