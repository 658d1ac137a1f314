#include "runtime/serve/beside.h"

#include <utility>

#include "runtime/io/turns.h"

namespace omen {

Beside::~Beside() {
  {
    const std::scoped_lock lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Beside::begin(std::function<Status()> work) {
  OMEN_ASSERT(!is_under_way_);
  is_under_way_ = true;
  {
    const std::scoped_lock lock(mutex_);
    work_ = std::move(work);
    if (manner_ == Manner::at_once) result_ = work_();
  }
  if (manner_ != Manner::thread) return;
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_all();
}

std::optional<Status> Beside::take() {
  if (!result_) return std::nullopt;
  is_under_way_ = false;
  work_ = nullptr;
  return std::exchange(result_, std::nullopt);
}

std::optional<Status> Beside::ended() {
  if (!is_under_way_) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  if (manner_ == Manner::later) result_ = work_();
  return take();
}

std::optional<Status> Beside::wait() {
  if (!is_under_way_) return std::nullopt;
  std::unique_lock lock(mutex_);
  if (manner_ == Manner::later) result_ = work_();
  changed_.wait(lock, [this] { return result_.has_value(); });
  return take();
}

void Beside::run() {
  stand_back();
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_over_ || (work_ != nullptr && !result_); });
    if (work_ == nullptr || result_) return;
    lock.unlock();
    Status result = work_();
    lock.lock();
    result_ = std::move(result);
    lock.unlock();
    changed_.notify_all();
    wake_();
    lock.lock();
  }
}

}  // namespace omen
