// Subscribers: who listens to alerts as they come: server-sent events over HTTP, `omen alerts --follow`.
//
// The writer publishes each alert record once it is committed (under `durability = off`: when its match is found, for
// the store has it whenever it is asked); each subscription has a queue of its own. Whoever does not read as fast as
// alerts come is dropped when its queue is full (counted subscribers_dropped): it is told so, connects again and asks
// the store for what it has missed. So a slow reader costs a bounded amount of memory and delays nobody.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace omen {

// An alert as it is shown: shared by all who are to see it.
struct AlertText {
  std::string id;    // of the alert; no line break in it
  std::string json;  // the record, one line
};
using SharedAlert = std::shared_ptr<const AlertText>;

class Subscription {
 public:
  // What has come since; empties the queue.
  std::vector<SharedAlert> take();
  // Nothing comes any more: dropped for being slow, or the service ends.
  bool is_over() const;
  bool is_dropped() const;

 private:
  friend class Subscribers;
  mutable std::mutex mutex_;
  std::deque<SharedAlert> queue_;
  size_t bytes_ = 0;
  bool is_over_ = false, is_dropped_ = false;
  std::function<void()> notify_;
};

struct SubscriberLimits {
  size_t subscribers = 100;  // beyond: subscribe() gives none
  size_t alerts = 10'000;    // in one queue
  size_t bytes = 4u << 20;   // likewise
};

class Subscribers {
 public:
  explicit Subscribers(const SubscriberLimits& limits = {}) : limits_(limits) {}

  // `notify` is called, by the thread that publishes, when something has come into an empty queue or it is over; it is
  // cheap and takes no lock that is held while calling here. Nothing when there are too many, or it is closed. The
  // subscription ends when the last pointer to it goes.
  std::shared_ptr<Subscription> subscribe(std::function<void()> notify);
  void publish(std::string id, std::string json);
  // All of them, in their order, with one word to each who listens.
  void publish(std::span<const SharedAlert> alerts);
  // The end: whoever listens is told.
  void close();

  size_t count() const;
  uint64_t dropped() const;

 private:
  bool put(Subscription& subscription, const SharedAlert& alert);

  const SubscriberLimits limits_;
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<Subscription>> all_;
  uint64_t dropped_ = 0;
  bool is_closed_ = false;
};

}  // namespace omen
