// A pattern's shape. Two passes: the tree is walked once for steps, gaps, loops and names; then every condition is
// resolved, since what a name means depends on all places where it stands.
//
// Absences move from the edges of a group to the gap around it: `(A -> not B) -> C` is `A -> not B -> C`.
#include <algorithm>

#include "compiler/constant.h"
#include "compiler/pattern_bounds.h"
#include "compiler/resolve.h"
#include "runtime/model/limits.h"

namespace omen {

namespace {

bool repeats(const TypedPattern& node) { return node.min != 1 || node.max != 1; }

// The most events that a node can take: 0, 1 or 2 for several.
uint32_t events_max(const TypedPattern& node) {
  uint32_t events = node.kind == TypedPattern::Kind::step ? 1 : 0;
  for (const TypedPattern& item : node.items) {
    const uint32_t most = events_max(item);
    events = node.kind == TypedPattern::Kind::any ? std::max(events, most) : std::min(2u, events + most);
  }
  return node.max > 1 ? std::min(2u, events * 2) : events;
}

// `(A)`, `((A as x))`: a group of one step that takes one event.
bool is_single_step(const ast::Pattern& pattern) {
  if (pattern.kind == ast::Pattern::Kind::step) return true;
  return pattern.kind == ast::Pattern::Kind::sequence && pattern.items.size() == 1 && !pattern.items[0].repeat &&
         is_single_step(pattern.items[0]);
}

// The step behind the first `limit` ones that take an event; none when they are not so many. steps: those seen so far.
const ast::Pattern* step_beyond(size_t limit, const ast::Pattern& pattern, size_t& steps) {
  if (pattern.kind == ast::Pattern::Kind::step) return ++steps > limit ? &pattern : nullptr;
  for (const ast::Pattern& item : pattern.items) {
    if (const ast::Pattern* beyond = step_beyond(limit, item, steps)) return beyond;
  }
  return nullptr;
}

class PatternResolver {
 public:
  PatternResolver(ResolveShared& shared, const ast::Rule& source, TypedRule& rule, BoundNames& names)
      : shared_(shared), source_(source), rule_(rule), names_(names) {}

  bool run() {
    size_t steps = 0;
    if (const ast::Pattern* first_too_many = step_beyond(slots_max, *source_.match, steps)) {
      error("E0416", first_too_many->step.span, "a pattern has at most " + std::to_string(slots_max) + " steps",
            "split the rule, or use a repetition such as `{5}`");
      return false;
    }
    const size_t errors = count_errors();
    Shaped shaped = shape(*source_.match);
    if (!shaped.node) {
      if (count_errors() == errors) {
        error("E0401", source_.match->span, "this pattern needs no event",
              "a match begins with an event: put a step beside the `not`");
      }
      return false;
    }
    finish(std::move(shaped));
    collect_names();
    for (const PendingStep& pending : pending_) resolve_pending(pending);
    return true;
  }

 private:
  struct Gap {
    TypedPattern::Absence absence;
    Span span;
  };
  struct Shaped {
    std::optional<TypedPattern> node;
    std::vector<Gap> before, after;  // absences at the edges of a group
  };
  struct PendingStep {
    const ast::Step* source;
    uint32_t step;
    PatternPosition reader;
    bool is_absence;
  };
  struct FoundName {
    std::string text;
    NameOccurrence occurrence;
    bool is_implicit;
    bool in_alert;
  };
  struct Around {
    const char* what;
    Span span;
  };

  size_t count_errors() const {
    return static_cast<size_t>(std::ranges::count(shared_.diagnostics.items, Severity::error, &Diagnostic::severity));
  }
  void error(const char* code, Span span, std::string message, std::string help, std::vector<Label> causes = {}) {
    shared_.diagnostics.error(code, span, std::move(message), std::move(help), std::move(causes));
  }

