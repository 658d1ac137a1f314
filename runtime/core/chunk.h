// Chunk: one of the large pieces of memory that pools and key tables are made of; zero when fresh.
//
// Fresh memory costs a fault of the system for each page, and every access that jumps about in much memory a miss of
// the translation of its address. On pages of 2 MB both nearly vanish, so large chunks ask for such pages
// (madvise(2), MADV_HUGEPAGE). Whether the system has any is its affair: never in
// /sys/kernel/mm/transparent_hugepage/enabled switches it off. Where the process has touched memory ahead (reserve.h),
// they come from there.
//
// NOT HERE: what stands where in a chunk (pool.h, key_places.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace omen {

class Chunk {
 public:
  static constexpr size_t large_bytes = 2u << 20;

  // Of at least large_bytes. The first chunk of a pool stays on small ones: most never need a second.
  enum class Pages : bool { small, large };

  Chunk() = default;
  // Ends the process when there is no memory.
  explicit Chunk(size_t bytes, Pages pages = Pages::large);
  ~Chunk();
  Chunk(Chunk&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        bytes_(std::exchange(other.bytes_, 0)),
        source_(std::exchange(other.source_, Source::heap)) {}
  Chunk& operator=(Chunk&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(source_, other.source_);
    return *this;
  }

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }

 private:
  enum class Source : uint8_t { heap, system, reserve };
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
  Source source_ = Source::heap;
};

}  // namespace omen
