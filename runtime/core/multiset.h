// Multiset: how often each of many 64-bit hashes is there. Open addressing in a BytePool, at most 3/4 full.
//
// All zero is empty; release() gives the memory back. The hash 0 is kept as 1.
#pragma once

#include <cstdint>

#include "runtime/core/pool.h"

namespace omen {

struct Multiset {
  struct Place {
    uint64_t hash;  // 0: free
    uint64_t times;
  };
  Place* places;
  uint32_t capacity, count;  // a power of two; different hashes

  void add(BytePool& pool, uint64_t hash) {
    if ((count + 1) * 4 > capacity * 3) grow(pool);
    put(hash == 0 ? 1 : hash, 1);
  }
  // One that is there.
  void take(uint64_t hash) {
    const uint32_t mask = capacity - 1;
    hash = hash == 0 ? 1 : hash;
    uint32_t hole = static_cast<uint32_t>(hash) & mask;
    while (places[hole].hash != hash) hole = (hole + 1) & mask;
    if (--places[hole].times > 0) return;
    // No tombstones: what follows is moved up where its own place allows.
    for (uint32_t next = (hole + 1) & mask; places[next].hash != 0; next = (next + 1) & mask) {
      const uint32_t home = static_cast<uint32_t>(places[next].hash) & mask;
      if (((next - home) & mask) < ((next - hole) & mask)) continue;
      places[hole] = places[next];
      hole = next;
    }
    places[hole] = {};
    --count;
  }
  void release(BytePool& pool) {
    if (places != nullptr) pool.give(reinterpret_cast<std::byte*>(places), capacity * sizeof(Place));
    *this = {};
  }

 private:
  void put(uint64_t hash, uint64_t times) {
    const uint32_t mask = capacity - 1;
    uint32_t at = static_cast<uint32_t>(hash) & mask;
    while (places[at].hash != 0 && places[at].hash != hash) at = (at + 1) & mask;
    count += places[at].hash == 0 ? 1 : 0;
    places[at].hash = hash;
    places[at].times += times;
  }
  void grow(BytePool& pool) {
    Multiset larger{};
    larger.capacity = capacity == 0 ? 4 : capacity * 2;
    larger.places = reinterpret_cast<Place*>(pool.take(larger.capacity * sizeof(Place)));
    for (uint32_t i = 0; i < larger.capacity; ++i) larger.places[i] = {};
    for (uint32_t i = 0; i < capacity; ++i) {
      if (places[i].hash != 0) larger.put(places[i].hash, places[i].times);
    }
    release(pool);
    *this = larger;
  }
};

}  // namespace omen
