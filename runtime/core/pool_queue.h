// PoolQueue: a row of plain things in a BytePool, side by side, that grows at its end and shrinks at its front.
//
// It owns nothing by itself: release() gives its memory back, and whoever has it calls that. All zero is empty.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "runtime/core/pool.h"

namespace omen {

template <typename T>
struct PoolQueue {
  static_assert(std::is_trivially_copyable_v<T>);
  T* block;
  uint32_t first, count, capacity;

  T* begin() { return block + first; }
  T* end() { return block + first + count; }
  const T* begin() const { return block + first; }
  const T* end() const { return block + first + count; }
  T& operator[](uint32_t index) { return block[first + index]; }
  const T& operator[](uint32_t index) const { return block[first + index]; }

  void push(BytePool& pool, const T& thing) { insert(pool, count, thing); }
  void insert(BytePool& pool, uint32_t index, const T& thing) {
    make_room(pool);
    T* const place = begin() + index;
    std::memmove(place + 1, place, (count - index) * sizeof(T));
    *place = thing;
    ++count;
  }
  void erase(uint32_t index) {
    T* const place = begin() + index;
    std::memmove(place, place + 1, (count - index - 1) * sizeof(T));
    --count;
  }
  void cut(uint32_t new_count) { count = new_count; }
  void drop_front(uint32_t number) {
    first = number == count ? 0 : first + number;
    count -= number;
  }
  void release(BytePool& pool) {
    if (block != nullptr) pool.give(reinterpret_cast<std::byte*>(block), capacity * sizeof(T));
    *this = {};
  }

 private:
  void make_room(BytePool& pool) {
    if (first + count < capacity) return;
    if (first > 0 && first >= capacity / 2) {
      std::memmove(block, begin(), count * sizeof(T));
    } else {
      const uint32_t larger = std::max<uint32_t>(2, capacity * 2);
      auto* const moved = reinterpret_cast<T*>(pool.take(larger * sizeof(T)));
      if (block != nullptr) {
        std::memcpy(moved, begin(), count * sizeof(T));
        pool.give(reinterpret_cast<std::byte*>(block), capacity * sizeof(T));
      }
      block = moved;
      capacity = larger;
    }
    first = 0;
  }
};

}  // namespace omen
