#include "runtime/core/window_count.h"

#include <algorithm>

namespace omen {

namespace {

void add(uint64_t& sum, uint64_t more) {
  if (__builtin_add_overflow(sum, more, &sum)) sum = UINT64_MAX;
}

uint64_t times(uint64_t a, uint64_t b) {
  uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

}  // namespace

void WindowCount::open(std::span<const Move> moves, uint32_t states, bool has_window) {
  moves_ = moves;
  states_ = states;
  has_window_ = has_window;
  events_.clear();
  rows_.clear();
  begin_ = border_ = 0;
  make_identity(back_);
  newest_us_.assign(states, never);
}

void WindowCount::make_identity(std::vector<uint64_t>& matrix) const {
  matrix.assign((states_ + 1) * (states_ + 1), 0);
  for (size_t i = 0; i <= states_; ++i) matrix[i * (states_ + 1) + i] = 1;
}

int64_t WindowCount::newest_of_all_us() const { return *std::ranges::max_element(newest_us_); }

uint64_t WindowCount::bytes() const {
  return events_.size() * sizeof(Change) + (rows_.size() + back_.size()) * sizeof(uint64_t);
}

void WindowCount::expire(int64_t bound_us) {
  while (begin_ < events_.size() && events_[begin_].time_us < bound_us) ++begin_;
  if (begin_ > border_ || (begin_ == border_ && begin_ > 0)) turn();
}

// The back becomes the front: from its last event to its first, the product from each of them on.
void WindowCount::turn() {
  events_.erase(events_.begin(), events_.begin() + static_cast<ptrdiff_t>(begin_));
  begin_ = 0;
  border_ = events_.size();
  rows_.resize(border_ * states_);
  const size_t width = states_ + 1;
  make_identity(back_);  // the product from the event in hand on
  for (size_t event = border_; event-- > 0;) {
    const Change& change = events_[event];
    scratch_ = back_;
    for (size_t state = 0; state < states_; ++state) {
      if ((change.ended >> state & 1) != 0) std::fill_n(back(state), width, uint64_t{0});
    }
    for (uint64_t left = change.moves; left != 0; left &= left - 1) {
      const Move& move = moves_[static_cast<size_t>(__builtin_ctzll(left))];
      uint64_t* row = back(index(move.from));
      for (size_t column = 0; column < width; ++column) add(row[column], scratch_[move.to * width + column]);
    }
    std::copy_n(back(states_), states_, rows_.begin() + static_cast<ptrdiff_t>(event * states_));
  }
  make_identity(back_);
}

uint64_t WindowCount::count(uint8_t state) const {
  uint64_t sum = back(states_)[state];
  if (begin_ == border_) return sum;
  const uint64_t* row = rows_.data() + begin_ * states_;
  for (size_t from = 0; from < states_; ++from) add(sum, times(row[from], back(from)[state]));
  return sum;
}

void WindowCount::push(int64_t time_us, uint64_t moves, uint64_t ended) {
  if (has_window_) events_.push_back({time_us, moves, ended});
  const size_t width = states_ + 1;
  scratch_.resize(width);
  for (size_t i = has_window_ ? 0 : states_; i <= states_; ++i) {
    uint64_t* row = back(i);
    std::copy_n(row, width, scratch_.begin());
    for (uint64_t left = ended; left != 0; left &= left - 1) row[__builtin_ctzll(left)] = 0;
    for (uint64_t left = moves; left != 0; left &= left - 1) {
      const Move& move = moves_[static_cast<size_t>(__builtin_ctzll(left))];
      add(row[move.to], scratch_[index(move.from)]);
    }
  }
  newest_before_us_ = newest_us_;
  for (uint64_t left = ended; left != 0; left &= left - 1)
    newest_us_[static_cast<size_t>(__builtin_ctzll(left))] = never;
  for (uint64_t left = moves; left != 0; left &= left - 1) {
    const Move& move = moves_[static_cast<size_t>(__builtin_ctzll(left))];
    newest_us_[move.to] = std::max(newest_us_[move.to], move.from == start ? time_us : newest_before_us_[move.from]);
  }
}

uint32_t WindowCounts::take() {
  if (free_.empty()) {
    all_.push_back(std::make_unique<WindowCount>());
    return static_cast<uint32_t>(all_.size() - 1);
  }
  const uint32_t id = free_.back();
  free_.pop_back();
  return id;
}

void WindowCounts::give(uint32_t id) { free_.push_back(id); }

}  // namespace omen
