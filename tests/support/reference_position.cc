#include "tests/support/reference_position.h"

#include <algorithm>

namespace omen::reference {

namespace {

using Kind = Node::Kind;

PositionPtr make(Position position) { return std::make_shared<const Position>(std::move(position)); }

bool exceeds(int64_t time, int64_t since, int64_t span) { return time - since > span; }

// Writes out the items of a sequence that could come next, one position for each choice of worlds on the way.
void extend(const Position& sequence, std::vector<PositionPtr>& out) {
  const std::vector<std::unique_ptr<Node>>& items = sequence.node->items;
  size_t next = sequence.index + sequence.parts.size();
  if (next == items.size() || (!sequence.parts.empty() && !leavable(sequence.parts.back()))) {
    out.push_back(sequence.parts.empty() ? nullptr : make(sequence));
    return;
  }
  for (const PositionPtr& world : fresh(*items[next])) {
    Position longer = sequence;
    longer.parts.push_back(world);
    extend(longer, out);
  }
}

// Repetitions beyond the minimum of an unbounded loop are not told apart.
void cap(Position& loop) {
  if (loop.node->max != ast::repeat_unbounded) return;
  uint32_t present = loop.parts[0] != nullptr ? 1 : 0;
  loop.finished = std::min(loop.finished, std::max(loop.node->min, 1u) - present);
}

// A loop with its present repetition; adds the fresh next one where another may start.
std::vector<PositionPtr> settle_loop(Position loop) {
  const Node& node = *loop.node;
  if (loop.parts[0] == nullptr && loop.entered) {  // the present repetition has just finished
    loop.finished++;
    loop.entered = false;
  }
  cap(loop);
  uint64_t begun = loop.finished + (loop.parts[0] != nullptr ? 1 : 0);
  bool may_start = leavable(loop.parts[0]) && (node.max == ast::repeat_unbounded || begun < node.max);
  if (!may_start) {
    if (loop.parts[0] == nullptr) return {nullptr};
    return {make(std::move(loop))};
  }
  if (loop.parts[1] != nullptr) return {make(std::move(loop))};
  std::vector<PositionPtr> out;
  for (const PositionPtr& world : fresh(*node.items[0])) {
    Position copy = loop;
    copy.parts[1] = world;
    out.push_back(make(std::move(copy)));
  }
  return out;
}

bool respects(const Gap& gap, const Offer& offer) {
  if (offer.forced != nullptr || !offer.last) return true;
  int64_t time = offer.event->time_us;
  if (gap.at_least && time - *offer.last < *gap.at_least) return false;
  return !gap.at_most || !exceeds(time, *offer.last, *gap.at_most);
}

// The next event comes after previous + D of each `not … for D` over the gap.
bool outlasts(const Gap& gap, const Offer& offer) {
  if (offer.forced != nullptr || !offer.last) return true;
  return std::all_of(gap.absences.begin(), gap.absences.end(), [&](const Absence& absence) {
    return !absence.for_us || exceeds(offer.event->time_us, *offer.last, *absence.for_us);
  });
}

bool is_derived(const Offer& offer) { return offer.event != nullptr && offer.event->is_derived; }

std::optional<Taken> take_sequence(const Position& at, const Offer& offer) {
  for (size_t part = at.parts.size(); part-- > 0;) {
    size_t item = at.index + part;
    bool enters = part > 0 || !at.entered;
    if (enters) {
      if (!respects(at.node->gaps[item], offer)) continue;
      // A derived event is never the very next one.
      const bool follows = at.entered || offer.last.has_value();
      if (is_derived(offer) && follows && at.node->gaps[item].immediate) continue;
      bool lasted = true;  // all the gaps that lie open up to this item
      for (size_t gap = at.entered ? at.index + 1 : at.index; gap <= item; gap++) {
        lasted = lasted && outlasts(at.node->gaps[gap], offer);
      }
      if (!lasted) continue;
    }
    std::optional<Taken> taken = take(at.parts[part], offer);
    if (!taken) continue;
    std::vector<PositionPtr> worlds;
    for (const PositionPtr& inner : taken->worlds) {
      Position next;
      next.node = at.node;
      next.index = inner == nullptr ? item + 1 : item;
      next.entered = inner != nullptr;
      if (inner != nullptr) next.parts.push_back(inner);
      if (leavable(inner))
        next.parts.insert(next.parts.end(), at.parts.begin() + static_cast<long>(part) + 1, at.parts.end());
      extend(next, worlds);
    }
    taken->worlds = std::move(worlds);
    return taken;
  }
  return std::nullopt;
}

std::optional<Taken> take_loop(const Position& at, const Offer& offer) {
  for (size_t part : {size_t{1}, size_t{0}}) {
    if (at.parts[part] == nullptr) continue;
    const bool is_further = part == 1 && (at.finished > 0 || at.parts[0] != nullptr);
    if (is_derived(offer) && is_further && at.node->consecutive && at.node->is_group) continue;
    Offer inside = offer;
    int repetition = part == 1 ? at.repetition + 1 : at.repetition;
    inside.repetitions.emplace_back(at.node, repetition);
    std::optional<Taken> taken = take(at.parts[part], inside);
    if (!taken) continue;
    std::vector<PositionPtr> worlds;
    for (const PositionPtr& inner : taken->worlds) {
      Position next = at;
      if (part == 1 && at.parts[0] != nullptr) next.finished++;
      next.entered = true;
      next.repetition = repetition;
      bool stays = part == 0 && leavable(inner);  // then the choice of worlds for the next repetition stays too
      next.parts = {inner, stays ? at.parts[1] : nullptr};
      for (const PositionPtr& settled : settle_loop(std::move(next))) {
        if (settled != nullptr && settled->parts[1] != nullptr) taken->can_go_on = true;
        worlds.push_back(settled);
      }
    }
    taken->worlds = std::move(worlds);
    return taken;
  }
  return std::nullopt;
}

Passed pass_with(const PositionPtr& position, const Offer& offer, bool only_strict);

std::optional<Taken> take_all(const Position& at, const Offer& offer) {
  for (size_t branch = 0; branch < at.parts.size(); branch++) {
    if (at.parts[branch] == nullptr) continue;
    Offer inside = offer;
    if (at.entered) inside.last = at.branch_last[branch];
    std::optional<Taken> taken = take(at.parts[branch], inside);
    if (!taken) continue;
    std::vector<PositionPtr> worlds;
    for (const PositionPtr& inner : taken->worlds) {
      Position next = at;
      next.entered = true;
      if (!at.entered) next.branch_last.assign(at.parts.size(), offer.last);
      if (offer.event != nullptr) next.branch_last[branch] = offer.event->time_us;
      bool ends = false;
      for (size_t other = 0; other < next.parts.size(); other++) {
        if (other == branch || next.parts[other] == nullptr) continue;
        Offer beside = offer;
        beside.last = next.branch_last[other];
        Passed passed = pass_with(next.parts[other], beside, true);
        ends = ends || passed.ends;
        next.parts[other] = passed.position;
      }
      next.parts[branch] = inner;
      if (ends) continue;
      bool is_done = std::all_of(next.parts.begin(), next.parts.end(), [](const auto& p) { return p == nullptr; });
      worlds.push_back(is_done ? nullptr : make(std::move(next)));
    }
    taken->worlds = std::move(worlds);
    return taken;
  }
  return std::nullopt;
}

std::optional<Taken> take_any(const Position& at, const Offer& offer) {
  for (size_t part = 0; part < at.parts.size(); part++) {
    std::optional<Taken> taken = take(at.parts[part], offer);
    if (!taken) continue;
    size_t branch = at.entered ? at.index : part;
    bool was_open = at.entered && !leavable(at.parts[part]);  // without worlds there are none to forget
    if (was_open && !taken->worlds.empty() && leavable(taken->worlds[0]))
      taken->decided.emplace_back(at.node->id, branch);
    for (PositionPtr& world : taken->worlds) {
      if (world == nullptr) continue;
      Position next;
      next.node = at.node;
      next.parts = {world};
      next.index = branch;
      next.entered = true;
      world = make(std::move(next));
    }
    return taken;
  }
  return std::nullopt;
}

std::optional<Taken> take_span(const Position& at, const Offer& offer) {
  if (offer.forced == nullptr && at.began && exceeds(offer.event->time_us, *at.began, at.node->within_us))
    return std::nullopt;
  std::optional<Taken> taken = take(at.parts[0], offer);
  if (!taken) return std::nullopt;
  for (PositionPtr& world : taken->worlds) {
    if (world == nullptr) continue;
    Position next = at;
    next.parts = {world};
    if (!next.began && offer.event != nullptr) next.began = offer.event->time_us;
    world = make(std::move(next));
  }
  return taken;
}

Passed pass_sequence(const Position& at, const Offer& offer, bool only_strict) {
  Position next = at;
  for (size_t part = 0; part < at.parts.size(); part++) {
    size_t item = at.index + part;
    if (part > 0 || !at.entered) {  // the gap before this item lies open
      const Gap& gap = at.node->gaps[item];
      const bool follows = at.entered || offer.last.has_value();  // else there is nothing to follow
      if (gap.immediate && follows && !is_derived(offer)) return {nullptr, true};
      if (!only_strict && breaks(gap.absences, at.node->gap_bound[item], offer)) return {nullptr, true};
    }
    Passed passed = pass_with(at.parts[part], offer, only_strict);
    if (passed.ends) return passed;
    next.parts[part] = passed.position;
  }
  if (next.parts[0] == nullptr) {  // a loop was closed
    next.parts.erase(next.parts.begin());
    next.index++;
    next.entered = false;
  }
  if (next.parts.empty()) return {nullptr, false};
  return {make(std::move(next)), false};
}

// Whether the event, passed over, keeps the loop from starting another repetition.
bool closes(const Position& at, const Offer& offer, bool only_strict) {
  const Node& node = *at.node;
  if (!node.consecutive) return false;
  const Node& body = *node.items[0];
  bool has_finished = at.finished > 0 || (at.parts[0] != nullptr && leavable(at.parts[0]));
  if (node.is_group) return has_finished && leavable(at.parts[0]) && !is_derived(offer);
  if (only_strict || !has_finished) return false;
  const StepDefinition& step = body.step;
  bool is_of_type =
      (step.any_type ? !offer.event->is_derived : step.type == offer.event->type) && (*offer.seen)[step.route];
  if (!is_of_type) return false;
  Offer inside = offer;
  inside.repetitions.emplace_back(at.node, at.repetition + 1);
  return !fits(step, body.bound, inside);
}

Passed pass_loop(const Position& at, const Offer& offer, bool only_strict) {
  Position next = at;
  if (closes(at, offer, only_strict)) {
    if (at.parts[0] == nullptr && at.finished < at.node->min) return {nullptr, true};
    next.parts[1] = nullptr;
  }
  for (size_t part : {size_t{0}, size_t{1}}) {
    if (next.parts[part] == nullptr) continue;
    Offer inside = offer;
    inside.repetitions.emplace_back(at.node, static_cast<int>(at.repetition + part));
    Passed passed = pass_with(next.parts[part], inside, only_strict);
    if (passed.ends) return passed;
    next.parts[part] = passed.position;
  }
  if (at.parts[0] != nullptr && next.parts[0] == nullptr) {  // a loop inside was closed: the repetition is finished
    next.finished++;
    next.entered = false;
    cap(next);
  }
  if (next.parts[0] == nullptr && next.parts[1] == nullptr) return {nullptr, next.finished < at.node->min};
  return {make(std::move(next)), false};
}

Passed pass_parts(const Position& at, const Offer& offer, bool only_strict) {
  Position next = at;
  bool is_done = true;
  for (size_t part = 0; part < at.parts.size(); part++) {
    if (at.parts[part] == nullptr) continue;
    Offer inside = offer;
    if (at.node->kind == Kind::all && at.entered) inside.last = at.branch_last[part];
    Passed passed = pass_with(at.parts[part], inside, only_strict);
    if (passed.ends) return passed;
    next.parts[part] = passed.position;
    is_done = is_done && passed.position == nullptr;
  }
  if (is_done) return {nullptr, false};
  return {make(std::move(next)), false};
}

Passed pass_with(const PositionPtr& position, const Offer& offer, bool only_strict) {
  switch (position->node->kind) {
    case Kind::step:
      return {position, false};
    case Kind::sequence:
      return pass_sequence(*position, offer, only_strict);
    case Kind::loop:
      return pass_loop(*position, offer, only_strict);
    default:
      return pass_parts(*position, offer, only_strict);
  }
}

}  // namespace

std::vector<PositionPtr> fresh(const Node& node) {
  std::vector<PositionPtr> out;
  Position at;
  at.node = &node;
  switch (node.kind) {
    case Kind::step:
      out.push_back(make(at));
      break;
    case Kind::sequence:
      extend(at, out);
      break;
    case Kind::all: {
      std::vector<Position> combinations = {at};
      for (const auto& item : node.items) {
        std::vector<Position> longer;
        for (const Position& combination : combinations) {
          for (const PositionPtr& world : fresh(*item)) {
            longer.push_back(combination);
            longer.back().parts.push_back(world);
          }
        }
        combinations = std::move(longer);
      }
      for (Position& combination : combinations) out.push_back(make(std::move(combination)));
      break;
    }
    case Kind::any:
      for (size_t branch = 0; branch < node.items.size(); branch++) {
        for (const PositionPtr& world : fresh(*node.items[branch])) {
          Position chosen = at;
          chosen.parts = {world};
          chosen.index = branch;
          chosen.entered = true;
          out.push_back(make(std::move(chosen)));
        }
      }
      if (node.is_single) {  // no worlds are needed: all branches in one position
        Position open = at;
        for (const PositionPtr& world : out) open.parts.push_back(world->parts[0]);
        out = {make(std::move(open))};
      }
      break;
    case Kind::loop:
      at.parts = {nullptr, nullptr};
      out = settle_loop(at);
      break;
    case Kind::span:
      for (const PositionPtr& world : fresh(*node.items[0])) {
        Position inside = at;
        inside.parts = {world};
        out.push_back(make(std::move(inside)));
      }
      break;
  }
  return out;
}

bool leavable(const PositionPtr& position) {
  if (position == nullptr) return true;
  const Position& at = *position;
  switch (at.node->kind) {
    case Kind::step:
      return false;
    case Kind::sequence:
      return at.index + at.parts.size() == at.node->items.size() && leavable(at.parts.back());
    case Kind::all:
      return std::all_of(at.parts.begin(), at.parts.end(), leavable);
    case Kind::any:
      return at.entered && leavable(at.parts[0]);
    case Kind::loop:
      return leavable(at.parts[0]) && at.finished + (at.parts[0] != nullptr ? 1 : 0) >= at.node->min;
    case Kind::span:
      return leavable(at.parts[0]);
  }
  return false;
}

std::optional<Taken> take(const PositionPtr& position, const Offer& offer) {
  const Position& at = *position;
  switch (at.node->kind) {
    case Kind::step: {
      bool does_fit = offer.forced != nullptr ? offer.forced == at.node : fits(at.node->step, at.node->bound, offer);
      if (!does_fit) return std::nullopt;
      Taken taken;
      taken.worlds = {nullptr};
      taken.step = at.node;
      taken.repetitions = offer.repetitions;
      return taken;
    }
    case Kind::sequence:
      return take_sequence(at, offer);
    case Kind::all:
      return take_all(at, offer);
    case Kind::any:
      return take_any(at, offer);
    case Kind::loop:
      return take_loop(at, offer);
    case Kind::span:
      return take_span(at, offer);
  }
  return std::nullopt;
}

Passed pass(const PositionPtr& position, const Offer& offer) { return pass_with(position, offer, false); }

bool fits(const StepDefinition& step, const Names& names, const Offer& offer) {
  if (step.any_type ? offer.event->is_derived : step.type != offer.event->type) return false;
  if (!(*offer.seen)[step.route]) return false;
  Scope scope{*offer.pattern, *offer.events, offer.event, *offer.captures, names, offer.repetitions, std::nullopt};
  return std::all_of(step.conditions.begin(), step.conditions.end(),
                     [&](const ast::Expr* condition) { return is_true(*condition, scope); });
}

bool breaks(const std::vector<Absence>& absences, const Names& names, const Offer& offer) {
  for (const Absence& absence : absences) {
    if (absence.for_us && (!offer.last || exceeds(offer.event->time_us, *offer.last, *absence.for_us))) continue;
    for (const StepDefinition& step : absence.steps) {
      if (fits(step, names, offer)) return true;
    }
  }
  return false;
}

namespace {

struct Window {
  int64_t low, high;
};

void widen(const PositionPtr& position, std::optional<int64_t> last, Window window, std::optional<int64_t>& latest) {
  if (position == nullptr || window.low > window.high) return;
  const Position& at = *position;
  switch (at.node->kind) {
    case Kind::step:
      latest = latest ? std::max(*latest, window.high) : window.high;
      break;
    case Kind::sequence:
      for (size_t part = 0; part < at.parts.size(); part++) {
        Window narrowed = window;
        if (last && (part > 0 || !at.entered)) {
          const Gap& gap = at.node->gaps[at.index + part];
          if (gap.at_least) narrowed.low = std::max(narrowed.low, *last + *gap.at_least);
          if (gap.at_most) narrowed.high = std::min(narrowed.high, *last + *gap.at_most);
          for (size_t open = at.entered ? at.index + 1 : at.index; open <= at.index + part; open++) {
            for (const Absence& absence : at.node->gaps[open].absences) {
              if (absence.for_us) narrowed.low = std::max(narrowed.low, *last + *absence.for_us + 1);
            }
          }
        }
        widen(at.parts[part], last, narrowed, latest);
      }
      break;
    case Kind::span:
      if (at.began && at.node->within_us < INT64_MAX)
        window.high = std::min(window.high, *at.began + at.node->within_us);
      widen(at.parts[0], last, window, latest);
      break;
    default:
      for (size_t part = 0; part < at.parts.size(); part++) {
        bool own = at.node->kind == Kind::all && at.entered;
        widen(at.parts[part], own ? at.branch_last[part] : last, window, latest);
      }
  }
}

}  // namespace

std::optional<int64_t> last_moment(const PositionPtr& position, std::optional<int64_t> last, int64_t bound) {
  std::optional<int64_t> latest;
  widen(position, last, {INT64_MIN, bound}, latest);
  return latest;
}

bool has_way(const PositionPtr& position) {
  if (position == nullptr) return false;
  if (position->node->kind == Kind::step) return true;
  return std::any_of(position->parts.begin(), position->parts.end(), has_way);
}

bool is_open(const PositionPtr& position, int any) {
  if (position == nullptr) return false;
  if (position->node->id == any && position->entered && !leavable(position)) return true;
  return std::any_of(position->parts.begin(), position->parts.end(),
                     [&](const PositionPtr& part) { return is_open(part, any); });
}

namespace {

bool is_untouched(const Position& at) {
  if (at.node->kind == Kind::span) return at.parts[0] != nullptr && is_untouched(*at.parts[0]);
  if (at.node->kind == Kind::any && at.entered) return at.parts[0] != nullptr && is_untouched(*at.parts[0]);
  return !at.entered;
}

// Whether its first event can be one that an arrow's limit or a => holds for: with something before it that remains.
bool begins_limited(const Node& node) {
  for (size_t i = 0; i < node.items.size(); i++) {
    const bool is_sequence = node.kind == Kind::sequence;
    const Gap* gap = is_sequence && i > 0 ? &node.gaps[i] : nullptr;
    if (gap != nullptr && (gap->immediate || gap->at_least || gap->at_most)) return true;
    if (begins_limited(*node.items[i])) return true;
    if (is_sequence && !leavable(fresh(*node.items[i])[0])) return false;
  }
  return false;
}

}  // namespace

void append_key(std::string& out, const PositionPtr& position) {
  if (position == nullptr) {
    out += '.';
    return;
  }
  const Position& at = *position;
  out += std::to_string(at.node->id);
  out += at.entered ? '!' : ':';
  out += std::to_string(at.index);
  out += '/';
  out += std::to_string(at.finished);
  out += '(';
  for (const PositionPtr& part : at.parts) append_key(out, part);
  for (size_t i = 0; at.node->kind == Kind::all && at.entered && i < at.parts.size(); i++) {
    if (at.parts[i] == nullptr || !is_untouched(*at.parts[i])) continue;
    if (at.branch_last[i] && begins_limited(*at.node->items[i])) out += 'p';
  }
  out += ')';
}

void mark_single(Node& node) {
  for (auto& item : node.items) mark_single(*item);
  if (node.kind != Kind::any) return;
  node.is_single = true;
  for (const auto& branch : node.items) {
    for (const PositionPtr& world : fresh(*branch)) {
      auto visit = [&](auto&& self, const Node& inside) -> void {
        if (inside.kind == Kind::step) {
          Offer offer;
          offer.forced = &inside;
          std::optional<Taken> taken = take(world, offer);
          if (taken && !(taken->worlds.size() > 0 && leavable(taken->worlds[0]))) node.is_single = false;
        }
        for (const auto& item : inside.items) self(self, *item);
      };
      visit(visit, *branch);
    }
  }
}

}  // namespace omen::reference
