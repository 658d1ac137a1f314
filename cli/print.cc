#include "cli/print.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <iterator>

#include "runtime/core/json.h"
#include "runtime/io/clock.h"

namespace omen::cli {

// Control characters as escapes: those below a space, delete, and the C1 set, which UTF-8 writes as C2 80 to C2 9F.
std::string shown(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const bool is_c1 = byte == 0xC2 && i + 1 < text.size() && static_cast<uint8_t>(text[i + 1]) < 0xA0;
    if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04x}", byte);
    } else if (is_c1) {
      out += fmt::format("\\u{:04x}", static_cast<uint8_t>(text[++i]));
    } else {
      out += text[i];
    }
  }
  return out;
}

// 1234567 -> "1,234,567"
std::string grouped(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string plural(uint64_t count, std::string_view one) {
  return fmt::format("{} {}{}", grouped(count), one, count == 1 ? "" : "s");
}

namespace {

constexpr std::string_view bold = "\x1b[1m", dim = "\x1b[2m", red = "\x1b[31m", yellow = "\x1b[33m", plain = "\x1b[0m";

struct Style {
  bool colour;
  std::string in(std::string_view code, std::string_view text) const {
    return colour ? fmt::format("{}{}{}", code, text, plain) : std::string(text);
  }
};

namespace ondemand = simdjson::ondemand;

std::string_view member_text(ondemand::document& alert, const char* name) {
  std::string_view text;
  return alert[name].get(text) == simdjson::SUCCESS ? text : std::string_view();
}

void append_key(std::string& out, ondemand::document& alert) {
  ondemand::object key;
  if (alert["key"].get(key) != simdjson::SUCCESS) return;
  for (ondemand::field part : key) {
    const std::string name = shown(part.unescaped_key().value_unsafe());
    std::string_view text;
    if (part.value().get(text) == simdjson::SUCCESS) out += fmt::format("  {}={}", name, shown(text));
  }
}

// The events as they were received, by the name that they are bound to.
void append_bindings(std::string& out, ondemand::document& alert, const Style& style) {
  ondemand::object bindings;
  if (alert["bindings"].get(bindings) != simdjson::SUCCESS) return;
  for (ondemand::field binding : bindings) {
    std::string label = shown(binding.unescaped_key().value_unsafe());
    ondemand::array events;
    if (binding.value().get(events) != simdjson::SUCCESS) continue;
    for (ondemand::value event : events) {
      ondemand::object object;
      std::string_view json;
      if (event.get(object) != simdjson::SUCCESS || object.raw_json().get(json) != simdjson::SUCCESS) continue;
      out += style.in(dim, fmt::format("    {:<16} {}\n", label, shown(json)));
      label.clear();
    }
  }
}

// With three digits: "4.83 M", "830 k", "12".
std::string rounded(double number) {
  if (number >= 1e6) return fmt::format("{:.3g} M", number / 1e6);
  if (number >= 1e3) return fmt::format("{:.0f} k", number / 1e3);
  return fmt::format("{:.0f}", number);
}

std::string bytes_text(uint64_t bytes) {
  if (bytes >= 1'000'000) return fmt::format("{:.1f} MB", static_cast<double>(bytes) / 1e6);
  return fmt::format("{:.1f} kB", static_cast<double>(bytes) / 1e3);
}

double per_second(uint64_t events, int64_t elapsed_us) {
  return static_cast<double>(events) * 1e6 / static_cast<double>(std::max<int64_t>(elapsed_us, 1));
}

// Reasons that keep an event from being matched.
bool is_rejection(Reason reason) { return reason != Reason::let_through; }

// What of the declarations was broken: a line for each type.
std::string health_text(const Health& health) {
  std::string out;
  for (const Health::Broken& type : health.types()) {
    if (type.events == 0) continue;
    std::string problems;
    for (size_t field = 0; field < type.problems.size(); ++field) {
      for (size_t problem = 0; problem < problem_names.size(); ++problem) {
        const uint64_t count = type.problems[field][problem];
        if (count == 0) continue;
        problems += fmt::format("{}{} {} {}", problems.empty() ? "" : ", ", shown(type.schema->fields[field].name),
                                problem_names[problem], grouped(count));
      }
    }
    out += fmt::format("{}: {} broke the declaration: {}{}\n", shown(health.name(type)), plural(type.events, "event"),
                       problems, type.schema->is_lenient ? " (lenient: matched all the same)" : "");
  }
  if (health.undeclared_events() == 0) return out;
  std::string names;
  size_t listed = 0;
  for (const auto& [name, count] : health.undeclared()) {
    if (++listed > 10) break;
    names += fmt::format("{}{} {}", names.empty() ? "" : ", ", shown(name), grouped(count));
  }
  return out + fmt::format("{} of types without a declaration: {}{}\n", plural(health.undeclared_events(), "event"),
                           names, health.undeclared().size() > 10 ? ", …" : "");
}

void append_health_json(std::string& out, const Health& health) {
  const auto to = std::back_inserter(out);
  out += "\"broken\":[";
  bool is_first = true;
  for (const Health::Broken& type : health.types()) {
    if (type.events == 0) continue;
    out += std::exchange(is_first, false) ? "{\"type\":" : ",{\"type\":";
    json::append_string(out, health.name(type));
    fmt::format_to(to, ",\"events\":{},\"lenient\":{},\"violations\":[", type.events, type.schema->is_lenient);
    bool is_first_problem = true;
    for (size_t field = 0; field < type.problems.size(); ++field) {
      for (size_t problem = 0; problem < problem_names.size(); ++problem) {
        const uint64_t count = type.problems[field][problem];
        if (count == 0) continue;
        out += std::exchange(is_first_problem, false) ? "{\"field\":" : ",{\"field\":";
        json::append_string(out, type.schema->fields[field].name);
        fmt::format_to(to, ",\"problem\":\"{}\",\"count\":{}}}", problem_names[problem], count);
      }
    }
    out += "]}";
  }
  fmt::format_to(to, "],\"undeclared_events\":{},\"undeclared\":{{", health.undeclared_events());
  is_first = true;
  for (const auto& [name, count] : health.undeclared()) {
    if (!std::exchange(is_first, false)) out += ',';
    json::append_string(out, name);
    fmt::format_to(to, ":{}", count);
  }
  out += "},";
}

// What a clause of the rule held back is said even when that was nothing.
std::string rule_line(const RuleProgram& rule, const RuleCounters& counters, const DeliveryCounters& deliveries,
                      size_t width) {
  const bool alerts = std::ranges::any_of(
      rule.actions, [](const ActionProgram& action) { return action.kind == ActionProgram::Kind::alert; });
  const std::string raised = alerts ? plural(counters.raised, "alert")
                                    : grouped(counters.raised) + (counters.raised == 1 ? " match" : " matches");
  std::string line = fmt::format("  {:<{}}  {}", rule.name, width, raised);
  const auto add = [&](uint64_t count, std::string_view what) {
    if (count > 0) line += fmt::format(", {} {}", grouped(count), what);
  };
  const auto add_held = [&](bool has_clause, uint64_t count, std::string_view what) {
    if (has_clause || count > 0) line += fmt::format(", {} {}", grouped(count), what);
  };
  add(counters.resolved, "resolved");
  add(counters.emitted, counters.emitted == 1 ? "event emitted" : "events emitted");
  add_held(rule.cooldown_us > 0, counters.held_by_cooldown, "held back by its cooldown");
  add_held(rule.limit_count > 0, counters.held_by_limit, "held back by its limit");
  add_held(rule.quiet.has_value(), deliveries.held_by_quiet, "held by quiet hours");
  add(deliveries.sent_early, "of them sent early (max_held)");
  add(counters.emits_refused, "events not emitted (max_derived, or too large)");
  add(counters.matches_cut, "matches not reported (max_matches)");
  add(counters.runs_refused, "runs refused (max_runs)");
  add(counters.entries_refused, "events not taken (max_entries)");
  add(counters.loops_full, "events not taken by a full loop (max_loop_events)");
  add(counters.panes_given_up, "panes given up early (max_window_entries)");
  add(counters.keys_evicted, "keys evicted (max_keys, max_state_bytes)");
  return line + '\n';
}

}  // namespace

bool is_terminal(int fd) { return isatty(fd) == 1; }

bool has_colour(int fd) {
  const char* no_colour = std::getenv("NO_COLOR");
  return is_terminal(fd) && (no_colour == nullptr || *no_colour == 0);
}

void append_readable(std::string& out, std::string_view record, bool colour) {
  const Style style{colour};
  ondemand::parser parser;
  const simdjson::padded_string padded(record);
  ondemand::document alert;
  if (parser.iterate(padded).get(alert) != simdjson::SUCCESS) {
    out += shown(record) + '\n';
    return;
  }
  const std::string_view severity = member_text(alert, "severity");
  const std::string_view severity_colour = severity == "critical" ? red : severity == "warning" ? yellow : dim;
  out += fmt::format("{}  {}  {}", shown(member_text(alert, "end")), style.in(severity_colour, severity),
                     style.in(bold, member_text(alert, "rule")));
  append_key(out, alert);
  out += fmt::format("\n  {}\n", shown(member_text(alert, "text")));
  append_bindings(out, alert, style);
}

std::string summary_text(const RunReport& report, const Runner& runner, const Program& program,
                         const RunOptions& options, const Alerts& alerts) {
  std::string out =
      fmt::format("{} in {:.2f} s ({} events/s)\n", plural(report.events, "event"),
                  static_cast<double>(report.elapsed_us) / 1e6, rounded(per_second(report.events, report.elapsed_us)));
  for (const InputReport& input : report.inputs) {
    if (input.is_sniffed && input.format != "ndjson") {
      out += fmt::format("{} was read as {}, going by its beginning; --format says otherwise\n", shown(input.name),
                         input.format);
    }
  }
  uint64_t rejected = 0;
  std::string reasons;
  for (size_t i = 0; i < reason_names.size(); ++i) {
    const uint64_t count = runner.quarantine().count(static_cast<Reason>(i));
    if (count == 0 || !is_rejection(static_cast<Reason>(i))) continue;
    rejected += count;
    reasons += fmt::format("{}{} {}", reasons.empty() ? "" : ", ", grouped(count), reason_names[i]);
  }
  if (rejected > 0) {
    out += fmt::format(
        "{} rejected: {} ({})\n", plural(rejected, "line"), reasons,
        options.quarantine_path.empty() ? "--quarantine FILE keeps them" : "kept in " + options.quarantine_path);
  }
  out += health_text(runner.health());
  if (report.duplicates > 0) out += fmt::format("{} dropped\n", plural(report.duplicates, "duplicate"));
  if (report.ids_forgotten > 0) {
    out += fmt::format("{} forgotten before --dedupe had passed\n", plural(report.ids_forgotten, "id"));
  }
  if (report.without_time > 0) {
    out += fmt::format("{} without a time took that of their arrival\n", plural(report.without_time, "event"));
  }
  if (report.held > 0) out += fmt::format("{} still held for their lateness\n", plural(report.held, "event"));
  size_t width = 0;
  for (const RuleProgram& rule : program.rules) width = std::max(width, rule.name.size());
  for (size_t i = 0; i < program.rules.size(); ++i) {
    out +=
        rule_line(program.rules[i], runner.shards().counters_of(static_cast<RuleId>(i)), alerts.counters()[i], width);
  }
  for (size_t i = 0; i < program.destinations.size(); ++i) {
    if (alerts.unsent()[i] == 0) continue;
    out += fmt::format("destination {} ({}): {} not sent but printed; `omen serve` sends\n",
                       program.destinations[i].name, program.destinations[i].kind, grouped(alerts.unsent()[i]));
  }
  const Shards& shards = runner.shards();
  const EngineCounters counters = shards.counters();
  out += fmt::format("pending: {}, {} of them waiting for an absence\n", plural(shards.pending_runs(), "run"),
                     grouped(shards.waiting_absences()));
  const bool has_measures =
      std::ranges::any_of(program.rules, [](const RuleProgram& rule) { return rule.measures.has_value(); });
  if (has_measures) {
    out += fmt::format("measures: {} true, {}\n", plural(shards.true_conditions(), "condition"),
                       plural(shards.panes(), "pane"));
  }
  if (counters.keys_too_long > 0) {
    out += fmt::format("{} not seen because their key is too long\n", plural(counters.keys_too_long, "event"));
  }
  if (counters.history_events_dropped > 0) {
    out +=
        fmt::format("{} gone from a history (max_history_events)\n", plural(counters.history_events_dropped, "event"));
  }
  if (counters.history_keys_dropped > 0) {
    out += fmt::format("{} dropped (max_history_bytes)\n", plural(counters.history_keys_dropped, "history"));
  }
  const Tables& tables = runner.tables();
  if (tables.reloads() > 0) out += fmt::format("{} read again\n", plural(tables.reloads(), "table"));
  if (tables.duplicates() > 0) {
    out +=
        fmt::format("{} of tables not used: their key stood in an earlier one\n", plural(tables.duplicates(), "row"));
  }
  for (const std::string& problem : tables.problems()) {
    if (!problem.empty()) out += problem + ": the rows read before are used\n";
  }
  out += fmt::format("state: {} at its peak, {} runs, {} keys\n", bytes_text(report.peaks.state_bytes),
                     grouped(report.peaks.runs), grouped(report.peaks.keys));
  out += "Nothing is kept: pending runs end with the process, and the next run begins anew.\n";
  return out;
}

std::string summary_json(const RunReport& report, const Runner& runner, const Program& program, const Alerts& alerts) {
  const Shards& shards = runner.shards();
  const EngineCounters counters = shards.counters();
  std::string out;
  const auto to = std::back_inserter(out);
  fmt::format_to(to, "{{\"events\":{},\"lines\":{},\"elapsed_us\":{},\"events_per_second\":{:.0f},\"inputs\":[",
                 report.events, report.lines, report.elapsed_us, per_second(report.events, report.elapsed_us));
  for (const InputReport& input : report.inputs) {
    out += out.ends_with('[') ? "{\"input\":" : ",{\"input\":";
    json::append_string(out, json::utf8_fault(input.name) == input.name.size() ? input.name : "?");
    fmt::format_to(to, ",\"format\":\"{}\",\"sniffed\":{}}}", input.format, input.is_sniffed);
  }
  out += "],\"rejected\":{";
  bool is_first = true;
  for (size_t i = 0; i < reason_names.size(); ++i) {
    const uint64_t count = runner.quarantine().count(static_cast<Reason>(i));
    if (count == 0 || !is_rejection(static_cast<Reason>(i))) continue;
    fmt::format_to(to, "{}\"{}\":{}", std::exchange(is_first, false) ? "" : ",", reason_names[i], count);
  }
  out += "},";
  append_health_json(out, runner.health());
  fmt::format_to(to, "\"duplicates\":{},\"ids_forgotten\":{},\"without_time\":{},\"held\":{},\"rules\":[",
                 report.duplicates, report.ids_forgotten, report.without_time, report.held);
  for (size_t i = 0; i < program.rules.size(); ++i) {
    const RuleCounters rule = shards.counters_of(static_cast<RuleId>(i));
    fmt::format_to(to, "{}{{\"rule\":", i == 0 ? "" : ",");
    json::append_string(out, program.rules[i].name);
    fmt::format_to(to,
                   ",\"alerts\":{},\"matches\":{},\"held_by_cooldown\":{},\"held_by_limit\":{},\"held_by_quiet\":{},"
                   "\"sent_early\":{},\"emitted\":{},\"emits_refused\":{},\"matches_cut\":{},"
                   "\"resolved\":{},\"panes_given_up\":{},\"runs_started\":{},"
                   "\"runs_refused\":{},\"entries_refused\":{},\"loops_full\":{},\"keys_evicted\":{}}}",
                   rule.raised, rule.matches, rule.held_by_cooldown, rule.held_by_limit,
                   alerts.counters()[i].held_by_quiet, alerts.counters()[i].sent_early, rule.emitted,
                   rule.emits_refused, rule.matches_cut, rule.resolved, rule.panes_given_up, rule.runs_started,
                   rule.runs_refused, rule.entries_refused, rule.loops_full, rule.keys_evicted);
  }
  out += "],\"unsent\":{";
  for (size_t i = 0; i < program.destinations.size(); ++i) {
    if (alerts.unsent()[i] == 0) continue;
    if (!out.ends_with('{')) out += ',';
    json::append_string(out, program.destinations[i].name);
    fmt::format_to(to, ":{}", alerts.unsent()[i]);
  }
  fmt::format_to(
      to,
      "}},\"pending_runs\":{},\"pending_absences\":{},\"true_conditions\":{},\"panes\":{},\"keys_too_long\":{},"
      "\"history_events_dropped\":{},\"history_keys_dropped\":{},\"table_reloads\":{},"
      "\"table_duplicates\":{},\"state_bytes\":{},\"state_bytes_peak\":{},\"runs_peak\":{},"
      "\"keys_peak\":{}}}\n",
      shards.pending_runs(), shards.waiting_absences(), shards.true_conditions(), shards.panes(),
      counters.keys_too_long, counters.history_events_dropped, counters.history_keys_dropped, runner.tables().reloads(),
      runner.tables().duplicates(), shards.state_bytes(), report.peaks.state_bytes, report.peaks.runs,
      report.peaks.keys);
  return out;
}

void ProgressBar::draw(const Progress& progress) {
  if (!is_shown_ || !progress.size_bytes) return;
  constexpr int64_t redraw_us = 100'000;
  constexpr size_t width = 30;
  const int64_t now_us = steady_clock_us();
  if (input_ != progress.input) {
    input_ = progress.input;
    begin_us_ = now_us;
    begin_events_ = progress.events;
  }
  if (now_us - drawn_us_ < redraw_us || now_us == begin_us_) return;
  drawn_us_ = now_us;
  const double done =
      static_cast<double>(progress.read_bytes) / static_cast<double>(std::max<uint64_t>(*progress.size_bytes, 1));
  const double left_s = static_cast<double>(now_us - begin_us_) / 1e6 * (1 - done) / std::max(done, 1e-9);
  const auto filled = std::min(width, static_cast<size_t>(done * width));
  const std::string line =
      fmt::format("\r\x1b[K[{}{}] {:3.0f} %  {} events/s  {:.0f} s left", std::string(filled, '#'),
                  std::string(width - filled, ' '), done * 100,
                  rounded(per_second(progress.events - begin_events_, now_us - begin_us_)), left_s);
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
  is_drawn_ = true;
}

void ProgressBar::clear() {
  if (std::exchange(is_drawn_, false)) std::fputs("\r\x1b[K", stderr);
}

}  // namespace omen::cli