  Shaped shape(const ast::Pattern& source) {
    const bool is_group = source.kind != ast::Pattern::Kind::step || source.parenthesised;
    const bool is_single = is_single_step(source);
    PatternTurn turn;
    turn.node = next_node_++;
    turn.kind = source.kind == ast::Pattern::Kind::any   ? PatternTurn::Kind::any
                : source.kind == ast::Pattern::Kind::all ? PatternTurn::Kind::all
                : is_group                               ? PatternTurn::Kind::sequence
                                                         : PatternTurn::Kind::step;
    names_.branches.resize(next_node_);
    const bool is_loop = source.repeat && (source.repeat->min != 1 || source.repeat->max != 1);
    turn.repeats = is_loop && source.repeat->max > 1;
    if (turn.repeats && (!is_single || (is_group && source.repeat->consecutive))) turn.loop = next_loop(source);
    position_.push_back(turn);
    if (is_loop) around_.push_back({"a repetition", source.repeat->span});
    const bool names_group = source.as && source.kind != ast::Pattern::Kind::step;
    if (names_group) ++named_groups_;

    const uint32_t first_slot = next_slot_;
    Shaped shaped = base(source);

    if (names_group) --named_groups_;
    if (is_loop) around_.pop_back();
    if (shaped.node) {
      if (source.within) shaped.node = spanned(std::move(*shaped.node), *source.within);
      if (is_loop) shaped.node = repeated(std::move(*shaped.node), source, turn.loop);
      if (source.as) {
        NameOccurrence occurrence{position_, slots_since(first_slot), events_max(*shaped.node) > 1, source.as->span};
        found_.push_back({source.as->text, std::move(occurrence), false, true});
      }
    }
    position_.pop_back();
    return shaped;
  }

  Shaped base(const ast::Pattern& source) {
    switch (source.kind) {
      case ast::Pattern::Kind::step:
        return step(source);
      case ast::Pattern::Kind::sequence:
        return sequence(source);
      case ast::Pattern::Kind::all:
      case ast::Pattern::Kind::any:
        return branches(source);
      case ast::Pattern::Kind::absence: {
        Shaped shaped;
        if (!refuse_absence_around(source)) shaped.before.push_back(absence(source));
        return shaped;
      }
    }
    return {};
  }

  Shaped step(const ast::Pattern& source) {
    Shaped shaped;
    TypedPattern& node = shaped.node.emplace();
    node.kind = TypedPattern::Kind::step;
    node.span = source.step.span;
    node.step = add_step(source.step, false);
    rule_.steps[node.step].slot = static_cast<int32_t>(next_slot_);
    rule_.steps[node.step].label = step_label(source);
    ++next_slot_;
    if (!source.as) {
      NameOccurrence occurrence{position_, slots_since(next_slot_ - 1), position_.back().repeats, source.step.span};
      found_.push_back({step_text(source.step), std::move(occurrence), true, named_groups_ == 0});
    }
    return shaped;
  }

  Shaped branches(const ast::Pattern& source) {
    const bool is_or = source.kind == ast::Pattern::Kind::any;
    Shaped shaped;
    TypedPattern node;
    node.kind = is_or ? TypedPattern::Kind::any : TypedPattern::Kind::all;
    node.span = source.span;
    around_.push_back({is_or ? "an `or`" : "an `and`", source.span});
    bool complete = true;
    for (uint32_t i = 0; i < source.items.size(); ++i) {
      const ast::Pattern& item = source.items[i];
      position_.back().item = i;
      if (is_or) names_.branches[position_.back().node].push_back(item.span);
      Shaped branch = shape(item);
      if (!branch.node) {
        complete = false;
        continue;
      }
      if (is_or && is_nullable(*branch.node)) {
        error("E0402", item.span, "this branch of the `or` needs no event",
              "let it need at least one: `+` instead of `*`, or no `?`");
      }
      node.items.push_back(std::move(*branch.node));
    }
    around_.pop_back();
    if (complete) shaped.node = std::move(node);
    return shaped;
  }

