// Places: what can remain of a pattern, and the ways from one place to the next.
//
// A place is to a pattern what a derivative is to a regular expression (Brzozowski 1964): a tree in the pattern's own
// shape that says which part of it has been taken. lower explores all places that can be reached and makes each a
// state. Two places are one state when their texts are equal, so repetitions beyond a loop's minimum are one place.
//
//   ways(place)     the steps that can take the next event, furthest first, each with the place it leads to; a derived
//                   event is never the very next one, so no => leads to it and it breaks none
//   passed(place)   the place after an event that no way takes: ended by a =>, a consecutive group closed
//   expanded(place) the place once for each choice of branches of the `or`s that it has just come to: the threads
//
// An `or` whose branches are all done with their first event is *simple*: it needs no threads.
//
// Under `overlap all` an event passed over never changes the place, and every `or` is simple: its branch is chosen by
// the event that it takes first. What may not be passed over is said of each way by bars (model/program.h):
//   a gap with `not`s           barred by one of them that was broken; any event taken lifts it
//   a =>, a consecutive group   barred by any event that is not the next of its branch; one that is lifts it
//   a consecutive step loop     a further repetition is barred by a misfit; the first repetition lifts it
// A branch's => follows the branch's own last event, but in a further repetition of the `and` the last one of all: this
// has a bar of the loop's own. A derived event that begins the repetition comes between nothing: a second way for it,
// barred by that bar, lifts those of the branches beside it.
// A `not` holds between the last event taken before it in the text and the first one behind it, so the gaps of optional
// items that are left out bar the way too.
//
// NOT HERE: numbering states and laying out the program (lower).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/typed.h"
#include "runtime/model/program.h"

namespace omen {

struct Remainder {
  enum class Status : uint8_t {
    idle,      // not come to
    entered,   // come to, its branches chosen, nothing taken
    started,   // something taken
    finished,  // taken to the end, nothing can follow inside
  };
  Status status = Status::idle;
  bool closed = false;           // loop: no further repetition
  bool has_previous = false;     // all: an event had been taken before it
  uint32_t number = 0;           // sequence: present item; loop: repetitions begun; any: branch
  std::vector<Remainder> parts;  // sequence, loop, all, any: see places.cc
  bool is_untouched() const { return status == Status::idle || status == Status::entered; }
  void append_key(std::string& out) const;
};

struct Way {
  StepId step = 0;
  std::optional<Remainder> place;  // nothing: taking the event ends the thread
  std::vector<Guard> guards;
  std::vector<std::pair<uint8_t, uint8_t>> copies;
  std::vector<uint8_t> marks;
  uint32_t loop = 0;
  uint16_t opens = 0;
  std::vector<std::pair<uint8_t, uint8_t>> decides;  // (`or`, branch)
  bool can_repeat = false;
  uint64_t barred_by = 0, lifts = 0, lowers = 0;
};

// A `not` whose gap is open.
struct OpenAbsence {
  TypedPattern::Absence absence;
  uint64_t bar = 0;
};

// A step-wise consecutive loop that an unfitting event of its type closes; no place: it ends the thread.
struct Closing {
  StepId step = 0;
  std::optional<Remainder> place;
  uint64_t bar = 0;
};

class Places {
 public:
  explicit Places(const TypedRule& rule);

  std::vector<Remainder> first() const;  // the places before anything was taken, one per thread
  std::vector<Way> ways(const Remainder& place, bool is_derived = false) const;
  std::optional<Remainder> passed(const Remainder& place) const;
  std::vector<Closing> closings(const Remainder& place) const;
  std::vector<Remainder> expanded(const Remainder& place) const;
  std::vector<OpenAbsence> absences(const Remainder& place) const;  // open gaps, final ones too
  bool is_complete(const Remainder& place) const;                   // nothing more has to be taken
  uint64_t pending(const Remainder& place) const;                   // `or`s with threads come to and not yet done

  bool has_immediate() const { return has_immediate_; }  // a => or a consecutive group
  uint32_t registers() const { return registers_; }
  uint32_t ors() const { return ors_; }
  uint32_t bars() const { return bars_; }
  uint64_t strict_bars() const { return strict_bars_; }
  uint64_t wait_bars(const Remainder& place) const;  // of the gaps over which final absences hold

