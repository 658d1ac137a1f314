#include "tests/support/reference_all.h"

#include <algorithm>

namespace omen::reference {

std::vector<int> Assignment::order() const {
  std::vector<int> out = {captures.front().event};
  for (const Capture& capture : captures) {
    out.push_back(-capture.step->id);
    out.push_back(capture.event);
  }
  return out;
}

Offer Assignments::offer(size_t place, const std::vector<Capture>& captures, const Repetitions& repetitions) const {
  Offer out;
  out.event = &at(place);
  out.seen = &key_[place].second;
  out.pattern = &pattern_;
  out.events = &events_;
  out.captures = &captures;
  out.repetitions = repetitions;
  return out;
}

std::vector<Capture> Assignments::before(const std::vector<Capture>& captures, int event) {
  std::vector<Capture> out;
  for (const Capture& capture : captures) {
    if (capture.event < event) out.push_back(capture);
  }
  return out;
}

std::vector<Assignment> Assignments::ending_now(uint64_t& tries) {
  tries_ = &tries;
  generate(*pattern_.root, {}, {}, [&](const Front& front) {
    if (taken_.empty() || front.last != key_.size() - 1) return;
    Assignment whole;
    whole.captures = taken_;
    std::sort(whole.captures.begin(), whole.captures.end(),
              [](const Capture& a, const Capture& b) { return a.event < b.event; });
    whole.first = static_cast<int>(*std::min_element(places_.begin(), places_.end()));
    whole.last = static_cast<int>(*front.last);
    for (const Held& held : front.absences) whole.open.push_back(*held.absence);
    if (holds(whole)) found_.push_back(std::move(whole));
  });
  return std::move(found_);
}

void Assignments::generate(const Node& node, const Front& front, const Repetitions& repetitions, const Next& next) {
  switch (node.kind) {
    case Node::Kind::step:
      step(node, front, repetitions, next);
      break;
    case Node::Kind::sequence:
      sequence(node, 0, taken_.size(), front, front, repetitions, next);
      break;
    case Node::Kind::all:
      all(node, 0, taken_.size(), front.last, front, repetitions, next);
      break;
    case Node::Kind::any:
      for (const auto& branch : node.items) generate(*branch, front, repetitions, next);
      break;
    case Node::Kind::loop:
      loop(node, 0, front, repetitions, next);
      break;
    case Node::Kind::span: {
      const size_t begin = taken_.size();
      generate(*node.items[0], front, repetitions, [&](const Front& after) {
        int64_t first = INT64_MAX, last = INT64_MIN;
        for (size_t i = begin; i < places_.size(); i++) {
          first = std::min(first, at(places_[i]).time_us);
          last = std::max(last, at(places_[i]).time_us);
        }
        if (places_.size() == begin || last - first <= node.within_us) next(after);
      });
      break;
    }
  }
}

// Whether the event may be the next one behind the gap.
bool Assignments::admits(const Front& front, size_t event) {
  if (!front.last) return true;  // nothing to measure from
  const int64_t passed = at(event).time_us - at(*front.last).time_us;
  bool immediate = front.immediate;
  for (const Gap* arrow : front.arrows) {
    immediate = immediate || arrow->immediate;
    if (arrow->at_least && passed < *arrow->at_least) return false;
    if (arrow->at_most && passed > *arrow->at_most) return false;
  }
  if (immediate) {  // the very next event is a received one
    if (at(event).is_derived) return false;
    for (size_t between = *front.last + 1; between < event; between++) {
      if (!at(between).is_derived) return false;
    }
  }
  for (const Held& held : front.absences) {
    if (held.absence->for_us && passed <= *held.absence->for_us) return false;
    for (size_t between = *front.last + 1; between < event; between++) {
      std::vector<Capture> captures = before(taken_, key_[between].first);
      Offer asked = offer(between, captures, {});
      asked.last = at(*front.last).time_us;
      if (breaks({*held.absence}, *held.names, asked)) return false;
    }
  }
  return true;
}

void Assignments::step(const Node& node, const Front& front, const Repetitions& repetitions, const Next& next) {
  static const std::vector<Capture> nothing;
  for (size_t event = front.last ? *front.last + 1 : 0; event < key_.size(); event++) {
    if (*tries_ == 0) throw Unsupported("too many assignments");
    --*tries_;
    const StepDefinition& step = node.step;
    if (step.any_type ? at(event).is_derived : step.type != at(event).type) continue;
    if (!key_[event].second[step.route]) continue;
    if (std::find(places_.begin(), places_.end(), event) != places_.end()) continue;
    if (node.bound.empty() && !fits(step, {}, offer(event, nothing, {}))) continue;
    if (within_us_ && std::any_of(places_.begin(), places_.end(), [&](size_t other) {
          return std::abs(at(event).time_us - at(other).time_us) > *within_us_;
        }))
      continue;
    if (!admits(front, event)) continue;
    taken_.push_back({key_[event].first, &node, repetitions});
    places_.push_back(event);
    Front after;
    after.last = event;
    next(after);
    taken_.pop_back();
    places_.pop_back();
  }
}

// `taken` is how many events had been taken when the sequence was entered.
void Assignments::sequence(const Node& node, size_t item, size_t taken, const Front& entered, const Front& front,
                           const Repetitions& repetitions, const Next& next) {
  if (item == node.items.size()) return next(front);
  Front gap = front;
  if (item > 0) {
    const Gap& leading = node.gaps[item];
    if (taken_.size() == taken) {
      gap.arrows = entered.arrows;
      gap.immediate = entered.immediate;
    } else {
      gap.arrows.clear();
      gap.immediate = false;
    }
    gap.arrows.push_back(&leading);
    for (const Absence& absence : leading.absences) gap.absences.push_back({&absence, &node.gap_bound[item]});
  }
  generate(*node.items[item], gap, repetitions,
           [&, item](const Front& after) { sequence(node, item + 1, taken, entered, after, repetitions, next); });
}

// Each branch takes events behind what came before the `and`; what leads to it leads to the first event of all of them.
void Assignments::all(const Node& node, size_t branch, size_t taken, std::optional<size_t> last, const Front& entered,
                      const Repetitions& repetitions, const Next& next) {
  if (branch == node.items.size()) {
    if (taken_.size() == taken) return next(entered);
    const size_t first = *std::min_element(places_.begin() + static_cast<long>(taken), places_.end());
    if (!admits(entered, first)) return;
    Front after;
    after.last = last;
    return next(after);
  }
  Front own;
  own.last = entered.last;
  generate(*node.items[branch], own, repetitions, [&, branch, last](const Front& after) {
    std::optional<size_t> newest = last;
    if (after.last && (!newest || *after.last > *newest)) newest = after.last;
    all(node, branch + 1, taken, newest, entered, repetitions, next);
  });
}

void Assignments::loop(const Node& node, uint32_t count, const Front& front, const Repetitions& repetitions,
                       const Next& next) {
  if (count >= node.min) next(front);
  if (count == node.max) return;
  Repetitions inside = repetitions;
  inside.emplace_back(&node, static_cast<int>(count) + 1);
  Front gap = front;
  if (count > 0) {
    gap.arrows.clear();
    gap.immediate = node.consecutive && node.is_group;
  }
  const size_t taken = taken_.size();
  generate(*node.items[0], gap, inside, [&, count, taken](const Front& after) {
    if (taken_.size() > taken) loop(node, count + 1, after, repetitions, next);
  });
}

// What can be asked of the whole assignment only.
bool Assignments::holds(const Assignment& whole) const {
  for (const Capture& capture : whole.captures) {
    std::vector<Capture> earlier = before(whole.captures, capture.event);
    size_t place = 0;
    while (key_[place].first != capture.event) place++;
    if (!fits(capture.step->step, capture.step->bound, offer(place, earlier, capture.repetitions))) return false;
  }
  auto is_taken = [&](size_t place) {
    return std::any_of(whole.captures.begin(), whole.captures.end(),
                       [&](const Capture& capture) { return capture.event == key_[place].first; });
  };
  // Consecutive steps: nothing of the type that does not fit between the first and the last repetition.
  for (size_t i = 0; i < whole.captures.size(); i++) {
    const Capture& one = whole.captures[i];
    const Node* around = one.step->parent;
    if (around == nullptr || around->kind != Node::Kind::loop || !around->consecutive || around->is_group) continue;
    auto same_loop = [&](const Capture& other) {
      return other.step == one.step && std::equal(one.repetitions.begin(), one.repetitions.end() - 1,
                                                  other.repetitions.begin(), other.repetitions.end() - 1);
    };
    for (size_t k = i + 1; k < whole.captures.size(); k++) {
      if (!same_loop(whole.captures[k])) continue;
      for (size_t place = 0; place < key_.size(); place++) {
        if (key_[place].first <= one.event || key_[place].first >= whole.captures[k].event || is_taken(place)) continue;
        const StepDefinition& step = one.step->step;
        const bool is_of_type = step.any_type ? !at(place).is_derived : step.type == at(place).type;
        if (!is_of_type || !key_[place].second[step.route]) continue;
        Repetitions further = one.repetitions;
        further.back().second++;
        std::vector<Capture> earlier = before(whole.captures, key_[place].first);
        if (!fits(step, one.step->bound, offer(place, earlier, further))) return false;
      }
      break;  // the pairs behind it are looked at from their own first
    }
  }
  for (size_t place = static_cast<size_t>(whole.first) + 1; place < key_.size(); place++) {
    if (is_taken(place)) continue;
    std::vector<Capture> earlier = before(whole.captures, key_[place].first);
    for (const StepDefinition& unless : pattern_.unless) {
      if (fits(unless, unless_bound_, offer(place, earlier, {}))) return false;
    }
  }
  return true;
}

bool Assignments::outlasts(const Assignment& whole) const {
  const int64_t last_us = at(static_cast<size_t>(whole.last)).time_us;
  const int64_t bound_us = within_us_ ? at(static_cast<size_t>(whole.first)).time_us + *within_us_ : INT64_MAX;
  std::vector<Absence> absences = whole.open;
  absences.insert(absences.end(), pattern_.root->trailing.begin(), pattern_.root->trailing.end());
  for (size_t place = static_cast<size_t>(whole.last) + 1; place < key_.size(); place++) {
    Offer asked = offer(place, whole.captures, {});
    for (const StepDefinition& unless : pattern_.unless) {
      if (fits(unless, unless_bound_, asked)) return false;
    }
    asked.last = last_us;
    for (size_t i = 0; i < absences.size(); i++) {
      const bool is_final = i >= whole.open.size();
      if (is_final && !absences[i].for_us && at(place).time_us > bound_us) continue;
      if (breaks({absences[i]}, pattern_.root->gap_bound.back(), asked)) return false;
    }
  }
  return true;
}

}  // namespace omen::reference
