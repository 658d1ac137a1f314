#include "runtime/core/chunk.h"

#include <sys/mman.h>

#include <cstdlib>

#include "runtime/core/reserve.h"
#include "runtime/model/status.h"

namespace omen {

static_assert(Chunk::large_bytes == Reserve::page_bytes);

Chunk::Chunk(size_t bytes, Pages pages) : bytes_(bytes) {
  if (bytes < large_bytes) {
    data_ = static_cast<std::byte*>(std::calloc(bytes, 1));
    OMEN_ASSERT(data_ != nullptr);  // out of memory
    return;
  }
  if (pages == Pages::large && (data_ = Reserve::of_process().take(bytes)) != nullptr) {
    source_ = Source::reserve;
    return;
  }
  source_ = Source::system;
  // So much more that a piece with the right beginning is in it; what is over goes back.
  const size_t mapped = bytes + large_bytes;
  void* const place = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  OMEN_ASSERT(place != MAP_FAILED);  // out of memory
  auto* const begin = static_cast<std::byte*>(place);
  const size_t before = (large_bytes - reinterpret_cast<size_t>(begin) % large_bytes) % large_bytes;
  if (before > 0) munmap(begin, before);
  data_ = begin + before;
  munmap(data_ + bytes, mapped - before - bytes);
  // A wish: where it cannot be granted, all goes on as before.
  if (pages == Pages::large) madvise(data_, bytes, MADV_HUGEPAGE);
}

Chunk::~Chunk() {
  switch (source_) {
    case Source::heap:
      std::free(data_);
      break;
    case Source::system:
      munmap(data_, bytes_);
      break;
    case Source::reserve:
      Reserve::of_process().give(data_, bytes_);
      break;
  }
}

}  // namespace omen
