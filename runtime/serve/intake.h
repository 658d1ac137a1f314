// Intake: the one queue between those who listen and the thread that writes.
//
//   listener:  offer(batch)            never waits: taken, full, or closing
//              full -> when_room(bytes, call) and stop reading the sender meanwhile: so back-pressure reaches it
//   writer:    take(batches, …)        all that has come, in the order in which it came, up to a size
//              batch.done(outcomes)    once each, when the accepted events are durable
//
// INVARIANTS
//   1. What waits is at most intake_bytes_max and intake_batches_max, or one batch alone.
//   2. Each batch that was taken has its done() called exactly once, unless the process ends before.
//   3. close() loses nothing: what has been taken in is still handed to the writer, then take() says that it is over.
//
// Any thread may call anything here, but take(), which is the writer's alone.
// NOT HERE: whether an event is a good one (the writer decodes); sockets (listeners.h).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/model/limits.h"
#include "runtime/model/rejection.h"

namespace omen {

// What became of one event.
//
//   sequence > 0                  accepted and durable; with is_duplicate: that is the one it repeats, if it is known
//   sequence = 0, is_duplicate    already there: for the sender as good as accepted
//   sequence = 0, reason          a bad event, kept in quarantine: to send it again is of no use
//   sequence = 0, nothing else    not accepted for reasons of ours (a full disk, the end of the service): send again
struct EventOutcome {
  uint64_t sequence = 0;         // its place in the log
  std::optional<Reason> reason;  // with sequence > 0: let_through, of a lenient declaration
  uint32_t column = 0;           // of the fault, from 1, in bytes of its line
  bool is_duplicate = false;

  bool is_accepted() const { return sequence > 0 || is_duplicate; }
  bool is_to_be_repeated() const { return !is_accepted() && !reason; }
};

// A piece of what came that no event could be made of, as the listener found it: for quarantine and its counts.
struct RejectedPiece {
  Reason reason = Reason::not_json;
  LinePlace place;      // in the body, the file, or of all that the connection has sent
  uint32_t column = 1;  // as in Rejection
  std::string bytes;    // of one that is too long, its beginning
};

struct Batch {
  std::string events;  // JSON objects in Omen's own form: exactly `count` lines, none blank, each with its line feed
  size_t count = 0;
  std::string source;                   // "http", "tcp", "unix", the name of a file: for quarantine and metrics
  int64_t arrival_us = 0;               // by the wall clock: the time of events that bring none
  std::vector<RejectedPiece> rejected;  // has no outcomes; a batch may have nothing else
  // Called by the writer's thread with an outcome per event, in their order. Cheap and without waiting: it posts to
  // where the listener lives. May be empty.
  std::function<void(std::span<const EventOutcome>)> done;

  size_t bytes() const;
};

struct IntakeLimits {
  size_t bytes = intake_bytes_max;
  size_t batches = intake_batches_max;
};

struct IntakeCounters {
  uint64_t batches = 0, events = 0, bytes = 0;  // taken in so far
  uint64_t refused = 0;                         // offers that found it full, and refuses()
  uint64_t bytes_peak = 0;                      // the most that has waited at once
  size_t waiting_batches = 0, waiting_bytes = 0;
};

class Intake {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  explicit Intake(const IntakeLimits& limits = {}) : limits_(limits) {}
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  enum class Answer : uint8_t { taken, full, closing };
  // Moves from the batch only when it is taken.
  Answer offer(Batch&& batch);
  // Whether a batch of so many bytes would be refused now, which is then counted as such: so that nothing need be made
  // of what is not going to be taken.
  bool refuses(size_t bytes);
  // Calls once when a batch of so many bytes would be taken or it is closing: at once, by the caller, when that is so
  // now; otherwise by the writer's thread, so it is to be cheap. Whoever was called offers again, and may find it full
  // again: others were called, too.
  void when_room(size_t bytes, std::function<void()> call);

  // Waits until there is something, somebody calls wake(), it is closed, or the deadline. Appends to `out` the batches
  // that have come, in their order, up to bytes_max of events but at least one. False: closed, and nothing left.
  bool take(std::vector<Batch>& out, TimePoint deadline, size_t bytes_max = taken_bytes_max);
  // Lets take() return though nothing has come: the writer has other things to look at.
  void wake();
  // From now on offers are answered with `closing`.
  void close();

  IntakeCounters counters() const;
  bool is_closing() const;

 private:
  bool has_room(size_t bytes) const {
    return waiting_.empty() || (waiting_.size() < limits_.batches && waiting_bytes_ + bytes <= limits_.bytes);
  }

  const IntakeLimits limits_;
  mutable std::mutex mutex_;
  std::condition_variable come_;
  std::deque<Batch> waiting_;
  size_t waiting_bytes_ = 0;
  struct Waiter {
    size_t bytes;
    std::function<void()> call;
  };
  std::vector<Waiter> for_room_;
  bool is_closed_ = false, is_woken_ = false;
  IntakeCounters counters_;
};

}  // namespace omen
