#include "runtime/core/reorder.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "runtime/model/limits.h"

namespace omen {
namespace {

// Whether a comes after b: a heap with this order has the earliest in front.
constexpr auto is_after = [](const auto& a, const auto& b) {
  return a.ts_us != b.ts_us ? a.ts_us > b.ts_us : a.arrival > b.arrival;
};

// a - b > limit, whatever the distance.
bool is_beyond(int64_t a, int64_t b, int64_t limit) {
  int64_t distance = 0;
  return a > b && (__builtin_sub_overflow(a, b, &distance) || distance > limit);
}

std::string_view add_bytes(char*& out, std::string_view bytes) {
  if (!bytes.empty()) memcpy(out, bytes.data(), bytes.size());  // no id: no bytes, not even a place
  return {std::exchange(out, out + bytes.size()), bytes.size()};
}

}  // namespace

// The event enters the stream, unless it was there.
inline bool Reorder::enter(Event& event) {
  event.time_us = stream_us_ = std::max(stream_us_, event.ts_us);
  if (order_.dedupe_us && !event.id.empty() && !remember_id(event.id)) return ++duplicates_, false;
  event.sequence = ++sequence_;
  return true;
}

// False: it is known.
bool Reorder::remember_id(std::string_view id) {
  while (!kept_ids_.empty() && is_beyond(stream_us_, kept_ids_.front().time_us, *order_.dedupe_us)) {
    known_ids_.erase(kept_ids_.front().id);
    kept_ids_.pop_front();
  }
  if (known_ids_.contains(id)) return false;
  if (kept_ids_.size() == dedupe_ids_max) {
    known_ids_.erase(kept_ids_.front().id);
    kept_ids_.pop_front();
    ++ids_forgotten_;
  }
  kept_ids_.push_back({stream_us_, std::string(id)});
  known_ids_.insert(kept_ids_.back().id);
  return true;
}

Reorder::Verdict Reorder::offer_any(Event& event) {
  const bool has_clock = clock_us_ != INT64_MIN;
  if (order_.lateness_us && event.ts_us < clock_us_) return Verdict::late;
  if (order_.max_ahead_us && has_clock && is_beyond(event.ts_us, clock_us_, *order_.max_ahead_us))
    return Verdict::ahead;
  if (!order_.lateness_us) {
    clock_us_ = std::max(clock_us_, event.ts_us);
    return enter(event) ? Verdict::next : Verdict::duplicate;
  }
  clock_us_ = std::max(clock_us_, event.ts_us - *order_.lateness_us);
  ++arrivals_;
  held_.push_back(copy(event));
  std::push_heap(held_.begin(), held_.end(), is_after);
  return Verdict::held;
}

void Reorder::advance(int64_t clock_us) {
  clock_us_ = std::max(clock_us_, clock_us);
  if (!order_.lateness_us) stream_us_ = std::max(stream_us_, clock_us_);  // else what is held has its own time still
}

Reorder::Held Reorder::copy(const Event& event) const {
  const std::vector<FieldId>& fields = program_.types[event.type].fields;
  size_t size = event.type_name.size() + event.id.size() + event.raw.size();
  for (const FieldId field : fields) size += event.fields[field].has_bytes() ? event.fields[field].size : 0;
  Held held{event.ts_us, arrivals_, event, {}, {}};
  held.bytes = std::make_unique_for_overwrite<char[]>(size);
  held.fields = std::make_unique<Value[]>(fields.size());
  char* out = held.bytes.get();
  held.event.type_name = add_bytes(out, event.type_name);
  held.event.id = add_bytes(out, event.id);
  held.event.raw = add_bytes(out, event.raw);
  for (size_t i = 0; i < fields.size(); ++i) {
    Value value = event.fields[fields[i]];
    if (value.has_bytes()) value.data = add_bytes(out, value.bytes()).data();
    held.fields[i] = value;
  }
  return held;
}

const Event* Reorder::take(int64_t until_us, Taken& taken) {
  while (!held_.empty() && held_.front().ts_us <= until_us) {
    std::pop_heap(held_.begin(), held_.end(), is_after);
    if (taken.count_ == taken.ones_.size()) taken.ones_.emplace_back();
    Taken::One& one = taken.ones_[taken.count_];
    one.held = std::move(held_.back());
    held_.pop_back();
    Event& event = one.held.event;
    if (!enter(event)) continue;
    ++taken.count_;
    one.row.resize(program_.fields.size());
    const std::vector<FieldId>& fields = program_.types[event.type].fields;
    for (size_t i = 0; i < fields.size(); ++i) one.row[fields[i]] = one.held.fields[i];
    event.fields = one.row.data();
    return &event;
  }
  return nullptr;
}

}  // namespace omen
