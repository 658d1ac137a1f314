// Forest: the partial matches of one rule and one key under `overlap all`, in shared form.
//
// This is the timed enumerable compact set of CORE (Bucci, Grez, Quintana, Riveros, Vansummeren, VLDB 2022), for
// automata whose states stay where they are until an event passed over ends them. Each state has a list of *entries*,
// newest first; an entry is one event taken on the way into the state, and remembers the list of the state that it came
// from, as it was:
//
//   entry   an output node: event, slot, and `below`, the list that it lengthens; 0: the match starts with it
//   list    a union node for each entry: the entry, and `next`, the list before it was put there
//   newest  in each the newest start that can be reached, so what lies outside of `within` is seen from its top
//
// An event puts one entry into the list of each state that it leads to, whatever the number of matches: its work is
// the number of transitions that fit. A match is a path from a completing transition down to a start. Paths are walked
// from the newest entry on, never into a dead one but for those in front of a living one; as entries come in the order
// of their newest starts (save where a list was ended, and filled again from several states), that is a delay linear in
// the length of the match. When more complete at one moment than are reported, an index (forest_index.h) counts them,
// and a walk from the starts gives the first of them in order. It never goes twice into what leads to no completion: an
// entry that does not takes all that were put into its list behind it with it. So neither depends on the length of the
// window.
//
// MEMORY. Entries are numbered in order and live in a ring: one whose event is older than `within` is dead, and so is
// all that it leads to; the ring is cut there, and a number before its begin is nothing. When no list lives the ring
// goes. A rule without `within` keeps what it took until no list lives. At max_entries an event is taken no more.
//
// A rule that is only counted has no entries: window_count.h.
//
// FILES: forest.cc how entries come and go, forest_matches.cc the matches that complete, forest_state.cc as bytes.
//
// NOT HERE: which rules can be shared (compiler/sharing), explicit runs (forks.cc), the order (match_order.h).
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <vector>

#include "runtime/core/captures.h"
#include "runtime/core/counters.h"
#include "runtime/core/forest_index.h"
#include "runtime/core/forest_shape.h"
#include "runtime/core/match_order.h"
#include "runtime/core/partition.h"
#include "runtime/core/present.h"
#include "runtime/core/rule_memory.h"
#include "runtime/core/window_count.h"
#include "runtime/model/limits.h"
#include "runtime/model/program.h"

namespace omen {

class StateReader;
class StateWriter;

class Forest {
 public:
  // All of them outlive it. `only_counts`: matches are counted and not enumerated.
  Forest(const Program& program, const Limits& limits, CaptureStore& captures, WordPool& words,
         std::vector<RuleCounters>& counters, Present& present, RuleMemory& memory, bool only_counts);

  void step(RuleState& state, uint32_t routes, std::vector<Completion>& out);

  // The last moment at which a match can complete from what is kept; RuleMemory::never when nothing is.
  int64_t alive_until(const RuleState& state) const;
  void drop(RuleState& state);
  bool is_counted(RuleId rule) const { return only_counts_[rule] != 0; }
  // What the state has, as bytes, and back into one that has nothing (state_writer.h).
  void save(StateWriter& out, const RuleState& state) const;
  void load(StateReader& in, RuleState& state, int64_t clock_us);
  void grow();
  void take_on(RuleId rule);  // which has no state
  uint64_t bytes() const { return blocks_.bytes() + window_.bytes() + index_bytes_; }
  uint64_t entries() const { return entries_; }

 private:
  static constexpr uint32_t entries_limit = 1u << 24;  // of a key: a block of a pool stays below 4 GB
  using EntryId = uint64_t;                            // 0: none
  static constexpr uint32_t ring_begin = 8;
  using Shape = ForestShape;
  struct Entry {
    KeptEvent* event;  // one reference
    int64_t time_us;
    int64_t newest_us;       // the newest start of the matches that end with it
    int64_t list_newest_us;  // and of those of the entries behind it
    EntryId below;
    EntryId next;
    EntryId bottom;  // the first entry of its list: lists with the same are one that has grown
    uint16_t opens;
    uint8_t slot;
    uint8_t way;  // way_none: it was saved when what it stands on was gone, and is dead
  };
  // What stands behind RuleState::first. The heads of the states' lists follow.
  struct Trees {
    Entry* ring;
    uint32_t capacity;  // a power of two
    uint32_t index;     // index_none: it has not been needed
    EntryId begin, end;
    EntryId* heads() { return reinterpret_cast<EntryId*>(this + 1); }
    const EntryId* heads() const { return reinterpret_cast<const EntryId*>(this + 1); }
  };
  // An entry to be made, when the lists are no longer read; or a completion.
  struct Growth {
    uint8_t way;
    EntryId below;
    int64_t newest_us;
  };
  // Of the walk from the starts: an entry, and what of that which lengthens it comes next.
  struct Stand {
    EntryId entry;
    uint32_t way;       // into Shape::by_slot
    size_t place;       // in the way's line; place_none: it is to be looked for
    uint64_t reported;  // before it
    CaptureId captures;
  };
  static constexpr size_t place_none = SIZE_MAX;
  struct Branch {
    EntryId entry;      // 0: there is none, or it is a completion
    const Growth* end;  // nullptr: it is an entry
  };

