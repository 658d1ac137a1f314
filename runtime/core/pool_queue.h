// PoolQueue: a row of plain things in a BytePool, side by side, that grows at its end and shrinks at its front.
//
// It owns nothing by itself: release() gives its memory back, and whoever has it calls that. All zero is empty.
#pragma once

#include <algorithm>
#include <bit>
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
  // Gives back what it has no need of: room for twice as many is left.
  void fit(BytePool& pool) {
    PoolQueue fitting{};
    fitting.take_over(pool, std::bit_ceil(std::max<uint32_t>(1, count)) * 2, *this);
    *this = fitting;
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
      PoolQueue larger{};
      larger.take_over(pool, std::max<uint32_t>(2, capacity * 2), *this);
      *this = larger;
    }
    first = 0;
  }
  // Of an empty one: takes what is in the other, and gives its block back.
  void take_over(BytePool& pool, uint32_t room, PoolQueue& other) {
    block = reinterpret_cast<T*>(pool.take(room * sizeof(T)));
    capacity = room;
    count = other.count;
    if (count > 0) std::memcpy(block, other.begin(), count * sizeof(T));
    other.release(pool);
  }
};

}  // namespace omen
