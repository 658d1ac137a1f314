#include "runtime/core/scratch.h"

#include <algorithm>
#include <cstring>

namespace omen {

char* Scratch::allocate(size_t bytes) {
  constexpr size_t block_bytes = 16 * 1024;
  while (next_.block < blocks_.size() && blocks_[next_.block].size - next_.used < bytes) {
    next_ = {next_.block + 1, 0};
  }
  if (next_.block == blocks_.size()) {
    const size_t size = std::max(bytes, block_bytes);
    blocks_.push_back({std::make_unique<char[]>(size), size});
  }
  char* const at = blocks_[next_.block].bytes.get() + next_.used;
  next_.used += bytes;
  return at;
}

std::string_view Scratch::keep(std::string_view text) {
  char* const copy = allocate(text.size());
  if (!text.empty()) std::memcpy(copy, text.data(), text.size());
  return {copy, text.size()};
}

}  // namespace omen
