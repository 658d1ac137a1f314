// Source: a file, a pipe or standard input, plain, gzip or zstd, as slices of whole lines.
//
//   read what is there -> unpack it if it begins like gzip or zstd -> hand out all lines that are complete
//
// It never waits for a full buffer: what a read of a pipe gives is handed out at once, so an event is seen as soon as
// it has come in. Memory is flat: of a line beyond event_bytes_max only the beginning is handed out, the rest is read
// over until the next line feed.
//
// INVARIANT: slices are padded for the decoder (slice_padding), begin at a line's beginning, and live until the next.
// NOT HERE: what is in the lines (core/decode.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/status.h"

struct z_stream_s;
struct ZSTD_DCtx_s;

namespace omen {

class Source {
 public:
  // "-" is standard input.
  static Result<std::unique_ptr<Source>> open(const std::string& path);
  ~Source();
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  struct Slice {
    std::string_view lines;
    uint64_t offset = 0;       // bytes before it, unpacked
    bool is_too_long = false;  // `lines` is the beginning of one line that is too long
  };
  // False at the end, on an error (then status() says which) and when the process is asked to stop.
  bool next(Slice& slice);
  // The same with what has come, wherever that breaks: for what is not made of lines.
  bool next_bytes(Slice& slice);
  // Whether there is something to read without waiting.
  bool has_come() const;
  // The memory in which the slice of next() stands becomes the caller's; the source goes on with other memory, which
  // was had in this way before, of any source, or is nothing yet.
  void swap_memory(std::unique_ptr<char[]>& other);
  // The beginning of what is to come, which stays to come: at least `size` bytes, fewer only when there are no more.
  // Of the first bytes of an input, before any slice.
  std::string_view peek(size_t size);
  const Status& status() const { return status_; }

  const std::string& name() const { return name_; }
  std::optional<uint64_t> size_bytes() const { return size_bytes_; }  // as stored, when it is a file
  uint64_t read_bytes() const { return read_bytes_; }                 // as stored

 private:
  enum class Packing : uint8_t { unknown, plain, gzip, zstd };

  Source(std::string name, int fd);
  bool fill();
  size_t read_some(char* out, size_t size);
  bool sniff();
  size_t unpack(char* out, size_t size);
  size_t unpack_gzip(char* out, size_t size);
  size_t unpack_zstd(char* out, size_t size);
  size_t fail(std::string problem);
  bool hand_out(Slice& slice, size_t size);
  bool skip_line();

  std::string name_;
  int fd_;
  Status status_ = Status::ok();
  std::optional<uint64_t> size_bytes_;
  uint64_t read_bytes_ = 0;
  bool at_end_ = false;

  std::unique_ptr<char[]> buffer_;  // unpacked: [begin_, end_) is not yet handed out
  size_t begin_ = 0, end_ = 0;
  size_t searched_ = 0;  // no line feed in [begin_, searched_)
  uint64_t offset_ = 0;  // of begin_ in the unpacked stream
  char behind_ = 0;      // the byte behind the slice, which is zero as long as the slice lives
  bool has_behind_ = false;
  bool is_skipping_ = false;  // inside a line that is too long

  Packing packing_ = Packing::unknown;
  std::unique_ptr<char[]> packed_;
  size_t packed_begin_ = 0, packed_end_ = 0;
  bool in_frame_ = false;  // the packed data is not complete
  bool has_more_ = false;  // the unpacker holds output back for want of room
  std::unique_ptr<z_stream_s> gzip_;
  ZSTD_DCtx_s* zstd_ = nullptr;
};

}  // namespace omen
