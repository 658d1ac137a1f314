#include "runtime/core/partition.h"

#include <cstring>
#include <new>
#include <utility>

namespace omen {

namespace {

struct LongKey {
  std::byte* block;
  uint32_t size;
};

LongKey long_key(const Partition& partition) {
  LongKey key;
  std::memcpy(&key.block, partition.key, sizeof(key.block));
  uint32_t size = 0;
  std::memcpy(&size, partition.key + sizeof(key.block), sizeof(size));
  key.size = size;
  return key;
}

}  // namespace

KeyTable::~KeyTable() = default;

// FNV-1a's successor for short keys: eight bytes a step, multiplied and folded.
uint32_t KeyTable::hash(std::string_view key) {
  constexpr uint64_t multiplier = 0x9E3779B97F4A7C15ull;
  uint64_t state = key.size() * multiplier;
  auto mix = [&](uint64_t word) {
    state = (state ^ word) * multiplier;
    state ^= state >> 32;
  };
  const char* data = key.data();
  size_t left = key.size();
  for (; left >= 8; left -= 8, data += 8) {
    uint64_t word = 0;
    std::memcpy(&word, data, 8);
    mix(word);
  }
  if (left > 0) {
    uint64_t word = 0;
    std::memcpy(&word, data, left);
    mix(word);
  }
  return static_cast<uint32_t>(state ^ (state >> 29));
}

std::string_view KeyTable::key(PartitionId id) const {
  const Partition& partition = at(id);
  const uint8_t size = static_cast<uint8_t>(partition.key[15]);
  if (size != Partition::is_long) return {partition.key, size};
  const LongKey key = long_key(partition);
  return {reinterpret_cast<const char*>(key.block), key.size};
}

PartitionId KeyTable::find(std::string_view key, uint32_t hash) const {
  if (slots_.empty()) return index_none;
  const size_t mask = slots_.size() - 1;
  const uint8_t tag = tag_of(hash);
  for (size_t slot = hash & mask; tags_[slot] != tag_empty; slot = (slot + 1) & mask) {
    if (tags_[slot] == tag && at(slots_[slot]).hash == hash && this->key(slots_[slot]) == key) return slots_[slot];
  }
  return index_none;
}

PartitionId KeyTable::likely(uint32_t hash) const {
  if (slots_.empty()) return index_none;
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  while (tags_[slot] != tag_empty && tags_[slot] != tag_of(hash)) slot = (slot + 1) & mask;
  return tags_[slot] == tag_empty ? index_none : slots_[slot];
}

bool KeyTable::contains(PartitionId id, uint32_t hash) const {
  if (slots_.empty()) return false;
  const size_t mask = slots_.size() - 1;
  for (size_t slot = hash & mask; tags_[slot] != tag_empty; slot = (slot + 1) & mask) {
    if (slots_[slot] == id) return true;
  }
  return false;
}

PartitionId KeyTable::find_or_add(std::string_view key, uint32_t hash) {
  const PartitionId found = find(key, hash);
  if (found != index_none) return found;
  if ((size_ + 1) * 5 > slots_.size() * 4) grow();
  const PartitionId id = words_.take(partition_words);
  auto* partition = new (words_.at(id)) Partition{hash, index_none, {}};
  if (key.size() <= 15) {
    if (!key.empty()) std::memcpy(partition->key, key.data(), key.size());
    partition->key[15] = static_cast<char>(key.size());
  } else {
    std::byte* block = blocks_.take(static_cast<uint32_t>(key.size()));
    std::memcpy(block, key.data(), key.size());
    const auto size = static_cast<uint32_t>(key.size());
    std::memcpy(partition->key, &block, sizeof(block));
    std::memcpy(partition->key + sizeof(block), &size, sizeof(size));
    partition->key[15] = static_cast<char>(Partition::is_long);
  }
  put(id, hash);
  ++size_;
  return id;
}

void KeyTable::put(PartitionId id, uint32_t hash) {
  const size_t mask = slots_.size() - 1;
  size_t slot = hash & mask;
  while (tags_[slot] != tag_empty) slot = (slot + 1) & mask;
  slots_[slot] = id;
  tags_[slot] = tag_of(hash);
}

void KeyTable::grow() {
  const size_t places = slots_.empty() ? 16 : slots_.size() * 2;
  const std::vector<PartitionId> old_slots = std::exchange(slots_, std::vector<PartitionId>(places, index_none));
  const std::vector<uint8_t> old_tags = std::exchange(tags_, std::vector<uint8_t>(places, tag_empty));
  for (size_t slot = 0; slot < old_slots.size(); ++slot) {
    if (old_tags[slot] != tag_empty) put(old_slots[slot], at(old_slots[slot]).hash);
  }
}

// Linear probing without tombstones: what follows is moved up where its own place allows.
void KeyTable::remove(PartitionId id) {
  const size_t mask = slots_.size() - 1;
  size_t hole = at(id).hash & mask;
  while (slots_[hole] != id || tags_[hole] == tag_empty) hole = (hole + 1) & mask;
  for (size_t slot = (hole + 1) & mask; tags_[slot] != tag_empty; slot = (slot + 1) & mask) {
    const size_t home = at(slots_[slot]).hash & mask;
    if (((slot - home) & mask) >= ((slot - hole) & mask)) {
      slots_[hole] = slots_[slot];
      tags_[hole] = tags_[slot];
      hole = slot;
    }
  }
  slots_[hole] = index_none;
  tags_[hole] = tag_empty;
  const Partition& partition = at(id);
  if (static_cast<uint8_t>(partition.key[15]) == Partition::is_long) {
    const LongKey key = long_key(partition);
    blocks_.give(key.block, key.size);
  }
  words_.give(id, partition_words);
  // A table that was large and is empty gives its memory back.
  if (--size_ > 0 || slots_.size() <= 1024) return;
  std::vector<PartitionId>().swap(slots_);
  std::vector<uint8_t>().swap(tags_);
}

}  // namespace omen
