#include "runtime/serve/intake.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace omen {

size_t Batch::bytes() const {
  size_t sum = events.size();
  for (const RejectedPiece& piece : rejected) sum += sizeof(RejectedPiece) + piece.bytes.size();
  return sum;
}

Intake::Answer Intake::offer(Batch&& batch) {
  {
    const std::lock_guard lock(mutex_);
    if (is_closed_) return Answer::closing;
    if (!has_room(batch.bytes())) {
      ++counters_.refused;
      return Answer::full;
    }
    ++counters_.batches;
    counters_.events += batch.count;
    counters_.bytes += batch.bytes();
    waiting_bytes_ += batch.bytes();
    counters_.bytes_peak = std::max<uint64_t>(counters_.bytes_peak, waiting_bytes_);
    waiting_.push_back(std::move(batch));
  }
  come_.notify_one();
  return Answer::taken;
}

bool Intake::refuses(size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (is_closed_ || has_room(bytes)) return false;
  ++counters_.refused;
  return true;
}

void Intake::when_room(size_t bytes, std::function<void()> call) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_closed_ && !has_room(bytes)) {
      for_room_.push_back({bytes, std::move(call)});
      return;
    }
  }
  call();
}

bool Intake::take(std::vector<Batch>& out, TimePoint deadline, size_t bytes_max) {
  std::vector<Waiter> to_call;
  bool has_more = true;
  {
    std::unique_lock lock(mutex_);
    come_.wait_until(lock, deadline, [&] { return !waiting_.empty() || is_woken_ || is_closed_; });
    is_woken_ = false;
    size_t taken_bytes = 0;
    while (!waiting_.empty() && (taken_bytes == 0 || taken_bytes + waiting_.front().bytes() <= bytes_max)) {
      taken_bytes += std::max<size_t>(waiting_.front().bytes(), 1);
      waiting_bytes_ -= waiting_.front().bytes();
      out.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    const auto first = std::stable_partition(for_room_.begin(), for_room_.end(),
                                             [&](const Waiter& waiter) { return !has_room(waiter.bytes); });
    std::move(first, for_room_.end(), std::back_inserter(to_call));
    for_room_.erase(first, for_room_.end());
    has_more = taken_bytes > 0 || !is_closed_;
  }
  for (const Waiter& waiter : to_call) waiter.call();
  return has_more;
}

void Intake::wake() {
  {
    const std::lock_guard lock(mutex_);
    is_woken_ = true;
  }
  come_.notify_one();
}

void Intake::close() {
  std::vector<Waiter> to_call;
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    to_call.swap(for_room_);
  }
  come_.notify_one();
  for (const Waiter& waiter : to_call) waiter.call();
}

IntakeCounters Intake::counters() const {
  const std::lock_guard lock(mutex_);
  IntakeCounters counters = counters_;
  counters.waiting_batches = waiting_.size();
  counters.waiting_bytes = waiting_bytes_;
  return counters;
}

bool Intake::is_closing() const {
  const std::lock_guard lock(mutex_);
  return is_closed_;
}

}  // namespace omen
