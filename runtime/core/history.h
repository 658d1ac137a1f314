// History: for rules that ask for it, the last events of each key, whatever their type.
//
//   add      the event behind the last of its key; what is older than any rule asks for goes
//   collect  the key's events since a time, oldest first
//
// Events are kept once, shared with the runs that have taken them. A key has at most max_history_events, all together
// max_history_bytes: then the oldest event of the key goes, or the key idle longest. Keys stand in a list by their last
// event, so what is over is found at its end.
//
// INVARIANT: of each key what is kept is the newest part of what was added.
// NOT HERE: which key an event has (engine), derived events, which are no part of it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/core/captures.h"
#include "runtime/core/counters.h"
#include "runtime/core/partition.h"
#include "runtime/core/share.h"
#include "runtime/model/limits.h"

namespace omen {

class StateReader;
class StateWriter;

class History {
 public:
  // Of one key table; events older than `back_us` before the clock are not asked for. The rest outlives it.
  History(int64_t back_us, const Limits& limits, CaptureStore& captures, WordPool& words, BytePool& blocks,
          EngineCounters& counters);
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // `event` is the present one, at the clock; it stays with the caller and gets one reference more.
  void add(std::string_view key, KeptEvent* event);
  // Appends the key's events from `from_us` on; they stay with the history.
  void collect(std::vector<KeptEvent*>& out, std::string_view key, int64_t from_us) const;
  // Keys whose last event nobody asks for any more.
  void expire(int64_t clock_us);

  // As bytes, those of engines that have the keys divided among them as one; and back into one that is empty, of a
  // share its own (state_writer.h). Keys have so many parts.
  static void save(std::span<const History* const> parts, StateWriter& out);
  void load(StateReader& in, size_t key_parts, const Share& share);

  uint32_t keys() const { return keys_.size(); }
  uint64_t bytes() const { return keys_.bytes(); }  // beside what stands in the pools

 private:
  // The events of a key, oldest first; keys in a list, newest last event first.
  struct Events {
    uint32_t first, last;
    uint32_t count;
    uint32_t newer, older;
    PartitionId partition;
  };
  struct Link {
    KeptEvent* event;
    uint32_t next;
    uint32_t reserved;
  };

  Events& find_or_add(std::string_view key);
  void append(Events& events, KeptEvent* event);
  Events& events_at(uint32_t id) { return *static_cast<Events*>(words_.at(id)); }
  const Events& events_at(uint32_t id) const { return *static_cast<const Events*>(words_.at(id)); }
  Link& link_at(uint32_t id) { return *static_cast<Link*>(words_.at(id)); }
  const Link& link_at(uint32_t id) const { return *static_cast<const Link*>(words_.at(id)); }
  void move_to_front(uint32_t id);
  void take_out(const Events& events);
  void drop_first(Events& events);
  void drop_key(uint32_t id);

  const int64_t back_us_;
  const Limits& limits_;
  CaptureStore& captures_;
  WordPool& words_;
  EngineCounters& counters_;
  KeyTable keys_;  // a partition's `first` is the key's Events
  uint32_t newest_ = index_none, oldest_ = index_none;
  uint64_t bytes_ = 0;
};

}  // namespace omen
