// Newcomers: keys of which nothing is known but a few events that may begin runs (shared_starts.h), one behind the
// other as they came. Of most streams with many keys that is what most keys ever are.
//
// Such a key has no partition, no rule states, no note for the sweep. Its events stand in a ring (event_ring.h) with
// all others, each names the one before it, and the table of keys names the newest:
//
//   place of the key ---> newest event ---> the one before it ---> ...
//
// An event goes when it is older than all windows of the table's starts: in the order of the ring, so that nobody looks
// for it. With its newest one the key goes. A key that more becomes of than that settles: it gets its partition, and in
// it the lists of its starts, with copies of its events (engine_newcomers).
//
// A table of keys holds both kinds: a newcomer's id has a bit that no partition's has.
//
// NOT HERE: which keys may be newcomers, and when they settle (engine_newcomers).
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/core/captures.h"
#include "runtime/core/event_ring.h"
#include "runtime/core/key_places.h"
#include "runtime/model/event.h"

namespace omen {

using StartId = uint32_t;

// One event of a newcomer; the captured event follows.
struct FirstEvent {
  uint32_t previous;  // place of the key's one before it, which may be gone
  uint32_t hash;      // of the key
  StartId start;      // that it begins
  uint16_t lines;
  uint16_t state;  // the key's size, and the bits below
  union {
    char key[16];
    uint32_t key_offset;  // from here
  };
  // Written as one word each: parts of a word that are written one by one and then read as a whole wait for the memory.
  static constexpr uint16_t newest_bit = 1u << 15;   // it is the newest of its key
  static constexpr uint16_t settled_bit = 1u << 14;  // its key is no newcomer any more
  static constexpr uint16_t inside_bit = 1u << 13;   // `key` stands here, else in the event
  static constexpr uint16_t key_size_max = inside_bit - 1;
  bool is_newest() const { return (state & newest_bit) != 0; }
  bool is_settled() const { return (state & settled_bit) != 0; }
  bool is_inside() const { return (state & inside_bit) != 0; }
  size_t key_size() const { return state & key_size_max; }
  void set(uint16_t bit) { state = static_cast<uint16_t>(state | bit); }
  void clear(uint16_t bit) { state = static_cast<uint16_t>(state & ~bit); }
  const KeptEvent* event() const { return reinterpret_cast<const KeptEvent*>(this + 1); }
};
static_assert(sizeof(FirstEvent) == 32);

class Newcomers {
 public:
  static constexpr PartitionId bit = 1u << 31;
  static constexpr bool is_newcomer(PartitionId id) { return id >= bit && id != WordPool::none; }

  explicit Newcomers(CaptureStore& captures) : captures_(captures) {}

  // The newest event of the key. `previous` is its id until now, or WordPool::none. WordPool::none: there is no room
  // for an event of that size, or of that key.
  PartitionId add(const Event& event, std::string_view key, uint32_t hash, StartId start, PartitionId previous);
  FirstEvent& at(PartitionId id) { return *reinterpret_cast<FirstEvent*>(ring_.at(id & ~bit)); }
  const FirstEvent& at(PartitionId id) const { return *reinterpret_cast<const FirstEvent*>(ring_.at(id & ~bit)); }
  // nullptr: there is none any more.
  FirstEvent* previous(const FirstEvent& event) {
    return ring_.is_there(event.previous) ? &at(event.previous | bit) : nullptr;
  }
  const FirstEvent* previous(const FirstEvent& event) const {
    return ring_.is_there(event.previous) ? &at(event.previous | bit) : nullptr;
  }
  std::string_view key(PartitionId id) const {
    const FirstEvent& event = at(id);
    const char* const text = event.is_inside() ? event.key : reinterpret_cast<const char*>(&event) + event.key_offset;
    return {text, event.key_size()};
  }
  // Asks for the memory that at() and key() read; the id may be any. Inlined: GCC takes a call for one without effect.
  [[gnu::always_inline]] void prefetch(PartitionId id) const {
    if (ring_.is_there(id & ~bit)) __builtin_prefetch(&at(id), 1);
  }

  bool is_empty() const { return ring_.is_empty(); }
  // Of all that stand in the ring, settled ones too; it is not empty.
  const FirstEvent& oldest() const { return at(ring_.tail() | bit); }
  PartitionId oldest_id() const { return ring_.tail() | bit; }
  void pop_oldest();
  // Each once, in their order, a dozen before it is the oldest; nullptr: for the moment there is none.
  const FirstEvent* look_ahead();
  // The key of this one is no newcomer any more.
  void settle(FirstEvent& event) {
    event.set(FirstEvent::settled_bit);
    settled_lines_ += event.lines;
  }
  bool are_mostly_settled() const {
    constexpr uint64_t few_bytes = 1u << 20;
    const uint64_t bytes = settled_lines_ * EventRing::line_bytes;
    return bytes > few_bytes && bytes > ring_.bytes() / 2;
  }
  uint64_t bytes() const { return ring_.bytes(); }

 private:
  static constexpr uint32_t ahead_max = 12;
  CaptureStore& captures_;
  EventRing ring_;
  uint32_t ahead_ = 0, ahead_count_ = 0;  // look_ahead() has seen so many from the tail on; the place of the next one
  uint64_t settled_lines_ = 0;
};

}  // namespace omen