  Shaped sequence(const ast::Pattern& source) {
    Shaped shaped;
    TypedPattern node;
    node.kind = TypedPattern::Kind::sequence;
    node.span = source.span;
    std::vector<Gap> gap;
    bool complete = true;
    for (uint32_t i = 0; i < source.items.size(); ++i) {
      const ast::Pattern& item = source.items[i];
      const ast::Arrow* arrow = i > 0 && i - 1 < source.arrows.size() ? &source.arrows[i - 1] : nullptr;
      position_.back().item = i;
      Shaped part = shape(item);
      if (!part.node && part.before.empty()) complete = false;
      if (arrow != nullptr && !part.before.empty()) check_arrow_to_absence(*arrow, part.before[0]);
      if (arrow != nullptr && arrow->immediate && !gap.empty()) refuse_immediate(*arrow, gap.back());
      std::ranges::move(part.before, std::back_inserter(gap));
      if (!part.node) continue;
      TypedPattern::Gate gate = arrow == nullptr ? TypedPattern::Gate{} : this->gate(*arrow);
      if (node.items.empty()) {
        shaped.before = std::move(gap);
      } else {
        for (Gap& absent : gap) gate.absences.push_back(std::move(absent.absence));
      }
      gap = std::move(part.after);
      node.items.push_back(std::move(*part.node));
      node.gates.push_back(std::move(gate));
    }
    if (node.items.empty()) {  // absences only
      shaped.before = std::move(gap);
      return shaped;
    }
    shaped.after = std::move(gap);
    if (!complete) return shaped;
    shaped.node = node.items.size() == 1 ? std::move(node.items[0]) : std::move(node);
    return shaped;
  }

  // The whole pattern: a sequence, with what stands at its edges.
  void finish(Shaped shaped) {
    TypedPattern& node = *shaped.node;
    if (is_nullable(node)) {
      error("E0401", source_.match->span, "this pattern needs no event",
            "let one step at least be needed: `+` instead of `*`, or no `?`");
    }
    if (node.kind != TypedPattern::Kind::sequence || repeats(node) || node.within_us >= 0)
      node = wrapped(std::move(node));
    for (Gap& gap : shaped.before) {
      if (gap.absence.for_us < 0) {
        error("E0406", gap.span, "a `not` at the beginning needs `for`",
              "say how long nothing may have come before: `not … for 1h`");
      }
      node.gates[0].absences.push_back(std::move(gap.absence));
    }
    for (Gap& gap : shaped.after) {
      if (gap.absence.for_us < 0 && !source_.within) {
        error("E0407", gap.span, "this `not` never ends",
              "say how long it must last, `not … for 1h`, or give the rule a `within`, at whose end it is fulfilled");
      }
      node.trailing.push_back(std::move(gap.absence));
    }
    rule_.pattern = std::move(node);
  }

  TypedPattern wrapped(TypedPattern item) {
    TypedPattern node;
    node.kind = TypedPattern::Kind::sequence;
    node.span = item.span;
    node.items.push_back(std::move(item));
    node.gates.resize(1);
    return node;
  }

  // (P within D): one event spans nothing, and a repetition's `within` would count for each repetition alone.
  TypedPattern spanned(TypedPattern node, const ast::Duration& within) {
    if (!check_duration(shared_, within, "`within`")) return node;
    if (node.kind == TypedPattern::Kind::step && !repeats(node)) return node;
    if (repeats(node)) node = wrapped(std::move(node));
    node.within_us = node.within_us < 0 ? within.us : std::min(node.within_us, within.us);
    return node;
  }

