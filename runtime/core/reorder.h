// Reorder: decoded events -> the stream. Each gets its place in the stream's time and its sequence number, or is
// refused.
//
//   by arrival         the order in which they come; one older than the clock happens at the clock's time
//   with a lateness D  the clock is the newest `ts` minus D; events are held until it reaches them, then come in the
//                      order of (ts, arrival); one older than the clock is late
//   with an ahead D    one more than D ahead of the clock is refused and does not move it
//   with a dedupe D    one whose id was in the stream within the last D is dropped
//
// Only what is held is copied: an event that may go on at once costs a few comparisons.
//
// INVARIANTS: sequence numbers count from 1 without gaps; the stream's time never runs back.
// NOT HERE: where refused events go (io/quarantine.h); the wall clock.
#pragma once

#include <algorithm>
#include <boost/unordered/unordered_flat_set.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/event.h"
#include "runtime/model/given_up.h"
#include "runtime/model/program.h"
#include "runtime/model/status.h"

namespace omen {

class Decoder;

struct StreamOrder {
  std::optional<int64_t> lateness_us;
  std::optional<int64_t> max_ahead_us;
  std::optional<int64_t> dedupe_us;
};

class Reorder {
 public:
  enum class Verdict : uint8_t {
    next,       // it is the next event of the stream
    held,       // a copy waits for the clock; take the ones that are due
    late,       // refused
    ahead,      // refused
    duplicate,  // dropped
  };

  class Taken;

  Reorder(const Program& program, const StreamOrder& order)
      : program_(program),
        order_(order),
        is_by_arrival_(!order.lateness_us && !order.max_ahead_us && !order.dedupe_us) {}
  Reorder(const Reorder&) = delete;
  Reorder& operator=(const Reorder&) = delete;

  Verdict offer(Event& event) {
    if (!is_by_arrival_) return offer_any(event);
    event.time_us = stream_us_ = clock_us_ = std::max(clock_us_, event.ts_us);
    event.sequence = ++sequence_;
    return Verdict::next;
  }
  // Time has passed without events: what is older than the clock from now on happens at its time, or is late. Take the
  // held events that are due.
  void advance(int64_t clock_us);
  // The next held event that the clock has reached, or nullptr. It is in `taken` until that is cleared.
  const Event* due(Taken& taken) { return take(clock_us_, taken); }
  // Likewise at the end of the input, when nothing earlier can come any more.
  const Event* rest(Taken& taken) { return take(INT64_MAX, taken); }

  // Appends what is held and remembered, as bytes (state_bytes.h): one that loads them goes on as this one would.
  // What was taken is no part of it.
  // `is_brief`: without what is held and the ids; one that loads it numbers its events right from where all that was
  // held has come, but for duplicates that it cannot know.
  void save(std::string& out, bool is_brief = false) const;
  // Into one that has seen nothing, of the same order; its program may be another one. What was held is decoded again,
  // by a decoder of the program, as the stream was. After an error it is of no use.
  Status load(std::string_view bytes, Decoder& decoder, const GivenUp* is_given_up = nullptr);

  uint64_t sequence() const { return sequence_; }  // events in the stream so far
  uint64_t duplicates() const { return duplicates_; }
  uint64_t ids_forgotten() const { return ids_forgotten_; }  // before their time, for want of room
  size_t held() const { return held_.size(); }
  // The clock at which the next held event is due.
  std::optional<int64_t> next_due_us() const {
    return held_.empty() ? std::nullopt : std::optional<int64_t>(held_.front().ts_us);
  }

 private:
  struct Held {
    int64_t ts_us;
    uint64_t arrival;
    Event event;  // its views point into bytes
    std::unique_ptr<char[]> bytes;
    std::unique_ptr<Value[]> fields;  // in the order of the type's fields
  };
  struct KeptId {
    int64_t time_us;
    std::string id;
  };

  Verdict offer_any(Event& event);
  Held copy(const Event& event) const;
  const Event* take(int64_t until_us, Taken& taken);
  bool enter(Event& event);
  bool remember_id(std::string_view id);

  const Program& program_;
  const StreamOrder order_;
  const bool is_by_arrival_;  // alone
  int64_t clock_us_ = INT64_MIN;
  uint64_t sequence_ = 0;
  uint64_t arrivals_ = 0;
  uint64_t duplicates_ = 0;
  uint64_t ids_forgotten_ = 0;
  std::vector<Held> held_;                                 // a heap, the earliest (ts, arrival) in front
  int64_t stream_us_ = INT64_MIN;                          // of the newest event of the stream
  std::deque<KeptId> kept_ids_;                            // oldest first
  boost::unordered_flat_set<std::string_view> known_ids_;  // into kept_ids_
};

// Held events that have come into the stream, while somebody needs them.
class Reorder::Taken {
 public:
  size_t size() const { return count_; }
  void clear() { count_ = 0; }  // their memory is for the next ones

 private:
  friend class Reorder;
  struct One {
    Held held;
    std::vector<Value> row;  // by FieldId
  };
  std::deque<One> ones_;  // those in use in front
  size_t count_ = 0;
};

}  // namespace omen
