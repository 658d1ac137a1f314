// Sweeps: when to look at a rule state again that nothing may come of any more.
//
// Notes stand in buckets of the time at which their state should be dead by then. Buckets grow with the distance, so
// that there are few of them and none is early. A bucket is a list of chunks: it grows without moving what is in it.
//
// NOT HERE: what a sweep frees (engine_lifetime).
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "runtime/core/partition.h"
#include "runtime/model/program.h"

namespace omen {

// Where a rule state is, or was.
struct Noted {
  PartitionId partition;
  uint32_t hash;
  RuleId rule;
};

class Sweeps {
 public:
  void note(const Noted& where, int64_t until_us, int64_t clock_us);

  bool is_due(int64_t clock_us) const { return !buckets_.empty() && buckets_.begin()->first < clock_us; }
  // How many were noted since the last time.
  size_t take_noted() { return std::exchange(noted_, 0); }
  // Takes one of the earliest bucket.
  Noted take();
  // The one that take() will give after `ahead` others; nullptr when it is in another chunk.
  const Noted* coming(uint32_t ahead) const {
    const Bucket& bucket = buckets_.begin()->second;
    return ahead < bucket.used ? &(*bucket.chunks.back())[bucket.used - 1 - ahead] : nullptr;
  }

 private:
  static constexpr uint32_t chunk_notes = 1024;
  static constexpr size_t spare_max = 64;
  using Chunk = std::array<Noted, chunk_notes>;
  struct Bucket {
    std::vector<std::unique_ptr<Chunk>> chunks;  // all full but the last
    uint32_t used = 0;                           // of the last
  };
  std::map<int64_t, Bucket> buckets_;               // by their end
  std::pair<int64_t, Bucket*> newest_{0, nullptr};  // the one that was noted in: mostly the next one, too
  std::vector<std::unique_ptr<Chunk>> spare_;
  size_t noted_ = 0;
};

}  // namespace omen
