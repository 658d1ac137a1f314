// Patterns to automata: the places of small patterns, by hand.
#include "compiler/compile.h"

#include <doctest/doctest.h>

#include "runtime/model/limits.h"

namespace omen {
namespace {

// Builds typed patterns over steps of one event type each, A, B, C …, numbered in the order of writing.
struct Builder {
  TypedRule rule;

  TypedPattern step() {
    TypedStep step;
    step.types = {static_cast<TypeId>(rule.steps.size() + 1)};
    step.slot = static_cast<int32_t>(rule.steps.size());
    step.label = std::string(1, static_cast<char>('A' + rule.steps.size()));
    TypedPattern pattern;
    pattern.step = static_cast<uint32_t>(rule.steps.size());
    rule.steps.push_back(step);
    return pattern;
  }
  static TypedPattern of(TypedPattern::Kind kind, std::vector<TypedPattern> items) {
    TypedPattern pattern;
    pattern.kind = kind;
    pattern.gates.resize(kind == TypedPattern::Kind::sequence ? items.size() : 0);
    pattern.items = std::move(items);
    return pattern;
  }
  static TypedPattern repeat(TypedPattern pattern, uint32_t min, uint32_t max) {
    pattern.min = min;
    pattern.max = max;
    return pattern;
  }
  RuleProgram lower(TypedPattern pattern) {
    if (pattern.kind != TypedPattern::Kind::sequence) pattern = of(TypedPattern::Kind::sequence, {pattern});
    rule.pattern = std::move(pattern);
    RuleProgram program;
    omen::lower(rule, program, diagnostics);
    return program;
  }
  Diagnostics diagnostics;
};

constexpr auto sequence = TypedPattern::Kind::sequence;
constexpr auto all = TypedPattern::Kind::all;
constexpr auto any = TypedPattern::Kind::any;

TEST_CASE("lower: a sequence has one place before each step") {
  Builder b;
  auto p = Builder::of(sequence, {b.step(), b.step(), b.step()});
  RuleProgram program = b.lower(p);
  REQUIRE(program.states.size() == 4);
  CHECK(program.states[0].transitions.size() == 1);
  CHECK(program.states[1].transitions[0].step == 1);
  CHECK(program.states[3].accepts);
  CHECK(program.states[3].transitions.empty());
}

TEST_CASE("lower: leaving a loop stands before staying in it") {
  Builder b;
  auto loop = Builder::repeat(b.step(), 1, ast::repeat_unbounded);
  RuleProgram program = b.lower(Builder::of(sequence, {loop, b.step()}));
  REQUIRE(program.states.size() == 3);
  REQUIRE(program.states[1].transitions.size() == 2);
  CHECK(program.states[1].transitions[0].step == 1);
  CHECK(program.states[1].transitions[1].step == 0);
  CHECK(program.states[1].transitions[1].targets == std::vector<StateId>{1});
}

TEST_CASE("lower: repetitions up to the minimum are places of their own, later ones one") {
  Builder b;
  RuleProgram program = b.lower(Builder::of(sequence, {Builder::repeat(b.step(), 3, ast::repeat_unbounded), b.step()}));
  CHECK(program.states.size() == 5);
  Builder c;
  RuleProgram bounded = c.lower(Builder::of(sequence, {Builder::repeat(c.step(), 3, 5), c.step()}));
  CHECK(bounded.states.size() == 7);
}

TEST_CASE("lower: and has a place for each set of branches that are done") {
  Builder b;
  RuleProgram program = b.lower(Builder::of(all, {b.step(), b.step(), b.step()}));
  CHECK(program.states.size() == 8);
}

TEST_CASE("lower: an or of single steps needs no threads, one of sequences does") {
  Builder b;
  RuleProgram simple = b.lower(Builder::of(sequence, {b.step(), Builder::of(any, {b.step(), b.step()}), b.step()}));
  CHECK(simple.states.size() == 4);
  CHECK(simple.states[0].transitions[0].targets.size() == 1);
  Builder c;
  auto a = c.step();
  auto left = Builder::of(sequence, {c.step(), c.step()});
  auto right = Builder::of(sequence, {c.step(), c.step()});
  RuleProgram threads = c.lower(Builder::of(sequence, {a, Builder::of(any, {left, right}), c.step()}));
  REQUIRE(threads.states[0].transitions[0].targets.size() == 2);
  const StateId first = threads.states[0].transitions[0].targets[0];
  CHECK(threads.states[first].pending == 1);
  CHECK(threads.initial.size() == 1);
}

TEST_CASE("lower: a pattern of too many places is refused") {
  Builder b;
  std::vector<TypedPattern> branches;
  for (int i = 0; i < 20; ++i) branches.push_back(b.step());
  b.lower(Builder::of(all, branches));
  REQUIRE(b.diagnostics.items.size() == 1);
  CHECK(b.diagnostics.items[0].code == "E0481");
}

}  // namespace
}  // namespace omen
