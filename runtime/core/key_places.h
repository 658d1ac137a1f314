// KeyPlaces: from the hash of a key to its partition, or its id as a newcomer, by open addressing, growing without a
// pause.
//
// A place is a hash and an index, so that neither a probe nor a move reads a partition. The next one is tried where one
// is taken; what follows a hole is moved up where its own place allows. When the table is five eighths full, one of
// twice the size takes its place, and the old one is moved over by a few places with each key that is added: no key
// waits for all others. A large table stands on large pages, for its places are used here and there; they are cleared
// one by one before it is needed.
//
// INVARIANT: a partition is in one of the two; in the old one only at `moved_` or behind.
//
// NOT HERE: the keys themselves (partition.h).
#pragma once

#include <cstdint>

#include "runtime/core/chunk.h"
#include "runtime/core/pool.h"

namespace omen {

using PartitionId = uint32_t;

class KeyPlaces {
 public:
  // The partition with this hash of which `is` holds; WordPool::none when there is none.
  template <typename Is>
  PartitionId find(uint32_t hash, Is is) const {
    const PartitionId id = current_.find(hash, 0, is);
    return id != WordPool::none || old_.size() == 0 ? id : old_.find(hash, moved_, is);
  }
  PartitionId likely(uint32_t hash) const {  // the first with this hash
    return find(hash, [](PartitionId) { return true; });
  }
  // One that is not there yet; one that is.
  void add(uint32_t hash, PartitionId id);
  void remove(uint32_t hash, PartitionId id);
  void replace(uint32_t hash, PartitionId id, PartitionId by);
  // Asks for the memory that find() will read.
  void prefetch(uint32_t hash) const {
    current_.prefetch(hash);
    if (old_.size() != 0) old_.prefetch(hash);
  }
  uint32_t count() const { return count_; }
  uint64_t bytes() const { return (current_.size() + old_.size() + coming_.size()) * sizeof(Place); }

  // All of them, in the order of their places.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (size_t at = 0; at < current_.size(); ++at) {
      if (current_[at].is_taken()) visit(current_[at].id());
    }
    for (size_t at = moved_; at < old_.size(); ++at) {
      if (old_[at].is_taken()) visit(old_[at].id());
    }
  }

 private:
  struct Place {
    uint32_t hash;
    uint32_t inverse;                               // of the index: fresh memory is empty places
    static constexpr uint32_t empty = 0, gone = 1;  // gone: of the old table, passed over
    PartitionId id() const { return ~inverse; }
    bool is_taken() const { return inverse > gone; }
  };
  // A power of two of places, of memory that is zero and not touched before it is used.
  class Table {
   public:
    static constexpr size_t places_of_page = Chunk::large_bytes / sizeof(Place);
    static constexpr bool is_on_large_pages(size_t size) { return size > places_of_page; }
    Table() = default;
    explicit Table(size_t size);
    size_t size() const { return size_; }
    Place& operator[](size_t at) { return reinterpret_cast<Place*>(memory_.data())[at]; }
    const Place& operator[](size_t at) const { return reinterpret_cast<const Place*>(memory_.data())[at]; }
    size_t next(size_t at) const { return (at + 1) & (size_ - 1); }
    size_t home(uint32_t hash) const { return hash & (size_ - 1); }
    void prefetch(uint32_t hash) const {
      if (size_ != 0) __builtin_prefetch(&(*this)[home(hash)]);
    }
    template <typename Is>
    PartitionId find(uint32_t hash, size_t from, Is is) const {
      if (size_ == 0) return WordPool::none;
      for (size_t at = home(hash); (*this)[at].inverse != Place::empty; at = next(at)) {
        const Place& place = (*this)[at];
        if (place.hash == hash && place.is_taken() && at >= from && is(place.id())) return place.id();
      }
      return WordPool::none;
    }
    void put(const Place& place);
    size_t place_of(uint32_t hash, PartitionId id, size_t from) const;  // size() when it is not there
    void close(size_t hole);

   private:
    size_t size_ = 0;
    Chunk memory_;
  };
  void move(size_t places);
  void prepare(size_t count);

  Table current_, old_;
  Table coming_;        // the next one
  size_t moved_ = 0;    // places of the old one
  size_t cleared_ = 0;  // pages of the coming one
  uint32_t count_ = 0;
};

}  // namespace omen
