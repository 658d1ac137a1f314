// Pools: memory for many small things that come and go, without an allocation when warm.
//
// WordPool hands out runs of 8-byte words by index, BytePool blocks of bytes by pointer. Both take large chunks from
// the system and keep what is given back in one free list per size, which runs through the free memory itself. Nothing
// moves, so pointers stay good.
//
// INVARIANT: bytes() counts what is handed out, not what is held, so it is the same on every machine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "runtime/core/chunk.h"

namespace omen {

class WordPool {
 public:
  static constexpr uint32_t none = UINT32_MAX;

  uint32_t take(uint32_t words);
  void give(uint32_t index, uint32_t words);
  void* at(uint32_t index) { return chunks_[index / chunk_words].data() + byte_in_chunk(index); }
  const void* at(uint32_t index) const { return chunks_[index / chunk_words].data() + byte_in_chunk(index); }
  // Whether there is memory for so many words at this index, whatever stands there.
  bool has(uint32_t index, uint32_t words) const {
    return index / chunk_words < chunks_.size() && index % chunk_words + words <= chunk_words;
  }
  uint64_t bytes() const { return bytes_; }

 private:
  static constexpr uint32_t chunk_words = Chunk::large_bytes / sizeof(uint64_t);
  static constexpr uint32_t words_max = 64;
  static constexpr size_t byte_in_chunk(uint32_t index) { return size_t{index % chunk_words} * sizeof(uint64_t); }
  std::vector<Chunk> chunks_;
  std::array<uint32_t, words_max + 1> free_ = make_free();  // the first of each size; each names the next
  static constexpr std::array<uint32_t, words_max + 1> make_free() {
    std::array<uint32_t, words_max + 1> all;
    all.fill(none);
    return all;
  }
  uint32_t used_words_ = 0;  // of the last chunk
  uint64_t bytes_ = 0;
};

class BytePool {
 public:
  BytePool() = default;
  ~BytePool();
  BytePool(const BytePool&) = delete;
  BytePool& operator=(const BytePool&) = delete;
  // Aligned to 16 bytes when the size is a multiple of 16, to 8 otherwise.
  std::byte* take(uint32_t size);
  void give(std::byte* block, uint32_t size);
  uint64_t bytes() const { return bytes_; }

 private:
  std::byte* take_large(size_t size);
  void give_large(std::byte* block, size_t size);
  static constexpr uint32_t step = 8;
  static constexpr uint32_t pooled_max = 2048;                                 // larger blocks come one by one
  static constexpr uint32_t small_chunk_bytes = 256u << 10, small_chunks = 8;  // the first ones; then large ones
  struct Free {
    Free* next;
  };
  std::vector<Chunk> chunks_;
  std::unordered_set<std::byte*> large_;           // beyond pooled_max
  std::unordered_map<std::byte*, Chunk> largest_;  // of Chunk::large_bytes or more
  std::array<Free*, pooled_max / step + 1> free_{};
  size_t used_ = 0;  // of the last chunk
  uint64_t bytes_ = 0;
};

}  // namespace omen
