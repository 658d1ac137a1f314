#include "runtime/core/key_places.h"

#include <algorithm>
#include <utility>

namespace omen {
namespace {

constexpr size_t size_min = 16;
constexpr size_t kept_when_empty = 1024;  // a larger one gives its memory back
// With each key that is added. Two would do: the new table is full after as many keys as the old one had.
constexpr size_t moved_at_once = 8;
// Of a table: five eighths are the most, and from three fifths on the next one is prepared.
constexpr bool is_full(size_t count, size_t size) { return count * 8 > size * 5; }
constexpr bool is_nearly_full(size_t count, size_t size) { return count * 5 > size * 3; }

}  // namespace

KeyPlaces::Table::Table(size_t size)
    : size_(size), memory_(size * sizeof(Place), is_on_large_pages(size) ? Chunk::Pages::large : Chunk::Pages::small) {}

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
  const size_t count = size_t{count_} + 1;
  if (is_full(count, current_.size())) {
    move(old_.size());
    if (coming_.size() == 0) coming_ = Table(std::max(current_.size() * 2, size_min));
    old_ = std::exchange(current_, std::exchange(coming_, {}));
    moved_ = 0;
  } else if (is_nearly_full(count, current_.size()) && Table::is_on_large_pages(current_.size() * 2)) {
    prepare(count);
  }
  current_.put({hash, ~id});
  ++count_;
}

// One page after the other, as the last keys come: each takes a while to be cleared.
void KeyPlaces::prepare(size_t count) {
  if (coming_.size() == 0) {
    coming_ = Table(current_.size() * 2);
    cleared_ = 0;
  }
  const size_t keys = count - current_.size() * 3 / 5, pages = coming_.size() / Table::places_of_page;
  constexpr size_t keys_of_page =
      Table::places_of_page / 80;  // of the table before, a fortieth of whose places is left
  if (cleared_ < pages && cleared_ * keys_of_page <= keys) coming_[cleared_++ * Table::places_of_page] = {};
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

void KeyPlaces::replace(uint32_t hash, PartitionId id, PartitionId by) {
  const size_t at = current_.place_of(hash, id, 0);
  Place& place = at != current_.size() ? current_[at] : old_[old_.place_of(hash, id, moved_)];
  place.inverse = ~by;
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
  coming_ = {};
  moved_ = 0;
}

}  // namespace omen
