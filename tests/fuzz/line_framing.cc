// Any bytes as a stream of lines, in pieces of any size: the same lines, counted right; the first line is looked at as
// one that may say who it is. And any text as base64, as gzip, as a signature.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/input/base64.h"
#include "runtime/model/status.h"
#include "runtime/serve/line_framing.h"
#include "runtime/serve/signatures.h"
#include "runtime/serve/unpack.h"

namespace {

using namespace omen;

// Bytes that stand for many, so that a line too long is not made of a megabyte of input; seldom, as it is slow.
std::string grown(std::string_view bytes, bool is_wanted) {
  std::string out;
  bool is_large = !is_wanted;
  for (const char c : bytes) {
    if (c == '\x01' && !std::exchange(is_large, true)) {
      out.append(event_bytes_max - 2, 'x');
    } else {
      out += c;
    }
  }
  return out;
}

Received read(std::string_view bytes, size_t step, bool is_ended, bool& has_part) {
  LineFraming framing;
  Received out;
  while (!bytes.empty()) {
    framing.put(bytes.substr(0, step), out);
    bytes.remove_prefix(std::min(step, bytes.size()));
    OMEN_ASSERT(framing.part_bytes() <= event_bytes_max);
  }
  has_part = framing.has_part();
  if (is_ended) framing.finish(out);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view raw(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::string bytes = grown(raw, data[0] == 0xff && data[1] == 0xff);
  const bool is_ended = (data[0] & 1) != 0;
  bool whole_part = false, pieces_part = false;
  const size_t step = bytes.size() > 10'000 ? 5000 + data[1] : 1 + data[1] % 50;
  const Received whole = read(bytes, bytes.size() + 1, is_ended, whole_part);
  const Received pieces = read(bytes, step, is_ended, pieces_part);
  OMEN_ASSERT(whole.lines == pieces.lines && whole.count == pieces.count && whole.order == pieces.order);
  OMEN_ASSERT(whole_part == pieces_part);
  const auto lines = static_cast<size_t>(std::count(whole.lines.begin(), whole.lines.end(), '\n'));
  OMEN_ASSERT(lines == whole.count && whole.order.size() == lines + whole.rejected.size());
  for (size_t i = 0; i < whole.rejected.size(); ++i) {
    OMEN_ASSERT(whole.rejected[i].place.offset == pieces.rejected[i].place.offset);
    OMEN_ASSERT(whole.rejected[i].bytes.size() <= 1024);
  }
  (void)read_hello(raw);
  (void)is_other_protocol(raw);
  (void)decode_base64(raw);
  (void)unpack_gzip(raw, 10'000);
  const auto scheme = static_cast<SignatureScheme>(data[0] % 6);
  const Status status = verify_signature(
      {scheme, {"s"}, {}}, [&](std::string_view) { return raw.substr(0, raw.find('\n')); }, raw, 0);
  OMEN_ASSERT(scheme == SignatureScheme::none || !status.is_ok());
  return 0;
}
