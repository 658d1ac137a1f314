// Every way in which a case of the generator can be a little simpler (generator.h).
#include <functional>

#include "tests/support/generator.h"

namespace omen::reference {

namespace {

using Kind = PatternPlan::Kind;

// Calls `change` with a copy for every node of the plan; `change` says whether it changed anything.
void for_each_node(const PatternPlan& from, const std::function<void(PatternPlan)>& emit) {
  auto with = [&](auto&& change) {
    PatternPlan copy = from;
    change(copy);
    emit(std::move(copy));
  };
  if (from.kind == Kind::sequence || from.kind == Kind::all || from.kind == Kind::any) {
    for (const PatternPlan& item : from.items) {
      if (item.kind != Kind::absence) emit(item);
    }
  }
  if (from.items.size() > 1) {
    for (size_t i = 0; i < from.items.size(); i++) {
      with([&](PatternPlan& copy) {
        copy.items.erase(copy.items.begin() + static_cast<long>(i));
        if (!copy.arrows.empty()) copy.arrows.erase(copy.arrows.begin() + static_cast<long>(i > 0 ? i - 1 : 0));
      });
    }
  }
  for (std::string PatternPlan::*part : {&PatternPlan::condition, &PatternPlan::by, &PatternPlan::span,
                                         &PatternPlan::repeat, &PatternPlan::name, &PatternPlan::lasts}) {
    if (!(from.*part).empty()) with([&](PatternPlan& copy) { (copy.*part).clear(); });
  }
  for (size_t i = 0; i < from.arrows.size(); i++) {
    if (from.arrows[i] != "->") with([&](PatternPlan& copy) { copy.arrows[i] = "->"; });
  }
  for (size_t i = 0; i < from.items.size(); i++) {
    for_each_node(from.items[i],
                  [&](PatternPlan item) { with([&](PatternPlan& copy) { copy.items[i] = std::move(item); }); });
  }
}

}  // namespace

std::vector<Case> simpler(const Case& from) {
  std::vector<Case> out;
  auto with = [&](auto&& change) {
    Case copy = from;
    change(copy);
    out.push_back(std::move(copy));
  };
  for (size_t i = 0; from.rule.overlaps.size() > 1 && i < from.rule.overlaps.size(); i++) {
    with([&](Case& copy) { copy.rule.overlaps = {from.rule.overlaps[i]}; });
  }
  for (size_t size = from.stream.size() / 2; size > 0; size /= 2) {
    for (size_t i = 0; i + size <= from.stream.size(); i += size) {
      with([&](Case& copy) {
        auto begin = copy.stream.begin() + static_cast<long>(i);
        copy.stream.erase(begin, begin + static_cast<long>(size));
      });
    }
  }
  for (std::string RulePlan::*part :
       {&RulePlan::by, &RulePlan::within, &RulePlan::where, &RulePlan::cooldown, &RulePlan::limit}) {
    if (!(from.rule.*part).empty()) with([&](Case& copy) { (copy.rule.*part).clear(); });
  }
  if (from.max_matches != 1'000) with([](Case& copy) { copy.max_matches = 1'000; });
  for (size_t i = 0; i < from.readers.size(); i++) {
    with([&](Case& copy) { copy.readers.erase(copy.readers.begin() + static_cast<long>(i)); });
    for (std::string RulePlan::*part : {&RulePlan::by, &RulePlan::within, &RulePlan::where, &RulePlan::cooldown,
                                        &RulePlan::limit, &RulePlan::emits}) {
      if (!(from.readers[i].*part).empty()) with([&](Case& copy) { (copy.readers[i].*part).clear(); });
    }
    for (size_t k = 0; k < from.readers[i].overlaps.size() && from.readers[i].overlaps.size() > 1; k++) {
      with([&](Case& copy) { copy.readers[i].overlaps = {from.readers[i].overlaps[k]}; });
    }
    for (size_t k = 0; k < from.readers[i].unless.size(); k++) {
      with([&](Case& copy) { copy.readers[i].unless.erase(copy.readers[i].unless.begin() + static_cast<long>(k)); });
    }
    for_each_node(from.readers[i].pattern, [&](PatternPlan pattern) {
      with([&](Case& copy) { copy.readers[i].pattern = std::move(pattern); });
    });
  }
  for (size_t i = 0; i < from.rule.unless.size(); i++) {
    with([&](Case& copy) { copy.rule.unless.erase(copy.rule.unless.begin() + static_cast<long>(i)); });
  }
  for_each_node(from.rule.pattern,
                [&](PatternPlan pattern) { with([&](Case& copy) { copy.rule.pattern = std::move(pattern); }); });
  return out;
}

}  // namespace omen::reference
