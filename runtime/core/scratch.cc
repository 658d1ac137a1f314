#include "runtime/core/scratch.h"

#include <algorithm>
#include <cstring>

namespace omen {

void Scratch::clear() {
  block_ = 0;
  used_ = 0;
}

char* Scratch::allocate(size_t bytes) {
  constexpr size_t block_bytes = 16 * 1024;
  while (block_ < blocks_.size() && blocks_[block_].size - used_ < bytes) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const size_t size = std::max(bytes, block_bytes);
    blocks_.push_back({std::make_unique<char[]>(size), size});
  }
  char* const at = blocks_[block_].bytes.get() + used_;
  used_ += bytes;
  return at;
}

std::string_view Scratch::keep(std::string_view text) {
  char* const copy = allocate(text.size());
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

}  // namespace omen
