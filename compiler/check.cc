// Check: judges a program that has no errors. Warnings for what is legal and hardly meant.
#include <algorithm>
#include <string>

#include "compiler/check_measures.h"
#include "compiler/compile.h"
#include "compiler/condition.h"
#include "compiler/constant.h"
#include "compiler/pattern_bounds.h"
#include "runtime/model/time.h"

namespace omen {

namespace {

using PatternKind = TypedPattern::Kind;

class RuleCheck {
 public:
  RuleCheck(const TypedProgram& program, const TypedRule& rule, Diagnostics& diagnostics)
      : program_(program), rule_(rule), diagnostics_(diagnostics) {}

  void run() {
    can_match_ = true;
    check_conditions();
    if (!rule_.measures.empty()) {
      check_measures(rule_, diagnostics_);
      return;
    }
    check_times();
    if (rule_.overlap != Overlap::all) {  // which passes over what it could take, and goes on behind a completion
      check_pattern(rule_.pattern);
      check_end(rule_.pattern);
    }
    check_latest();
    check_growth();
    check_identifiers();
  }

 private:
  void warn(const char* code, Span span, std::string message, std::string help, std::vector<Label> causes = {}) {
    diagnostics_.warning(code, span, std::move(message), std::move(help), std::move(causes));
  }

  // --- conditions ---

  void check_conditions() {
    for (size_t i = 0; i < rule_.steps.size(); ++i) {
      const TypedStep& step = rule_.steps[i];
      if (!step.condition) continue;
      const bool is_needed = step.slot >= 0 && needs(rule_.pattern, static_cast<uint32_t>(i));
      check_condition(*step.condition, is_needed);
    }
    if (rule_.where) check_condition(*rule_.where, true);
    if (rule_.when) check_condition(*rule_.when, true);
  }

  void check_condition(const TypedExpr& condition, bool is_needed) {
    const std::string consequence =
        is_needed ? "so `" + rule_.name + "` can never match" : "so no event can reach this step";
    const char* code = is_needed ? "W0401" : "W0403";
    if (const auto contradiction = find_contradiction(condition)) {
      warn(code, contradiction->second, "this can never be true together with the other condition, " + consequence,
           "correct one of the two", {{contradiction->first, "excludes it"}});
      return;
    }
    const auto part = find_constant_part(condition);
    if (!part) return;
    const std::optional<Truth> whole = constant_truth(condition);
    if (whole && *whole != Truth::yes) {
      warn(code, part->span, "this is never true, " + consequence, "compare with a field of the event");
    } else {
      warn("W0402", part->span, part->is_true ? "this is always true" : "this is never true",
           "remove it, or compare with a field of the event");
    }
  }

  // Whether every match takes an event at this step.
  static bool needs(const TypedPattern& node, uint32_t step) {
    if (node.min == 0) return false;
    if (node.kind == PatternKind::step) return node.step == step;
    if (node.kind == PatternKind::any) return node.items.size() == 1 && needs(node.items[0], step);
    return std::ranges::any_of(node.items, [&](const TypedPattern& item) { return needs(item, step); });
  }

  // --- time ---

  void check_times() {
    const int64_t least = shortest(rule_.pattern);
    if (can_match_ && rule_.within_us >= 0 && least > rule_.within_us && rule_.source->within) {
      warn("W0401", rule_.source->within->span,
           "a match takes at least " + duration_text(least) + ", so `" + rule_.name + "` can never match",
           "lengthen `within`, or shorten the arrows and absences");
    }
  }

  // The least time between the first and the last event of a pattern.
  int64_t shortest(const TypedPattern& node) {
    int64_t least = 0;
    if (node.kind == PatternKind::sequence) {
      for (size_t i = 0; i < node.items.size(); ++i) {
        const int64_t item = shortest(node.items[i]);
        if (is_nullable(node.items[i])) continue;
        least += item + (i == 0 ? 0 : waiting(node.gates[i], node.items[i].span));
      }
    } else {
      for (size_t i = 0; i < node.items.size(); ++i) {
        const int64_t item = shortest(node.items[i]);
        least = i == 0 ? item : node.kind == PatternKind::any ? std::min(least, item) : std::max(least, item);
      }
    }
    if (node.within_us >= 0 && least > node.within_us) {
      can_match_ = false;
      warn("W0401", node.span,
           "this group takes at least " + duration_text(least) + " and must not span more than " +
               duration_text(node.within_us),
           "lengthen its `within`, or shorten the arrows and absences in it");
    }
    return least * node.min;
  }

