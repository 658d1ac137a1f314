#include "runtime/core/event_ring.h"

#include <utility>

#include "runtime/model/status.h"

namespace omen {
namespace {

constexpr uint32_t ahead_bytes = 1024;  // of what is written next

}  // namespace

EventRing::Added EventRing::add(uint32_t lines) {
  OMEN_ASSERT(lines > 0 && lines <= lines_of(bytes_max));
  // The last lines of a segment begin no event: place_none is one of them.
  if (segments_.empty() || head_ % segment_lines + lines > segment_lines - 1) begin_segment();
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
    segments_[head_ / segment_lines & (segments_.size() - 1)].used = head_ % segment_lines;
    if (was_empty) spare_.push_back(segment_of(head_).memory);
    const uint32_t first = was_empty ? number : tail_ / segment_lines;
    const uint32_t count = (number - first) % segment_count + 1;
    OMEN_ASSERT(count < segment_count);
    if (count > segments_.size()) {
      std::vector<Segment> larger(segments_.size() * 2);
      for (uint32_t i = 0; i + 1 < count; ++i) {
        larger[(first + i) & (larger.size() - 1)] = segments_[(first + i) & (segments_.size() - 1)];
      }
      segments_ = std::move(larger);
    }
  }
  if (spare_.empty()) {
    // The first one on small pages: most engines need no second.
    Chunk& chunk = chunks_.emplace_back(segment_bytes, chunks_.empty() ? Chunk::Pages::small : Chunk::Pages::large);
    spare_.reserve(chunks_.size());
    spare_.push_back(chunk.data());
  }
  segments_[number & (segments_.size() - 1)] = {spare_.back(), 0};
  spare_.pop_back();
  head_ = number * segment_lines;
  if (was_empty) tail_ = head_;
}

uint32_t EventRing::next(uint32_t place, uint32_t lines) const {
  const uint32_t behind = (place + lines) % place_count;
  if (behind == head_ || behind % segment_lines != segment_of(place).used) return behind;
  return (place / segment_lines + 1) * segment_lines % place_count;
}

void EventRing::pop(uint32_t lines) {
  const Segment& segment = segment_of(tail_);
  tail_ = next(tail_, lines);
  lines_ -= lines;
  if (&segment_of(tail_) != &segment) spare_.push_back(segment.memory);
}

}  // namespace omen
