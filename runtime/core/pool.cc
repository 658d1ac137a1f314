#include "runtime/core/pool.h"

#include <utility>

#include "runtime/model/status.h"

namespace omen {
namespace {

// All lines of a block that is written next: it lies anywhere.
void prefetch_block(void* block, uint32_t size) {
  for (uint32_t at = 0; at < size; at += 64) __builtin_prefetch(static_cast<std::byte*>(block) + at, 1);
}

}  // namespace

uint32_t WordPool::take(uint32_t words) {
  OMEN_ASSERT(words > 0 && words <= words_max);
  bytes_ += words * sizeof(uint64_t);
  if (const uint32_t index = free_[words]; index != none) {
    const uint32_t next = free_[words] = *static_cast<const uint32_t*>(at(index));
    if (next != none) __builtin_prefetch(at(next), 1);  // for the next one to take: it lies anywhere
    return index;
  }
  if (chunks_.empty() || used_words_ + words > chunk_words) {
    chunks_.emplace_back(Chunk::large_bytes, chunks_.empty() ? Chunk::Pages::small : Chunk::Pages::large);
    used_words_ = 0;
  }
  const size_t index = (chunks_.size() - 1) * chunk_words + used_words_;
  OMEN_ASSERT(index < none - 1);
  used_words_ += words;
  return static_cast<uint32_t>(index);
}

void WordPool::give(uint32_t index, uint32_t words) {
  bytes_ -= words * sizeof(uint64_t);
  *static_cast<uint32_t*>(at(index)) = free_[words];
  free_[words] = index;
}

BytePool::~BytePool() {
  for (std::byte* block : large_) delete[] block;
}

std::byte* BytePool::take(uint32_t size) {
  const uint32_t rounded = (size + step - 1) / step * step;
  if (rounded > pooled_max) return take_large(rounded);
  bytes_ += rounded;
  Free*& free = free_[rounded / step];
  if (free != nullptr) {
    std::byte* block = reinterpret_cast<std::byte*>(free);
    free = free->next;
    if (free != nullptr) prefetch_block(free, rounded);
    return block;
  }
  if (chunks_.empty() || used_ + step + rounded > chunks_.back().bytes()) {
    chunks_.emplace_back(chunks_.size() < small_chunks ? small_chunk_bytes : Chunk::large_bytes);
    used_ = 0;
  }
  if (rounded % 16 == 0) used_ = (used_ + 15) / 16 * 16;
  std::byte* block = chunks_.back().data() + used_;
  used_ += rounded;
  return block;
}

// From 2 MB on they are chunks of their own, on large pages: a ring that grows meets a fault for each page.
std::byte* BytePool::take_large(size_t size) {
  if (size < Chunk::large_bytes) {
    bytes_ += size;
    return *large_.insert(new std::byte[size]).first;
  }
  Chunk chunk((size + Chunk::large_bytes - 1) / Chunk::large_bytes * Chunk::large_bytes);
  bytes_ += chunk.bytes();
  std::byte* const block = chunk.data();
  largest_.emplace(block, std::move(chunk));
  return block;
}

void BytePool::give_large(std::byte* block, size_t size) {
  if (size < Chunk::large_bytes) {
    bytes_ -= size;
    large_.erase(block);
    delete[] block;
    return;
  }
  const auto chunk = largest_.find(block);
  bytes_ -= chunk->second.bytes();
  largest_.erase(chunk);
}

void BytePool::give(std::byte* block, uint32_t size) {
  const uint32_t rounded = (size + step - 1) / step * step;
  if (rounded > pooled_max) {
    give_large(block, rounded);
    return;
  }
  bytes_ -= rounded;
  Free* head = reinterpret_cast<Free*>(block);
  head->next = free_[rounded / step];
  free_[rounded / step] = head;
  prefetch_block(block, rounded);
}

}  // namespace omen
