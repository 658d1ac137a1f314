#include "cli/backtest_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "cli/print.h"
#include "runtime/core/json.h"
#include "runtime/model/time.h"

namespace omen::cli {

namespace {

const Engine& engine_of(const Backtest& backtest) { return *backtest.runner.shards().engines()[0]; }

constexpr int64_t us_per_day = 86'400 * us_per_second;
constexpr int64_t columns_max = 60;

constexpr std::string_view end_texts[run_ends] = {
    "matched",
    "out of time",
    "ended by what `not` names",
    "ended by what `unless` names",
    "ended by another event where none may come",
    "refused by `where`",
    "could not go on",
    "replaced by a newer run",
    "ended with another match of the key",
    "dropped by a limit",
};
constexpr std::string_view end_names[run_ends] = {"completed", "out_of_time", "absence",  "unless", "interrupted",
                                                  "refused",   "decided",     "replaced", "used",   "limit"};

std::string date_text(int64_t day) {
  std::string out;
  append_rfc3339(out, day * us_per_day);
  return out.substr(0, 10);
}

std::string time_text(int64_t us) {
  const int64_t unit = us >= 60 * us_per_second ? us_per_second : us >= us_per_second ? 1000 : 1;
  return duration_text(us - us % unit);
}

// The nearest-rank median; nothing of none.
std::optional<int64_t> median(std::vector<int64_t> times_us) {
  if (times_us.empty()) return {};
  const auto middle = times_us.begin() + static_cast<ptrdiff_t>((times_us.size() - 1) / 2);
  std::nth_element(times_us.begin(), middle, times_us.end());
  return *middle;
}

// What a rule's slots are the events of, in the order of the pattern; and which runs still wait there.
struct FunnelLine {
  uint8_t slot;
  std::string step;
  uint64_t waiting = 0;
};

std::vector<FunnelLine> funnel_lines(const Backtest& backtest, RuleId id) {
  const RuleProgram& rule = backtest.program.rules[id];
  std::vector<FunnelLine> lines;
  for (const State& state : rule.states) {
    for (const Transition& way : state.transitions) {
      if (std::ranges::find(lines, way.slot, &FunnelLine::slot) != lines.end()) continue;
      lines.push_back({way.slot, step_text(backtest.program, rule, way.step)});
    }
  }
  std::ranges::sort(lines, {}, &FunnelLine::slot);
  for (const RunView& run : engine_of(backtest).runs()) {
    if (run.rule != id || run.captures.empty()) continue;
    const uint8_t slot = engine_of(backtest).captures().at(run.captures[0]).slot;
    ++std::ranges::find(lines, slot, &FunnelLine::slot)->waiting;
  }
  return lines;
}

bool has_funnel(const RuleProgram& rule) { return rule.machine == Machine::runs && rule.overlap != Overlap::all; }

std::vector<std::pair<std::string, uint64_t>> top_keys(const BacktestTally::Rule& rule, size_t top) {
  std::vector<std::pair<std::string, uint64_t>> keys(rule.keys.begin(), rule.keys.end());
  const auto more = [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  };
  const size_t shown_count = std::min(top, keys.size());
  std::partial_sort(keys.begin(), keys.begin() + static_cast<ptrdiff_t>(shown_count), keys.end(), more);
  keys.resize(shown_count);
  return keys;
}

struct Days {
  int64_t first, last;
};

// From the first event to the clock, and to deadlines beyond it.
Days days_of(const Backtest& backtest) {
  const int64_t clock_us = engine_of(backtest).clock_us();
  Days days{backtest.report.begin_us.value_or(0) / us_per_day, backtest.report.begin_us.value_or(0) / us_per_day};
  if (backtest.report.events > 0 && clock_us < 253'402'300'799 * us_per_second) {
    days.last = std::max(days.first, clock_us / us_per_day);
  }
  for (const BacktestTally::Rule& rule : backtest.tally.rules()) {
    if (rule.days.empty()) continue;
    days.first = std::min(days.first, rule.days.begin()->first);
    days.last = std::max(days.last, rule.days.rbegin()->first);
  }
  return days;
}

// A column a day, or for several days each when there are too many.
std::string plot(const BacktestTally::Rule& rule, const Days& days) {
  static constexpr std::string_view blocks[] = {"·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const int64_t width = (days.last - days.first) / columns_max + 1;
  std::vector<uint64_t> columns(static_cast<size_t>((days.last - days.first) / width + 1));
  for (const auto& [day, alerts] : rule.days) columns[static_cast<size_t>((day - days.first) / width)] += alerts;
  const uint64_t most = std::max<uint64_t>(*std::ranges::max_element(columns), 1);
  std::string out = "  " + date_text(days.first) + " ";
  for (const uint64_t alerts : columns) out += blocks[(alerts * 8 + most - 1) / most];
  out += " " + date_text(days.last);
  const std::string unit = width == 1 ? "a day" : fmt::format("in {} days", width);
  return out + fmt::format("   at most {} {}\n", grouped(most), unit);
}

void append_funnel(std::string& out, const Backtest& backtest, RuleId id) {
  const Funnel::Rule& funnel = backtest.funnel.rules()[id];
  const std::vector<FunnelLine> lines = funnel_lines(backtest, id);
  const uint64_t started = engine_of(backtest).rule_counters()[id].runs_started;
  size_t width = 0;
  for (const FunnelLine& line : lines) width = std::max(width, std::min<size_t>(line.step.size(), 48));
  out += fmt::format("  funnel of {}\n", plural(started, "run"));
  for (const FunnelLine& line : lines) {
    const Funnel::Step& step = funnel.steps[line.slot];
    std::string text = line.step.size() > 48 ? line.step.substr(0, 47) + "…" : line.step;
    out += fmt::format("    {:<{}}  {:>9}", text, width, grouped(step.runs));
    if (started > 0) {
      out += fmt::format("  {:5.1f} %", 100.0 * static_cast<double>(step.runs) / static_cast<double>(started));
    }
    if (const auto middle = median(step.times_us)) out += "  median " + time_text(*middle) + " after the event before";
    out += '\n';
    std::string ends;
    const auto add = [&](uint64_t count, std::string_view what) {
      if (count > 0) ends += fmt::format("{}{} {}", ends.empty() ? "" : ", ", grouped(count), what);
    };
    for (size_t why = 0; why < run_ends; ++why) add(step.ended[why], end_texts[why]);
    add(line.waiting, "still waiting");
    if (!ends.empty()) out += "      of these " + ends + '\n';
  }
}

}  // namespace

std::string backtest_text(const Backtest& backtest) {
  std::string out = fmt::format("{}", plural(backtest.report.events, "event"));
  const Days days = days_of(backtest);
  if (backtest.report.events > 0) out += fmt::format(" from {} to {}", date_text(days.first), date_text(days.last));
  out += "; nothing was delivered\n";
  for (RuleId id = 0; id < backtest.program.rules.size(); ++id) {
    const RuleProgram& rule = backtest.program.rules[id];
    const BacktestTally::Rule& tally = backtest.tally.rules()[id];
    const RuleCounters& counters = engine_of(backtest).rule_counters()[id];
    out += fmt::format("\n{}  {}", rule.name, plural(tally.alerts, "alert"));
    if (!rule.key_names.empty()) {
      out += fmt::format(" of {}{}", tally.of_other_keys > 0 ? "at least " : "", plural(tally.keys.size(), "key"));
    }
    if (counters.held_by_cooldown > 0) out += fmt::format(", {} held back by its cooldown", counters.held_by_cooldown);
    if (counters.held_by_limit > 0) out += fmt::format(", {} held back by its limit", counters.held_by_limit);
    out += '\n';
    if (tally.alerts > 0) out += plot(tally, days);
    const auto keys = top_keys(tally, backtest.top);
    if (!rule.key_names.empty() && !keys.empty()) {
      out += "  most  ";
      for (size_t i = 0; i < keys.size(); ++i) {
        out += fmt::format("{}{} {}", i == 0 ? "" : ", ", keys[i].first, grouped(keys[i].second));
      }
      out += '\n';
    }
    if (has_funnel(rule)) append_funnel(out, backtest, id);
  }
  return out;
}

std::string backtest_json(const Backtest& backtest) {
  std::string out;
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "{{\"events\":{},\"rules\":[", backtest.report.events);
  for (RuleId id = 0; id < backtest.program.rules.size(); ++id) {
    const RuleProgram& rule = backtest.program.rules[id];
    const BacktestTally::Rule& tally = backtest.tally.rules()[id];
    out += id == 0 ? "\n{\"rule\":" : ",\n{\"rule\":";
    json::append_string(out, rule.name);
    fmt::format_to(to, ",\"alerts\":{},\"keys\":{},\"days\":{{", tally.alerts, tally.keys.size());
    bool is_first = true;
    for (const auto& [day, alerts] : tally.days) {
      fmt::format_to(to, "{}\"{}\":{}", std::exchange(is_first, false) ? "" : ",", date_text(day), alerts);
    }
    out += "},\"top_keys\":[";
    is_first = true;
    for (const auto& [key, alerts] : top_keys(tally, backtest.top)) {
      out += std::exchange(is_first, false) ? "{\"key\":" : ",{\"key\":";
      json::append_string(out, key);
      fmt::format_to(to, ",\"alerts\":{}}}", alerts);
    }
    out += ']';
    if (has_funnel(rule)) {
      fmt::format_to(to, ",\"runs\":{},\"funnel\":[", engine_of(backtest).rule_counters()[id].runs_started);
      is_first = true;
      for (const FunnelLine& line : funnel_lines(backtest, id)) {
        const Funnel::Step& step = backtest.funnel.rules()[id].steps[line.slot];
        out += std::exchange(is_first, false) ? "{\"step\":" : ",{\"step\":";
        json::append_string(out, line.step);
        fmt::format_to(to, ",\"runs\":{}", step.runs);
        if (const auto middle = median(step.times_us)) fmt::format_to(to, ",\"median_us\":{}", *middle);
        for (size_t why = 0; why < run_ends; ++why) {
          if (step.ended[why] > 0) fmt::format_to(to, ",\"{}\":{}", end_names[why], step.ended[why]);
        }
        if (line.waiting > 0) fmt::format_to(to, ",\"waiting\":{}", line.waiting);
        out += '}';
      }
      out += ']';
    }
    out += '}';
  }
  out += "]}\n";
  return out;
}

}  // namespace omen::cli
