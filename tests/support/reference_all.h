// Reference for `overlap all`: every assignment of events to steps that satisfies the pattern, by trying them all.
//
// An assignment is built along the tree, step by step, each taking any later event of the key that is still free; the
// branches of an `and` one after the other. What its place in the tree asks of an event (arrows, `not`s, spans) is
// looked up in the list of the key's events; what needs the whole assignment (conditions, in the order of the stream;
// misfits between the repetitions of a consecutive step; `unless`) is looked at when it is complete.
//
// NOT HERE: keys, clauses after `where`, deadlines (reference.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "tests/support/reference_pattern.h"
#include "tests/support/reference_position.h"

namespace omen::reference {

// The events of one key in the order of the stream: place in the whole stream, and the routes by which it is seen.
using KeyEvents = std::vector<std::pair<int, std::vector<bool>>>;

struct Assignment {
  std::vector<Capture> captures;  // in the order of the stream; events are places in the stream
  int first = 0, last = 0;        // places among the key's events
  std::vector<Absence> open;      // `not`s that hold after the last event, beside the final ones

  // What matches are ordered by: the start; then of each event the step, later ones first, and its place in the stream.
  std::vector<int> order() const;
};

class Assignments {
 public:
  // `unless_bound`: the names that an `unless` may use.
  Assignments(const RulePattern& pattern, const std::vector<Event>& events, const KeyEvents& key,
              std::optional<int64_t> within_us, const Names& unless_bound)
      : pattern_(pattern), events_(events), key_(key), within_us_(within_us), unless_bound_(unless_bound) {}

  // Those whose last event is the newest of the key. `tries` is what may still be tried; Unsupported when it is used
  // up.
  std::vector<Assignment> ending_now(uint64_t& tries);
  // Whether nothing has come since the last event that breaks a final absence.
  bool outlasts(const Assignment& assignment) const;

 private:
  // A `not` and the names that it may use.
  struct Held {
    const Absence* absence;
    const Names* names;
  };
  // What has to be asked of the next event taken.
  struct Front {
    std::optional<size_t> last;  // place among the key's events of the last event taken
    std::vector<Held> absences;
    std::vector<const Gap*> arrows;
    bool immediate = false;  // a further repetition of a consecutive group
  };
  using Next = std::function<void(const Front&)>;
  void generate(const Node& node, const Front& front, const Repetitions& repetitions, const Next& next);
  void step(const Node& node, const Front& front, const Repetitions& repetitions, const Next& next);
  void sequence(const Node& node, size_t item, size_t taken, const Front& entered, const Front& front,
                const Repetitions& repetitions, const Next& next);
  void all(const Node& node, size_t branch, size_t taken, std::optional<size_t> last, const Front& entered,
           const Repetitions& repetitions, const Next& next);
  void loop(const Node& node, uint32_t count, const Front& front, const Repetitions& repetitions, const Next& next);
  bool admits(const Front& front, size_t event);
  bool holds(const Assignment& whole) const;

  const Event& at(size_t place) const { return events_[static_cast<size_t>(key_[place].first)]; }
  Offer offer(size_t place, const std::vector<Capture>& captures, const Repetitions& repetitions) const;
  static std::vector<Capture> before(const std::vector<Capture>& captures, int event);

  const RulePattern& pattern_;
  const std::vector<Event>& events_;
  const KeyEvents& key_;
  std::optional<int64_t> within_us_;
  const Names& unless_bound_;
  std::vector<Capture> taken_;  // in the order of the tree
  std::vector<size_t> places_;  // of each of them among the key's events
  std::vector<Assignment> found_;
  uint64_t* tries_ = nullptr;
};

}  // namespace omen::reference
