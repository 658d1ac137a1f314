// Bytes: numbers in files of ours, little-endian and unaligned.
#pragma once

#include <bit>
#include <cstring>
#include <string_view>

namespace omen {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in memory");

template <typename T>
T number_at(std::string_view bytes, size_t offset) {
  T number;
  memcpy(&number, bytes.data() + offset, sizeof number);
  return number;
}

}  // namespace omen
