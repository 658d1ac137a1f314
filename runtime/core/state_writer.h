// State writer: what an engine remembers, as bytes. The format is told here; state_reader.h reads it.
//
//   magic, version
//   engine     clock, sequence, derived events, whether the stream has ended, counters
//   events     those that runs, entries and histories hold, each once: its text in Omen's own form, when it happened,
//              its places. What rules read of it is not kept: it is decoded again
//   rules      for each its name, version and shape (rule_shape.h), then a section of its own: counters, the window
//              of its `limit`, and for each key what its machine holds and the timers that are set for it
//   histories  for each way of keying (the names of its fields): the keys, that with the oldest last event first, and
//              of each its events
//   starts     for each first step that rules share (shared_starts.h): those rules, and then, of each key, its events
//
// Nothing is known by a number of the program: rules, types and fields go by their names, events by their place in the
// list of events, so the section of a rule that has not changed suits any program that has it.
//
// The bytes depend on what is remembered alone: keys come in the order of their hashes and texts, events and captures
// are numbered as they are first met. What can be found again is left out: inner nodes of trees, the sums of windows,
// notes for the sweep, free memory.
//
//   captures a list, oldest first, on top of one that was written before: what several lists share is there once
//
// NOT HERE: what each machine writes (engine_state, matcher_state, forest_state, measure_state, windows_state).
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/core/captures.h"
#include "runtime/core/state_bytes.h"

namespace omen {

inline constexpr std::string_view state_magic = "OMENSTAT";
inline constexpr uint64_t state_version = 2;
inline constexpr uint64_t state_version_without_starts = 1;  // the last one: no starts behind the histories

class StateWriter : public ByteWriter {
 public:
  StateWriter(const CaptureStore& captures, int64_t clock_us);

  void event(const KeptEvent& event);
  void captures(CaptureId head);
  // Those of another store from now on.
  void use(const CaptureStore& captures) { captures_ = &captures; }
  // Lists written from now on share nothing with those before.
  void forget_captures() { shared_.clear(); }

  // Appends `head`, the events, and all that was written.
  void finish(std::string& out, ByteWriter& head) const;

 private:
  uint64_t add_event(const KeptEvent& event);

  const CaptureStore* captures_;
  ByteWriter events_;
  uint64_t event_count_ = 0;
  boost::unordered_flat_map<const KeptEvent*, uint64_t> known_events_;  // that more than one thing holds
  using Shared = std::pair<const CaptureStore*, CaptureId>;
  boost::unordered_flat_map<Shared, uint64_t> shared_;  // captures that more than one list goes on from
  std::vector<CaptureId> path_;
};

}  // namespace omen
