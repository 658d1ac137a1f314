// Sketch: the quantiles of many numbers, each within 1 % of the true value.
//
// DDSketch (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees",
// VLDB 2019): a number falls into the bucket of its logarithm to the base 101/99, negative ones mirrored, and a
// quantile is the middle of the bucket in which its rank falls. Two sketches are merged by adding the counts of their
// buckets, and taken apart by subtracting them. Buckets without a number do not exist. Numbers nearer to 0 than 1e-300
// count as 0.
//
// MEMORY: 8 bytes a bucket; numbers from 1 ms to 1 day, say, fall into at most 914 of them.
#pragma once

#include <cstdint>

#include "runtime/core/pool_queue.h"

namespace omen {

inline constexpr double sketch_error = 0.01;

// Negative numbers have keys below 0, and keys rise with the numbers.
int32_t sketch_key(double number);
double sketch_number(int32_t key);

struct Bucket {
  int32_t key;
  uint32_t count;
};
using Buckets = PoolQueue<Bucket>;  // by key

void add_to_bucket(Buckets& buckets, BytePool& pool, int32_t key, uint32_t count);
void take_from_bucket(Buckets& buckets, int32_t key, uint32_t count);
// The number of this rank, from 1.
double number_of_rank(const Buckets& buckets, uint64_t rank);

}  // namespace omen
