#include "runtime/core/captures.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

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

namespace {

bool is_in_raw(const Event& event, std::string_view text) {
  return text.data() >= event.raw.data() && text.data() + text.size() <= event.raw.data() + event.raw.size();
}

// What few events have, as wide as it is used: what is written as a byte and read as a word has to wait for it.
struct Extras {
  uint64_t has_id, has_name, has_origin, place;
  Extras(const Event& event, const TypeInfo& type)
      : has_id(event.id.empty() ? 0 : 1),
        has_name(event.type == type_unnamed && event.type_name != type.name ? 1 : 0),
        has_origin(event.ts_us != event.time_us || event.derived_so_far != 0 ? 1 : 0),
        place(event.sequence - event.derived_so_far) {}
  size_t bytes() const {
    return (has_id + has_name) * sizeof(KeptEvent::Text) + has_origin * sizeof(KeptEvent::Origin);
  }
};

}  // namespace

// Texts that stand in the event's own bytes are kept with them; only unescaped ones need a copy.
size_t CaptureStore::bytes_of(const Event& event) const {
  const TypeInfo& type = program_.types[event.type];
  const Extras extras(event, type);
  size_t bytes = sizeof(KeptEvent) + extras.bytes() + type.kept.size() * sizeof(Value) + event.raw.size();
  if (extras.has_id != 0 && !is_in_raw(event, event.id)) bytes += event.id.size();
  if (extras.has_name != 0 && !is_in_raw(event, event.type_name)) bytes += event.type_name.size();
  for (FieldId field : type.kept) {
    const Value& value = event.fields[field];
    if (value.has_bytes() && !is_in_raw(event, value.bytes())) bytes += value.size;
  }
  return bytes;
}

KeptEvent* CaptureStore::keep(const Event& event) {
  const size_t bytes = bytes_of(event);
  return make(blocks_.take(static_cast<uint32_t>(bytes)), event, bytes);
}

KeptEvent* CaptureStore::keep(const KeptEvent& event) {
  std::byte* const block = blocks_.take(event.bytes);
  std::memcpy(block, &event, event.bytes);
  auto* const out = reinterpret_cast<KeptEvent*>(block);
  out->references = 1;
  Value* const fields = const_cast<Value*>(out->fields());
  for (size_t i = 0; i < program_.types[event.type].kept.size(); ++i) {
    if (fields[i].has_bytes()) fields[i].data = out->begin() + (fields[i].data - event.begin());
  }
  return out;
}

KeptEvent* CaptureStore::make(std::byte* block, const Event& event, size_t bytes) const {
  const TypeInfo& type = program_.types[event.type];
  const Extras extras(event, type);
  auto* const out = new (block) KeptEvent{};
  out->time_us = event.time_us;
  out->sequence = event.sequence & ((1ull << 58) - 1);
  out->is_derived = event.is_derived;
  out->has_id = extras.has_id;
  out->has_name = extras.has_name;
  out->has_origin = extras.has_origin;
  out->type = event.type;
  out->references = 1;
  out->bytes = static_cast<uint32_t>(bytes);
  out->raw_size = static_cast<uint32_t>(event.raw.size());
  char* const begin = reinterpret_cast<char*>(block);
  char* texts = begin + sizeof(KeptEvent) + extras.bytes() + type.kept.size() * sizeof(Value);
  char* const raw = begin + (bytes - event.raw.size());
  if (!event.raw.empty()) std::memcpy(raw, event.raw.data(), event.raw.size());
  const auto kept_text = [&](std::string_view text) -> const char* {
    if (is_in_raw(event, text)) return raw + (text.data() - event.raw.data());
    if (!text.empty()) std::memcpy(texts, text.data(), text.size());
    return std::exchange(texts, texts + text.size());
  };
  std::byte* extra = block + sizeof(KeptEvent);
  const auto add_text = [&](std::string_view text) {
    new (extra) KeptEvent::Text{static_cast<uint32_t>(kept_text(text) - begin), static_cast<uint32_t>(text.size())};
    extra += sizeof(KeptEvent::Text);
  };
  if (extras.has_id != 0) add_text(event.id);
  if (extras.has_name != 0) add_text(event.type_name);
  if (extras.has_origin != 0) {
    new (extra) KeptEvent::Origin{event.ts_us, extras.place};
    extra += sizeof(KeptEvent::Origin);
  }
  for (FieldId field : type.kept) {
    Value* const value = new (extra) Value(event.fields[field]);
    if (value->has_bytes()) value->data = kept_text(value->bytes());
    extra += sizeof(Value);
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
