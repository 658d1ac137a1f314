// Timers: the deadlines of final absences, earliest first; at one time by the start of the run, then by rule.
//
// A timer is a hint, not an owner: it names rule, partition and run, and who is woken looks whether there is still
// something due. A run has at most one live timer; when its deadline has moved meanwhile, it is set again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <tuple>
#include <vector>

#include "runtime/core/partition.h"

namespace omen {

struct Timer {
  int64_t deadline_us;
  uint64_t start_sequence;
  RuleId rule;
  PartitionId partition;
  uint32_t hash;       // of the partition's key
  uint32_t route = 0;  // by which the run started, or the key became known: one event may have several keys
};

class Timers {
 public:
  bool empty() const { return heap_.empty(); }
  size_t size() const { return heap_.size(); }
  const std::vector<Timer>& all() const { return heap_; }  // in no order
  const Timer& earliest() const { return heap_.front(); }
  void set(const Timer& timer) {
    heap_.push_back(timer);
    std::push_heap(heap_.begin(), heap_.end(), later);
  }
  void forget(std::span<const RuleId> rules) {
    const size_t gone =
        std::erase_if(heap_, [&](const Timer& timer) { return std::ranges::find(rules, timer.rule) != rules.end(); });
    if (gone > 0) std::make_heap(heap_.begin(), heap_.end(), later);
  }
  Timer take_earliest() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    const Timer timer = heap_.back();
    heap_.pop_back();
    return timer;
  }

 private:
  static bool later(const Timer& a, const Timer& b) {
    return std::tie(a.deadline_us, a.start_sequence, a.rule, a.route, a.partition) >
           std::tie(b.deadline_us, b.start_sequence, b.rule, b.route, b.partition);
  }
  std::vector<Timer> heap_;
};

}  // namespace omen
