#include "tests/support/generator.h"

#include <fmt/format.h>

#include <algorithm>

namespace omen::reference {

namespace {

using Kind = PatternPlan::Kind;

constexpr int64_t second_us = 1'000'000;
constexpr int64_t base_us = 1'767'225'600 * second_us;  // 2026-01-01

// A name that conditions may use at some place, and how.
struct Bound {
  std::string name;
  bool is_list = false;
};
using Bounds = std::vector<Bound>;

class RuleMaker {
 public:
  // `plain`: nothing reads or measures from what was taken, but `within`.
  explicit RuleMaker(Choices& choices, std::vector<std::string> types = {"a", "a", "b", "b", "c", "d"},
                     bool plain = false)
      : choices_(choices), types_(std::move(types)), plain_(plain) {}

  // With `emits` the rule emits an event of that type.
  RulePlan rule(const std::string& emits = {}) {
    RulePlan plan;
    if (choices_.chance(75)) plan.by = choices_.chance(88) ? "k" : "k, j";
    own_key_ = plan.by == "k" && choices_.chance(25);
    Bounds bounds;
    plan.pattern = sequence(bounds, 0);
    add_edges(plan, bounds);
    if (plan.within.empty() && (has_loop(plan.pattern) || choices_.chance(35))) plan.within = duration(3, 9);
    if (choices_.chance(20)) {
      Bounds first;
      const PatternPlan& item = plan.pattern.items[0];
      if (item.kind == Kind::step && !item.name.empty() && item.repeat.empty()) first.push_back({item.name, false});
      size_t count = choices_.chance(80) ? 1 : 2;
      for (size_t i = 0; i < count; i++) plan.unless.push_back(step(first, true));
    }
    if (!bounds.empty() && !plain_ && choices_.chance(22)) plan.where = where(bounds);
    if (choices_.chance(12)) plan.cooldown = duration(1, 6);
    if (choices_.chance(8)) plan.limit = fmt::format("{} per {}", 1 + choices_.below(2), duration(2, 8));
    if (!emits.empty()) plan.emits = emits + body(plan.by, bounds);
    return plan;
  }

 private:
  Choices& choices_;
  const std::vector<std::string> types_;
  const bool plain_;
  int names_ = 0;
  bool own_key_ = false;
  int no_absence_ = 0;  // inside an `and`, an `or` or a repetition

  std::string duration(uint32_t from, uint32_t to) { return fmt::format("{}s", from + choices_.below(to - from + 1)); }
  std::string type() { return choices_.of(types_); }
  std::string number() { return std::to_string(choices_.below(4)); }

  // A loop without end wants a `within` when it stands first.
  static bool has_loop(const PatternPlan& plan) {
    if (plan.repeat.starts_with("+") || plan.repeat.starts_with("*") || plan.repeat.starts_with("{2,}")) return true;
    return std::any_of(plan.items.begin(), plan.items.end(), has_loop);
  }

  // Leading and final absences stand at the edges of the outermost sequence only.
  void add_edges(RulePlan& plan, const Bounds& bounds) {
    auto absence = [&](bool may_use) {
      PatternPlan plan = this->absence(may_use ? bounds : Bounds());
      return plan;
    };
    PatternPlan& top = plan.pattern;
    if (choices_.chance(8)) {
      PatternPlan first = absence(false);
      first.lasts = duration(1, 4);
      top.items.insert(top.items.begin(), first);
      top.arrows.insert(top.arrows.begin(), "->");
    }
    for (int more = !plain_ && choices_.chance(18) ? (choices_.chance(15) ? 2 : 1) : 0; more > 0; more--) {
      PatternPlan last = absence(true);
      if (choices_.chance(30)) {
        plan.within = duration(3, 9);
      } else {
        last.lasts = duration(1, 4);
      }
      top.items.push_back(last);
      top.arrows.push_back("->");
    }
  }

  PatternPlan absence(const Bounds& bounds) {
    PatternPlan plan;
    plan.kind = Kind::absence;
    size_t count = choices_.chance(80) ? 1 : 2;
    for (size_t i = 0; i < count; i++) plan.items.push_back(step(bounds, true));
    return plan;
  }

