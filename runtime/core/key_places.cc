#include "runtime/core/key_places.h"

#include <algorithm>
#include <utility>

namespace omen {
namespace {

constexpr size_t size_min = 16;
constexpr size_t kept_when_empty = 1024;  // a larger one gives its memory back
// With each key that is added. Two would do: the new table is full after as many keys as the old one had.
constexpr size_t moved_at_once = 8;

}  // namespace

// On small pages: its places are used here and there, and with large ones a few keys would wait for all to be cleared.
KeyPlaces::Table::Table(size_t size) : size_(size), memory_(size * sizeof(Place), Chunk::Pages::small) {}

void KeyPlaces::Table::put(const Place& place) {
  size_t at = home(place.hash);
  while ((*this)[at].inverse != Place::empty) at = next(at);
  (*this)[at] = place;
}

size_t KeyPlaces::Table::place_of(uint32_t hash, PartitionId id, size_t from) const {
  if (size_ == 0) return size_;
  for (size_t at = home(hash); (*this)[at].inverse != Place::empty; at = next(at)) {
    if ((*this)[at].inverse == ~id && at >= from) return at;
  }
  return size_;
}

// What follows is moved up where its own place allows.
void KeyPlaces::Table::close(size_t hole) {
  for (size_t at = next(hole); (*this)[at].inverse != Place::empty; at = next(at)) {
    if (((at - home((*this)[at].hash)) & (size_ - 1)) < ((at - hole) & (size_ - 1))) continue;
    (*this)[hole] = (*this)[at];
    hole = at;
  }
  (*this)[hole] = {};
}

void KeyPlaces::add(uint32_t hash, PartitionId id) {
  if (old_.size() != 0) move(moved_at_once);
  if ((size_t{count_} + 1) * 5 > current_.size() * 3) {
    move(old_.size());
    old_ = std::exchange(current_, Table(std::max(current_.size() * 2, size_min)));
    moved_ = 0;
  }
  current_.put({hash, ~id});
  ++count_;
}

void KeyPlaces::move(size_t places) {
  const size_t end = std::min(moved_ + places, old_.size());
  for (; moved_ < end; ++moved_) {
    if (old_[moved_].is_taken()) current_.put(old_[moved_]);
  }
  if (moved_ < old_.size()) {
    for (size_t at = moved_; at < std::min(end + moved_at_once, old_.size()); ++at) current_.prefetch(old_[at].hash);
    return;
  }
  old_ = {};
  moved_ = 0;
}

void KeyPlaces::remove(uint32_t hash, PartitionId id) {
  if (const size_t at = current_.place_of(hash, id, 0); at != current_.size()) {
    current_.close(at);
  } else {
    old_[old_.place_of(hash, id, moved_)].inverse = Place::gone;
  }
  if (--count_ > 0 || current_.size() <= kept_when_empty) return;
  current_ = {};
  old_ = {};
  moved_ = 0;
}

}  // namespace omen
