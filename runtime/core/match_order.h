// Match order: the matches that complete at one moment under `overlap all`, put into the order in which they are
// reported: by start, then event by event from the first: where two differ, the one whose event stands at the later
// step of the pattern comes first, for it leaves the earlier one out; at the same step the one whose event came first;
// one that has no further event before one that has. Equal assignments are one match.
//
// NOT HERE: how many are reported, and whether they are raised (engine_matches).
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/core/captures.h"

namespace omen {

// A match that is complete. The receiver owns one reference to the captures.
struct Completion {
  CaptureId captures = capture_none;  // newest first
  int64_t start_us = 0;
  int64_t end_us = 0;
  bool at_deadline = false;
  uint64_t count = 1;     // where matches are only counted: how many there are, without captures
  bool resolves = false;  // of a measure rule: what was raised is over
};

class MatchOrder {
 public:
  explicit MatchOrder(CaptureStore& captures) : captures_(captures) {}

  void clear();
  void add(const Completion& completion);
  // Appends what was added since clear() to `out`, in order; equal assignments once.
  void sort_into(std::vector<Completion>& out);

 private:
  struct Entry {
    Completion completion;
    size_t begin, end;  // into marks_
  };
  bool before(const Entry& a, const Entry& b) const;

  CaptureStore& captures_;
  std::vector<Entry> entries_;
  std::vector<uint64_t> marks_;  // of each match its start, then of each event the slot, last first, and the place
};

}  // namespace omen
