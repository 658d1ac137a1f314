// omen backtest: what rules would have raised over events of the past. Nothing is delivered.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "cli/backtest_diff.h"
#include "cli/backtest_report.h"
#include "cli/backtest_tally.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/load.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "runtime/io/stop.h"

namespace omen::cli {
namespace {

struct Options {
  std::vector<std::string> rules;
  std::vector<std::string> versions;  // --diff OLD NEW
  InputOptions inputs;
  OrderOptions order;
  RunOptions run;
  std::string at_end = "stop";
  size_t top = 5;
  size_t listed = 20;
  bool as_json = false;
};

int complain(const std::string& problem, int exit_code) {
  std::fprintf(stderr, "omen backtest: %s\n", problem.c_str());
  return exit_code;
}

// One program over all inputs.
struct Replay {
  Replay(const Program& program, const RunOptions& options, bool keeps_matches)
      : runner(program, options), tally(program, keeps_matches), funnel(program) {
    runner.set_funnel(&funnel);
  }

  // The exit code of what went wrong, exit_ok when nothing did.
  int run(const char* label) {
    if (const Status opened = runner.open(); !opened) return complain(opened.message(), exit_usage);
    ProgressBar bar(is_terminal(STDERR_FILENO));
    report = runner.run(tally, [&](const Progress& progress) { bar.draw(progress); });
    bar.clear();
    for (const std::string& error : report.input_errors) complain(error, exit_input);
    if (tally.not_kept() > 0) {
      complain(fmt::format("{}: {} beyond the first {} are not compared", label, plural(tally.not_kept(), "match"),
                           grouped(BacktestTally::matches_max)),
               exit_ok);
    }
    if (report.signal != 0) return 128 + report.signal;
    return report.input_errors.empty() ? exit_ok : exit_input;
  }

  Runner runner;
  BacktestTally tally;
  Funnel funnel;
  RunReport report;
};

// Which inputs, and in which form: the rules' mappings are among the forms. exit_ok when that is clear.
int read_inputs(Options& options, const Program& program) {
  const auto inputs = resolve_inputs(options.inputs, program);
  if (!inputs) return complain(inputs.message(), exit_usage);
  options.run.inputs = inputs.value().paths;
  options.run.format = inputs.value().format;
  options.run.envelope = inputs.value().envelope;
  return exit_ok;
}

int report(Options& options) {
  const Loaded loaded = load_rules(options.rules, with_runs_in_sight());
  if (loaded.exit_code != exit_ok) return loaded.exit_code;
  const Program& program = *loaded.compilation.program;
  if (const int exit_code = read_inputs(options, program); exit_code != exit_ok) return exit_code;
  Replay replay(program, options.run, false);
  const int exit_code = replay.run("rules");
  if (exit_code == exit_usage) return exit_code;
  const Backtest backtest{program, replay.runner, replay.report, replay.tally, replay.funnel, options.top};
  std::fputs((options.as_json ? backtest_json(backtest) : backtest_text(backtest)).c_str(), stdout);
  return exit_code;
}

int compare(Options& options) {
  const Loaded old_rules = load_rules({options.versions[0]}, with_runs_in_sight());
  if (old_rules.exit_code != exit_ok) return old_rules.exit_code;
  const Loaded new_rules = load_rules({options.versions[1]}, with_runs_in_sight());
  if (new_rules.exit_code != exit_ok) return new_rules.exit_code;
  const Program& old_program = *old_rules.compilation.program;
  const Program& new_program = *new_rules.compilation.program;
  if (const int exit_code = read_inputs(options, old_program); exit_code != exit_ok) return exit_code;
  if (options.run.inputs == std::vector<std::string>{"-"}) {
    return complain("--diff reads the events twice: name them with --events FILE", exit_usage);
  }
  Replay before(old_program, options.run, true);
  if (const int exit_code = before.run("old"); exit_code != exit_ok) return exit_code;
  if (const int exit_code = read_inputs(options, new_program); exit_code != exit_ok) return exit_code;
  Replay after(new_program, options.run, true);
  if (const int exit_code = after.run("new"); exit_code != exit_ok) return exit_code;
  const Version old_version{old_program, before.tally.notes()};
  const Version new_version{new_program, after.tally.notes()};
  std::fputs(
      (options.as_json ? diff_json(old_version, new_version) : diff_text(old_version, new_version, options.listed))
          .c_str(),
      stdout);
  return exit_ok;
}

int backtest(Options& options) {
  const auto order = resolve_order(options.order);
  if (!order) return complain(order.message(), exit_usage);
  options.run.order = order.value();
  options.run.advance_at_end = options.at_end == "advance";
  const bool is_comparison = !options.versions.empty();
  if (is_comparison != options.rules.empty()) {
    return complain(is_comparison ? "--diff names the rules itself: OLD and NEW" : "which rules? see --help",
                    exit_usage);
  }
  catch_stop_signals();
  return is_comparison ? compare(options) : report(options);
}

}  // namespace

void add_backtest(Command app, int& exit_code) {
  Command verb = app.add_subcommand("backtest", "Say what rules would have raised over events of the past");
  verb.footer(
      "For each rule: its alerts a day as a small plot, the keys with most of them, and the funnel of its runs: how\n"
      "many reached each step, the median time since the event before, and what ended those that came no further.\n"
      "Rules with `overlap all` and measure rules have no funnel. --diff runs two versions of rules over the same\n"
      "events and lists the matches lost, gained and moved. Nothing is ever delivered.\n\n"
      "Examples:\n"
      "  omen backtest rules/churn --events january.ndjson.zst\n"
      "  omen backtest rules/ --events events.ndjson --json | jq '.rules[] | {rule, alerts}'\n"
      "  omen backtest --diff churn.omen churn_new.omen --events january.ndjson.zst\n\n"
      "Exit codes: 0 done; 1 the rules have errors; 2 wrong usage; 3 an input could not be read to its end; 130 or "
      "143\n"
      "stopped by a signal.");
  auto options = std::make_shared<Options>();
  verb.add_option("RULES", options->rules, "Rule files, or folders of them");
  verb.add_option("--diff", options->versions, "Two versions of rules, files or folders, to compare")
      .expected(2)
      .type_name("OLD NEW");
  add_input_options(verb, options->inputs);
  add_order_options(verb, options->order);
  verb.add_option("--at-end", options->at_end,
                  "At the end of the events: stop, or advance the clock until no absence is pending")
      .one_of({"advance", "stop"})
      .capture_default_str();
  verb.add_option("--top", options->top, "Keys shown of each rule").capture_default_str();
  verb.add_option("--list", options->listed, "Matches listed of each kind by --diff").capture_default_str();
  verb.add_flag("--json", options->as_json, "The report as one JSON object");
  verb.callback([options, &exit_code] { exit_code = backtest(*options); });
}

}  // namespace omen::cli