  std::string arrow() {
    uint32_t pick = choices_.below(100);
    if (plain_) pick = pick < 88 ? 0 : 70;
    if (pick < 68) return "->";
    if (pick < 80) return "=>";
    if (pick < 88) return fmt::format("-[{}]->", duration(1, 4));
    if (pick < 97) {
      uint32_t low = choices_.below(3);
      return fmt::format("-[{}s..{}s]->", low, low + choices_.below(4));
    }
    return fmt::format("=[{}]=>", duration(1, 4));
  }

  PatternPlan sequence(Bounds& bounds, int depth) {
    PatternPlan plan;
    plan.kind = Kind::sequence;
    static const std::vector<uint32_t> lengths = {1, 2, 2, 2, 3, 3, 4};
    uint32_t length = depth == 0 ? choices_.of(lengths) : 2 + choices_.below(2);
    for (uint32_t i = 0; i < length; i++) {
      if (i > 0) {
        std::string lead = arrow();
        for (int absences = 0; absences < 4 && lead[0] == '-' && no_absence_ == 0 && choices_.chance(13); absences++) {
          plan.items.push_back(absence(bounds));
          if (!plain_ && choices_.chance(35)) plan.items.back().lasts = duration(1, 3);
          plan.arrows.push_back("->");
        }
        plan.arrows.push_back(lead);
      }
      plan.items.push_back(item(bounds, depth));
    }
    // Something must be needed.
    auto optional = [](const PatternPlan& p) {
      return p.kind == Kind::absence || p.repeat == "?" || p.repeat[0] == '*' || p.repeat.starts_with("{0");
    };
    if (std::all_of(plan.items.begin(), plan.items.end(), optional)) need(plan.items.back());
    return plan;
  }

  PatternPlan item(Bounds& bounds, int depth) {
    uint32_t pick = choices_.below(100);
    PatternPlan plan;
    if (depth >= 3 || pick < 70) {
      repeat_step(plan, bounds);
    } else if (pick < 82) {
      group(plan, bounds, depth);
    } else if (pick < 91) {
      plan.kind = Kind::all;
      no_absence_++;
      Bounds after = bounds;
      for (int i = choices_.chance(80) ? 2 : 3; i > 0; i--) {
        Bounds inside = bounds;
        plan.items.push_back(item(inside, depth + 1));
        need(plan.items.back());
        after.insert(after.end(), inside.begin() + static_cast<long>(bounds.size()), inside.end());
      }
      no_absence_--;
      bounds = after;
      if (!plain_ && choices_.chance(20)) plan.span = duration(1, 5);
    } else {
      plan.kind = Kind::any;
      no_absence_++;
      bool one_name = choices_.chance(30);
      std::string name = fmt::format("n{}", ++names_);
      for (int i = choices_.chance(80) ? 2 : 3; i > 0; i--) {
        Bounds inside = bounds;
        if (one_name) {
          plan.items.push_back(step(bounds, false));
          plan.items.back().name = name;
        } else {
          plan.items.push_back(choices_.chance(45) ? group_of(inside, depth) : item(inside, depth + 1));
          need(plan.items.back());
        }
      }
      no_absence_--;
      if (one_name) {
        bounds.push_back({name, false});
      } else if (choices_.chance(20)) {
        plan.name = name;
        bounds.push_back({name, true});
      }
      if (choices_.chance(12)) plan.repeat = "{2}";
    }
    return plan;
  }

  // Makes it need an event.
  static void need(PatternPlan& plan) {
    if (plan.repeat == "?") plan.repeat.clear();
    if (plan.repeat[0] == '*') plan.repeat[0] = '+';
    if (plan.repeat.starts_with("{0")) plan.repeat[1] = '1';
  }

  PatternPlan group_of(Bounds& bounds, int depth) {
    PatternPlan plan = sequence(bounds, depth + 1);
    return plan;
  }

