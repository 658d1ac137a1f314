// Delivery: takes messages, tries each once, hands back what came of it. A thread of its own, and one for each
// destination that may block (files, databases, commands, standard output).
//
//   writer thread   offer(messages) …                           take_attempts() -> into the store
//   delivery        queue of the destination -> its breaker, pace and concurrency allow it -> attempt
//
// Every destination has its own lane (lane.h) with its own queue, so none delays another. What is offered and not yet
// handed back is also a due row of the store: a stop, or a crash, loses nothing.
//
// Secrets are read (io/option.h) when an attempt begins, and forgotten behind it.
//
// NOT HERE: when to try again, rows (outbox.h, which the writer thread uses).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/model/program.h"
#include "runtime/model/status.h"
#include "runtime/outbox/message.h"

namespace omen {

struct DeliveryOptions {
  bool allow_exec = false;         // destinations of kind exec: refused without it
  std::string omen_version = "0";  // in User-Agent
  int standard_output = 1;         // file descriptor
  // Of a destination: beyond either offer() refuses. So many that mostly all rows of a commit are taken at once: for
  // those that are left over another commit comes as soon as there is room.
  uint32_t queue_max = 512;             // messages that are being tried, or wait for it
  uint64_t queue_bytes_max = 4u << 20;  // of those that wait; one more than has room may come
  // For tests. Addresses of a host instead of the resolver's; empty: ask the resolver. The guard sees what it gives.
  std::function<std::vector<std::string>(const std::string& host)> resolve;
  // The form of a record on standard output; nothing: one JSON object a line.
  std::function<void(std::string& out, std::string_view record)> rewrite;
  // Called by delivery's threads when take_attempts() has something.
  std::function<void()> wake;
};

// Of one destination.
struct LaneReport {
  std::string name, kind;
  uint64_t delivered = 0, failed = 0;  // attempts
  uint32_t queued = 0, active = 0;
  bool is_open = false;  // its circuit breaker is: only a probe goes out now and then
  std::string last_error;
};

class Delivery {
 public:
  explicit Delivery(DeliveryOptions options);
  ~Delivery();  // stops
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  // Replaces the destinations; standard output (the one without a name) is always there. What is queued for one that
  // is gone, or has changed, comes back as `returned`. Before start(), and at any time.
  Status set_destinations(const std::vector<DestinationProgram>& destinations);

  Status start();
  // Ends what is going on: waits up to `grace_us` for attempts in flight, hands the rest back as `returned`.
  void stop(int64_t grace_us = 2'000'000);

  // Room for how many more messages of this destination: 0 when there is no such destination.
  uint32_t room(const std::string& destination) const;
  uint64_t room_bytes(const std::string& destination) const;
  // Messages of one destination, with one word to whoever delivers. How many of the first it has taken: it has no room
  // for more, or there is no such destination.
  size_t offer(std::vector<Message> messages);
  // What came of messages, in the order of their ends. Never blocks.
  std::vector<Attempt> take_attempts();
  // For tests: waits until nothing is queued or active, or the time is over. Whether nothing is.
  bool flush(int64_t timeout_us);

  std::vector<LaneReport> report() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace omen