  int64_t waiting(const TypedPattern::Gate& gate, Span span) {
    int64_t least = gate.min_us;
    for (const TypedPattern::Absence& absence : gate.absences) least = std::max(least, absence.for_us);
    if (gate.max_us >= 0 && least >= gate.max_us && least > gate.min_us) {
      can_match_ = false;
      warn("W0401", span,
           "the `not` before this step lasts " + duration_text(least) + ", and the arrow allows only " +
               duration_text(gate.max_us) + ", so `" + rule_.name + "` can never match",
           "shorten the `for`, or lengthen the arrow's limit");
    }
    return least;
  }

  // --- steps that take nothing ---

  void check_pattern(const TypedPattern& node) {
    if (node.kind == PatternKind::any) check_branches(node);
    if (node.kind == PatternKind::sequence) {
      for (size_t i = 0; i < node.items.size(); ++i) check_gap(node, i);
      if (!node.trailing.empty()) {
        for (const TypedPattern::Absence& absence : node.trailing) {
          // `T+ -> not T for D` is how a pause is written.
          if (absence.for_us < 0) check_taken_by_loop(absence, node.items.back());
        }
      }
    }
    for (const TypedPattern& item : node.items) check_pattern(item);
  }

  // A branch of one step whose events an earlier one takes, which is then done.
  void check_branches(const TypedPattern& node) {
    for (size_t i = 1; i < node.items.size(); ++i) {
      const TypedStep* late = first_step(node.items[i]);
      for (size_t j = 0; late != nullptr && j < i; ++j) {
        const TypedPattern& earlier = node.items[j];
        if (earlier.kind != PatternKind::step || earlier.min > 1 || !covers(rule_.steps[earlier.step], *late)) continue;
        warn("W0403", late->span, "no event can reach this step: the `or` is done with the branch before it",
             "write the narrower branch first", {{rule_.steps[earlier.step].span, "takes every such event"}});
        break;
      }
    }
  }

  // The step that a node begins with, when there is only one.
  const TypedStep* first_step(const TypedPattern& node) const {
    if (node.kind == PatternKind::step) return &rule_.steps[node.step];
    if (node.kind != PatternKind::sequence || is_nullable(node.items[0])) return nullptr;
    return first_step(node.items[0]);
  }

  void check_gap(const TypedPattern& sequence, size_t i) {
    const TypedPattern& item = sequence.items[i];
    const TypedPattern::Gate& gate = sequence.gates[i];
    const TypedStep* next = first_step(item);
    const bool is_free = gate.min_us == 0 && gate.max_us < 0 &&
                         std::ranges::all_of(gate.absences, [](const auto& absence) { return absence.for_us < 0; });
    for (const TypedPattern::Absence& absence : gate.absences) {
      if (i == 0) break;
      const bool taken = check_taken_by_loop(absence, sequence.items[i - 1]);
      if (taken || !is_free || next == nullptr) continue;
      for (const uint32_t step : absence.steps) {
        if (!covers(*next, rule_.steps[step])) continue;
        warn("W0406", rule_.steps[step].span,
             "the next step always takes such an event first, so this `not` changes nothing",
             "remove it, or narrow the step behind it", {{next->span, "takes it"}});
      }
    }
    if (i == 0 || !is_free || next == nullptr) return;
    const TypedPattern& before = sequence.items[i - 1];
    if (before.kind != PatternKind::step || before.max <= before.min || !covers(*next, rule_.steps[before.step]))
      return;
    if (before.min == 0) {
      warn("W0403", before.span, "no event can reach this step: the next one takes it first",
           "remove it, or narrow the step behind it", {{next->span, "takes every such event"}});
    } else {
      warn("W0403", before.span,
           "this loop never takes more than " + std::to_string(before.min) + ": the next step takes the event first",
           "remove the repetition, or narrow the step behind it", {{next->span, "takes every such event"}});
    }
  }

