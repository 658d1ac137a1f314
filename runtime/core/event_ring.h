// Event ring: memory for captured events in the order in which they come, which is that of their times. It is handed
// out at the head and comes back at the tail, so that an event is written behind the one before it, where memory is on
// its way already, and nothing is looked at once more to be freed.
//
//   tail                                      head
//    | event | event | event | event | event |
//      goes first                              the next one
//
// It stands in segments of 2 MB; some that the tail has left are kept to be used again.
//
// Places are lines of 64 bytes, counted from the beginning on; behind the last one they begin anew. So whether a place
// is yet between tail and head can be asked of any.
//
// INVARIANT: bytes() counts what is between tail and head.
// NOT HERE: when an event goes (engine_newcomers), events that are needed for differently long (captures).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/core/chunk.h"

namespace omen {

class EventRing {
 public:
  static constexpr uint32_t line_bytes = 64;
  static constexpr uint32_t place_count = 1u << 31;
  static constexpr uint32_t place_none = place_count - 1;  // no event begins there
  static constexpr uint32_t bytes_max = 64u << 10;         // of one event
  static constexpr uint64_t capacity_bytes = uint64_t{place_count} * line_bytes;

  EventRing() = default;
  EventRing(const EventRing&) = delete;
  EventRing& operator=(const EventRing&) = delete;

  static constexpr uint32_t lines_of(size_t bytes) {
    return static_cast<uint32_t>((bytes + line_bytes - 1) / line_bytes);
  }
  struct Added {
    std::byte* memory;
    uint32_t place;
  };
  // At the head, 1 to lines_of(bytes_max).
  Added add(uint32_t lines);
  bool is_empty() const { return tail_ == head_; }
  uint32_t tail() const { return tail_; }
  uint32_t head() const { return head_; }
  // The one at the tail goes.
  void pop(uint32_t lines);
  // Behind the one at `place`, which has so many: perhaps the head.
  uint32_t next(uint32_t place, uint32_t lines) const;
  bool is_there(uint32_t place) const { return distance(tail_, place) < distance(tail_, head_); }
  // Of one that is there.
  std::byte* at(uint32_t place) { return segment_of(place).chunk.data() + size_t{place % segment_lines} * line_bytes; }
  const std::byte* at(uint32_t place) const {
    return segment_of(place).chunk.data() + size_t{place % segment_lines} * line_bytes;
  }
  uint64_t bytes() const { return lines_ * line_bytes; }

 private:
  static constexpr uint32_t segment_bytes = Chunk::large_bytes, segment_lines = segment_bytes / line_bytes;
  struct Segment {
    Chunk chunk;
    uint32_t used = segment_lines;  // lines, when it is full; until then as many as none has
  };
  static uint32_t distance(uint32_t from, uint32_t to) { return (to - from) % place_count; }
  Segment& segment_of(uint32_t place) { return segments_[place / segment_lines & (segments_.size() - 1)]; }
  const Segment& segment_of(uint32_t place) const { return segments_[place / segment_lines & (segments_.size() - 1)]; }
  static constexpr size_t spare_max = 8;
  void begin_segment();
  void leave(Segment& segment);

  std::vector<Segment> segments_;  // those between tail and head, by their number modulo the size, a power of two
  std::vector<Chunk> spare_;
  bool is_first_ = true;
  uint32_t tail_ = 0, head_ = 0;
  uint64_t lines_ = 0;
};

}  // namespace omen
