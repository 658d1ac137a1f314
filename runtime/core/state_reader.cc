#include "runtime/core/state_reader.h"

#include "runtime/model/limits.h"

namespace omen {

StateReader::StateReader(std::string_view bytes, const Program& program, CaptureStore& captures, Decoder& received,
                         const GivenUp* is_given_up)
    : ByteReader(bytes, is_given_up), program_(program), captures_(captures), received_(received) {}

StateReader::~StateReader() {
  for (const Stored& stored : events_) {
    if (stored.made != nullptr) captures_.release(stored.made);
  }
}

void StateReader::read_events() {
  constexpr uint64_t least_bytes = 6;
  events_.resize(count(least_bytes));
  for (Stored& stored : events_) {
    stored.made = nullptr;
    stored.is_derived = flag();
    stored.time_us = time();
    stored.ts_us = time();
    stored.sequence = number_up_to(INT64_MAX);
    stored.derived_so_far = number_up_to(stored.sequence);
    stored.raw = text();
    if (!check(stored.time_us <= clock_us(), "an event is from after the clock")) return;
  }
}

const Event* decode_again(Decoder& decoder, std::string& line, std::string_view raw, int64_t ts_us) {
  if (raw.size() > event_bytes_max) return nullptr;
  line = raw;
  line.append(slice_padding, '\0');
  decoder.open(std::string_view(line).substr(0, raw.size()), {}, ts_us);
  const Decoder::Batch batch = decoder.next();
  const bool is_one = batch.rejections.empty() && batch.events.size() == 1;
  if (!is_one || batch.events[0].raw.size() != raw.size() || batch.events[0].ts_us != ts_us) return nullptr;
  return &batch.events[0];
}

KeptEvent* StateReader::make(const Stored& stored) {
  if (!check_wanted()) return nullptr;
  if (stored.is_derived && derived_ == nullptr) {
    derived_ = std::make_unique<Decoder>(program_, Envelope{}, Declared::nothing);
  }
  const Event* const decoded = decode_again(stored.is_derived ? *derived_ : received_, line_, stored.raw, stored.ts_us);
  if (!check(decoded != nullptr, "an event cannot be decoded as it was")) return nullptr;
  Event event = *decoded;
  event.time_us = stored.time_us;
  event.sequence = stored.sequence;
  event.derived_so_far = stored.derived_so_far;
  event.is_derived = stored.is_derived;
  return captures_.keep(event);
}

KeptEvent* StateReader::event() {
  const uint64_t index = number();
  if (!check(index < events_.size(), "an event is not there")) return nullptr;
  Stored& stored = events_[index];
  if (stored.made == nullptr) stored.made = make(stored);
  return stored.made;
}

CaptureId StateReader::captures() {
  CaptureId head = capture_none;
  uint64_t depth = 0;
  const uint64_t base = number_up_to(shared_.size());
  if (base > 0 && is_ok()) {
    head = shared_[base - 1].id;
    depth = shared_[base - 1].depth;
    captures_.retain(head);
  }
  constexpr uint64_t least_bytes = 4;
  for (uint64_t left = count(least_bytes); left > 0; --left) {
    const uint64_t slot = number_up_to(2 * slots_max - 1);
    const auto opens = static_cast<uint16_t>(number_up_to(UINT16_MAX));
    const auto count = static_cast<uint32_t>(number_up_to(++depth));
    KeptEvent* const taken = event();
    if (!check(count > 0, "a capture counts nothing")) break;
    head = captures_.add(head, taken, static_cast<uint8_t>(slot >> 1), opens, count);
    if ((slot & 1) != 0) shared_.push_back({head, depth});
  }
  check(head != capture_none, "a run has taken nothing");
  if (is_ok()) return head;
  captures_.release(head);
  return capture_none;
}

}  // namespace omen
