#include "runtime/outbox/check_sum.h"

#include <zlib.h>

namespace omen {

CheckSum& CheckSum::add(int64_t number) {
  unsigned char bytes[8];
  for (size_t i = 0; i < sizeof bytes; ++i) bytes[i] = static_cast<unsigned char>(number >> (8 * i));
  value_ = static_cast<int64_t>(crc32_z(static_cast<uLong>(value_), bytes, sizeof bytes));
  return *this;
}

CheckSum& CheckSum::add(std::string_view text) {
  add(static_cast<int64_t>(text.size()));
  value_ = static_cast<int64_t>(
      crc32_z(static_cast<uLong>(value_), reinterpret_cast<const unsigned char*>(text.data()), text.size()));
  return *this;
}

}  // namespace omen
