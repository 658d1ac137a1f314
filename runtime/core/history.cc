#include "runtime/core/history.h"

#include <new>

#include "runtime/core/key.h"
#include "runtime/core/state_reader.h"
#include "runtime/core/state_writer.h"

namespace omen {

namespace {

template <typename T>
constexpr uint32_t words_of = (sizeof(T) + sizeof(uint64_t) - 1) / sizeof(uint64_t);

}  // namespace

History::History(int64_t back_us, const Limits& limits, CaptureStore& captures, WordPool& words, BytePool& blocks,
                 EngineCounters& counters)
    : back_us_(back_us),
      limits_(limits),
      captures_(captures),
      words_(words),
      counters_(counters),
      keys_(words, blocks, captures) {}

History::~History() {
  while (oldest_ != index_none) drop_key(oldest_);
}

void History::add(std::string_view key, KeptEvent* event) {
  expire(event->time_us);
  Events& events = find_or_add(key);
  append(events, event);
  while (link_at(events.first).event->time_us < event->time_us - back_us_) drop_first(events);
  if (events.count > limits_.max_history_events) {
    drop_first(events);
    ++counters_.history_events_dropped;
  }
  while (bytes_ > limits_.max_history_bytes && oldest_ != newest_) {
    ++counters_.history_keys_dropped;
    drop_key(oldest_);
  }
}

// The key's, in front of all others.
History::Events& History::find_or_add(std::string_view key) {
  const uint32_t hash = KeyTable::hash(key);
  const PartitionId partition = keys_.find_or_add(key, hash);
  uint32_t id = keys_.at(partition).first;
  if (id == index_none) {
    id = words_.take(words_of<Events>);
    new (words_.at(id)) Events{index_none, index_none, 0, index_none, index_none, partition};
    keys_.at(partition).first = id;
  } else {
    take_out(events_at(id));
  }
  move_to_front(id);
  return events_at(id);
}

void History::append(Events& events, KeptEvent* event) {
  const uint32_t link = words_.take(words_of<Link>);
  new (words_.at(link)) Link{captures_.share(event), index_none, 0};
  (events.first == index_none ? events.first : link_at(events.last).next) = link;
  events.last = link;
  ++events.count;
  bytes_ += event->bytes + sizeof(Link);
}

void History::collect(std::vector<KeptEvent*>& out, std::string_view key, int64_t from_us) const {
  const PartitionId partition = keys_.find(key, KeyTable::hash(key));
  if (partition == index_none) return;
  for (uint32_t id = events_at(keys_.at(partition).first).first; id != index_none; id = link_at(id).next) {
    if (link_at(id).event->time_us >= from_us) out.push_back(link_at(id).event);
  }
}

void History::save(std::span<const History* const> parts, StateWriter& out) {
  uint64_t keys = 0;
  for (const History* part : parts) keys += part->keys_.size();
  out.number(keys);
  // The list of each is in order; by the last events they become one.
  std::vector<uint32_t> next;
  for (const History* part : parts) next.push_back(part->oldest_);
  for (; keys > 0; --keys) {
    size_t first = parts.size();
    uint64_t first_sequence = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      if (next[i] == index_none) continue;
      const uint64_t sequence = parts[i]->link_at(parts[i]->events_at(next[i]).last).event->sequence;
      if (first < parts.size() && sequence >= first_sequence) continue;
      first = i;
      first_sequence = sequence;
    }
    const History& part = *parts[first];
    const Events& events = part.events_at(next[first]);
    next[first] = events.newer;
    out.text(part.keys_.key(events.partition));
    out.number(events.count);
    for (uint32_t link = events.first; link != index_none; link = part.link_at(link).next) {
      out.event(*part.link_at(link).event);
    }
  }
}

void History::load(StateReader& in, size_t key_parts, const Share& share) {
  constexpr uint64_t least_key_bytes = 3;
  for (uint64_t keys = in.count(least_key_bytes); keys > 0; --keys) {
    const std::string_view key = in.text();
    uint64_t count = in.count();
    in.check(is_key(key, key_parts), "a history has no such key");
    in.check(keys_.find(key, KeyTable::hash(key)) == index_none, "a key is there twice");
    in.check(count > 0, "a history is empty");
    if (!in.is_ok()) return;
    Events& events = find_or_add(key);
    for (; count > 0; --count) {
      KeptEvent* const event = in.event();
      if (event == nullptr) return;
      append(events, event);
    }
    if (!share.owns(KeyTable::hash(key))) drop_key(newest_);
  }
}

void History::expire(int64_t clock_us) {
  while (oldest_ != index_none && link_at(events_at(oldest_).last).event->time_us < clock_us - back_us_) {
    drop_key(oldest_);
  }
}

// ---- lists ----

void History::move_to_front(uint32_t id) {
  events_at(id).newer = index_none;
  events_at(id).older = newest_;
  (newest_ == index_none ? oldest_ : events_at(newest_).newer) = id;
  newest_ = id;
}

void History::take_out(const Events& events) {
  (events.newer == index_none ? newest_ : events_at(events.newer).older) = events.older;
  (events.older == index_none ? oldest_ : events_at(events.older).newer) = events.newer;
}

void History::drop_first(Events& events) {
  const uint32_t link = events.first;
  KeptEvent* event = link_at(link).event;
  events.first = link_at(link).next;
  if (events.first == index_none) events.last = index_none;
  --events.count;
  bytes_ -= event->bytes + sizeof(Link);
  captures_.release(event);
  words_.give(link, words_of<Link>);
}

void History::drop_key(uint32_t id) {
  Events& events = events_at(id);
  while (events.first != index_none) drop_first(events);
  take_out(events);
  keys_.remove(events.partition);
  words_.give(id, words_of<Events>);
}

}  // namespace omen