  TypedPattern repeated(TypedPattern node, const ast::Pattern& source, int32_t loop) {
    const ast::Repeat& repeat = *source.repeat;
    if (is_nullable(node)) {
      error("E0412", repeat.span, "this repeats something that needs no event",
            "let one step inside be needed, or repeat the step itself", {{node.span, "needs no event"}});
    }
    if (repeats(node)) node = wrapped(std::move(node));
    node.min = repeat.min;
    node.max = repeat.max;
    node.consecutive = repeat.consecutive;
    node.loop = loop;
    node.span = {source.span.file, source.span.begin, std::max(repeat.span.end, source.span.begin + 1)};
    return node;
  }

  int32_t next_loop(const ast::Pattern& source) {
    if (next_loop_ == group_loops_max) {
      error("E0417", source.repeat->span,
            "a pattern has at most " + std::to_string(group_loops_max) + " repeated groups", "split the rule");
    }
    return static_cast<int32_t>(std::min(next_loop_++, group_loops_max - 1));
  }

  TypedPattern::Gate gate(const ast::Arrow& arrow) {
    TypedPattern::Gate gate;
    gate.immediate = arrow.immediate;
    if (arrow.at_least) gate.min_us = arrow.at_least->us;
    if (arrow.at_most && check_duration(shared_, *arrow.at_most, "an arrow's limit")) gate.max_us = arrow.at_most->us;
    if (arrow.at_least && arrow.at_most && arrow.at_least->us > arrow.at_most->us) {
      error("E0414", arrow.at_least->span, "this arrow's lower limit is above its upper one",
            "write the shorter time first: `-[1m..5m]->`");
    }
    return gate;
  }

  void check_arrow_to_absence(const ast::Arrow& arrow, const Gap& gap) {
    if (arrow.immediate) {
      refuse_immediate(arrow, gap);
    } else if (arrow.at_least || arrow.at_most) {
      error("E0405", arrow.span, "an arrow's limit belongs to a step, and this arrow leads to a `not`",
            "put the limit on the arrow behind the `not`, or write `not … for DURATION`", {{gap.span, "this `not`"}});
    }
  }

  void refuse_immediate(const ast::Arrow& arrow, const Gap& gap) {
    error("E0404", arrow.span, "a `not` cannot stand beside `=>`",
          "`=>` allows nothing in between, so the `not` says nothing: remove it, or write `->`",
          {{gap.span, "this `not`"}});
  }

  bool refuse_absence_around(const ast::Pattern& source) {
    if (around_.empty()) return false;
    const Around& around = around_.back();
    error("E0403", source.span, std::string("a `not` cannot stand inside ") + around.what,
          "put it between the arrows of the pattern itself: `A -> not B -> C`", {{around.span, around.what}});
    return true;
  }

  Gap absence(const ast::Pattern& source) {
    Gap gap;
    gap.span = source.span;
    for (const ast::Step& step : source.alternatives) {
      const uint32_t index = add_step(step, true);
      rule_.steps[index].label = step_text(step);
      gap.absence.steps.push_back(index);
    }
    if (source.absent_for) {
      const bool is_right = check_duration(shared_, *source.absent_for, "`for`");
      gap.absence.for_us = is_right ? source.absent_for->us : 1;
    }
    return gap;
  }

  uint32_t add_step(const ast::Step& step, bool is_absence) {
    const auto index = static_cast<uint32_t>(rule_.steps.size());
    rule_.steps.push_back(typed_step(shared_, step, rule_));
    pending_.push_back({&step, index, position_, is_absence});
    return index;
  }

  void resolve_pending(const PendingStep& pending) {
    ExprScope scope;
    scope.place = ExprScope::Place::condition;
    scope.names = &names_;
    scope.reader = pending.reader;
    scope.types = rule_.steps[pending.step].types;
    scope.rule = &rule_;
    resolve_condition(shared_, *pending.source, rule_.steps[pending.step], std::move(scope));
    const std::optional<TypedExpr>& condition = rule_.steps[pending.step].condition;
    const std::optional<Truth> truth = condition ? constant_truth(*condition) : std::nullopt;
    if (pending.is_absence && truth && *truth != Truth::yes) {
      error("E0408", condition->span, "no event fits this, so the `not` can never be broken",
            "remove the `not`, or correct its condition");
    }
  }