 private:
  struct Node {
    enum class Kind : uint8_t { step, sequence, all, any, loop };
    Kind kind = Kind::step;
    StepId step = 0;
    std::vector<uint32_t> items;
    std::vector<TypedPattern::Gate> gates;  // sequence
    std::vector<uint8_t> anchors;           // all: each branch's own time mark, 0: it needs none
    int64_t within_us = -1;
    uint8_t within_register = 0;
    uint32_t min = 1, max = 1;  // loop
    bool consecutive = false;
    bool is_step_loop = false;
    int32_t group_loop = -1;
    uint32_t loop_number = 0;
    bool is_simple = false;  // any
    uint8_t or_bit = 0;
    bool nullable = false;
    bool has_choice = false;  // an `or` with threads can be its beginning
    // Overlap all:
    std::vector<uint64_t> strict_gates;   // sequence: the bar of a gate that is =>
    std::vector<uint64_t> absence_gates;  // sequence: the bar of a gate with `not`s
    uint64_t repeat_bar = 0;              // loop: consecutive
    uint64_t entry_bar = 0;               // loop: what stands for the => that its next repetition begins behind
    uint64_t strict_inside = 0;           // of it and of all below it
  };
  // What holds over a gap: bars, and the least time of `not … for`.
  struct Gap {
    uint64_t bars = 0;
    int64_t min_us = 0;
  };
  // Where the time of the last event taken stands, for arrows, and whether there was one.
  struct Past {
    uint8_t anchor = 0;
    bool exists = false;
    bool is_derived = false;  // the event that is asked about
    uint64_t entry_bar = 0;   // it begins a further repetition
  };

  uint32_t add(const TypedPattern& pattern);
  uint32_t add_body(const TypedPattern& pattern);
  uint64_t add_bar();
  void add_bars(Node& node);
  void cross_gate(const Node& sequence, size_t gate, Gap& gap) const;
  void leave_out(uint32_t node, const Remainder& place, Gap& gap) const;
  bool holds_all(uint32_t node) const;
  bool has_limits(uint32_t node) const;
  bool begins_limited(uint32_t node) const;
  bool done_at_once(uint32_t node) const;
  bool leads_immediately(uint32_t node, const Remainder& place) const;
  bool can_wait(uint32_t node, const Remainder& branch, bool has_previous) const;
  uint32_t reach(const Node& node, int64_t from) const;  // last item that can be next after `from`

  bool complete(uint32_t node, const Remainder& place) const;
  std::vector<Remainder> enter(uint32_t node) const;
  std::vector<Remainder> expand(uint32_t node, const Remainder& place) const;
  void ways(uint32_t node, const Remainder& place, Past past, std::vector<Way>& out) const;
  void sequence_ways(const Node& node, const Remainder& place, Past past, std::vector<Way>& out) const;
  void loop_ways(const Node& node, const Remainder& place, Past past, std::vector<Way>& out) const;
  void add_ways_between_nothing(const Node& loop, size_t begin, std::vector<Way>& out) const;
  void all_ways(const Node& node, const Remainder& place, Past past, std::vector<Way>& out) const;
  void any_ways(const Node& node, const Remainder& place, Past past, std::vector<Way>& out) const;
  std::optional<Remainder> pass(uint32_t node, const Remainder& place) const;
  void collect_closings(uint32_t node, const Remainder& place, std::vector<Closing>& out) const;
  void collect_absences(uint32_t node, const Remainder& place, std::vector<OpenAbsence>& out) const;
  uint64_t collect_pending(uint32_t node, const Remainder& place) const;
  Remainder settled(uint32_t node, Remainder place) const;  // finished where nothing can follow

  std::vector<Node> nodes_;
  uint32_t root_ = 0;
  std::vector<TypedPattern::Absence> trailing_;
  bool is_all_ = false;  // overlap all
  uint32_t registers_ = 1, ors_ = 0, loops_ = 0, bars_ = 0;
  uint64_t strict_bars_ = 0, absence_bars_ = 0, trailing_bar_ = 0;
  bool has_immediate_ = false;
};

}  // namespace omen
