#include "compiler/places.h"

#include <algorithm>

namespace omen {

namespace {

// The place of a loop: what it has of the present repetition, and its choice for the next one.
constexpr size_t present = 0, next = 1;

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

Places::Places(const TypedRule& rule) : trailing_(rule.pattern.trailing), is_all_(rule.overlap == Overlap::all) {
  root_ = add(rule.pattern);
  if (is_all_ && !trailing_.empty()) {
    trailing_bar_ = add_bar();
    absence_bars_ |= trailing_bar_;
  }
}

uint32_t Places::add(const TypedPattern& pattern) {
  if (pattern.min == 1 && pattern.max == 1) return add_body(pattern);
  Node loop;
  loop.kind = Node::Kind::loop;
  loop.min = pattern.min;
  loop.max = pattern.max;
  loop.consecutive = pattern.consecutive;
  loop.is_step_loop = pattern.kind == TypedPattern::Kind::step && pattern.loop < 0;
  has_immediate_ = has_immediate_ || (loop.consecutive && !loop.is_step_loop);
  loop.group_loop = pattern.loop;
  loop.loop_number = ++loops_;
  const uint32_t body = add_body(pattern);
  loop.items = {body};
  if (loop.is_step_loop) loop.step = nodes_[body].step;
  loop.nullable = loop.min == 0 || nodes_[body].nullable;
  loop.has_choice = nodes_[body].has_choice;
  if (is_all_) add_bars(loop);
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
  for (const TypedPattern::Gate& gate : node.gates) has_immediate_ = has_immediate_ || gate.immediate;
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
      node.is_simple = is_all_ || std::ranges::all_of(node.items, [&](uint32_t item) { return done_at_once(item); });
      node.has_choice = !node.is_simple;
      if (!node.is_simple) node.or_bit = static_cast<uint8_t>(ors_++);
      break;
    default:
      break;
  }
  if (is_all_) add_bars(node);
  nodes_.push_back(std::move(node));
  return static_cast<uint32_t>(nodes_.size() - 1);
}

// More than fit into a mask are counted, and refused by lower.
uint64_t Places::add_bar() { return uint64_t{1} << (bars_++ & 63); }

void Places::add_bars(Node& node) {
  if (node.kind == Node::Kind::sequence) {
    for (size_t i = 0; i < node.gates.size(); ++i) {
      const bool has_absence = i > 0 && !node.gates[i].absences.empty();
      node.strict_gates.push_back(node.gates[i].immediate ? add_bar() : 0);
      node.absence_gates.push_back(has_absence ? add_bar() : 0);
      node.strict_inside |= node.strict_gates.back();
      absence_bars_ |= node.absence_gates.back();
    }
  }
  if (node.kind == Node::Kind::loop && node.consecutive) {
    node.repeat_bar = add_bar();
    if (!node.is_step_loop) node.strict_inside |= node.repeat_bar;
  }
  if (node.kind == Node::Kind::loop && nodes_[node.items[0]].strict_inside != 0 && holds_all(node.items[0])) {
    node.entry_bar = node.consecutive ? node.repeat_bar : add_bar();
    node.strict_inside |= node.entry_bar;
  }
  strict_bars_ |= node.strict_inside;
  for (uint32_t item : node.items) node.strict_inside |= nodes_[item].strict_inside;
}

bool Places::holds_all(uint32_t index) const {
  const Node& node = nodes_[index];
  return node.kind == Node::Kind::all ||
         std::ranges::any_of(node.items, [&](uint32_t item) { return holds_all(item); });
}

// A branch with an arrow's limit inside measures from its own last event.
bool Places::has_limits(uint32_t index) const {
  const Node& node = nodes_[index];
  for (const TypedPattern::Gate& gate : node.gates) {
    if (gate.min_us > 0 || gate.max_us >= 0 || (is_all_ && gate.immediate)) return true;
  }
  return std::ranges::any_of(node.items, [&](uint32_t item) { return has_limits(item); });
}

// Its first event can be one behind a => or an arrow with a limit, what stands before that arrow being left out.
bool Places::begins_limited(uint32_t index) const {
  const Node& node = nodes_[index];
  size_t count = node.items.size();
  if (node.kind == Node::Kind::sequence) count = std::min<size_t>(reach(node, -1) + size_t{1}, count);
  for (size_t i = 0; i < count; ++i) {
    const bool has_gate = node.kind == Node::Kind::sequence && i > 0;
    if (has_gate && (node.gates[i].immediate || node.gates[i].min_us > 0 || node.gates[i].max_us >= 0)) return true;
    if (begins_limited(node.items[i])) return true;
  }
  return false;
}

// Whichever event it takes first, nothing further has to come.
bool Places::done_at_once(uint32_t index) const {
  const Node& node = nodes_[index];
  const auto only_needs = [&](size_t item) {  // what stands behind it may be left out, and what is beside it
    for (size_t other = node.kind == Node::Kind::sequence ? item + 1 : 0; other < node.items.size(); ++other) {
      const Node& beside = nodes_[node.items[other]];
      if (other != item && (!beside.nullable || beside.has_choice)) return false;
    }
    return done_at_once(node.items[item]);
  };
  switch (node.kind) {
    case Node::Kind::step:
      return true;
    case Node::Kind::any:
      return node.is_simple;
    case Node::Kind::loop:
      return (node.min <= 1 || nodes_[node.items[0]].nullable) && done_at_once(node.items[0]);
    case Node::Kind::sequence:
      for (size_t item = 0; item < node.items.size(); ++item) {
        if (!only_needs(item)) return false;
        if (!nodes_[node.items[item]].nullable) break;
      }
      return true;
    case Node::Kind::all:
      for (size_t item = 0; item < node.items.size(); ++item) {
        if (!only_needs(item)) return false;
      }
      return true;
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

}  // namespace omen
