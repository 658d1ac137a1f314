// Cases of the generator (generator.h) for a `=>` inside a repeated `and`: what it follows, whichever branch takes its
// event first, and that nothing derived is the very next event.
#include "tests/support/generator.h"

namespace omen::reference {

namespace {

using Kind = PatternPlan::Kind;

constexpr int64_t second_us = 1'000'000;
constexpr int64_t base_us = 1'767'225'600 * second_us;  // 2026-01-01

class AndMaker {
 public:
  explicit AndMaker(Choices& choices) : choices_(choices) {}

  PatternPlan pattern() {
    PatternPlan top;
    top.kind = Kind::sequence;
    if (choices_.chance(85)) add(top, step({"a", "a", "x"}));
    add(top, both(0));
    if (choices_.chance(25)) add(top, step({"a", "b", "x"}));
    return top;
  }

 private:
  PatternPlan step(const std::vector<std::string>& types) {
    PatternPlan plan;
    plan.type = choices_.of(types);
    plan.name = "n" + std::to_string(++names_);
    return plan;
  }

  void add(PatternPlan& sequence, PatternPlan item) {
    if (!sequence.items.empty()) sequence.arrows.emplace_back(choices_.chance(15) ? "=>" : "->");
    sequence.items.push_back(std::move(item));
  }

  PatternPlan both(int depth) {
    static const std::vector<std::string> repeats = {"{2}", "{2}", "{2}", "{1,2}", "{3}", "{2} consecutive", ""};
    PatternPlan plan;
    plan.kind = Kind::all;
    plan.items.push_back(behind(depth));
    for (int more = choices_.chance(80) ? 1 : 2; more > 0; --more) plan.items.push_back(branch(depth));
    if (choices_.chance(40)) std::swap(plan.items[0], plan.items[1]);
    plan.repeat = choices_.of(repeats);
    return plan;
  }

  // What may begin behind its own =>.
  PatternPlan behind(int depth) {
    static const std::vector<std::string> firsts = {"?", "?", "?", "*", "* consecutive", ""};
    PatternPlan plan;
    plan.kind = Kind::sequence;
    plan.items.push_back(step({"c", "b", "x"}));
    plan.items.back().repeat = choices_.of(firsts);
    plan.arrows.emplace_back("=>");
    plan.items.push_back(depth < 1 && choices_.chance(15) ? both(depth + 1) : step({"b", "d", "d", "x"}));
    if (choices_.chance(15)) add(plan, step({"b", "x"}));
    if (choices_.chance(55)) plan.repeat = choices_.chance(70) ? "?" : choices_.chance(50) ? "{2}" : "{1,2}";
    return plan;
  }

  PatternPlan branch(int depth) {
    if (choices_.chance(15)) return behind(depth + 1);
    if (depth < 1 && choices_.chance(20)) return both(depth + 1);
    if (choices_.chance(30)) {
      PatternPlan plan;
      plan.kind = choices_.chance(60) ? Kind::any : Kind::sequence;
      plan.items = {step({"b", "c"}), step({"x"})};
      if (plan.kind == Kind::sequence) plan.arrows = {"->"};
      return plan;
    }
    PatternPlan plan = step({"b", "x", "x"});
    if (choices_.chance(20)) plan.repeat = choices_.chance(50) ? "?" : "{1,2}";
    return plan;
  }

  Choices& choices_;
  int names_ = 0;
};

}  // namespace

Case make_and_case(Choices& choices) {
  Case out;
  out.rule.pattern.kind = Kind::sequence;
  out.rule.pattern.items.emplace_back();
  out.rule.pattern.items[0].type = choices.chance(70) ? "b" : "e";
  out.rule.pattern.items[0].name = "n1";
  out.rule.emits = "x { place: 100 + n1.place }";
  out.rule.overlaps = {"starts"};
  RulePlan reader;
  reader.name = "second";
  reader.pattern = AndMaker(choices).pattern();
  reader.within = "9s";
  reader.overlaps = {"all"};
  out.readers.push_back(std::move(reader));
  static const std::vector<std::string> types = {"a", "b", "b", "c", "d", "d", "e"};
  int64_t time_us = base_us;
  for (uint32_t left = 4 + choices.below(6); left > 0; --left) {
    Json event;
    event.kind = Json::Kind::object;
    event.members.emplace_back("type", Json::of_text(choices.of(types)));
    event.members.emplace_back("ts", Json::of_integer(time_us / second_us));
    out.stream.push_back({time_us, std::move(event)});
    if (choices.chance(70)) time_us += second_us;
  }
  return out;
}

}  // namespace omen::reference
