#include "runtime/core/partition.h"

#include <cstring>
#include <new>
#include <utility>

#include "runtime/model/status.h"

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

// Most keys are short: a call takes longer than looking at both ends.
bool is_same(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const auto word = [](const char* at) {
    uint64_t out;
    std::memcpy(&out, at, sizeof(out));
    return out;
  };
  if (a.size() < 8 || a.size() > 16) return a == b;
  const size_t last = a.size() - 8;
  return word(a.data()) == word(b.data()) && word(a.data() + last) == word(b.data() + last);
}

}  // namespace

KeyTable::~KeyTable() = default;

// Eight bytes a step, multiplied to 128 bits and folded (after wyhash, Wang Yi): each bit of the key reaches the lower
// bits of the hash, which say where it stands. Of keys that are numbered, the last bytes alone differ; where only the
// lower half of a product is kept, these never come to the lower bits of the hash, and all keys ask for a few places.
uint32_t KeyTable::hash(std::string_view key) {
  __extension__ using Product = unsigned __int128;
  constexpr uint64_t multiplier = 0x9E3779B97F4A7C15u;
  uint64_t state = (key.size() + 1) * multiplier;
  const auto mix = [&](uint64_t word) {
    const Product product = static_cast<Product>(state ^ word) * multiplier;
    state = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
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
  return static_cast<uint32_t>(state ^ (state >> 32));
}

std::string_view KeyTable::key(PartitionId id) const {
  if (Newcomers::is_newcomer(id)) return newcomers_.key(id);
  const Partition& partition = at(id);
  const uint8_t size = static_cast<uint8_t>(partition.key[15]);
  if (size != Partition::is_long) return {partition.key, size};
  const LongKey key = long_key(partition);
  return {reinterpret_cast<const char*>(key.block), key.size};
}

PartitionId KeyTable::find(std::string_view key, uint32_t hash) const {
  return places_.find(hash, [&](PartitionId id) { return is_same(this->key(id), key); });
}

bool KeyTable::contains(PartitionId id, uint32_t hash) const {
  return places_.find(hash, [&](PartitionId other) { return other == id; }) != index_none;
}

PartitionId KeyTable::add(std::string_view key, uint32_t hash) {
  const PartitionId id = make(key, hash);
  places_.add(hash, id);
  return id;
}

PartitionId KeyTable::make(std::string_view key, uint32_t hash) {
  const PartitionId id = words_.take(partition_words + room_words_);
  OMEN_ASSERT(!Newcomers::is_newcomer(id));  // keys go long before that: words_bytes_max
  if (room_words_ > 0)
    new (words_.at(id + partition_words))
        RuleState{rule_none, index_none, index_none, index_none, 0, 0, index_none, 0, 0};
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
  return id;
}

PartitionId KeyTable::add_newcomer(const Event& event, std::string_view key, uint32_t hash, StartId start,
                                   PartitionId newest) {
  const PartitionId id = newcomers_.add(event, key, hash, start, newest);
  if (id == index_none) return id;
  if (newest == index_none) {
    places_.add(hash, id);
  } else {
    places_.replace(hash, newest, id);
  }
  return id;
}

void KeyTable::pop_newcomer() {
  while (const FirstEvent* const coming = newcomers_.look_ahead()) places_.prefetch(coming->hash);
  const FirstEvent& event = newcomers_.oldest();
  if (event.is_newest()) places_.remove(event.hash, newcomers_.oldest_id());
  newcomers_.pop_oldest();
}

PartitionId KeyTable::settle(PartitionId newcomer) {
  FirstEvent& event = newcomers_.at(newcomer);
  const PartitionId id = make(newcomers_.key(newcomer), event.hash);
  places_.replace(event.hash, newcomer, id);
  event.clear(FirstEvent::newest_bit);
  return id;
}

void KeyTable::link_state(PartitionId id, RuleStateId state) {
  OMEN_ASSERT(!is_row(state));  // keys go long before that: words_bytes_max
  RuleStateId& first = at(id).first;
  RuleState& added = state_at(state);
  if (is_row(first)) return row_at(first).add(blocks_, added.rule, state);
  added.next = first;
  first = state;
  uint32_t states = 0;
  for (; state != index_none && states < rows_from_; state = state_at(state).next) ++states;
  if (rows_from_ > 0 && states == rows_from_) make_row(id);
}

void KeyTable::make_row(PartitionId id) {
  const RuleStateId made = words_.take(row_words);
  OMEN_ASSERT(!is_row(made));
  StateRow& row = *new (words_.at(made)) StateRow{};
  each_state(id, [&](RuleId rule, RuleStateId state) { row.add(blocks_, rule, state); });
  at(id).first = made | row_bit;
}

// A row goes when half as many states are left as made it: one state that comes and goes does not make it each time.
void KeyTable::unlink_state(PartitionId id, RuleStateId state) {
  RuleStateId& first = at(id).first;
  if (!is_row(first)) {
    RuleStateId* link = &first;
    while (*link != state) link = &state_at(*link).next;
    *link = state_at(state).next;
    return;
  }
  StateRow& row = row_at(first);
  row.remove(blocks_, state_at(state).rule);
  if (row.count > rows_from_ / 2) return;
  const RuleStateId made = std::exchange(first, index_none) & ~row_bit;
  row.for_each([&](RuleId, RuleStateId left) { state_at(left).next = std::exchange(first, left); });
  row.release(blocks_);
  words_.give(made, row_words);
}

void KeyTable::remove(PartitionId id) {
  const Partition& partition = at(id);
  places_.remove(partition.hash, id);
  if (static_cast<uint8_t>(partition.key[15]) == Partition::is_long) {
    const LongKey key = long_key(partition);
    blocks_.give(key.block, key.size);
  }
  words_.give(id, partition_words + room_words_);
}

}  // namespace omen
