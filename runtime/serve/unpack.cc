#include "runtime/serve/unpack.h"

#include <zlib.h>

#include <algorithm>
#include <array>

namespace omen {

Result<std::string> unpack_gzip(std::string_view packed, size_t bytes_max) {
  constexpr int window_gzip_only = 15 + 16;
  z_stream stream = {};
  if (inflateInit2(&stream, window_gzip_only) != Z_OK) return Status::error("there is no room to unpack the body");
  std::string out;
  std::array<char, 64u << 10> piece;
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  int state = Z_OK;
  while (state == Z_OK && out.size() <= bytes_max) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    state = inflate(&stream, Z_NO_FLUSH);
    out.append(piece.data(), piece.size() - stream.avail_out);
    // Members may stand one behind the other (RFC 1952).
    if (state == Z_STREAM_END && stream.avail_in > 0) state = inflateReset(&stream);
  }
  inflateEnd(&stream);
  if (out.size() > bytes_max) return Status::error(std::string(too_large_text));
  if (state != Z_STREAM_END) return Status::error("the body is said to be gzip, and is not");
  return out;
}

}  // namespace omen
