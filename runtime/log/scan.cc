#include "runtime/log/scan.h"

#include <algorithm>
#include <cstring>

namespace omen {
namespace {
constexpr size_t piece_bytes = 1u << 20;
}

FrameScanner::FrameScanner(File& file, uint64_t first, std::optional<uint32_t> chain)
    : file_(file), expected_(first), chain_(chain) {}

std::string_view FrameScanner::view(uint64_t offset, size_t size) {
  const bool overlaps = offset >= buffer_offset_ && offset < buffer_offset_ + buffered_;
  if (overlaps && offset + size <= buffer_offset_ + buffered_) return {buffer_.get() + (offset - buffer_offset_), size};
  uint64_t file_bytes = 0;
  disk_status_ = file_.size(file_bytes);
  if (!disk_status_) return {};
  // What is there already moves to the front; small files and small rests get small buffers.
  const size_t kept = overlaps ? buffer_offset_ + buffered_ - offset : 0;
  const uint64_t rest = file_bytes > offset ? file_bytes - offset : 0;
  const size_t wanted = std::max<size_t>(kept, std::min<uint64_t>(std::max(size, piece_bytes), rest));
  if (wanted > capacity_) {
    std::unique_ptr<char[]> larger(new char[wanted]);
    if (kept > 0) memcpy(larger.get(), buffer_.get() + (buffered_ - kept), kept);
    buffer_ = std::move(larger);
    capacity_ = wanted;
  } else {
    if (kept > 0) memmove(buffer_.get(), buffer_.get() + (buffered_ - kept), kept);
  }
  buffer_offset_ = offset;
  size_t got = 0;
  if (wanted > kept) disk_status_ = file_.read(offset + kept, buffer_.get() + kept, wanted - kept, got);
  buffered_ = kept + got;
  return {buffer_.get(), std::min(size, buffered_)};
}

FrameScanner::Step FrameScanner::fault(const char* problem) {
  problem_ = problem;
  return Step::fault;
}

FrameScanner::Step FrameScanner::next() {
  if (!disk_status_) return Step::error;
  offset_ = next_offset_;
  is_newer_ = false;
  const std::string_view head = view(offset_, frame_header_bytes);
  if (!disk_status_) return Step::error;
  if (head.empty()) return Step::end;
  switch (read_header(head, header_)) {
    case HeaderFault::none:
      break;
    case HeaderFault::too_short:
      return fault("ends within the header of a frame");
    case HeaderFault::no_frame:
      return fault("is no header of a frame");
    case HeaderFault::newer:
      is_newer_ = true;
      return fault("is a frame of a later version of the format");
  }
  const std::string_view frame = view(offset_, header_.bytes());
  if (!disk_status_) return Step::error;
  if (frame.size() < header_.bytes()) return fault("ends within a frame");
  payload_ = frame.substr(frame_header_bytes);
  if (!is_intact(frame.substr(0, frame_header_bytes), header_, payload_)) return fault("differs from its checksum");
  if (!is_resuming_) {
    if (header_.first != expected_) return fault("has another sequence than the frame before lets expect");
    if (chain_ && header_.previous_crc != *chain_) return fault("is not chained to the frame before");
  }
  is_resuming_ = false;
  expected_ = header_.end();
  chain_ = chain_of(header_, payload_);
  next_offset_ = offset_ + header_.bytes();
  return Step::frame;
}

bool FrameScanner::skip_fault() {
  for (uint64_t at = offset_ + 1;;) {
    const std::string_view piece = view(at, piece_bytes);
    if (!disk_status_) return false;
    const size_t found = piece.find(frame_magic);
    if (found == std::string_view::npos) {
      if (piece.size() < piece_bytes) {
        offset_ = next_offset_ = at + piece.size();
        return false;
      }
      at += piece.size() - (frame_magic.size() - 1);  // the magic may begin at the end of the piece
      continue;
    }
    at += found;
    FrameHeader header;
    if (read_header(view(at, frame_header_bytes), header) == HeaderFault::none && header.first >= expected_) {
      const std::string_view frame = view(at, header.bytes());
      if (frame.size() == header.bytes() &&
          is_intact(frame.substr(0, frame_header_bytes), header, frame.substr(frame_header_bytes))) {
        next_offset_ = at;
        is_resuming_ = true;
        return true;
      }
    }
    if (!disk_status_) return false;
    ++at;
  }
}

}  // namespace omen
