#include "compiler/places.h"

#include <algorithm>

namespace omen {

namespace {

// The place of a loop: what it has of the present repetition, and its choice for the next one.
constexpr size_t present = 0, next = 1;

Remainder loop_place(uint32_t begun, Remainder body) {
  Remainder place;
  place.status = Remainder::Status::started;
  place.number = begun;
  place.parts = {std::move(body), Remainder{}};
  return place;
}

}  // namespace

void Remainder::append_key(std::string& out) const {
  out += "iesf"[static_cast<int>(status)];
  if (status == Status::finished || status == Status::idle) return;
  if (closed) out += '!';
  if (has_previous) out += 'p';
  out += std::to_string(number);
  if (parts.empty()) return;
  out += '(';
  for (const Remainder& part : parts) part.append_key(out);
  out += ')';
}

// ---- the pattern as nodes ----

Places::Places(const TypedRule& rule) : trailing_(rule.pattern.trailing) { root_ = add(rule.pattern); }

uint32_t Places::add(const TypedPattern& pattern) {
  if (pattern.min == 1 && pattern.max == 1) return add_body(pattern);
  Node loop;
  loop.kind = Node::Kind::loop;
  loop.min = pattern.min;
  loop.max = pattern.max;
  loop.consecutive = pattern.consecutive;
  loop.is_step_loop = pattern.kind == TypedPattern::Kind::step && pattern.loop < 0;
  loop.group_loop = pattern.loop;
  loop.loop_number = ++loops_;
  const uint32_t body = add_body(pattern);
  loop.items = {body};
  if (loop.is_step_loop) loop.step = nodes_[body].step;
  loop.nullable = loop.min == 0 || nodes_[body].nullable;
  loop.has_choice = nodes_[body].has_choice;
  nodes_.push_back(std::move(loop));
  return static_cast<uint32_t>(nodes_.size() - 1);
}

uint32_t Places::add_body(const TypedPattern& pattern) {
  Node node;
  node.within_us = pattern.within_us;
  if (pattern.within_us >= 0) node.within_register = static_cast<uint8_t>(registers_++);
  switch (pattern.kind) {
    case TypedPattern::Kind::step:
      node.kind = Node::Kind::step;
      node.step = pattern.step;
      break;
    case TypedPattern::Kind::sequence:
      node.kind = Node::Kind::sequence;
      break;
    case TypedPattern::Kind::all:
      node.kind = Node::Kind::all;
      break;
    case TypedPattern::Kind::any:
      node.kind = Node::Kind::any;
      break;
  }
  node.gates = pattern.gates;
  for (const TypedPattern& item : pattern.items) node.items.push_back(add(item));
  auto nullable = [&](uint32_t item) { return nodes_[item].nullable; };
  auto has_choice = [&](uint32_t item) { return nodes_[item].has_choice; };
  switch (node.kind) {
    case Node::Kind::sequence:
      node.gates.resize(node.items.size());
      node.nullable = std::ranges::all_of(node.items, nullable);
      for (uint32_t item : node.items) {
        node.has_choice = node.has_choice || has_choice(item);
        if (!nullable(item)) break;
      }
      break;
    case Node::Kind::all:
      node.nullable = std::ranges::all_of(node.items, nullable);
      node.has_choice = std::ranges::any_of(node.items, has_choice);
      for (uint32_t item : node.items) {
        node.anchors.push_back(has_limits(item) ? static_cast<uint8_t>(registers_++) : uint8_t{0});
      }
      break;
    case Node::Kind::any:
      node.nullable = std::ranges::any_of(node.items, nullable);
      node.is_simple = std::ranges::all_of(node.items, [&](uint32_t item) { return done_at_once(item); });
      node.has_choice = !node.is_simple;
      if (!node.is_simple) node.or_bit = static_cast<uint8_t>(ors_++);
      break;
    default:
      break;
  }
  nodes_.push_back(std::move(node));
  return static_cast<uint32_t>(nodes_.size() - 1);
}

// A branch with an arrow's limit inside measures from its own last event.
bool Places::has_limits(uint32_t index) const {
  const Node& node = nodes_[index];
  for (const TypedPattern::Gate& gate : node.gates) {
    if (gate.min_us > 0 || gate.max_us >= 0) return true;
  }
  return std::ranges::any_of(node.items, [&](uint32_t item) { return has_limits(item); });
}

bool Places::done_at_once(uint32_t index) const {
  const Node& node = nodes_[index];
  switch (node.kind) {
    case Node::Kind::step:
      return true;
    case Node::Kind::any:
      return node.is_simple;
    case Node::Kind::loop:
      return node.min <= 1 && done_at_once(node.items[0]);
    case Node::Kind::sequence:
      return node.items.size() == 1 && done_at_once(node.items[0]);
    case Node::Kind::all:
      return false;
  }
  return false;
}

// ---- completeness, entering, expanding ----

// Items after `from` (-1: before the first) up to the first one that has to take something can be next.
uint32_t Places::reach(const Node& node, int64_t from) const {
  uint32_t last = static_cast<uint32_t>(from + 1);
  while (last < node.items.size() && nodes_[node.items[last]].nullable) ++last;
  return last;  // may be items.size(): all the rest can be left out
}

bool Places::complete(uint32_t index, const Remainder& place) const {
  const Node& node = nodes_[index];
  if (place.status == Remainder::Status::finished) return true;
  if (place.is_untouched()) {
    // A chosen branch that needs no event is as good as taken.
    return node.nullable;
  }
  switch (node.kind) {
    case Node::Kind::step:
      return true;
    case Node::Kind::sequence:
      return complete(node.items[place.number], place.parts[0]) && reach(node, place.number) == node.items.size();
    case Node::Kind::loop:
      return complete(node.items[0], place.parts[present]) &&
             (place.number >= node.min || nodes_[node.items[0]].nullable);
    case Node::Kind::all:
      for (size_t i = 0; i < node.items.size(); ++i) {
        if (!complete(node.items[i], place.parts[i])) return false;
      }
      return true;
    case Node::Kind::any:
      return complete(node.items[place.number], place.parts[0]);
  }
  return false;
}

bool Places::is_complete(const Remainder& place) const { return complete(root_, place); }

std::vector<Remainder> Places::first() const { return enter(root_); }

namespace {

// Every combination of one choice per list, the first list deciding first.
std::vector<std::vector<Remainder>> combinations(const std::vector<std::vector<Remainder>>& choices) {
  std::vector<std::vector<Remainder>> all = {{}};
  for (const std::vector<Remainder>& options : choices) {
    std::vector<std::vector<Remainder>> longer;
    for (const std::vector<Remainder>& head : all) {
      for (const Remainder& option : options) {
        longer.push_back(head);
        longer.back().push_back(option);
      }
    }
    all = std::move(longer);
  }
  return all;
}

}  // namespace

// Untouched sequences, loops and `and`s that hold a choice have one part per item; all others are idle.
std::vector<Remainder> Places::enter(uint32_t index) const {
  const Node& node = nodes_[index];
  if (!node.has_choice) return {Remainder{}};
  std::vector<std::vector<Remainder>> choices;
  std::vector<Remainder> out;
  switch (node.kind) {
    case Node::Kind::step:
      return {Remainder{}};
    case Node::Kind::any:
      for (uint32_t branch = 0; branch < node.items.size(); ++branch) {
        for (Remainder& entry : enter(node.items[branch])) {
          Remainder place;
          place.status = Remainder::Status::entered;
          place.number = branch;
          place.parts = {std::move(entry)};
          out.push_back(std::move(place));
        }
      }
      return out;
    case Node::Kind::sequence: {
      const uint32_t last = std::min<uint32_t>(reach(node, -1), static_cast<uint32_t>(node.items.size()) - 1);
      for (uint32_t i = 0; i < node.items.size(); ++i) {
        choices.push_back(i <= last ? enter(node.items[i]) : std::vector<Remainder>{Remainder{}});
      }
      break;
    }
    default:
      for (uint32_t item : node.items) choices.push_back(enter(item));
  }
  for (std::vector<Remainder>& parts : combinations(choices)) {
    Remainder place;
    place.status = Remainder::Status::entered;
    place.parts = std::move(parts);
    out.push_back(std::move(place));
  }
  return out;
}

// A started sequence holds the present item's place and then, while choices are open, those of the items behind it.
std::vector<Remainder> Places::expand(uint32_t index, const Remainder& place) const {
  const Node& node = nodes_[index];
  if (place.status == Remainder::Status::idle) return enter(index);
  if (place.status != Remainder::Status::started) return {place};
  std::vector<std::vector<Remainder>> choices;
  switch (node.kind) {
    case Node::Kind::step:
      return {place};
    case Node::Kind::any:
      choices = {expand(node.items[place.number], place.parts[0])};
      break;
    case Node::Kind::all:
      for (size_t i = 0; i < node.items.size(); ++i) choices.push_back(expand(node.items[i], place.parts[i]));
      break;
    case Node::Kind::loop: {
      const bool more = !place.closed && (node.max == ast::repeat_unbounded || place.number < node.max) &&
                        complete(node.items[0], place.parts[present]);
      choices.push_back(expand(node.items[0], place.parts[present]));
      choices.push_back(more ? (place.parts[next].status == Remainder::Status::idle
                                    ? enter(node.items[0])
                                    : std::vector<Remainder>{place.parts[next]})
                             : std::vector<Remainder>{Remainder{}});
      break;
    }
    case Node::Kind::sequence: {
      choices.push_back(expand(node.items[place.number], place.parts[0]));
      if (complete(node.items[place.number], place.parts[0])) {
        const uint32_t last =
            std::min<uint32_t>(reach(node, place.number), static_cast<uint32_t>(node.items.size()) - 1);
        bool open = false;
        for (uint32_t i = place.number + 1; i <= last; ++i) open = open || nodes_[node.items[i]].has_choice;
        for (uint32_t i = place.number + 1; open && i <= last; ++i) {
          const size_t part = i - place.number;
          choices.push_back(part < place.parts.size() && place.parts[part].status != Remainder::Status::idle
                                ? std::vector<Remainder>{place.parts[part]}
                                : enter(node.items[i]));
        }
      }
      break;
    }
  }
  std::vector<Remainder> out;
  for (std::vector<Remainder>& parts : combinations(choices)) {
    out.push_back(place);
    out.back().parts = std::move(parts);
  }
  return out;
}

std::vector<Remainder> Places::expanded(const Remainder& place) const { return expand(root_, place); }

Remainder Places::settled(uint32_t index, Remainder place) const {
  const Node& node = nodes_[index];
  auto finished = [](const Remainder& part) { return part.status == Remainder::Status::finished; };
  bool done = false;
  switch (node.kind) {
    case Node::Kind::step:
      done = true;
      break;
    case Node::Kind::sequence:
      done = place.number + 1 == node.items.size() && finished(place.parts[0]);
      break;
    case Node::Kind::all:
      done = std::ranges::all_of(place.parts, finished);
      break;
    case Node::Kind::any:
      done = finished(place.parts[0]);
      break;
    case Node::Kind::loop:
      done = finished(place.parts[present]) && place.number >= node.min &&
             (place.closed || (node.max != ast::repeat_unbounded && place.number >= node.max));
      break;
  }
  if (!done) return place;
  Remainder end;
  end.status = Remainder::Status::finished;
  return end;
}

// ---- ways on ----

std::vector<Way> Places::ways(const Remainder& place) const {
  std::vector<Way> out;
  ways(root_, place, Past{0, !place.is_untouched()}, out);
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
      const size_t begin = out.size();
      ways(node.items[item], chosen(static_cast<uint32_t>(item)), past, out);
      Guard guard{past.anchor, node.gates[item].min_us,
                  node.gates[item].max_us < 0 ? time_unbounded : node.gates[item].max_us};
      // A `not … for` holds over the gap, whatever optional steps are left out in it.
      for (int64_t gate = at + 1; gate <= item; ++gate) {
        for (const TypedPattern::Absence& absence : node.gates[gate].absences) {
          if (absence.for_us >= 0) guard.min_us = std::max(guard.min_us, absence.for_us + 1);
        }
      }
      for (size_t i = begin; i < out.size(); ++i) {
        Way& way = out[i];
        if (past.exists && (guard.min_us > 0 || guard.max_us != time_unbounded)) way.guards.push_back(guard);
        if (!way.place) continue;
        Remainder moved;
        moved.status = Remainder::Status::started;
        moved.number = static_cast<uint32_t>(item);
        moved.parts = {std::move(*way.place)};
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
  if (!place.closed && (unbounded || place.number < node.max) && complete(body, place.parts[present])) {
    const size_t begin = out.size();
    ways(body, place.parts[next], past, out);
    finish(begin, unbounded && place.number >= std::max(node.min, 1u) ? place.number : place.number + 1, true);
  }
  const size_t begin = out.size();
  ways(body, place.parts[present], past, out);
  finish(begin, place.number, false, place.parts[next]);
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
    ways(node.items[branch], part, own, out);
    for (size_t i = begin; i < out.size(); ++i) {
      Way& way = out[i];
      Remainder moved;
      moved.status = Remainder::Status::started;
      moved.has_previous = had_previous;
      bool lives = way.place.has_value();
      for (size_t other = 0; lives && other < node.items.size(); ++other) {
        if (other == branch) {
          moved.parts.push_back(*way.place);
          continue;
        }
        const Remainder before = place.parts.empty() ? Remainder{} : place.parts[other];
        std::optional<Remainder> after = pass(node.items[other], before);
        lives = after.has_value();
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

// ---- events passed over ----

// An untouched node that can begin behind a => of its own: `P -> (Q? => R)` after P.
bool Places::leads_immediately(uint32_t index) const {
  const Node& node = nodes_[index];
  if (node.kind == Node::Kind::step) return false;
  const size_t count = node.kind == Node::Kind::sequence
                           ? std::min<size_t>(reach(node, -1) + size_t{1}, node.items.size())
                           : node.items.size();
  for (size_t item = 0; item < count; ++item) {
    if (node.kind == Node::Kind::sequence && item > 0 && node.gates[item].immediate) return true;
    if (leads_immediately(node.items[item])) return true;
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
          if (node.gates[item].immediate || leads_immediately(node.items[item])) return std::nullopt;
        }
      }
      break;
    case Node::Kind::loop:
      if (!complete(node.items[0], place.parts[present]) || place.closed ||
          (node.max != ast::repeat_unbounded && place.number >= node.max)) {
        break;
      }
      if (leads_immediately(node.items[0])) return std::nullopt;
      if (node.consecutive && !node.is_step_loop) {
        const bool enough = place.number >= node.min || nodes_[node.items[0]].nullable;
        if (!enough && place.parts[present].status == Remainder::Status::finished) return std::nullopt;
        after.closed = true;
        after.parts[next] = Remainder{};
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

std::vector<TypedPattern::Absence> Places::absences(const Remainder& place) const {
  std::vector<TypedPattern::Absence> out;
  if (place.is_untouched()) return out;
  collect_absences(root_, place, out);
  if (complete(root_, place)) out.insert(out.end(), trailing_.begin(), trailing_.end());
  return out;
}

// `not` stands between the arrows of unrepeated sequences only, so the open gaps are found along those.
void Places::collect_absences(uint32_t index, const Remainder& place, std::vector<TypedPattern::Absence>& out) const {
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
    if (item > 0) out.insert(out.end(), gap.begin(), gap.end());
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
