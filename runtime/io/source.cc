#include "runtime/io/source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/core/decode.h"
#include "runtime/io/stop.h"
#include "runtime/model/limits.h"

namespace omen {
namespace {

constexpr size_t read_size = 256 * 1024;  // with its tokens it fits the second-level cache of one core
constexpr size_t buffer_size = event_bytes_max + 2 * read_size;
constexpr size_t shown_of_too_long = 1024;
constexpr int pipe_bytes = 1 << 20;

bool begins_with(const char* bytes, size_t size, std::string_view magic) {
  return size >= magic.size() && memcmp(bytes, magic.data(), magic.size()) == 0;
}

std::unique_ptr<char[]> make_buffer() { return std::make_unique<char[]>(buffer_size + slice_padding); }

}  // namespace

Result<std::unique_ptr<Source>> Source::open(const std::string& path) {
  if (path == "-") return std::unique_ptr<Source>(new Source("standard input", STDIN_FILENO));
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return Status::error("cannot open " + path + ": " + strerror(errno));
  return std::unique_ptr<Source>(new Source(path, fd));
}

Source::Source(std::string name, int fd) : name_(std::move(name)), fd_(fd), buffer_(make_buffer()) {
  struct stat file = {};
  if (fstat(fd_, &file) != 0) return;
  if (S_ISREG(file.st_mode)) {
    size_bytes_ = static_cast<uint64_t>(file.st_size);
    posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
  } else if (S_ISFIFO(file.st_mode)) {
    fcntl(fd_, F_SETPIPE_SZ, pipe_bytes);  // refused when the user has too many large pipes: only slower
  }
}

Source::~Source() {
  if (gzip_ != nullptr) inflateEnd(gzip_.get());
  ZSTD_freeDCtx(zstd_);
  if (fd_ != STDIN_FILENO) close(fd_);
}

size_t Source::fail(std::string problem) {
  status_ = Status::error(name_ + ": " + std::move(problem));
  at_end_ = true;
  return 0;
}

// Some bytes as they are stored; 0 at the end, on an error and on a stop, all of which set at_end_.
size_t Source::read_some(char* out, size_t size) {
  while (!at_end_) {
    if (!wait_readable(fd_)) {
      at_end_ = true;
      break;
    }
    const ssize_t got = read(fd_, out, size);
    if (got > 0) {
      read_bytes_ += static_cast<uint64_t>(got);
      return static_cast<size_t>(got);
    }
    if (got == 0) {
      at_end_ = true;
    } else if (errno != EINTR && errno != EAGAIN) {
      return fail(std::string("cannot read: ") + strerror(errno));
    }
  }
  return 0;
}

// The first bytes tell what it is. They are plain unless they begin like a packed stream, so one byte is often enough.
bool Source::sniff() {
  constexpr std::string_view gzip_magic = "\x1f\x8b", zstd_magic = "\x28\xb5\x2f\xfd";
  while (end_ < zstd_magic.size()) {
    const size_t got = read_some(buffer_.get() + end_, read_size);
    end_ += got;
    if (got == 0 || (buffer_[0] != gzip_magic[0] && buffer_[0] != zstd_magic[0])) break;
  }
  packing_ = Packing::plain;
  if (begins_with(buffer_.get(), end_, gzip_magic)) {
    packing_ = Packing::gzip;
    gzip_ = std::make_unique<z_stream>();
    OMEN_ASSERT(inflateInit2(gzip_.get(), 15 + 16) == Z_OK);  // out of memory
  } else if (begins_with(buffer_.get(), end_, zstd_magic)) {
    packing_ = Packing::zstd;
    zstd_ = ZSTD_createDCtx();
    OMEN_ASSERT(zstd_ != nullptr);
  } else if (status_ && (name_.ends_with(".gz") || name_.ends_with(".zst"))) {
    fail("is not packed as its name says");
    end_ = 0;
  }
  if (packing_ == Packing::plain) return end_ > 0;
  packed_.reset(new char[read_size]);
  memcpy(packed_.get(), buffer_.get(), end_);
  packed_end_ = std::exchange(end_, 0);
  return fill();
}

size_t Source::unpack_gzip(char* out, size_t size) {
  z_stream& stream = *gzip_;
  stream.next_in = reinterpret_cast<Bytef*>(packed_.get() + packed_begin_);
  stream.avail_in = static_cast<uInt>(packed_end_ - packed_begin_);
  stream.next_out = reinterpret_cast<Bytef*>(out);
  stream.avail_out = static_cast<uInt>(size);
  if (!in_frame_ && stream.avail_in > 0) {  // a further member of the file
    inflateReset(&stream);
    in_frame_ = true;
  }
  const int result = inflate(&stream, Z_NO_FLUSH);
  packed_begin_ = packed_end_ - stream.avail_in;
  has_more_ = stream.avail_out == 0;
  if (result == Z_STREAM_END) {
    in_frame_ = false;
  } else if (result != Z_OK && result != Z_BUF_ERROR) {
    return fail("damaged gzip data" + (stream.msg != nullptr ? std::string(": ") + stream.msg : std::string()));
  }
  return size - stream.avail_out;
}

size_t Source::unpack_zstd(char* out, size_t size) {
  ZSTD_inBuffer in{packed_.get(), packed_end_, packed_begin_};
  ZSTD_outBuffer unpacked{out, size, 0};
  const size_t result = ZSTD_decompressStream(zstd_, &unpacked, &in);
  packed_begin_ = in.pos;
  if (ZSTD_isError(result)) return fail(std::string("damaged zstd data: ") + ZSTD_getErrorName(result));
  in_frame_ = result != 0;
  has_more_ = unpacked.pos == size;
  return unpacked.pos;
}

size_t Source::unpack(char* out, size_t size) {
  for (;;) {
    if (packed_begin_ == packed_end_ && !has_more_) {
      packed_begin_ = 0;
      packed_end_ = read_some(packed_.get(), read_size);
      if (packed_end_ == 0) {
        if (in_frame_ && status_ && stop_signal() == 0) fail("ends in the middle of its packed data; it was cut off");
        return 0;
      }
    }
    const size_t got = packing_ == Packing::gzip ? unpack_gzip(out, size) : unpack_zstd(out, size);
    if (got > 0 || !status_) return got;
  }
}

// More bytes into the buffer. False when there are none.
bool Source::fill() {
  if (packing_ == Packing::unknown) return sniff();
  const size_t room = std::min(read_size, buffer_size - end_);
  char* const out = buffer_.get() + end_;
  const size_t got = packing_ == Packing::plain ? read_some(out, room) : unpack(out, room);
  end_ += got;
  return got > 0;
}

bool Source::hand_out(Slice& slice, size_t size) {
  slice = {{buffer_.get() + begin_, size}, offset_, false};
  if (offset_ == 0 && slice.lines.starts_with("\xEF\xBB\xBF")) {
    slice.lines.remove_prefix(3);
    slice.offset = 3;
  }
  begin_ += size;
  offset_ += size;
  searched_ = begin_;
  behind_ = std::exchange(buffer_[begin_], '\0');
  has_behind_ = true;
  return true;
}

// Reads over the rest of a line that is too long.
bool Source::skip_line() {
  for (;;) {
    const char* const bytes = buffer_.get();
    const auto* const found = static_cast<const char*>(memchr(bytes + begin_, '\n', end_ - begin_));
    const size_t behind = found != nullptr ? found + 1 - bytes : end_;
    offset_ += behind - begin_;
    begin_ = searched_ = behind;
    if (found != nullptr) return true;
    begin_ = end_ = searched_ = 0;
    if (!fill()) return false;
  }
}

bool Source::has_come() const {
  pollfd waiting{fd_, POLLIN, 0};
  return size_bytes_ || poll(&waiting, 1, 0) != 0;
}

void Source::swap_memory(std::unique_ptr<char[]>& other) {
  if (other == nullptr) other = make_buffer();
  buffer_[begin_] = behind_;
  memcpy(other.get(), buffer_.get() + begin_, end_ - begin_);
  buffer_[begin_] = '\0';
  has_behind_ = false;
  buffer_.swap(other);
  end_ -= std::exchange(begin_, 0);
  searched_ = 0;
}

std::string_view Source::peek(size_t size) {
  while (end_ < size && fill()) {
  }
  return {buffer_.get(), end_};
}

bool Source::next_bytes(Slice& slice) {
  constexpr size_t piece_size = 64 * 1024;  // what is made of it is larger, and fits the second-level cache still
  if (offset_ == 0) peek(3);                // a byte order mark
  if (std::exchange(has_behind_, false)) buffer_[begin_] = behind_;
  if (begin_ == end_) {
    begin_ = end_ = searched_ = 0;
    if (!fill()) return false;
  }
  return hand_out(slice, std::min(end_ - begin_, piece_size));
}

bool Source::next(Slice& slice) {
  if (std::exchange(has_behind_, false)) buffer_[begin_] = behind_;
  if (std::exchange(is_skipping_, false) && !skip_line()) return false;
  memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  searched_ -= begin_;
  end_ -= begin_;
  begin_ = 0;
  for (;;) {
    const char* const bytes = buffer_.get();
    const auto* const last = static_cast<const char*>(memrchr(bytes + searched_, '\n', end_ - searched_));
    if (last != nullptr) return hand_out(slice, last + 1 - bytes);
    searched_ = end_;
    if (end_ > event_bytes_max + 1) {  // one more for a carriage return
      hand_out(slice, shown_of_too_long);
      slice.is_too_long = true;
      is_skipping_ = true;
      return true;
    }
    if (fill()) continue;
    // The last line without its end counts, unless it was cut off by an error or a stop.
    if (end_ == 0 || !status_ || stop_signal() != 0) return false;
    return hand_out(slice, end_);
  }
}

}  // namespace omen