  void group(PatternPlan& plan, Bounds& bounds, int depth) {
    Bounds inside = bounds;
    std::string name = choices_.chance(25) ? fmt::format("n{}", ++names_) : "";
    bool repeats = choices_.chance(55);
    no_absence_ += repeats ? 1 : 0;
    plan = sequence(inside, depth + 1);
    no_absence_ -= repeats ? 1 : 0;
    if (!plain_ && choices_.chance(35)) plan.span = duration(1, 5);
    if (repeats) {
      static const std::vector<std::string> repeats = {
          "{2}", "{1,2}", "{2,}", "+", "+", "*", "?", "{2} consecutive", "{1,3} consecutive", "+ consecutive"};
      plan.repeat = choices_.of(repeats);
    }
    for (size_t i = bounds.size(); i < inside.size(); i++) {
      Bound bound = inside[i];
      bound.is_list = bound.is_list || (repeats && plan.repeat != "?");
      bounds.push_back(bound);
    }
    plan.name = name;
    if (!name.empty()) bounds.push_back({name, true});
  }

  void repeat_step(PatternPlan& plan, Bounds& bounds) {
    bool named = choices_.chance(65);
    std::string name = named ? fmt::format("n{}", ++names_) : "";
    static const std::vector<std::string> repeats = {"+",     "+",     "{2}", "{3}", "{2,}", "{1,2}",
                                                     "{1,3}", "{0,2}", "*",   "*",   "?",    "?"};
    std::string repeat = choices_.chance(40) ? choices_.of(repeats) : "";
    bool is_loop = !repeat.empty() && repeat != "?";
    if (is_loop && choices_.chance(25)) repeat += " consecutive";
    plan = step(bounds, false);
    if (is_loop && named && !plain_ && choices_.chance(45)) own_loop(plan, name);
    plan.repeat = repeat;
    plan.name = name;
    if (named) bounds.push_back({name, is_loop});
  }

  // A condition on what the loop has taken so far.
  void own_loop(PatternPlan& plan, const std::string& name) {
    static const std::vector<std::string> forms = {
        "count({0}) == 0 or v > last({0}).v",   "v not in {0}.v", "count({0}) < 2",
        "count({0}) == 0 or v == first({0}).v", "sum({0}.v) < 4", "not (v in {0}.v)",
        "count({0}) == 0 or v >= max({0}.v)"};
    std::string own = fmt::format(fmt::runtime(choices_.of(forms)), name);
    plan.condition =
        plan.condition.empty() || choices_.chance(60) ? own : fmt::format("({}) and ({})", plan.condition, own);
  }

  PatternPlan step(const Bounds& bounds, bool passive) {
    PatternPlan plan;
    plan.type = choices_.chance(passive ? 6 : 9) ? "*" : type();
    if (own_key_ && plan.type == "d") plan.by = "owner.k";
    if (own_key_ && plan.type == "*" && choices_.chance(30)) plan.by = "owner.k";
    if (!choices_.chance(45)) plan.condition = condition(bounds);
    return plan;
  }

  std::string condition(const Bounds& bounds) {
    if (!bounds.empty() && !plain_ && choices_.chance(50)) return correlated(choices_.of(bounds));
    switch (choices_.below(12)) {
      case 0:
        return fmt::format("v == {}", number());
      case 1:
        return fmt::format("v > {}", choices_.below(3));
      case 2:
        return fmt::format("v <= {}", number());
      case 3:
        return fmt::format("v in [{}, {}]", number(), number());
      case 4:
        return "s == \"p\"";
      case 5:
        return fmt::format("w < {}", 1 + choices_.below(3));
      case 6:
        return fmt::format("not (w == {})", number());
      case 7:
        return "exists(w)";
      case 8:
        return fmt::format("v > {} or w == {}", number(), number());
      case 9:
        return fmt::format("v + w >= {}", 1 + choices_.below(4));
      case 10:
        return "s in [\"p\", \"q\"] and v != 2";
      default:
        return fmt::format("v != {}", number());
    }
  }

