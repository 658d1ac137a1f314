#include "tests/support/measure_generator.h"

#include <fmt/format.h>

namespace omen::reference {

namespace {

constexpr int64_t second_us = 1'000'000;
constexpr int64_t base_us = 1'767'225'600 * second_us;  // 2026-01-01

class PlanMaker {
 public:
  explicit PlanMaker(Choices& choices) : choices_(choices) {}

  MeasurePlan plan() {
    MeasurePlan plan;
    if (choices_.chance(70)) plan.by = choices_.chance(85) ? "k" : "k, j";
    const uint32_t measures = 1 + choices_.below(3);
    for (uint32_t i = 0; i < measures; i++) plan.measures.push_back(measure(plan.by));
    if (choices_.chance(60)) plan.every = duration(1, 4);
    plan.when = when(measures);
    if (choices_.chance(35)) plan.lasts = duration(1, 6);
    if (choices_.chance(12)) plan.cooldown = duration(2, 9);
    if (choices_.chance(8)) plan.limit = fmt::format("{} per {}", 1 + choices_.below(2), duration(2, 8));
    return plan;
  }

 private:
  Choices& choices_;

  std::string duration(uint32_t from, uint32_t to) { return fmt::format("{}s", from + choices_.below(to - from + 1)); }

  std::string step(const std::string& by) {
    static const std::vector<std::string> types = {"a", "a", "a", "b", "b", "c", "*"};
    static const std::vector<std::string> conditions = {"v > 1", "v == 2", "s == \"p\"", "exists(w)",
                                                        "v <= 2 or w == 1"};
    std::string out = choices_.of(types);
    if (choices_.chance(40)) out += "[" + choices_.of(conditions) + "]";
    if (by == "k" && choices_.chance(12)) out += " by owner.k";
    return out;
  }

  std::string measure(const std::string& by) {
    static const std::vector<std::string> aggregates = {"count",    "count", "count", "sum", "avg", "min",  "max",
                                                        "distinct", "p50",   "p90",   "p95", "p99", "rate", "rate"};
    static const std::vector<std::string> numbers = {"v", "w", "v + w", "v * 2", "w - 1"};
    static const std::vector<std::string> values = {"v", "s", "w", "x"};
    const std::string aggregate = choices_.of(aggregates);
    std::string out = aggregate + "(" + step(by);
    const bool may_lack = aggregate == "count" || aggregate == "rate";
    if (aggregate == "distinct" || (aggregate == "count" && choices_.chance(25))) {
      out += ", " + choices_.of(values);
    } else if (!may_lack || choices_.chance(25)) {
      out += ", " + choices_.of(numbers);
    }
    out += ") over " + duration(1, 8);
    if (choices_.chance(30)) out += " ago " + duration(1, 9);
    return out;
  }

  std::string comparison(uint32_t measures) {
    static const std::vector<std::string> forms = {"{0} > {2}",       "{0} >= {2}",
                                                   "{0} == 0",        "{0} < {2}",
                                                   "{0} == {2}",      "{0} > {1}",
                                                   "{0} / {1} < 1",   "{0} > 2 * {1}",
                                                   "exists({0})",     "missing({0})",
                                                   "not ({0} > {2})", "{0} + {1} >= {2}",
                                                   "{0} != {1}",      "coalesce({0}, 5) > {2}"};
    return fmt::format(fmt::runtime(choices_.of(forms)), fmt::format("m{}", choices_.below(measures)),
                       fmt::format("m{}", choices_.below(measures)), choices_.below(5));
  }