  uint64_t slots_since(uint32_t first) const {
    uint64_t slots = 0;
    for (uint32_t slot = first; slot < next_slot_; ++slot) slots |= uint64_t{1} << slot;
    return slots;
  }

  // Names in the order of writing; one name may stand in several branches of an `or`.
  void collect_names() {
    for (FoundName& found : found_) {
      const int32_t known = names_.find(found.text);
      if (known < 0) {
        names_.items.push_back({found.text, {}, 0, found.is_implicit, false, found.in_alert});
        alert_slots_.push_back(0);
      }
      const auto index = known < 0 ? names_.items.size() - 1 : static_cast<size_t>(known);
      BoundName& name = names_.items[index];
      const bool alternative = std::ranges::all_of(name.occurrences, [&](const NameOccurrence& other) {
        return are_alternatives(other.position, found.occurrence.position);
      });
      if (name.is_implicit != found.is_implicit) {
        const Span& explicit_span = found.is_implicit ? name.occurrences[0].span : found.occurrence.span;
        const Span& step_span = found.is_implicit ? found.occurrence.span : name.occurrences[0].span;
        error("E0203", explicit_span, "`" + found.text + "` is also the name of an unnamed step", "choose another name",
              {{step_span, "named by its type"}});
      } else if (!alternative && !found.is_implicit) {
        error("E0203", found.occurrence.span, "`" + found.text + "` names two parts of this pattern",
              "choose another name for one of them", {{name.occurrences[0].span, "the first one"}});
      }
      name.is_ambiguous = name.is_ambiguous || !alternative;
      name.in_alert = name.in_alert || found.in_alert;
      name.slots |= found.occurrence.slots;
      if (found.in_alert) alert_slots_[index] |= found.occurrence.slots;
      name.occurrences.push_back(std::move(found.occurrence));
    }
    for (size_t i = 0; i < names_.items.size(); ++i) {
      const BoundName& name = names_.items[i];
      TypedName typed;
      typed.text = name.text;
      typed.slots = name.slots;
      typed.alert_slots = alert_slots_[i];
      typed.is_list = name.is_ambiguous || names_.read(static_cast<uint32_t>(i), {}).is_list;
      typed.is_implicit = name.is_implicit;
      typed.in_alert = name.in_alert;
      typed.span = name.occurrences[0].span;
      rule_.names.push_back(std::move(typed));
    }
  }

  static std::string step_label(const ast::Pattern& source) {
    return step_text(source.step) + (source.as ? " as " + source.as->text : "");
  }

  ResolveShared& shared_;
  const ast::Rule& source_;
  TypedRule& rule_;
  BoundNames& names_;
  PatternPosition position_;
  std::vector<Around> around_;
  std::vector<PendingStep> pending_;
  std::vector<FoundName> found_;
  std::vector<uint64_t> alert_slots_;
  uint32_t next_node_ = 0, next_slot_ = 0, next_loop_ = 0, named_groups_ = 0;
};

void collect_first_slots(const TypedRule& rule, const TypedPattern& node, std::vector<uint64_t>& out) {
  if (node.kind == TypedPattern::Kind::step) out.push_back(uint64_t{1} << rule.steps[node.step].slot);
  for (const TypedPattern& item : node.items) {
    collect_first_slots(rule, item, out);
    if (node.kind == TypedPattern::Kind::sequence && !is_nullable(item)) return;
  }
}

}  // namespace

std::vector<uint64_t> first_slots(const TypedRule& rule) {
  std::vector<uint64_t> slots;
  collect_first_slots(rule, rule.pattern, slots);
  return slots;
}

bool resolve_pattern(ResolveShared& shared, const ast::Rule& source, TypedRule& rule, BoundNames& names) {
  return PatternResolver(shared, source, rule, names).run();
}

}  // namespace omen
