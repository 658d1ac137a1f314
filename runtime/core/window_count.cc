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
  make_identity(back_);  // the product from the event in hand on, row by row
  for (size_t event = border_; event-- > 0;) {
    act<Side::rows>(events_[event].moves, events_[event].ended);
    std::copy_n(line(states_), states_, rows_.begin() + static_cast<ptrdiff_t>(event * states_));
  }
  make_identity(back_);
}

// The product with an event's matrix, on the right (column by column) or on the left (row by row): a line that a move
// changes gets what another one was before the event.
template <WindowCount::Side side>
void WindowCount::act(uint64_t moves, uint64_t ended) {
  const size_t width = states_ + 1, first = has_window_ ? 0 : states_;
  const auto changed = [&](const Move& move) { return index(side == Side::columns ? move.to : move.from); };
  const auto read = [&](const Move& move) { return index(side == Side::columns ? move.from : move.to); };
  const auto each = [&](auto visit) {
    for (uint64_t left = moves; left != 0; left &= left - 1) visit(moves_[static_cast<size_t>(__builtin_ctzll(left))]);
  };
  const bool is_one_move = ended == 0 && (moves & (moves - 1)) == 0;
  if (!is_one_move) {
    scratch_.resize(width * width);
    each([&](const Move& move) { std::copy_n(line(read(move)), width, scratch_.data() + read(move) * width); });
  }
  for (uint64_t left = ended; left != 0; left &= left - 1) {
    std::fill_n(line(static_cast<size_t>(__builtin_ctzll(left))), width, uint64_t{0});
  }
  const uint64_t* const before = is_one_move ? back_.data() : scratch_.data();
  each([&](const Move& move) {
    uint64_t* const sums = line(changed(move));
    const uint64_t* const more = before + read(move) * width;
    for (size_t i = first; i < width; ++i) {  // without a branch: several at once
      const uint64_t sum = sums[i] + more[i];
      sums[i] = sum | (uint64_t{0} - static_cast<uint64_t>(sum < more[i]));
    }
  });
}

uint64_t WindowCount::count(uint8_t state) const {
  const uint64_t* const column = line(state);
  uint64_t sum = column[states_];
  if (begin_ == border_) return sum;
  const uint64_t* const row = rows_.data() + begin_ * states_;
  for (size_t from = 0; from < states_; ++from) add(sum, times(row[from], column[from]));
  return sum;
}

void WindowCount::push(int64_t time_us, uint64_t moves, uint64_t ended) {
  if (has_window_) events_.push_back({time_us, moves, ended});
  act<Side::columns>(moves, ended);
  if (ended == 0 && (moves & (moves - 1)) == 0) {  // one move needs no copy of what was before
    if (moves == 0) return;
    const Move& move = moves_[static_cast<size_t>(__builtin_ctzll(moves))];
    newest_us_[move.to] = std::max(newest_us_[move.to], move.from == start ? time_us : newest_us_[move.from]);
    return;
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
