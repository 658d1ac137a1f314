// Names: short texts that are numbers once they are known. Event types and the heads of paths are looked up here.
//
// Open addressing over a fixed set, nearly all of it free: whether a place is taken is a branch, and a name that is
// none must not find another's. Built once, read-only after.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace omen {

inline constexpr uint32_t name_none = UINT32_MAX;
inline constexpr size_t name_padding = 8;  // bytes behind a name that are read, and not used

// A name as it is compared: its size, its first and its last eight bytes. Up to 16 bytes that is all of it.
struct NameKey {
  uint64_t front = 0, back = 0;
  uint32_t size = UINT32_MAX;  // no name
  const char* text = nullptr;

  // Without a branch, as sizes vary: the last eight bytes of a short text are its first. Of an empty one they are any.
  static NameKey of(std::string_view padded) {
    const size_t known = std::min<size_t>(padded.size(), 8);
    const uint64_t mask = ~uint64_t{0} >> (64 - 8 * known) % 64;
    NameKey key;
    key.size = static_cast<uint32_t>(padded.size());
    key.text = padded.data();
    memcpy(&key.front, padded.data(), 8);
    memcpy(&key.back, padded.data() + padded.size() - known, 8);
    key.front &= mask;
    key.back &= mask;
    return key;
  }
  uint64_t hash() const { return ((front ^ (back << 29 | back >> 35)) + size) * 0x9E3779B97F4A7C15u >> 32; }
  bool operator==(const NameKey& other) const {
    return front == other.front && back == other.back && size == other.size &&
           (size <= 16 || memcmp(text + 8, other.text + 8, size - 16) == 0);
  }
};

class Names {
 public:
  // Numbers are indices into `names`; an empty name is not found.
  explicit Names(const std::vector<std::string>& names) : texts_(names) {
    size_t size = 16;
    while (size < names.size() * 8) size *= 2;
    numbers_.assign(size, name_none);
    keys_.resize(names.size());
    mask_ = size - 1;
    for (uint32_t number = 0; number < names.size(); ++number) {
      if (names[number].empty()) continue;
      texts_[number].append(name_padding, '\0');
      keys_[number] = NameKey::of(std::string_view(texts_[number]).substr(0, names[number].size()));
      size_t at = keys_[number].hash();
      while (numbers_[at & mask_] != name_none) ++at;
      numbers_[at & mask_] = number;
    }
  }
  Names(const Names&) = delete;
  Names& operator=(const Names&) = delete;

  uint32_t find(std::string_view padded) const {
    const NameKey key = NameKey::of(padded);
    for (size_t at = key.hash();; ++at) {
      const uint32_t number = numbers_[at & mask_];
      if (number == name_none || keys_[number] == key) return number;
    }
  }

 private:
  std::vector<std::string> texts_;  // padded
  std::vector<NameKey> keys_;       // by number
  std::vector<uint32_t> numbers_;   // by place
  size_t mask_ = 0;
};

}  // namespace omen
