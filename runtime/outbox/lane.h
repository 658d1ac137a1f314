// Lane: the way to one destination: its queue, and when the next attempt may begin. Pure: the caller has the clock.
//
//   concurrency   so many attempts at a time
//   pace          attempts begin at least an interval apart
//   pause         a receiver that said Retry-After is left alone until then
//   breaker       closed: goes on. After 5 failures in a row open: nothing begins for 5 s, then half-open: one attempt
//                 as a probe. It succeeds: closed. It fails: open again for twice as long, 5 min at most.
//
// A refusal of one message says nothing of the destination: only what may work later counts as a failure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>

#include "runtime/outbox/message.h"

namespace omen {

class Lane {
 public:
  Lane(uint32_t concurrency, int64_t interval_us) : concurrency_(concurrency), interval_us_(interval_us) {}

  void push(Message message) {
    queued_bytes_ += message.bytes();
    queue_.push_back(std::move(message));
  }
  // The next message when it may be tried now. The attempt ends with finish().
  std::optional<Message> take(int64_t now_us);
  void finish(const Attempt& attempt, int64_t now_us);
  // When take() will have one, if nothing else happens; nothing: only after a push() or a finish().
  std::optional<int64_t> ready_us() const;
  // Everything that has not begun.
  std::deque<Message> drain() {
    queued_bytes_ = 0;
    return std::exchange(queue_, {});
  }

  size_t queued() const { return queue_.size(); }
  uint64_t queued_bytes() const { return queued_bytes_; }
  uint32_t active() const { return active_; }
  bool is_open() const { return failures_ >= failures_max; }

 private:
  static constexpr uint32_t failures_max = 5;
  static constexpr int64_t open_min_us = 5'000'000, open_max_us = 300'000'000;

  const uint32_t concurrency_;
  const int64_t interval_us_;
  std::deque<Message> queue_;
  uint64_t queued_bytes_ = 0;
  uint32_t active_ = 0;
  uint32_t failures_ = 0;        // in a row
  int64_t open_us_ = 0;          // how long it is open this time
  int64_t next_us_ = INT64_MIN;  // not before: pace, pause, breaker
};

}  // namespace omen
