// FrameScanner: walks the frames of one segment and tells exactly where it stops being a log.
//
// A frame is taken when its header and payload have their CRCs, it is chained to the frame before, and its sequence
// goes on where that one's ended. At the first that is not, the scanner stands still at a fault; skip_fault() looks for
// the next intact frame behind it. Searching by the magic is safe: no text of an event contains it (frame.h).
//
// Memory: one frame, at most frame_payload_bytes_max, and a piece of a megabyte.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "runtime/log/disk.h"
#include "runtime/log/frame.h"

namespace omen {

class FrameScanner {
 public:
  enum class Step : uint8_t {
    frame,  // header(), payload() and offset() are this frame's, until the next call
    end,    // of the file, behind a whole frame
    fault,  // offset() is its place, problem() what is wrong
    error,  // the disk: disk_status()
  };

  // Before the first frame: the sequence that it must have, and the CRC that it must be chained to when that is known.
  FrameScanner(File& file, uint64_t first, std::optional<uint32_t> chain);

  Step next();
  // After a fault: goes to the next intact frame behind it whose sequence is not before `expected`. True: next() gives
  // it, whatever its sequence and chain. False: there is none, offset() is the file's end (or disk_status() tells).
  bool skip_fault();

  const FrameHeader& header() const { return header_; }
  std::string_view payload() const { return payload_; }
  uint64_t offset() const { return offset_; }
  const char* problem() const { return problem_; }
  bool is_newer() const { return is_newer_; }  // the fault: a frame of a later version of the format
  const DiskStatus& disk_status() const { return disk_status_; }
  // Where the next frame must begin, and what it must have.
  uint64_t end_offset() const { return next_offset_; }
  uint64_t expected() const { return expected_; }
  std::optional<uint32_t> chain() const { return chain_; }

 private:
  // The bytes at the offset, fewer at the file's end; they stay until the next call.
  std::string_view view(uint64_t offset, size_t size);
  Step fault(const char* problem);

  File& file_;
  uint64_t expected_;
  std::optional<uint32_t> chain_;
  bool is_resuming_ = false;
  uint64_t offset_ = 0, next_offset_ = 0;
  FrameHeader header_;
  std::string_view payload_;
  const char* problem_ = "";
  bool is_newer_ = false;
  DiskStatus disk_status_;
  std::unique_ptr<char[]> buffer_;  // the file's bytes from buffer_offset_ on
  size_t capacity_ = 0, buffered_ = 0;
  uint64_t buffer_offset_ = 0;
};

}  // namespace omen