  std::string when(uint32_t measures) {
    std::string out = comparison(measures);
    if (choices_.chance(35)) out += (choices_.chance(60) ? " and " : " or ") + comparison(measures);
    return out;
  }
};

Json make_event(Choices& choices, int64_t time_us, bool several_keys) {
  Json event;
  event.kind = Json::Kind::object;
  auto add = [&](const char* name, Json value) { event.members.emplace_back(name, std::move(value)); };
  static const std::vector<std::string> types = {"a", "a", "a", "b", "b", "c", "d"};
  static const std::vector<std::string> texts = {"p", "q", "r"};
  auto key = [&] {
    const uint32_t pick = several_keys ? choices.below(10) : 0;
    return pick < 6 ? Json::of_text("1") : pick < 7 ? Json::of_integer(1) : Json::of_text("u2");
  };
  add("type", Json::of_text(choices.of(types)));
  add("ts", Json::of_integer(time_us / second_us));
  if (!choices.chance(3)) add("k", key());
  add("j", Json::of_integer(choices.chance(85) ? 0 : 1));
  if (choices.chance(30)) {
    Json owner;
    owner.kind = Json::Kind::object;
    owner.members.emplace_back("k", key());
    add("owner", std::move(owner));
  }
  add("v", Json::of_integer(choices.below(4)));
  if (choices.chance(60)) {
    Json half;  // exact in a float
    half.kind = Json::Kind::number;
    half.number = static_cast<double>(choices.below(8)) / 2;
    add("w", choices.chance(50) ? half : Json::of_integer(choices.below(4)));
  }
  add("s", Json::of_text(choices.of(texts)));
  if (choices.chance(50)) add("x", choices.chance(50) ? Json::of_text("1") : Json::of_integer(choices.below(3)));
  return event;
}

std::vector<StreamItem> make_stream(Choices& choices) {
  std::vector<StreamItem> stream;
  int64_t clock_us = base_us + choices.below(5) * second_us;
  const uint32_t length = 3 + choices.below(40);
  const bool several_keys = choices.chance(50);
  for (uint32_t i = 0; i < length; i++) {
    const uint32_t pick = choices.below(100);
    if (pick >= 45) {
      clock_us += static_cast<int64_t>(pick < 85   ? 1 + choices.below(2)
                                       : pick < 97 ? 2 + choices.below(8)
                                                   : 25) *
                  second_us;
    }
    if (choices.chance(6)) stream.push_back({clock_us += choices.below(6) * second_us, std::nullopt});
    const int64_t ts_us = choices.chance(4) ? clock_us - 2 * second_us : clock_us;
    stream.push_back({ts_us, make_event(choices, ts_us, several_keys)});
  }
  if (choices.chance(80)) stream.push_back({clock_us + choices.below(40) * second_us, std::nullopt});
  return stream;
}

}  // namespace

std::string MeasurePlan::text(const std::string& name) const {
  std::string out = "rule " + name + " {\n";
  if (!by.empty()) out += "  by " + by + "\n";
  for (size_t i = 0; i < measures.size(); i++) out += fmt::format("  measure m{} = {}\n", i, measures[i]);
  if (!every.empty()) out += "  every " + every + "\n";
  out += "  when " + when + (lasts.empty() ? "" : " for " + lasts) + "\n";
  if (!cooldown.empty()) out += "  cooldown " + cooldown + "\n";
  if (!limit.empty()) out += "  limit " + limit + "\n";
  return out + "  alert \"raised\"\n  on resolve alert \"resolved\"\n}\n";
}

std::string MeasureCase::text() const {
  std::string out;
  for (size_t i = 0; i < rules.size(); i++) out += rules[i].text(fmt::format("r{}", i));
  return out;
}

std::string MeasureCase::print() const {
  std::string out = text();
  for (const StreamItem& item : stream) {
    const int64_t seconds = (item.time_us - base_us) / second_us;
    out +=
        item.event ? fmt::format("  at {}s {}\n", seconds, item.event->print()) : fmt::format("  clock {}s\n", seconds);
  }
  return out;
}

MeasureCase make_measure_case(Choices& choices) {
  MeasureCase out;
  const uint32_t rules = choices.chance(70) ? 1 : 2;
  for (uint32_t i = 0; i < rules; i++) out.rules.push_back(PlanMaker(choices).plan());
  out.stream = make_stream(choices);
  return out;
}

std::vector<MeasureCase> simpler(const MeasureCase& from) {
  std::vector<MeasureCase> out;
  auto with = [&](auto&& change) {
    MeasureCase copy = from;
    change(copy);
    out.push_back(std::move(copy));
  };
  for (size_t i = 0; from.rules.size() > 1 && i < from.rules.size(); i++) {
    with([&](MeasureCase& copy) { copy.rules = {from.rules[i]}; });
  }
  for (size_t size = from.stream.size() / 2; size > 0; size /= 2) {
    for (size_t i = 0; i + size <= from.stream.size(); i += size) {
      with([&](MeasureCase& copy) {
        const auto begin = copy.stream.begin() + static_cast<long>(i);
        copy.stream.erase(begin, begin + static_cast<long>(size));
      });
    }
  }
  for (size_t i = 0; i < from.rules.size(); i++) {
    for (std::string MeasurePlan::*part :
         {&MeasurePlan::by, &MeasurePlan::lasts, &MeasurePlan::cooldown, &MeasurePlan::limit, &MeasurePlan::every}) {
      if (!(from.rules[i].*part).empty()) with([&](MeasureCase& copy) { (copy.rules[i].*part).clear(); });
    }
    for (size_t m = 0; m < from.rules[i].measures.size(); m++) {
      if (from.rules[i].measures[m] == "count(a) over 2s") continue;
      with([&](MeasureCase& copy) { copy.rules[i].measures[m] = "count(a) over 2s"; });
    }
    const size_t joint = std::min(from.rules[i].when.find(" and "), from.rules[i].when.find(" or "));
    if (joint != std::string::npos) with([&](MeasureCase& copy) { copy.rules[i].when.resize(joint); });
  }
  return out;
}

void count_forms(const MeasureCase& one, std::map<std::string, uint64_t>& counts) {
  for (const MeasurePlan& rule : one.rules) {
    for (const std::string& measure : rule.measures) {
      counts[measure.substr(0, measure.find('('))]++;
      if (measure.find(" ago ") != std::string::npos) counts["ago"]++;
      if (measure.find(" by ") != std::string::npos) counts["step by"]++;
    }
    if (!rule.by.empty()) counts["by"]++;
    if (!rule.every.empty()) counts["every"]++;
    if (!rule.lasts.empty()) counts["for"]++;
    if (!rule.cooldown.empty()) counts["cooldown"]++;
    if (!rule.limit.empty()) counts["limit"]++;
  }
}

}  // namespace omen::reference