  Trees& trees(const RuleState& state) const { return *static_cast<Trees*>(words_.at(state.first)); }
  static Entry& at(const Trees& trees, EntryId id) { return trees.ring[id & (trees.capacity - 1)]; }
  uint32_t trees_words(const RuleProgram& rule) const;
  Trees& open(const RuleProgram& rule, RuleState& state);
  void push(Trees& trees, const Shape::Way& way, const Growth& growth);
  void sort_growths();
  void expire(Trees& trees);
  void make_room(Trees& trees, uint32_t capacity);
  void cut(Trees& trees, EntryId begin);

  void save_trees(StateWriter& out, const RuleState& state) const;
  void load_trees(StateReader& in, RuleState& state, int64_t dead_us);
  bool load_entry(StateReader& in, Trees& trees, EntryId id, int64_t dead_us);
  using Places = boost::unordered_flat_map<EntryId, StateId>;  // of lists, by bottom
  void find_way(StateReader& in, const Shape& shape, Trees& trees, Places& places, int64_t dead_us) const;
  bool is_ended(const RuleProgram& rule, const State& state, uint32_t routes);
  EntryId living(const Trees& trees, EntryId list) const;
  void step_trees(const RuleProgram& rule, RuleState& state, uint32_t routes, std::vector<Completion>& out);
  void step_counts(const RuleProgram& rule, RuleState& state, uint32_t routes, std::vector<Completion>& out);
  ForestIndex& index_of(RuleId rule, Trees& trees);
  void build_index(RuleId rule, const Trees& trees, ForestIndex& index) const;
  void drop_index(Trees& trees);
  void note_index(const Trees& trees);
  void complete(RuleId rule, Trees* trees, std::vector<Completion>& out);
  uint64_t count_completing(const Shape& shape, const ForestIndex& index) const;
  bool walk_newest_first(const Trees& trees, const Growth& end);
  uint64_t walk_in_order(RuleId rule, const Trees& trees, const ForestIndex& index, std::vector<Completion>& out);
  void walk_start(const Shape& shape, const Trees& trees, const ForestIndex& index, EntryId start, uint64_t& reported,
                  std::vector<Completion>& out);
  Branch next_branch(const Shape& shape, const Trees& trees, const ForestIndex& index, Stand& stand) const;
  bool skip_dead(const Trees& trees, const ForestIndex::Line& line, size_t& place) const;
  bool may_complete(const Shape& shape, const Trees& trees, const ForestIndex& index, EntryId id) const;
  void enter(const Shape& shape, const Trees& trees, EntryId id, uint64_t reported);
  bool report_all(const Shape& shape, const Trees* trees, std::vector<Completion>& out);
  CaptureId end_of(const Shape& shape, const Growth& end, CaptureId captures);
  Completion match(const Shape& shape, const Trees* trees, const Growth& end, const EntryId* path, size_t length);

  const Program& program_;
  const Limits& limits_;
  CaptureStore& captures_;
  WordPool& words_;
  std::vector<RuleCounters>& counters_;
  Present& present_;
  RuleMemory& memory_;
  const bool counts_only_;
  std::vector<uint8_t> only_counts_;  // by rule
  std::vector<Shape> shapes_;         // by rule; empty: of another machine
  BytePool blocks_;
  WindowCounts window_;
  ForestIndexes indexes_;
  uint64_t index_bytes_ = 0;
  MatchOrder order_;
  uint64_t entries_ = 0;
  int64_t bound_us_ = 0;  // starts before it are outside of `within`
  // Of the event in hand; kept so that nothing is allocated when warm.
  std::vector<Growth> growths_, ends_;
  std::vector<EntryId> path_;
  std::vector<size_t> places_;
  std::vector<Stand> stands_;
  boost::unordered_flat_map<EntryId, EntryId> dead_;  // by bottom: the first of the list that leads to no completion
  std::array<uint32_t, slots_max> slot_counts_{};
};

}  // namespace omen
