// The order of a stream as bytes (state_bytes.h): magic, version, clocks and counters, the held events in their order
// as (arrival, ts, text), then the ids that are remembered, oldest first, as (time, id).
#include <algorithm>
#include <tuple>

#include "runtime/core/reorder.h"
#include "runtime/core/state_bytes.h"
#include "runtime/core/state_reader.h"
#include "runtime/model/limits.h"

namespace omen {

namespace {

constexpr std::string_view order_magic = "OMENORDR";
constexpr uint64_t order_version = 1;

}  // namespace

void Reorder::save(std::string& out, bool is_brief) const {
  ByteWriter bytes;
  bytes.append(order_magic);
  bytes.number(order_version);
  bytes.signed_number(clock_us_);
  bytes.set_clock(clock_us_);
  bytes.time(stream_us_);
  const uint64_t sequence = sequence_ + (is_brief ? held_.size() : 0);
  for (const uint64_t number : {sequence, arrivals_, duplicates_, ids_forgotten_}) bytes.number(number);
  if (is_brief) {
    bytes.number(0);
    bytes.number(0);
    out += bytes.bytes();
    return;
  }
  std::vector<const Held*> held;
  for (const Held& one : held_) held.push_back(&one);
  std::ranges::sort(held, {}, [](const Held* one) { return std::tie(one->ts_us, one->arrival); });
  bytes.number(held.size());
  for (const Held* one : held) {
    bytes.number(one->arrival);
    bytes.time(one->ts_us);
    bytes.text(one->event.raw);
  }
  bytes.number(kept_ids_.size());
  for (const KeptId& kept : kept_ids_) {
    bytes.time(kept.time_us);
    bytes.text(kept.id);
  }
  out += bytes.bytes();
}

Status Reorder::load(std::string_view bytes, Decoder& decoder, const GivenUp* is_given_up) {
  OMEN_ASSERT(sequence_ == 0 && arrivals_ == 0);
  ByteReader in(bytes, is_given_up);
  in.expect(order_magic);
  in.check(in.number() == order_version, "it is of another version of Omen");
  const int64_t clock_us = in.signed_number();
  in.check(clock_us == INT64_MIN || (clock_us >= -in.time_max_us && clock_us <= in.time_max_us),
           "the clock is out of range");
  in.set_clock(clock_us);
  clock_us_ = clock_us;
  stream_us_ = in.time_or(INT64_MIN);
  for (uint64_t* number : {&sequence_, &arrivals_, &duplicates_, &ids_forgotten_}) {
    *number = in.number_up_to(uint64_t{1} << 57);
  }
  constexpr uint64_t least_held_bytes = 3, least_id_bytes = 3;
  std::string line;
  for (uint64_t left = in.count(least_held_bytes); left > 0 && in.is_ok(); --left) {
    const uint64_t arrival = in.number_up_to(arrivals_);
    const int64_t ts_us = in.time();
    const Event* const event = decode_again(decoder, line, in.text(), ts_us);
    const bool is_later =
        held_.empty() || std::tie(held_.back().ts_us, held_.back().arrival) < std::tie(ts_us, arrival);
    if (!in.check(event != nullptr, "a held event cannot be decoded as it was") || event == nullptr) break;
    if (!in.check(is_later, "held events are not in order")) break;
    held_.push_back(copy(*event));  // in their order they are a heap
    held_.back().arrival = arrival;
  }
  for (uint64_t left = in.count(least_id_bytes); left > 0 && in.is_ok(); --left) {
    const int64_t time_us = in.time();
    const std::string_view id = in.text();
    in.check(time_us <= stream_us_ && (kept_ids_.empty() || kept_ids_.back().time_us <= time_us),
             "ids are not in order");
    in.check(!id.empty() && !known_ids_.contains(id) && kept_ids_.size() < dedupe_ids_max, "an id cannot be there");
    if (!in.is_ok()) break;
    kept_ids_.push_back({time_us, std::string(id)});
    known_ids_.insert(kept_ids_.back().id);
  }
  in.check(in.is_at_end(), "there is more than was expected");
  return in.status();
}

}  // namespace omen
