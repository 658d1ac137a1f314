// Match order: the matches that complete at one moment under `overlap all`, put into the order in which they are
// reported: by start, then by each step in the order of the pattern, comparing the places in the stream of the events
// that it took, an absent one first. Equal assignments are one match.
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
    size_t begin, end;  // into places_: of each step those of its events, then a 0
  };
  bool before(const Entry& a, const Entry& b) const;

  CaptureStore& captures_;
  std::vector<Entry> entries_;
  std::vector<uint64_t> places_;
  std::vector<std::pair<uint8_t, uint64_t>> taken_;  // of the match in hand: slot, place
};

}  // namespace omen