  std::string correlated(const Bound& bound) {
    static const std::vector<std::string> of_one = {
        "v == {0}.v", "v > {0}.v",         "v != {0}.v",    "v >= {0}.w",
        "{0}.s == s", "ts - {0}.ts <= 2s", "exists({0}.w)", "coalesce({0}.w, 1) <= v"};
    static const std::vector<std::string> of_list = {"v in {0}.v",      "v not in {0}.v",       "count({0}) < 3",
                                                     "v > last({0}).v", "v == first({0}).v",    "sum({0}.v) > 1",
                                                     "v <= max({0}.v)", "distinct({0}.v) >= 1", "{0}[1].v == v",
                                                     "avg({0}.v) <= v", "min({0}.w) < 2"};
    return fmt::format(fmt::runtime(choices_.of(bound.is_list ? of_list : of_one)), bound.name);
  }

  // Of the event that a match emits. Its `place` tells it in what the machine and the reference report.
  std::string body(const std::string& by, const Bounds& bounds) {
    std::string out = " { ";
    if (!by.empty()) out += by == "k" ? "k: k, " : "k: k, j: j, ";
    if (bounds.empty()) return out + fmt::format("v: {}, s: \"p\", place: 90 }}", number());
    const Bound& bound = choices_.of(bounds);
    const std::string one = bound.is_list ? fmt::format("last({})", bound.name) : bound.name;
    if (by.empty()) out += fmt::format("k: {}.k, ", one);
    static const std::vector<std::string> of_list = {"count({})", "sum({}.v)", "max({}.v)", "avg({}.v)"};
    out += "v: " + (bound.is_list ? fmt::format(fmt::runtime(choices_.of(of_list)), bound.name) : one + ".v") + ", ";
    if (choices_.chance(50)) out += fmt::format("w: {}.w, ", one);
    return out + fmt::format("s: \"{}\", place: {} + {}.place }}", choices_.chance(50) ? "p" : "q",
                             bound.is_list ? 200 : 100, one);
  }

