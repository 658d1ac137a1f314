#include "runtime/log/frame.h"

#include <bit>
#include <cstring>

#include "runtime/log/bytes.h"
#include "runtime/log/crc32c.h"
#include "runtime/model/status.h"

namespace omen {
namespace {

constexpr size_t crc_offset = 8, chained_offset = 12, header_crc_offset = 56;

template <typename T>
void put(char* bytes, size_t offset, T number) {
  memcpy(bytes + offset, &number, sizeof number);
}

uint32_t crc_of(std::string_view header_bytes, std::string_view payload) {
  const auto chained = header_bytes.substr(chained_offset, header_crc_offset - chained_offset);
  return crc32c(crc32c(0, chained), payload);
}

}  // namespace

std::string_view name_of(RecordKind kind) {
  switch (kind) {
    case RecordKind::event:
      return "event";
    case RecordKind::tick:
      return "tick";
    case RecordKind::rules:
      return "rules";
    case RecordKind::config:
      return "config";
    case RecordKind::epoch:
      return "epoch";
  }
  return "unknown";
}

HeaderFault read_header(std::string_view bytes, FrameHeader& header) {
  if (bytes.size() < frame_header_bytes) return HeaderFault::too_short;
  if (bytes.substr(0, frame_magic.size()) != frame_magic) return HeaderFault::no_frame;
  if (crc32c(0, bytes.substr(0, header_crc_offset)) != number_at<uint32_t>(bytes, header_crc_offset)) {
    return HeaderFault::no_frame;
  }
  header.version = number_at<uint16_t>(bytes, 4);
  if (header.version != frame_version) return HeaderFault::newer;
  header.flags = number_at<uint16_t>(bytes, 6);
  header.crc = number_at<uint32_t>(bytes, crc_offset);
  header.previous_crc = number_at<uint32_t>(bytes, chained_offset);
  header.epoch = number_at<uint64_t>(bytes, 16);
  header.first = number_at<uint64_t>(bytes, 24);
  header.durable = number_at<uint64_t>(bytes, 32);
  header.time_us = number_at<int64_t>(bytes, 40);
  header.count = number_at<uint32_t>(bytes, 48);
  header.payload_bytes = number_at<uint32_t>(bytes, 52);
  // The zero at the end is outside of both CRCs. Bounds keep a forged header from asking for memory, and sums from
  // wrapping round.
  const bool is_sane = number_at<uint32_t>(bytes, 60) == 0 && header.payload_bytes <= frame_payload_bytes_max &&
                       header.first > 0 && header.first < UINT64_MAX - UINT32_MAX;
  return is_sane ? HeaderFault::none : HeaderFault::no_frame;
}

bool is_intact(std::string_view header_bytes, const FrameHeader& header, std::string_view payload) {
  if (payload.size() != header.payload_bytes || crc_of(header_bytes, payload) != header.crc) return false;
  if (header.is_lost()) return payload.size() == sizeof(uint32_t);
  RecordCursor cursor(payload);
  LogRecord record;
  uint32_t count = 0;
  while (cursor.next(record)) ++count;
  return cursor.at_end() && count == header.count;
}

uint32_t chain_of(const FrameHeader& header, std::string_view payload) {
  return header.is_lost() ? number_at<uint32_t>(payload, 0) : header.crc;
}

void append_record(std::string& payload, const LogRecord& record) {
  OMEN_ASSERT(record.text.size() <= record_text_bytes_max);
  char head[record_header_bytes];
  head[0] = static_cast<char>(record.kind);
  put(head, 1, static_cast<uint32_t>(record.text.size()));
  put(head, 5, record.time_us);
  payload.append(head, sizeof head);
  payload.append(record.text);
}

void close_frame(std::string& frame, size_t frame_begin, FrameHeader& header) {
  OMEN_ASSERT(frame.size() >= frame_begin + frame_header_bytes);
  char* const out = frame.data() + frame_begin;
  const std::string_view payload(out + frame_header_bytes, frame.size() - frame_begin - frame_header_bytes);
  OMEN_ASSERT(payload.size() <= frame_payload_bytes_max);
  header.payload_bytes = static_cast<uint32_t>(payload.size());
  memcpy(out, frame_magic.data(), frame_magic.size());
  put(out, 4, header.version);
  put(out, 6, header.flags);
  put(out, chained_offset, header.previous_crc);
  put(out, 16, header.epoch);
  put(out, 24, header.first);
  put(out, 32, header.durable);
  put(out, 40, header.time_us);
  put(out, 48, header.count);
  put(out, 52, header.payload_bytes);
  header.crc = crc_of({out, frame_header_bytes}, payload);
  put(out, crc_offset, header.crc);
  put(out, header_crc_offset, crc32c(0, {out, header_crc_offset}));
  put(out, 60, uint32_t{0});
}

void append_lost_frame(std::string& out, FrameHeader header, uint32_t next_previous_crc) {
  const size_t begin = out.size();
  out.append(frame_header_bytes, '\0');
  char chain[sizeof next_previous_crc];
  put(chain, 0, next_previous_crc);
  out.append(chain, sizeof chain);
  header.flags = frame_flag_lost;
  close_frame(out, begin, header);
}

bool RecordCursor::next(LogRecord& record) {
  if (rest_.size() < record_header_bytes) return false;
  const auto kind = static_cast<uint8_t>(rest_[0]);
  const auto text_bytes = number_at<uint32_t>(rest_, 1);
  if (kind == 0 || kind > record_kind_last || text_bytes > rest_.size() - record_header_bytes) return false;
  record.kind = static_cast<RecordKind>(kind);
  record.time_us = number_at<int64_t>(rest_, 5);
  record.text = rest_.substr(record_header_bytes, text_bytes);
  rest_.remove_prefix(record_header_bytes + text_bytes);
  return true;
}

}  // namespace omen
