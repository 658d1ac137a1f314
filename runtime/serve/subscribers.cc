#include "runtime/serve/subscribers.h"

#include <algorithm>
#include <utility>

namespace omen {

std::vector<SharedAlert> Subscription::take() {
  const std::lock_guard lock(mutex_);
  std::vector<SharedAlert> taken(queue_.begin(), queue_.end());
  queue_.clear();
  bytes_ = 0;
  return taken;
}

bool Subscription::is_over() const {
  const std::lock_guard lock(mutex_);
  return is_over_;
}

bool Subscription::is_dropped() const {
  const std::lock_guard lock(mutex_);
  return is_dropped_;
}

std::shared_ptr<Subscription> Subscribers::subscribe(std::function<void()> notify) {
  const std::lock_guard lock(mutex_);
  std::erase_if(all_, [](const auto& each) { return each.expired(); });
  if (is_closed_ || all_.size() >= limits_.subscribers) return nullptr;
  auto subscription = std::make_shared<Subscription>();
  subscription->notify_ = std::move(notify);
  all_.push_back(subscription);
  return subscription;
}

// False: there was no room, and it is dropped. Under both locks.
bool Subscribers::put(Subscription& subscription, const SharedAlert& alert) {
  const bool is_full = subscription.queue_.size() >= limits_.alerts ||
                       (subscription.bytes_ > 0 && subscription.bytes_ + alert->json.size() > limits_.bytes);
  if (is_full) {
    subscription.is_over_ = subscription.is_dropped_ = true;
    subscription.queue_.clear();
    subscription.bytes_ = 0;
    ++dropped_;
  } else {
    subscription.queue_.push_back(alert);
    subscription.bytes_ += alert->json.size();
  }
  return !is_full;
}

void Subscribers::publish(std::string id, std::string json) {
  const auto alert = std::make_shared<const AlertText>(AlertText{std::move(id), std::move(json)});
  publish({&alert, 1});
}

void Subscribers::publish(std::span<const SharedAlert> alerts) {
  if (alerts.empty()) return;
  std::vector<std::shared_ptr<Subscription>> to_notify;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(all_, [&](const std::weak_ptr<Subscription>& each) {
      const auto subscription = each.lock();
      if (subscription == nullptr) return true;
      const std::lock_guard own_lock(subscription->mutex_);
      const bool was_empty = subscription->queue_.empty();
      bool has_room = true;
      for (auto alert = alerts.begin(); alert != alerts.end() && has_room; ++alert) {
        has_room = put(*subscription, *alert);
      }
      if (was_empty || !has_room) to_notify.push_back(subscription);
      return !has_room;
    });
  }
  for (const auto& subscription : to_notify) subscription->notify_();
}

void Subscribers::close() {
  std::vector<std::shared_ptr<Subscription>> to_notify;
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    for (const auto& each : std::exchange(all_, {})) {
      if (auto subscription = each.lock()) to_notify.push_back(std::move(subscription));
    }
  }
  for (const auto& subscription : to_notify) {
    {
      const std::lock_guard lock(subscription->mutex_);
      subscription->is_over_ = true;
    }
    subscription->notify_();
  }
}

size_t Subscribers::count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<size_t>(std::count_if(all_.begin(), all_.end(), [](const auto& each) { return !each.expired(); }));
}

uint64_t Subscribers::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace omen
