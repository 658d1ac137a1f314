// Window count: how many partial matches of a shared rule stand in each state, with starts inside of `within`. Exactly,
// and without keeping one of them: what the forest is to enumeration, this is to `--count`.
//
// An event acts on the counts of all states as a matrix: what stands in a state stays there (or is ended, when the
// event may not be passed over), and is added to each state that a fitting transition leads to. Products of matrices
// are associative, so the counts that come of the events in the window alone are their product, and a product over a
// sliding window is kept by two stacks: events of the front have the product from each of them to the border, the back
// has one product, and when the front is used up the back becomes the front.
//
//   push    the back's product times the event's matrix     moves times states
//   expire  amortised: each event moves to the front once   moves times states
//   count   front's row times back's column                 states
//
// None of that depends on the number of matches, nor on the length of the window; a single event can meet the moment at
// which the back becomes the front, whose cost is that of the events in it. Of the front's products the row of the
// start is kept, states words for each event. Counts stop at 2^64 - 1.
//
// NOT HERE: which events fit (forest).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace omen {

class StateReader;
class StateWriter;

class WindowCount {
 public:
  static constexpr uint32_t states_max = 63, moves_max = 64;
  // A transition; `from` is start for one that begins a match.
  static constexpr uint8_t start = 63;
  struct Move {
    uint8_t from;
    uint8_t to;
  };

  void open(std::span<const Move> moves, uint32_t states, bool has_window);
  // What started before is outside of the window.
  void expire(int64_t bound_us);
  // In the state, with a start at `bound_us` of the last expire() or later.
  uint64_t count(uint8_t state) const;
  // An event: the moves that fit, by index, and the states that it ends, a bit each.
  void push(int64_t time_us, uint64_t moves, uint64_t ended);

  // The newest start in a state; `never` when nothing stands there.
  static constexpr int64_t never = INT64_MIN;
  int64_t newest_us(uint8_t state) const { return newest_us_[state]; }
  int64_t newest_of_all_us() const;
  // After open() of the same kind.
  void save(StateWriter& out) const;
  void load(StateReader& in);
  size_t events() const { return events_.size() - begin_; }
  uint64_t bytes() const;

 private:
  struct Change {
    int64_t time_us;
    uint64_t moves, ended;
  };
  uint64_t* line(size_t state) { return back_.data() + state * (states_ + 1); }
  const uint64_t* line(size_t state) const { return back_.data() + state * (states_ + 1); }
  size_t index(uint8_t state) const { return state == start ? states_ : state; }
  void make_identity(std::vector<uint64_t>& matrix) const;
  void turn();
  enum class Side : uint8_t { columns, rows };
  template <Side side>
  void act(uint64_t moves, uint64_t ended);

  std::span<const Move> moves_;
  size_t states_ = 0;
  bool has_window_ = true;
  std::vector<Change> events_;
  size_t begin_ = 0, border_ = 0;  // the front is [begin_, border_)
  std::vector<uint64_t> rows_;     // of each event of the front: the counts that come of it and those behind it
  std::vector<uint64_t> back_;     // column by column, each of states + 1; the last column and place are the start's
  std::vector<uint64_t> scratch_;
  std::vector<int64_t> newest_us_, newest_before_us_;
};

// The counts of all keys, by index; what is given back is used again.
class WindowCounts {
 public:
  uint32_t take();
  void give(uint32_t id);
  WindowCount& at(uint32_t id) { return *all_[id]; }
  const WindowCount& at(uint32_t id) const { return *all_[id]; }
  uint64_t bytes() const { return bytes_; }
  void note_bytes(uint64_t before, uint64_t after) { bytes_ += after - before; }

 private:
  std::vector<std::unique_ptr<WindowCount>> all_;
  std::vector<uint32_t> free_;
  uint64_t bytes_ = 0;
};

}  // namespace omen
