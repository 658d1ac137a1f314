// Outbox: the writer thread's side of alerts out: rows in, due rows to delivery, results back into the store.
//
//   store.begin()
//     outbox.add(message) …              for each destination of each action of each match
//     outbox.record(now)                 what delivery has handed back since
//   store.commit(W, synced)
//   outbox.hand_over(now)                committed rows whose time has come, as many as their destinations have room
//   for … and again when delivery wakes the thread, or at next_us()
//
// Quiet hours of rule and destination move a row's next time; evaluation and commits know nothing of them. Rows of a
// destination that is not loaded stay due and wait for it.
//
// A destination has a cap of waiting rows (option `max_waiting`, 100,000). At the cap is_full() says so and the writer
// takes no more events in (back-pressure), unless the destination says `when_full: "dead_letter"`: then further rows
// are dead at once, counted.
//
// INVARIANT: only committed rows are offered. One thread calls all of this.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "runtime/io/quiet.h"
#include "runtime/model/program.h"
#include "runtime/outbox/delivery.h"
#include "runtime/outbox/store.h"

namespace omen {

struct OutboxCounters {
  uint64_t added = 0;     // rows
  uint64_t repeated = 0;  // were there already
  uint64_t held_by_quiet = 0;
  uint64_t delivered = 0, failed = 0, held = 0;  // attempts, by what they led to
  uint64_t dead_at_cap = 0;                      // when_full: "dead_letter"
};

class Outbox {
 public:
  // Both stay. `seed` decides the chance in waits.
  Outbox(Store& store, Delivery& delivery, uint64_t seed);

  // The destinations and quiet hours of the rules; at the start, and when rules have changed. Rows that wait for a
  // destination that is new are handed over with the next hand_over().
  Status load(const Program& program);

  // In a transaction.
  Status add(Message message, int64_t now_us);
  Status record(int64_t now_us);

  // Outside one.
  Status hand_over(int64_t now_us);
  // Wall clock: when hand_over() has something to do even if nothing is added or handed back. Nothing: never.
  std::optional<int64_t> next_us() const;
  // A destination whose rows may not be dropped has reached its cap: take no more events in.
  bool is_full() const;
  // After retry, drop, release or an abandoned transaction: rows are looked for again.
  void refresh();

  const OutboxCounters& counters() const { return counters_; }

 private:
  struct Line {  // of a destination
    std::optional<Quiet> quiet;
    uint64_t waiting_max = 0;
    bool drops_at_cap = false;
    std::optional<int64_t> next_us;  // no due row that delivery does not have is earlier; nothing: there is none
    std::set<int64_t> in_flight;     // numbers of rows that delivery has
  };
  int64_t after_quiet_us(const std::string& rule, const Line* line, int64_t time_us) const;
  Status record(const Attempt& attempt, int64_t now_us);
  Status hand_over(const std::string& name, Line& line, int64_t now_us);
  void settle();
  void count_anew();

  Store& store_;
  Delivery& delivery_;
  std::mt19937_64 random_;
  std::map<std::string, Line> lines_;  // by destination
  std::map<std::string, Quiet> quiet_rules_;
  // Handed back by delivery and not yet committed: recorded once more when their transaction was abandoned.
  std::vector<Attempt> unsettled_;
  uint64_t commits_before_ = 0, abandons_before_ = 0;  // when they were recorded
  OutboxCounters counters_;
  OutboxCounters committed_;  // as they were after the last transaction that was committed
  uint64_t commits_counted_ = 0, abandons_counted_ = 0;
};

}  // namespace omen
