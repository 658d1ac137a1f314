// The ways from a place to the next (places.h): what can take an event, and what passing one over does.
#include <algorithm>

#include "compiler/places.h"

namespace omen {

namespace {

// A loop's parts: what it has of the present repetition, and the branches chosen for the next one.
constexpr size_t present = 0, next = 1;

Remainder loop_place(uint32_t begun, Remainder body) {
  Remainder place;
  place.status = Remainder::Status::started;
  place.number = begun;
  place.parts = {std::move(body), Remainder{}};
  return place;
}

}  // namespace

// ---- ways on ----

std::vector<Way> Places::ways(const Remainder& place, bool is_derived) const {
  std::vector<Way> out;
  ways(root_, place, Past{0, !place.is_untouched(), is_derived}, out);
  return out;
}

void Places::ways(uint32_t index, const Remainder& place, Past past, std::vector<Way>& out) const {
  const Node& node = nodes_[index];
  if (place.status == Remainder::Status::finished) return;
  const size_t begin = out.size();
  switch (node.kind) {
    case Node::Kind::step: {
      Way way;
      way.step = node.step;
      way.place = Remainder{};
      way.place->status = Remainder::Status::finished;
      way.lifts = strict_bars_ | absence_bars_;
      out.push_back(std::move(way));
      break;
    }
    case Node::Kind::sequence:
      sequence_ways(node, place, past, out);
      break;
    case Node::Kind::loop:
      loop_ways(node, place, past, out);
      break;
    case Node::Kind::all:
      all_ways(node, place, past, out);
      break;
    case Node::Kind::any:
      any_ways(node, place, past, out);
      break;
  }
  for (size_t i = begin; i < out.size(); ++i) {
    Way& way = out[i];
    if (way.place) way.place = settled(index, std::move(*way.place));
    if (node.within_us < 0) continue;
    if (place.is_untouched()) {
      way.marks.push_back(node.within_register);
    } else {
      way.guards.push_back({node.within_register, 0, node.within_us});
    }
  }
}

void Places::sequence_ways(const Node& node, const Remainder& place, Past past, std::vector<Way>& out) const {
  const bool untouched = place.is_untouched();
  const int64_t at = untouched ? -1 : static_cast<int64_t>(place.number);
  // What was chosen for an item that can be next.
  auto chosen = [&](uint32_t item) -> Remainder {
    const size_t part = untouched ? item : item - place.number;
    return part < place.parts.size() ? place.parts[part] : Remainder{};
  };
  if (untouched || complete(node.items[place.number], place.parts[0])) {
    const uint32_t last = std::min<uint32_t>(reach(node, at), static_cast<uint32_t>(node.items.size()) - 1);
    for (int64_t item = last; item > at; --item) {
      if (past.is_derived && past.exists && node.gates[item].immediate) continue;
      const size_t begin = out.size();
      ways(node.items[item], chosen(static_cast<uint32_t>(item)), past, out);
      Guard guard{past.anchor, node.gates[item].min_us,
                  node.gates[item].max_us < 0 ? time_unbounded : node.gates[item].max_us};
      uint64_t barred_by = 0;
      if (is_all_) {
        Gap gap;
        if (!untouched) leave_out(node.items[place.number], place.parts[0], gap);
        for (int64_t gate = at + 1; gate <= item; ++gate) {
          cross_gate(node, static_cast<size_t>(gate), gap);
          if (gate < item) leave_out(node.items[gate], Remainder{}, gap);
        }
        guard.min_us = std::max(guard.min_us, gap.min_us);
        const uint64_t strict = node.strict_gates[static_cast<size_t>(item)];
        barred_by = gap.bars | (strict != 0 && past.entry_bar != 0 ? past.entry_bar : strict);
      }
      // A `not … for` holds over the gap, whatever optional steps are left out in it.
      for (int64_t gate = at + 1; gate <= item; ++gate) {
        for (const TypedPattern::Absence& absence : node.gates[gate].absences) {
          if (absence.for_us >= 0) guard.min_us = std::max(guard.min_us, absence.for_us + 1);
        }
      }
      for (size_t i = begin; i < out.size(); ++i) {
        Way& way = out[i];
        if (past.exists && (guard.min_us > 0 || guard.max_us != time_unbounded)) way.guards.push_back(guard);
        if (past.exists) way.barred_by |= barred_by;
        if (!way.place) continue;
        Remainder moved;
        moved.status = Remainder::Status::started;
        moved.number = static_cast<uint32_t>(item);
        moved.parts = {std::move(*way.place)};
        for (int64_t behind = item + 1; behind <= last; ++behind) {  // choices already made stay
          moved.parts.push_back(chosen(static_cast<uint32_t>(behind)));
        }
        way.place = std::move(moved);
      }
    }
  }
  if (untouched) return;
  const size_t begin = out.size();
  ways(node.items[place.number], place.parts[0], past, out);
  for (size_t i = begin; i < out.size(); ++i) {
    if (!out[i].place) continue;
    Remainder moved = place;  // choices already made for the items behind stay
    moved.parts[0] = std::move(*out[i].place);
    out[i].place = std::move(moved);
  }
}

void Places::loop_ways(const Node& node, const Remainder& place, Past past, std::vector<Way>& out) const {
  const uint32_t body = node.items[0];
  const bool unbounded = node.max == ast::repeat_unbounded;
  auto finish = [&](size_t begin, uint32_t begun, bool opens, Remainder choice = {}) {
    for (size_t i = begin; i < out.size(); ++i) {
      Way& way = out[i];
      if (way.loop == 0) way.loop = node.loop_number;
      if (opens && node.group_loop >= 0) way.opens = static_cast<uint16_t>(way.opens | (1u << node.group_loop));
      way.can_repeat = way.can_repeat || unbounded || begun < node.max;
      if (opens && node.is_step_loop) way.lifts |= node.repeat_bar;
      if (!way.place) continue;
      way.place = loop_place(begun, std::move(*way.place));
      way.place->parts[next] = choice;
    }
  };
  if (place.is_untouched()) {
    const size_t begin = out.size();
    ways(body, place.parts.empty() ? Remainder{} : place.parts[0], past, out);
    finish(begin, 1, true);
    return;
  }
  const bool is_barred = past.is_derived && node.consecutive && !node.is_step_loop;
  const bool may_repeat = !place.closed && (unbounded || place.number < node.max) && !is_barred;
  if (may_repeat && complete(body, place.parts[present])) {
    const size_t begin = out.size();
    Past further = past;
    further.entry_bar = node.entry_bar;
    ways(body, place.parts[next], further, out);
    if (past.is_derived && leads_immediately(body, place.parts[next])) add_ways_between_nothing(node, begin, out);
    for (size_t i = begin; i < out.size(); ++i) out[i].barred_by |= node.repeat_bar;
    finish(begin, unbounded && place.number >= std::max(node.min, 1u) ? place.number : place.number + 1, true);
  }
  const size_t begin = out.size();
  ways(body, place.parts[present], past, out);
  finish(begin, place.number, false, place.parts[next]);
}

// A derived event that begins a further repetition is not the very next one, nor is it between: what a branch beside it
// begins behind is still the last event before. So where nothing has come since, that branch's bars go up.
void Places::add_ways_between_nothing(const Node& loop, size_t begin, std::vector<Way>& out) const {
  const uint64_t inside = nodes_[loop.items[0]].strict_inside;
  for (size_t i = begin, end = out.size(); loop.entry_bar != 0 && i < end; ++i) {
    if ((inside & ~out[i].lifts) == 0) continue;
    Way way = out[i];
    way.barred_by |= loop.entry_bar;
    way.lifts |= inside;
    out.push_back(std::move(way));
  }
}

void Places::all_ways(const Node& node, const Remainder& place, Past past, std::vector<Way>& out) const {
  const bool untouched = place.is_untouched();
  const bool had_previous = untouched ? past.exists : place.has_previous;
  for (size_t branch = 0; branch < node.items.size(); ++branch) {
    const Remainder part = place.parts.empty() ? Remainder{} : place.parts[branch];
    Past own = past;
    if (!untouched && node.anchors[branch] != 0) own.anchor = node.anchors[branch];
    own.exists = part.is_untouched() ? had_previous : true;
    const size_t begin = out.size();
    uint64_t beside = 0;  // what an event of this branch comes between, in the others
    for (uint32_t item : node.items) beside |= item == node.items[branch] ? 0 : nodes_[item].strict_inside;
    ways(node.items[branch], part, own, out);
    for (size_t i = begin; i < out.size(); ++i) {
      Way& way = out[i];
      way.lifts &= ~beside;
      if (!past.is_derived) way.lowers |= beside;
      Remainder moved;
      moved.status = Remainder::Status::started;
      for (size_t other = 0; other < node.items.size(); ++other) {  // only a limit or => to come asks
        const bool waits = other != branch && (place.parts.empty() || place.parts[other].is_untouched());
        moved.has_previous = moved.has_previous || (had_previous && waits && begins_limited(node.items[other]));
      }
      bool lives = way.place.has_value();
      for (size_t other = 0; lives && other < node.items.size(); ++other) {
        if (other == branch) {
          moved.parts.push_back(*way.place);
          continue;
        }
        const Remainder before = place.parts.empty() ? Remainder{} : place.parts[other];
        if (is_all_ || past.is_derived) {
          moved.parts.push_back(before);
          continue;
        }
        std::optional<Remainder> after = pass(node.items[other], before);
        lives = after.has_value() && can_wait(node.items[other], before, had_previous);
        if (lives) moved.parts.push_back(std::move(*after));
      }
      way.place = lives ? std::optional<Remainder>(std::move(moved)) : std::nullopt;
      for (size_t other = 0; untouched && had_previous && other < node.items.size(); ++other) {
        if (other != branch && node.anchors[other] != 0) way.copies.emplace_back(past.anchor, node.anchors[other]);
      }
      if (node.anchors[branch] != 0) way.marks.push_back(node.anchors[branch]);
    }
  }
}

void Places::any_ways(const Node& node, const Remainder& place, Past past, std::vector<Way>& out) const {
  auto take = [&](uint32_t branch, const Remainder& part) {
    const size_t begin = out.size();
    const bool was_complete = !part.is_untouched() && complete(node.items[branch], part);
    ways(node.items[branch], part, past, out);
    for (size_t i = begin; i < out.size(); ++i) {
      Way& way = out[i];
      if (!way.place) continue;
      if (!node.is_simple && !was_complete && complete(node.items[branch], *way.place)) {
        way.decides.emplace_back(node.or_bit, static_cast<uint8_t>(branch));
      }
      Remainder moved;
      moved.status = Remainder::Status::started;
      moved.number = branch;
      moved.parts = {std::move(*way.place)};
      way.place = std::move(moved);
    }
  };
  if (!place.is_untouched() || place.status == Remainder::Status::entered) {
    take(place.number, place.parts[0]);
    return;
  }
  for (uint32_t branch = 0; branch < node.items.size(); ++branch) take(branch, Remainder{});
}

// ---- the gap that a way crosses, under overlap all ----

void Places::cross_gate(const Node& sequence, size_t gate, Gap& gap) const {
  if (gate == 0) return;  // its `not`s lead the pattern
  gap.bars |= sequence.absence_gates[gate];
  for (const TypedPattern::Absence& absence : sequence.gates[gate].absences) {
    if (absence.for_us >= 0) gap.min_us = std::max(gap.min_us, absence.for_us + 1);
  }
}

// The rest of a node is left out: the `not`s in it hold over the gap.
void Places::leave_out(uint32_t index, const Remainder& place, Gap& gap) const {
  const Node& node = nodes_[index];
  if (node.kind != Node::Kind::sequence || place.status == Remainder::Status::finished) return;
  size_t item = 0;
  if (!place.is_untouched()) {
    leave_out(node.items[place.number], place.parts[0], gap);
    item = place.number + 1;
  }
  for (; item < node.items.size(); ++item) {
    cross_gate(node, item, gap);
    leave_out(node.items[item], Remainder{}, gap);
  }
}

uint64_t Places::wait_bars(const Remainder& place) const {
  Gap gap{trailing_bar_, 0};
  leave_out(root_, place, gap);
  return gap.bars;
}

// ---- events passed over ----

// False: an untouched branch of an `and` could begin behind a => of its own, which follows the last event before the
// `and`, and another event has come.
bool Places::can_wait(uint32_t index, const Remainder& branch, bool has_previous) const {
  return !branch.is_untouched() || !has_previous || !leads_immediately(index, branch);
}

// An untouched node that can begin behind a => of its own: `P -> (Q? => R)` after P. Of an `or` with threads it is the
// chosen branch that counts.
bool Places::leads_immediately(uint32_t index, const Remainder& place) const {
  const Node& node = nodes_[index];
  if (node.kind == Node::Kind::step) return false;
  if (node.kind == Node::Kind::any && !place.parts.empty()) {
    return leads_immediately(node.items[place.number], place.parts[0]);
  }
  const size_t count = node.kind == Node::Kind::sequence
                           ? std::min<size_t>(reach(node, -1) + size_t{1}, node.items.size())
                           : node.items.size();
  for (size_t item = 0; item < count; ++item) {
    if (node.kind == Node::Kind::sequence && item > 0 && node.gates[item].immediate) return true;
    if (leads_immediately(node.items[item], item < place.parts.size() ? place.parts[item] : Remainder{})) return true;
  }
  return false;
}

std::optional<Remainder> Places::passed(const Remainder& place) const { return pass(root_, place); }

std::optional<Remainder> Places::pass(uint32_t index, const Remainder& place) const {
  const Node& node = nodes_[index];
  if (place.status != Remainder::Status::started) return place;
  Remainder after = place;
  switch (node.kind) {
    case Node::Kind::step:
      return after;
    case Node::Kind::sequence:
      if (complete(node.items[place.number], place.parts[0])) {
        const uint32_t last = reach(node, place.number);
        for (uint32_t item = place.number + 1; item <= last && item < node.items.size(); ++item) {
          const size_t part = item - place.number;
          const Remainder choice = part < place.parts.size() ? place.parts[part] : Remainder{};
          if (node.gates[item].immediate || leads_immediately(node.items[item], choice)) return std::nullopt;
        }
      }
      break;
    case Node::Kind::loop:
      if (!complete(node.items[0], place.parts[present]) || place.closed ||
          (node.max != ast::repeat_unbounded && place.number >= node.max)) {
        break;
      }
      if (node.consecutive && !node.is_step_loop) {
        // That nothing may come before the next repetition is what `consecutive` says, whatever it begins with.
        const bool enough = place.number >= node.min || nodes_[node.items[0]].nullable;
        if (!enough && place.parts[present].status == Remainder::Status::finished) return std::nullopt;
        after.closed = true;
        after.parts[next] = Remainder{};
      } else if (leads_immediately(node.items[0], place.parts[next])) {
        return std::nullopt;
      }
      break;
    default:
      break;
  }
  const size_t parts = node.kind == Node::Kind::all ? after.parts.size() : 1;
  for (size_t i = 0; i < parts; ++i) {
    const uint32_t item = node.kind == Node::Kind::all    ? node.items[i]
                          : node.kind == Node::Kind::loop ? node.items[0]
                                                          : node.items[place.number];
    if (node.kind == Node::Kind::all && !can_wait(item, place.parts[i], place.has_previous)) return std::nullopt;
    std::optional<Remainder> part = pass(item, after.parts[i]);
    if (!part) return std::nullopt;
    after.parts[i] = std::move(*part);
  }
  return settled(index, std::move(after));
}

std::vector<Closing> Places::closings(const Remainder& place) const {
  std::vector<Closing> out;
  collect_closings(root_, place, out);
  return out;
}

void Places::collect_closings(uint32_t index, const Remainder& place, std::vector<Closing>& out) const {
  const Node& node = nodes_[index];
  if (place.status != Remainder::Status::started || node.kind == Node::Kind::step) return;
  if (node.kind == Node::Kind::loop && node.consecutive && node.is_step_loop) {
    if (place.closed || (node.max != ast::repeat_unbounded && place.number >= node.max)) return;
    Closing closing;
    closing.step = node.step;
    closing.bar = node.repeat_bar;
    if (place.number >= node.min) {
      closing.place = place;
      closing.place->closed = true;
      closing.place = settled(index, std::move(*closing.place));
    }
    out.push_back(std::move(closing));
    return;
  }
  const size_t parts = node.kind == Node::Kind::all ? place.parts.size() : 1;
  for (size_t i = 0; i < parts; ++i) {
    const uint32_t item = node.kind == Node::Kind::all    ? node.items[i]
                          : node.kind == Node::Kind::loop ? node.items[0]
                                                          : node.items[place.number];
    const size_t first = out.size();
    collect_closings(item, place.parts[i], out);
    for (size_t k = first; k < out.size(); ++k) {
      if (!out[k].place) continue;
      Remainder whole = place;
      whole.parts[i] = std::move(*out[k].place);
      out[k].place = settled(index, std::move(whole));
    }
  }
}

std::vector<OpenAbsence> Places::absences(const Remainder& place) const {
  std::vector<OpenAbsence> out;
  if (place.is_untouched()) return out;
  collect_absences(root_, place, out);
  if (complete(root_, place)) {
    for (const TypedPattern::Absence& absence : trailing_) out.push_back({absence, trailing_bar_});
  }
  return out;
}

// `not` stands between the arrows of unrepeated sequences only, so the open gaps are found along those.
void Places::collect_absences(uint32_t index, const Remainder& place, std::vector<OpenAbsence>& out) const {
  const Node& node = nodes_[index];
  if (place.status == Remainder::Status::finished || node.kind != Node::Kind::sequence) return;
  const bool untouched = place.is_untouched();
  if (!untouched) {
    collect_absences(node.items[place.number], place.parts[0], out);
    if (!complete(node.items[place.number], place.parts[0])) return;
  }
  const uint32_t first = untouched ? 0 : place.number + 1;
  const uint32_t last = reach(node, untouched ? -1 : static_cast<int64_t>(place.number));
  for (uint32_t item = first; item <= last && item < node.items.size(); ++item) {
    const std::vector<TypedPattern::Absence>& gap = node.gates[item].absences;
    const uint64_t bar = is_all_ ? node.absence_gates[item] : 0;
    for (size_t i = 0; item > 0 && i < gap.size(); ++i) out.push_back({gap[i], bar});
    collect_absences(node.items[item], Remainder{}, out);
  }
}

uint64_t Places::pending(const Remainder& place) const { return collect_pending(root_, place); }

uint64_t Places::collect_pending(uint32_t index, const Remainder& place) const {
  const Node& node = nodes_[index];
  if (place.status == Remainder::Status::finished || place.status == Remainder::Status::idle) return 0;
  uint64_t bits = 0;
  if (node.kind == Node::Kind::any && !node.is_simple && (place.is_untouched() || !complete(index, place))) {
    bits |= uint64_t{1} << node.or_bit;
  }
  for (size_t i = 0; i < place.parts.size(); ++i) {
    uint32_t item = node.items[0];
    if (node.kind == Node::Kind::any) item = node.items[place.number];
    if (node.kind == Node::Kind::all) item = node.items[i];
    if (node.kind == Node::Kind::sequence) item = node.items[(place.is_untouched() ? 0 : place.number) + i];
    bits |= collect_pending(item, place.parts[i]);
  }
  return bits;
}

}  // namespace omen
