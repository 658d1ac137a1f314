// Frame: what one append writes to the log, and the records in it. Little-endian, no padding.
//
//   offset  bytes
//    0      4  magic F5 4F 4C FE: bytes that no UTF-8 text has, so no event can look like a frame
//    4      2  format version, 1
//    6      2  flags: 1 = lost (below)
//    8      4  CRC32C of bytes 12 to 55 and of the payload; chained, because the previous frame's is among them
//   12      4  the previous frame's CRC32C (0 before the first frame of all)
//   16      8  epoch: how often the log had been opened for writing
//   24      8  sequence of the first record; sequences begin with 1 and have no gaps
//   32      8  the last sequence known to be durable when this frame was written
//   40      8  when it was written, µs since 1970
//   48      4  number of records
//   52      4  bytes of payload
//   56      4  CRC32C of bytes 0 to 55: says whether the length can be trusted when the payload cannot
//   60      4  zero
//   64         payload: for each record its kind (1 byte), bytes of its text (4), time (8), text
//
// Every record takes a sequence, EVENT or not: a clock tick may complete a match, and W must be able to name it.
// A frame without records (a seal) is written on a clean end, and proves that what stands before it was durable.
//
// A frame with the flag `lost` stands where `omen repair` gave up records: it has as many sequences as `number of
// records` says, no records, and a payload of 4 bytes: the CRC32C that the next frame was chained to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace omen {

inline constexpr uint16_t frame_version = 1;
inline constexpr size_t frame_header_bytes = 64;
inline constexpr size_t record_header_bytes = 13;
inline constexpr size_t frame_payload_bytes_max = 64u << 20;  // an append of more is written as several frames
inline constexpr size_t record_text_bytes_max = 16u << 20;    // an append with a larger record is refused
inline constexpr uint16_t frame_flag_lost = 1;
inline constexpr std::string_view frame_magic = "\xF5\x4F\x4C\xFE";

enum class RecordKind : uint8_t {
  event = 1,   // time: arrival; text: the event as JSON in Omen's own form
  tick = 2,    // time: the clock that the engine is advanced to; no text
  rules = 3,   // text: what the rules are from here on
  config = 4,  // text: options that what follows depends on
  epoch = 5,   // the log was opened for writing; no text
};
inline constexpr uint8_t record_kind_last = 5;
std::string_view name_of(RecordKind kind);

struct LogRecord {
  RecordKind kind = RecordKind::event;
  int64_t time_us = 0;    // since 1970
  std::string_view text;  // whoever gave the record keeps it
};

struct FrameHeader {
  uint16_t version = frame_version;
  uint16_t flags = 0;
  uint32_t crc = 0;
  uint32_t previous_crc = 0;
  uint64_t epoch = 0;
  uint64_t first = 0;
  uint64_t durable = 0;
  int64_t time_us = 0;
  uint32_t count = 0;
  uint32_t payload_bytes = 0;

  bool is_lost() const { return (flags & frame_flag_lost) != 0; }
  uint64_t end() const { return first + count; }  // the sequence after its last
  uint64_t bytes() const { return frame_header_bytes + payload_bytes; }
};

enum class HeaderFault : uint8_t {
  none,
  too_short,  // not 64 bytes
  no_frame,   // another magic, or the header's CRC is not its own
  newer,      // intact up to its version, which is not ours
};

// Reads a header; what it says beyond `none` is undefined.
HeaderFault read_header(std::string_view bytes, FrameHeader& header);

// Does the payload belong to the header, and are there just the records that the header counts?
bool is_intact(std::string_view header_bytes, const FrameHeader& header, std::string_view payload);

// The CRC that the next frame must be chained to.
uint32_t chain_of(const FrameHeader& header, std::string_view payload);

// Appends a record to a payload; closes a frame: fills the CRCs into `header` and writes it over the first 64 bytes of
// `frame`, behind which the payload stands.
void append_record(std::string& payload, const LogRecord& record);
void close_frame(std::string& frame, size_t frame_begin, FrameHeader& header);
// Appends a frame for lost records.
void append_lost_frame(std::string& out, FrameHeader header, uint32_t next_previous_crc);

// Walks a payload.
class RecordCursor {
 public:
  explicit RecordCursor(std::string_view payload) : rest_(payload) {}
  // False at the end, and where the bytes are no record: then the rest is not empty.
  bool next(LogRecord& record);
  bool at_end() const { return rest_.empty(); }

 private:
  std::string_view rest_;
};

}  // namespace omen
