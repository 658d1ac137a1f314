#include "runtime/core/pool.h"

#include "runtime/model/status.h"

namespace omen {

uint32_t WordPool::take(uint32_t words) {
  OMEN_ASSERT(words > 0 && words <= words_max);
  bytes_ += words * sizeof(uint64_t);
  if (const uint32_t index = free_[words]; index != none) {
    free_[words] = *static_cast<const uint32_t*>(at(index));
    return index;
  }
  if (chunks_.empty() || used_words_ + words > chunk_words) {
    chunks_.push_back(std::make_unique_for_overwrite<uint64_t[]>(chunk_words));
    used_words_ = 0;
  }
  const uint32_t index = static_cast<uint32_t>((chunks_.size() - 1) * chunk_words + used_words_);
  OMEN_ASSERT(index < none - 1);
  used_words_ += words;
  return index;
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
  bytes_ += rounded;
  if (rounded > pooled_max) return *large_.insert(new std::byte[rounded]).first;
  Free*& free = free_[rounded / step];
  if (free != nullptr) {
    std::byte* block = reinterpret_cast<std::byte*>(free);
    free = free->next;
    return block;
  }
  if (used_ + rounded > chunk_bytes) {
    chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(chunk_bytes));
    used_ = 0;
  }
  std::byte* block = chunks_.back().get() + used_;
  used_ += rounded;
  return block;
}

void BytePool::give(std::byte* block, uint32_t size) {
  const uint32_t rounded = (size + step - 1) / step * step;
  bytes_ -= rounded;
  if (rounded > pooled_max) {
    large_.erase(block);
    delete[] block;
    return;
  }
  Free* head = reinterpret_cast<Free*>(block);
  head->next = free_[rounded / step];
  free_[rounded / step] = head;
}

}  // namespace omen
