#include "runtime/outbox/lane.h"

#include <algorithm>

#include "runtime/outbox/retry.h"

namespace omen {

std::optional<int64_t> Lane::ready_us() const {
  const uint32_t limit = is_open() ? 1 : concurrency_;
  if (queue_.empty() || active_ >= limit) return std::nullopt;
  return next_us_;
}

std::optional<Message> Lane::take(int64_t now_us) {
  const auto ready = ready_us();
  if (!ready || *ready > now_us) return std::nullopt;
  ++active_;
  if (interval_us_ > 0) next_us_ = now_us + interval_us_;
  std::optional<Message> message = std::move(queue_.front());
  queued_bytes_ -= message->bytes();
  queue_.pop_front();
  return message;
}

void Lane::finish(const Attempt& attempt, int64_t now_us) {
  --active_;
  if (attempt.verdict == Verdict::returned) return;
  if (attempt.retry_after_us > 0 && attempt.verdict != Verdict::delivered) {
    next_us_ = std::max(next_us_, now_us + std::min(attempt.retry_after_us, retry_after_max_us));
  }
  if (attempt.verdict != Verdict::retry) {  // it answers
    failures_ = 0;
    open_us_ = 0;
    return;
  }
  const bool was_open = is_open();
  failures_ = std::min(failures_ + 1, failures_max);
  if (!is_open()) return;
  // Attempts that were under way when it opened tell nothing new.
  if (was_open && now_us < next_us_) return;
  open_us_ = std::clamp(open_us_ * 2, open_min_us, open_max_us);
  next_us_ = std::max(next_us_, now_us + open_us_);
}

}  // namespace omen
