// Sweeps: when to look at a rule state again that nothing may come of any more.
//
// Notes stand in buckets of the time at which their state should be dead by then. Buckets grow with the distance, so
// that there are few of them and none is early. A bucket is a list of chunks: it grows without moving what is in it.
//
// All states of a bucket are due at once, a hundred thousand perhaps, and each takes a look into memory that is far:
// swept as fast as events allow they hold up a stream for as long as they take together. So sweeps have an allowance:
// each note pays for a look and a fifth of one, and 20 microseconds of the stream for one, within a limit for each
// call. What is noted steadily is swept steadily; of what a burst has left some goes with each event, and the rest with
// the next burst.
//
// NOT HERE: what a sweep frees (engine_lifetime).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
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
  // Returns the tag of the note, 1 to 63, which its state keeps. A state goes when it has matched, and its note stays;
  // the next one of the rule and key has its own. By the tag the sweep knows a note of a state before, and lets it go:
  // else each such note would stay as long as there is any state. One bucket in 63 has the tag of another by chance:
  // then a note stays once more, and the other one goes.
  uint32_t note(Noted where, int64_t until_us, int64_t clock_us);

  bool is_due(int64_t clock_us) const { return earliest_us_ < clock_us; }
  // Nothing is due: what has been paid is lost.
  void pass(int64_t clock_us) {
    noted_ = 0;
    paid_until_us_ = clock_us;
  }
  // How many may be looked at now: of those that the time pays for, `states_max` at most. What is not used is lost.
  size_t take_allowance(int64_t clock_us, size_t states_max) {
    const uint64_t passed_us = static_cast<uint64_t>(clock_us) - static_cast<uint64_t>(paid_until_us_);
    paid_until_us_ = clock_us;
    credit_us_ += std::min<uint64_t>(passed_us, states_max * look_us) + std::exchange(noted_, 0) * note_us;
    const size_t states = credit_us_ / look_us;
    credit_us_ %= look_us;
    return states;
  }
  // Takes one of the earliest bucket; and that bucket's tag.
  Noted take();
  uint32_t next_tag() const { return tag_of(earliest_us_); }
  // Takes those of all rules, or lists, that are over: a later state of the same number would be taken for theirs.
  // Reads all notes, which stand side by side.
  std::vector<Noted> take_of(const std::vector<bool>& is_over);
  size_t size() const;  // of all notes; for tests
  // The one that take() will give after `ahead` others, fewer than ahead_max; nullptr when it is in another chunk. With
  // it, a place for what is found of it until then: what stands there at first means nothing.
  static constexpr uint32_t ahead_max = 16;
  struct Coming {
    const Noted* note;
    RuleStateId* found;
  };
  Coming coming(uint32_t ahead) {
    const Bucket& bucket = buckets_.begin()->second;
    if (ahead >= bucket.used) return {nullptr, nullptr};
    const uint32_t at = bucket.used - 1 - ahead;
    return {&(*bucket.chunks.back())[at], &found_[at % ahead_max]};
  }

 private:
  static constexpr uint32_t chunk_notes = 1024;
  static constexpr size_t spare_max = 64;
  static uint32_t tag_of(int64_t end_us) {
    return 1 + static_cast<uint32_t>((static_cast<uint64_t>(end_us) * 0x9e3779b97f4a7c15u) >> 32) % 63;
  }
  using Chunk = std::array<Noted, chunk_notes>;
  struct Bucket {
    std::vector<std::unique_ptr<Chunk>> chunks;  // all full but the last
    uint32_t used = 0;                           // of the last
  };
  std::map<int64_t, Bucket> buckets_;                          // by their end
  int64_t earliest_us_ = std::numeric_limits<int64_t>::max();  // that of the first
  std::pair<int64_t, Bucket*> newest_{0, nullptr};             // the one that was noted in: mostly the next one, too
  std::vector<std::unique_ptr<Chunk>> spare_;
  std::array<RuleStateId, ahead_max> found_{};
  // What a look costs, and a note pays, in time of the stream.
  static constexpr uint64_t look_us = 20, note_us = 24;
  uint64_t noted_ = 0;  // since the last allowance
  uint64_t credit_us_ = 0;
  int64_t paid_until_us_ = std::numeric_limits<int64_t>::min();
};

}  // namespace omen
