#include "runtime/core/newcomers.h"

#include <cstring>
#include <new>

namespace omen {

PartitionId Newcomers::add(const Event& event, std::string_view key, uint32_t hash, StartId start,
                           PartitionId previous) {
  const size_t bytes = sizeof(FirstEvent) + captures_.bytes_of(event);
  const bool is_inside = key.size() <= sizeof(FirstEvent::key);
  const bool is_in_raw =
      key.data() >= event.raw.data() && key.data() + key.size() <= event.raw.data() + event.raw.size();
  if (bytes > EventRing::bytes_max || key.size() > FirstEvent::key_size_max || (!is_inside && !is_in_raw))
    return WordPool::none;
  const uint32_t lines = EventRing::lines_of(bytes);
  const auto [memory, place] = ring_.add(lines);
  const KeptEvent* const kept = captures_.make(memory + sizeof(FirstEvent), event, bytes - sizeof(FirstEvent));
  const uint32_t older = previous == WordPool::none ? EventRing::place_none : previous & ~bit;
  const auto state =
      static_cast<uint16_t>(key.size() | FirstEvent::newest_bit | (is_inside ? FirstEvent::inside_bit : 0));
  auto* const first = new (memory) FirstEvent{older, hash, start, static_cast<uint16_t>(lines), state, {}};
  if (is_inside) {
    std::memcpy(first->key, key.data(), key.size());
  } else {
    first->key_offset = static_cast<uint32_t>(kept->raw().data() + (key.data() - event.raw.data()) -
                                              reinterpret_cast<const char*>(first));
  }
  if (previous != WordPool::none) at(previous).clear(FirstEvent::newest_bit);
  return place | bit;
}

void Newcomers::pop_oldest() {
  const FirstEvent& event = oldest();
  if (event.is_settled()) settled_lines_ -= event.lines;
  ring_.pop(event.lines);
  if (ahead_count_ > 0) --ahead_count_;
}

const FirstEvent* Newcomers::look_ahead() {
  if (ahead_count_ >= ahead_max || ring_.is_empty()) return nullptr;
  ahead_ = ahead_count_ == 0 ? ring_.tail() : ring_.next(ahead_, 0);  // the head may be in another segment by now
  if (ahead_ == ring_.head()) return nullptr;
  const FirstEvent& event = at(ahead_ | bit);
  ahead_ = ring_.next(ahead_, event.lines);
  ++ahead_count_;
  return &event;
}

}  // namespace omen