  bool check_taken_by_loop(const TypedPattern::Absence& absence, const TypedPattern& loop) {
    if (loop.kind != PatternKind::step || loop.max != ast::repeat_unbounded) return false;
    bool taken = false;
    for (const uint32_t step : absence.steps) {
      if (!covers(rule_.steps[loop.step], rule_.steps[step])) continue;
      taken = true;
      warn("W0406", rule_.steps[step].span,
           "the loop before it always takes such an event first, so nothing breaks this `not`",
           "that is right when a pause is meant; otherwise name another event", {{loop.span, "takes it"}});
    }
    return taken;
  }

  // Optional steps and loops behind the last needed event: the match is complete before they could take one.
  void check_end(const TypedPattern& sequence) {
    if (!sequence.trailing.empty()) return;
    for (size_t i = sequence.items.size(); i-- > 0;) {
      const TypedPattern& item = sequence.items[i];
      if (is_nullable(item)) {
        warn("W0405", item.span, "this can bind nothing: the match is complete before it",
             "remove it, or put a needed step or a `not … for` behind it");
        continue;
      }
      if (item.kind == PatternKind::sequence && item.max == 1) check_end(item);
      return;
    }
  }

  // --- overlap and state ---

  void check_latest() {
    if (rule_.overlap != Overlap::latest) return;
    const TypedPattern* first = &rule_.pattern;
    while (first->kind == PatternKind::sequence && first->max == 1) first = &first->items[0];
    if (first->max <= first->min) return;
    warn("W0408", first->span, "under `overlap latest` a loop at the beginning shrinks to its newest events",
         "a new start replaces the run that waits at the same place: write `overlap none`, or let another step begin");
  }

  void check_growth() {
    const std::vector<OpenLoop> open = open_loops(rule_);
    for (const OpenLoop& open : open) {
      warn("W0404", open.loop->span, "nothing but a limit ends this loop (10,000 events)",
           "give the rule a `within`, or the arrow behind the loop a limit: `-[1h]->`");
    }
    if (!open.empty()) return;
    const bool many_runs = rule_.overlap != Overlap::single && rule_.overlap != Overlap::latest;
    if (many_runs && waits_for_ever(rule_)) {
      warn("W0410", rule_.source->match_span,
           "a run of `" + rule_.name + "` can wait for ever: nothing but a limit bounds their number (10,000 a key)",
           "give the rule a `within`, or say `overlap single`");
    }
  }

  // `[order_id == a.order_id]` where the key should have it.
  void check_identifiers() {
    if (rule_.source->overlap) return;
    for (const TypedStep& step : rule_.steps) {
      if (step.slot < 0 || !step.condition) continue;
      if (const TypedExpr* comparison = identifier_comparison(*step.condition)) {
        warn("W0409", comparison->span,
             "steps of one match are told by an identifier, but a match ends all runs of its key",
             "put the identifier into `by`, or write `overlap starts` to keep the runs apart");
        return;
      }
    }
  }

  const TypedExpr* identifier_comparison(const TypedExpr& expr) const {
    if (expr.kind == TypedExpr::Kind::binary && expr.op == ast::Op::equal) {
      const TypedExpr& a = expr.children[0];
      const TypedExpr& b = expr.children[1];
      const bool crosses = (a.kind == TypedExpr::Kind::field && b.kind == TypedExpr::Kind::bound) ||
                           (a.kind == TypedExpr::Kind::bound && b.kind == TypedExpr::Kind::field);
      return crosses && (is_identifier(a) || is_identifier(b)) ? &expr : nullptr;
    }
    for (const TypedExpr& child : expr.children) {
      if (const TypedExpr* found = identifier_comparison(child)) return found;
    }
    return nullptr;
  }

  bool is_identifier(const TypedExpr& path) const {
    const FieldPath::Part& last = program_.fields[path.field].parts.back();
    const std::string& text = last.member;
    return text == "id" || text == "uuid" || text.ends_with("_id") || text.ends_with("Id") || text.ends_with("ID") ||
           text.ends_with("_uuid");
  }

  const TypedProgram& program_;
  const TypedRule& rule_;
  Diagnostics& diagnostics_;
  bool can_match_ = true;
};

}  // namespace

void check(const TypedProgram& typed, Diagnostics& diagnostics) {
  check_derivation(typed, diagnostics);
  for (const TypedRule& rule : typed.rules) RuleCheck(typed, rule, diagnostics).run();
}

}  // namespace omen
