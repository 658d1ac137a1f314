// omen run: rules and events in, alerts out.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/load.h"
#include "cli/memory.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "runtime/core/json.h"
#include "runtime/io/alerts.h"
#include "runtime/io/runner.h"
#include "runtime/io/stop.h"
#include "runtime/io/tally.h"
#include "runtime/model/time.h"

namespace omen::cli {
namespace {

struct Options {
  std::vector<std::string> rules;
  std::string advance_to;
  std::string at_end = "stop";
  std::string alerts = "auto";
  bool count = false;
  bool json_summary = false;
  uint64_t reserve_bytes = 0;
  InputOptions inputs;
  OrderOptions order;
  RunOptions run;
};

int complain(const std::string& problem, int exit_code) {
  std::fprintf(stderr, "omen run: %s\n", problem.c_str());
  return exit_code;
}

void print_tally(const Program& program, const Tally& tally) {
  std::string out;
  for (size_t i = 0; i < program.rules.size(); ++i) {
    const Tally::Rule& rule = tally.rules()[i];
    out += "{\"rule\":";
    json::append_string(out, program.rules[i].name);
    out += fmt::format(",\"alerts\":{},\"keys\":{},\"moments\":{}", rule.alerts, rule.keys, rule.moments);
    out += program.rules[i].resolves ? fmt::format(",\"resolved\":{}}}\n", rule.resolved) : "}\n";
  }
  std::fputs(out.c_str(), stdout);
}

int exit_code_of(const RunReport& report) {
  if (report.signal != 0) return 128 + report.signal;
  if (!report.output_error.empty()) return exit_output;
  return report.input_errors.empty() ? exit_ok : exit_input;
}

int run(Options& options) {
  if (!options.advance_to.empty() && !(options.run.advance_to_us = parse_rfc3339(options.advance_to))) {
    return complain(fmt::format("--advance-to: `{}` is no time; write 2026-01-05T10:00:00Z", options.advance_to),
                    exit_usage);
  }
  options.run.advance_at_end = options.at_end == "advance";
  options.run.only_counts = options.count;
  const auto order = resolve_order(options.order);
  if (!order) return complain(order.message(), exit_usage);
  options.run.order = order.value();
  const Loaded loaded = load_rules(options.rules);
  if (loaded.exit_code != exit_ok) return loaded.exit_code;
  const Program& program = *loaded.compilation.program;
  const auto inputs = resolve_inputs(options.inputs, program);
  if (!inputs) return complain(inputs.message(), exit_usage);
  options.run.inputs = inputs.value().paths;
  options.run.format = inputs.value().format;
  options.run.envelope = inputs.value().envelope;

  if (const Status reserved = reserve_memory(options.reserve_bytes); !reserved) {
    return complain(reserved.message(), exit_usage);
  }
  catch_stop_signals();
  Runner runner(program, options.run);
  if (const Status opened = runner.open(); !opened) return complain(opened.message(), exit_usage);
  const bool readable = options.alerts == "text" || (options.alerts == "auto" && is_terminal(STDOUT_FILENO));
  Alerts::Rewrite rewrite;
  if (readable) {
    const bool colour = has_colour(STDOUT_FILENO);
    rewrite = [colour](std::string& out, std::string_view record) { append_readable(out, record, colour); };
  }
  Alerts alerts(program, runner.shards(), options.run.limits.max_held, rewrite);
  Tally tally(program);
  if (!options.count) {
    if (const Status opened = alerts.open(); !opened) return complain(opened.message(), exit_usage);
  }
  // Lines of alerts and a bar that redraws itself do not go together on one screen.
  ProgressBar bar(is_terminal(STDERR_FILENO) && (options.count || !is_terminal(STDOUT_FILENO)));
  MatchSink& sink = options.count ? static_cast<MatchSink&>(tally) : alerts;
  const RunReport report = runner.run(sink, [&](const Progress& progress) { bar.draw(progress); });
  bar.clear();

  if (options.count) print_tally(program, tally);
  for (const std::string& error : report.input_errors) complain(error, exit_input);
  if (!report.output_error.empty()) complain(report.output_error, exit_output);
  const std::string summary = options.json_summary ? summary_json(report, runner, program, alerts)
                                                   : summary_text(report, runner, program, options.run, alerts);
  std::fputs(summary.c_str(), stderr);
  return exit_code_of(report);
}

}  // namespace

void add_run(Command app, int& exit_code) {
  Command verb =
      app.add_subcommand("run", "Run rules over events: alerts on standard output, a summary on standard error");
  verb.footer(
      "Events are JSON objects, one a line, or have another format (docs/formats.md); plain, or packed by gzip or "
      "zstd.\n"
      "Alerts are JSON objects, one a line, or readable lines on a terminal. Records that are no events are counted, "
      "and\n"
      "kept with --quarantine; the stream goes on.\n\n"
      "Examples:\n"
      "  omen run rules/churn --events events.ndjson\n"
      "  tail -f events.ndjson | omen run rules/\n"
      "  omen run rules/ --events monday.ndjson.zst --events tuesday.ndjson.zst --lateness 5m --quarantine bad.ndjson\n"
      "  omen run rules/ --events events.ndjson --count --at-end advance\n"
      "  omen run rules/ --events orders.csv --type order --time-field created_at\n\n"
      "Exit codes: 0 done; 1 the rules have errors; 2 wrong usage, or a file that is named cannot be opened for "
      "writing;\n"
      "3 an input could not be read to its end; 4 an output could not be written; 130 or 143 stopped by a signal.");
  auto options = std::make_shared<Options>();
  RunOptions& run_options = options->run;
  Limits& limits = run_options.limits;
  verb.add_option("RULES", options->rules, "Rule files, or folders of them").required();
  add_input_options(verb, options->inputs);
  verb.add_flag("--strict-types", run_options.strict_types,
                "An event of a type that is not declared is a violation too");
  add_order_options(verb, options->order);
  verb.add_option("--at-end", options->at_end,
                  "At the end of the events: stop, or advance the clock until no absence is pending")
      .one_of({"advance", "stop"})
      .capture_default_str();
  verb.add_option("--advance-to", options->advance_to, "At the end of the events advance the clock to this time")
      .type_name("TIME");
  verb.add_option("--quarantine", run_options.quarantine_path,
                  "Append rejected lines with their reason and place to this file")
      .type_name("FILE");
  verb.add_flag("--count", options->count, "Instead of alerts, one JSON line a rule: alerts, keys, moments");
  verb.add_option("--alerts", options->alerts, "Alerts as json or text; auto is text on a terminal")
      .one_of({"auto", "json", "text"})
      .capture_default_str();
  verb.add_flag("--json", options->json_summary, "The summary as one JSON object");
  add_limit_options(verb, limits);
  verb.add_option("--shards", run_options.shards,
                  "Decode and match on so many threads, the keys divided among them: the alerts are the same")
      .between(1, shards_max)
      .capture_default_str()
      .type_name("N");
  add_reserve_option(verb, options->reserve_bytes);
  verb.callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace omen::cli
