#include "runtime/core/event_ring.h"

#include <utility>

#include "runtime/model/status.h"

namespace omen {
namespace {

constexpr uint32_t ahead_bytes = 1024;  // of what is written next

}  // namespace

EventRing::Added EventRing::add(uint32_t lines) {
  OMEN_ASSERT(lines > 0 && lines <= lines_of(bytes_max));
  // The last two lines of a segment begin no event: place_none is one of them, and who keeps places may need two.
  if (segments_.empty() || head_ % segment_lines + lines > segment_lines - 2) begin_segment();
  const uint32_t place = head_;
  std::byte* const memory = at(place);
  __builtin_prefetch(memory + ahead_bytes, 1);
  head_ = (head_ + lines) % place_count;
  lines_ += lines;
  return {memory, place};
}

// The head goes on in the next one. Where nothing is in the ring, the tail goes along.
void EventRing::begin_segment() {
  constexpr uint32_t segment_count = place_count / segment_lines;
  const bool was_empty = is_empty();
  uint32_t number = 0;
  if (segments_.empty()) {
    segments_.resize(1);
  } else {
    number = (head_ / segment_lines + 1) % segment_count;
    segment_of(head_).used = head_ % segment_lines;
    if (was_empty) leave(segment_of(head_));
    const uint32_t first = was_empty ? number : tail_ / segment_lines;
    const uint32_t count = (number - first) % segment_count + 1;
    OMEN_ASSERT(count < segment_count);
    if (count > segments_.size()) {
      std::vector<Segment> larger(segments_.size() * 2);
      for (uint32_t i = 0; i + 1 < count; ++i) {
        larger[(first + i) & (larger.size() - 1)] = std::move(segments_[(first + i) & (segments_.size() - 1)]);
      }
      segments_ = std::move(larger);
    }
  }
  Segment& segment = segments_[number & (segments_.size() - 1)];
  if (spare_.empty()) {
    // The first one on small pages: most engines need no second.
    segment.chunk = Chunk(segment_bytes, std::exchange(is_first_, false) ? Chunk::Pages::small : Chunk::Pages::large);
  } else {
    segment.chunk = std::move(spare_.back());
    spare_.pop_back();
  }
  segment.used = segment_lines;
  head_ = number * segment_lines;
  if (was_empty) tail_ = head_;
}

uint32_t EventRing::next(uint32_t place, uint32_t lines) const {
  const uint32_t behind = (place + lines) % place_count;
  if (behind == head_ || behind % segment_lines != segment_of(place).used) return behind;
  return (place / segment_lines + 1) * segment_lines % place_count;
}

void EventRing::leave(Segment& segment) {
  if (spare_.size() < spare_max) spare_.push_back(std::move(segment.chunk));
  segment.chunk = Chunk();
}

void EventRing::pop(uint32_t lines) {
  Segment& segment = segment_of(tail_);
  tail_ = next(tail_, lines);
  lines_ -= lines;
  if (&segment_of(tail_) != &segment) leave(segment);
}

}  // namespace omen