  std::string where(const Bounds& bounds) {
    const Bound& a = choices_.of(bounds);
    static const std::vector<std::string> of_one = {"{0}.v > 0",      "{0}.v < 3",  "exists({0}.w)",
                                                    "duration >= 1s", "{0}.v != 1", "end - {0}.ts < 5s"};
    static const std::vector<std::string> of_list = {
        "count({0}) > 1", "sum({0}.v) > 2", "count({0}) % 2 == 1", "max({0}.v) > 1", "first({0}).v != last({0}).v",
        "duration < 6s"};
    return fmt::format(fmt::runtime(choices_.of(a.is_list ? of_list : of_one)), a.name);
  }
};

void append_step(std::string& out, const PatternPlan& plan) {
  out += plan.type;
  if (!plan.condition.empty()) out += "[" + plan.condition + "]";
  if (!plan.by.empty()) out += " by " + plan.by;
}

void append_pattern(std::string& out, const PatternPlan& plan, bool is_top) {
  bool group = plan.kind != Kind::step && plan.kind != Kind::absence;
  bool bare = is_top && plan.repeat.empty() && plan.name.empty() && plan.span.empty() && plan.kind == Kind::sequence;
  bool parentheses = (group || !plan.span.empty()) && !bare;
  if (parentheses) out += "(";
  switch (plan.kind) {
    case Kind::step:
      append_step(out, plan);
      break;
    case Kind::absence:
      out += "not ";
      if (plan.items.size() > 1) out += "(";
      for (size_t i = 0; i < plan.items.size(); i++) {
        if (i > 0) out += " or ";
        append_step(out, plan.items[i]);
      }
      if (plan.items.size() > 1) out += ")";
      if (!plan.lasts.empty()) out += " for " + plan.lasts;
      break;
    default:
      for (size_t i = 0; i < plan.items.size(); i++) {
        if (i > 0)
          out += plan.kind == Kind::sequence ? " " + plan.arrows[i - 1] + " "
                 : plan.kind == Kind::all    ? " and "
                                             : " or ";
        append_pattern(out, plan.items[i], false);
      }
  }
  if (!plan.span.empty()) out += " within " + plan.span;
  if (parentheses) out += ")";
  out += plan.repeat;
  if (!plan.name.empty()) out += " as " + plan.name;
}

// The types in the order of the pattern: a stream that follows them now and then completes matches.
void add_types(const PatternPlan& plan, std::vector<std::string>& out) {
  if (plan.kind == Kind::step) {
    int times = plan.repeat.empty() || plan.repeat[0] == '?' ? 1 : 2;
    if (plan.repeat.starts_with("{3")) times = 3;
    for (int i = 0; i < times; i++) out.push_back(plan.type);
  }
  if (plan.kind == Kind::absence) return;
  for (const PatternPlan& item : plan.items) add_types(item, out);
  if (plan.kind == Kind::sequence && plan.repeat.starts_with("{2")) {
    for (const PatternPlan& item : plan.items) add_types(item, out);
  }
}

Json make_event(Choices& choices, const std::string& type, int64_t time_us, bool several_keys) {
  Json event;
  event.kind = Json::Kind::object;
  auto add = [&](const char* name, Json value) { event.members.emplace_back(name, std::move(value)); };
  add("type", Json::of_text(type));
  add("ts", Json::of_integer(time_us / second_us));
  auto key = [&]() {
    uint32_t pick = several_keys ? choices.below(20) : 0;
    if (pick < 12) return Json::of_text("1");
    if (pick < 14) return Json::of_integer(1);
    return Json::of_text(pick < 19 ? "u2" : "");
  };
  if (!choices.chance(3)) add("k", key());
  add("j", Json::of_integer(choices.chance(85) ? 0 : 1));
  if (type == "d" || choices.chance(20)) {
    Json owner;
    owner.kind = Json::Kind::object;
    owner.members.emplace_back("k", key());
    add("owner", std::move(owner));
  }
  add("v", Json::of_integer(choices.below(4)));
  if (choices.chance(70)) add("w", Json::of_integer(choices.below(4)));
  static const std::vector<std::string> texts = {"p", "q", "r"};
  add("s", Json::of_text(choices.of(texts)));
  return event;
}

std::vector<StreamItem> make_stream(Choices& choices, const RulePlan& rule, uint32_t length) {
  std::vector<std::string> script;
  add_types(rule.pattern, script);
  static const std::vector<std::string> types = {"a", "b", "c", "d"};
  std::vector<StreamItem> stream;
  int64_t clock_us = base_us;
  bool several_keys = choices.chance(45);
  size_t next = 0;
  for (uint32_t i = 0; i < length; i++) {
    uint32_t pick = choices.below(100);
    if (pick >= 50)
      clock_us += static_cast<int64_t>(pick < 92 ? 1 + choices.below(2) : 2 + choices.below(8)) * second_us;
    if (choices.chance(5)) stream.push_back({clock_us += choices.below(4) * second_us, std::nullopt});
    bool follows = !script.empty() && choices.chance(72);
    std::string type = follows ? script[next++ % script.size()] : choices.of(types);
    if (type == "*") type = choices.of(types);
    int64_t ts_us = choices.chance(4) ? clock_us - 2 * second_us : clock_us;
    stream.push_back({ts_us, make_event(choices, type, ts_us, several_keys)});
  }
  if (choices.chance(75)) stream.push_back({clock_us + choices.below(15) * second_us, std::nullopt});
  return stream;
}

}  // namespace

uint32_t Choices::below(uint32_t n) {
  if (n <= 1) return 0;
  if (bytes_ == nullptr) {  // splitmix64
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<uint32_t>((z ^ (z >> 31)) % n);
  }
  if (left_ == 0) return 0;
  left_--;
  return *bytes_++ % n;
}

std::string RulePlan::text() const {
  std::string out;
  for (const std::string& overlap : overlaps) {
    out += "rule " + name + "_" + overlap + " {\n";
    if (!by.empty()) out += "  by " + by + "\n";
    out += "  match ";
    append_pattern(out, pattern, true);
    out += "\n";
    if (!within.empty()) out += "  within " + within + "\n";
    for (size_t i = 0; i < unless.size(); i++) {
      out += i == 0 ? "  unless " : ", ";
      append_step(out, unless[i]);
      if (i + 1 == unless.size()) out += "\n";
    }
    if (!where.empty()) out += "  where " + where + "\n";
    out += "  overlap " + overlap + "\n";
    if (!cooldown.empty()) out += "  cooldown " + cooldown + "\n";
    if (!limit.empty()) out += "  limit " + limit + "\n";
    if (!emits.empty()) out += "  emit " + emits + "\n";
    out += "}\n";
  }
  return out;
}

std::string Case::rules_text() const {
  std::string out = rule.text();
  for (const RulePlan& reader : readers) out += reader.text();
  return out;
}

std::string Case::print() const {
  std::string out = rules_text();
  if (max_matches != 1'000) out += fmt::format("max_matches {}\n", max_matches);
  int number = 0;
  for (const StreamItem& item : stream) {
    int64_t seconds = (item.time_us - base_us) / second_us;
    if (item.event) {
      out += fmt::format("{:3} at {}s {}\n", number++, seconds, item.event->print());
    } else {
      out += fmt::format("    clock {}s\n", seconds);
    }
  }
  return out;
}

Case make_case(Choices& choices) {
  Case out;
  out.rule = RuleMaker(choices).rule();
  out.stream = make_stream(choices, out.rule, 5 + choices.below(36));
  return out;
}

Case make_all_case(Choices& choices) {
  Case out;
  const bool plain = choices.chance(50);
  out.rule = RuleMaker(choices, {"a", "a", "b", "b", "c", "d"}, plain).rule();
  out.rule.overlaps = {"all"};
  if (choices.chance(30)) out.max_matches = 1 + choices.below(6);
  out.stream = make_stream(choices, out.rule, 6 + choices.below(14));
  return out;
}

Case make_emit_case(Choices& choices) {
  static const std::vector<std::string> overlaps = {"none", "none", "single", "latest", "starts", "starts", "all"};
  auto some = [&] {
    std::vector<std::string> out = {choices.of(overlaps)};
    if (choices.chance(30)) out.push_back(choices.of(overlaps));
    if (out.size() == 2 && out[0] == out[1]) out.pop_back();
    return out;
  };
  Case out;
  out.rule = RuleMaker(choices).rule("x");
  out.rule.overlaps = some();
  const bool has_third = choices.chance(45);
  out.readers.push_back(RuleMaker(choices, {"x", "x", "x", "a", "b"}).rule(has_third ? "y" : ""));
  if (has_third) out.readers.push_back(RuleMaker(choices, {"x", "y", "y", "a", "b"}).rule());
  for (size_t i = 0; i < out.readers.size(); i++) {
    out.readers[i].name = i == 0 ? "second" : "third";
    out.readers[i].overlaps = some();
  }
  out.stream = make_stream(choices, out.rule, 6 + choices.below(22));
  return out;
}

namespace {

void count_pattern(const PatternPlan& plan, int depth, std::map<std::string, uint64_t>& counts) {
  static const std::map<Kind, std::string> kinds = {{Kind::step, "step"},
                                                    {Kind::sequence, "sequence"},
                                                    {Kind::all, "and"},
                                                    {Kind::any, "or"},
                                                    {Kind::absence, "not"}};
  counts[depth > 0 && plan.kind == Kind::sequence ? "group" : kinds.at(plan.kind)]++;
  if (plan.type == "*") counts["step *"]++;
  if (!plan.condition.empty()) counts["condition"]++;
  if (!plan.by.empty()) counts["step by"]++;
  if (!plan.span.empty()) counts["group within"]++;
  if (!plan.lasts.empty()) counts["not for"]++;
  if (!plan.repeat.empty()) counts[(plan.kind == Kind::step ? "step " : "group ") + plan.repeat]++;
  for (const std::string& arrow : plan.arrows) counts[arrow.size() == 2 ? arrow : arrow.substr(0, 1) + "[ ]"]++;
  for (const PatternPlan& item : plan.items) count_pattern(item, depth + 1, counts);
}

}  // namespace

void count_forms(const RulePlan& rule, std::map<std::string, uint64_t>& counts) {
  count_pattern(rule.pattern, 0, counts);
  if (!rule.by.empty()) counts["by"]++;
  if (!rule.within.empty()) counts["within"]++;
  if (!rule.where.empty()) counts["where"]++;
  if (!rule.cooldown.empty()) counts["cooldown"]++;
  if (!rule.limit.empty()) counts["limit"]++;
  if (!rule.unless.empty()) counts["unless"]++;
}

}  // namespace omen::reference
