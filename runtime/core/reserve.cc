#include "runtime/core/reserve.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace omen {
namespace {

constexpr size_t small_page_bytes = 4096;  // where the system has no large ones to give
constexpr size_t touched_at_once = 64u << 20;

}  // namespace

Reserve& Reserve::of_process() {
  static Reserve reserve;
  return reserve;
}

Status Reserve::fill(uint64_t bytes, const std::function<void(uint64_t)>& touched) {
  OMEN_ASSERT(end_ == nullptr);
  const uint64_t machine_bytes =
      static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  if (bytes > machine_bytes) {
    return Status::error(
        fmt::format("{} MB are asked for, and the machine has {} MB", bytes >> 20, machine_bytes >> 20));
  }
  const size_t whole = (bytes + page_bytes - 1) / page_bytes * page_bytes;
  void* const place = mmap(nullptr, whole + page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (place == MAP_FAILED) return Status::error(std::strerror(errno));
  auto* const mapped = static_cast<std::byte*>(place);
  std::byte* const begin = mapped + (page_bytes - reinterpret_cast<size_t>(mapped) % page_bytes) % page_bytes;
  madvise(begin, whole, MADV_HUGEPAGE);  // a wish
  for (size_t at = 0; at < whole; at += small_page_bytes) {
    *const_cast<volatile std::byte*>(begin + at) = std::byte{0};
    if (touched && (at + small_page_bytes) % touched_at_once == 0) touched(at + small_page_bytes);
  }
  const std::scoped_lock lock(mutex_);
  fresh_ = begin;
  end_ = begin + whole;
  return Status::ok();
}

std::byte* Reserve::take(size_t bytes) {
  OMEN_ASSERT(bytes % page_bytes == 0);
  std::byte* piece = nullptr;
  {
    const std::scoped_lock lock(mutex_);
    if (bytes > page_bytes || returned_.empty()) {
      if (static_cast<size_t>(end_ - fresh_) < bytes) return nullptr;
      piece = fresh_;
      fresh_ += bytes;
      return piece;
    }
    piece = returned_.back();
    returned_.pop_back();
  }
  std::memset(piece, 0, bytes);
  return piece;
}

void Reserve::give(std::byte* piece, size_t bytes) {
  const std::scoped_lock lock(mutex_);
  for (size_t at = 0; at < bytes; at += page_bytes) returned_.push_back(piece + at);
}

uint64_t Reserve::free_bytes() const {
  const std::scoped_lock lock(mutex_);
  return static_cast<uint64_t>(end_ - fresh_) + returned_.size() * page_bytes;
}

}  // namespace omen
