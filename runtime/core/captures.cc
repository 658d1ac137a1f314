#include "runtime/core/captures.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace omen {

namespace {
constexpr uint32_t capture_words = sizeof(Capture) / sizeof(uint64_t);
}

CaptureStore::~CaptureStore() = default;

int32_t CaptureStore::kept_index(TypeId type, FieldId field) const {
  const std::vector<FieldId>& kept = program_.types[type].kept;
  const auto found = std::lower_bound(kept.begin(), kept.end(), field);
  return found != kept.end() && *found == field ? static_cast<int32_t>(found - kept.begin()) : -1;
}

KeptEvent* CaptureStore::keep(const Event& event) {
  const std::vector<FieldId>& kept = program_.types[event.type].kept;
  auto is_in_raw = [&](const Value& value) {
    return value.data >= event.raw.data() && value.data + value.size <= event.raw.data() + event.raw.size();
  };
  // Texts that stand in the event's own bytes are kept with them; only unescaped ones need a copy.
  size_t extra = 0;
  for (FieldId field : kept) {
    const Value& value = event.fields[field];
    if (value.has_bytes() && !is_in_raw(value)) extra += value.size;
  }
  const size_t raw_offset = sizeof(KeptEvent) + kept.size() * sizeof(Value);
  const size_t bytes = raw_offset + event.raw.size() + event.id.size() + event.type_name.size() + extra;
  auto* out = new (blocks_.take(static_cast<uint32_t>(bytes))) KeptEvent{};
  out->time_us = event.time_us;
  out->ts_us = event.ts_us;
  out->sequence = event.sequence;
  out->place = event.sequence - event.derived_so_far;
  out->type = event.type;
  out->references = 1;
  out->bytes = static_cast<uint32_t>(bytes);
  out->raw_size = static_cast<uint32_t>(event.raw.size());
  out->raw_offset = static_cast<uint32_t>(raw_offset) & INT32_MAX;
  out->is_derived = event.is_derived ? 1 : 0;
  out->id_offset = static_cast<uint32_t>(raw_offset + event.raw.size());
  out->id_size = static_cast<uint32_t>(event.id.size());
  out->type_name_size = static_cast<uint32_t>(event.type_name.size());
  char* raw = reinterpret_cast<char*>(out) + raw_offset;
  char* cursor = raw;
  auto append = [&](std::string_view text) {
    if (!text.empty()) std::memcpy(cursor, text.data(), text.size());
    char* begin = cursor;
    cursor += text.size();
    return begin;
  };
  append(event.raw);
  append(event.id);
  append(event.type_name);
  Value* fields = reinterpret_cast<Value*>(out + 1);
  for (FieldId field : kept) {
    Value* value = new (fields++) Value(event.fields[field]);
    if (!value->has_bytes()) continue;
    value->data = is_in_raw(*value) ? raw + (value->data - event.raw.data()) : append(value->bytes());
  }
  return out;
}

void CaptureStore::release(KeptEvent* event) {
  if (--event->references == 0) blocks_.give(reinterpret_cast<std::byte*>(event), event->bytes);
}

CaptureId CaptureStore::add(CaptureId previous, KeptEvent* event, uint8_t slot, uint16_t opens, uint32_t count) {
  const CaptureId id = words_.take(capture_words);
  ++event->references;
  new (words_.at(id)) Capture{event, previous, 1, count, opens, slot};
  return id;
}

uint32_t CaptureStore::count(CaptureId head, uint8_t slot) const {
  for (CaptureId id = head; id != capture_none; id = at(id).previous) {
    if (at(id).slot == slot) return at(id).count;
  }
  return 0;
}

void CaptureStore::release(CaptureId head) {
  while (head != capture_none) {
    Capture& capture = mutable_at(head);
    if (--capture.references > 0) return;
    const CaptureId previous = capture.previous;
    release(capture.event);
    words_.give(head, capture_words);
    head = previous;
  }
}

}  // namespace omen
