// omen: the program. One subcommand a verb (verbs.h); nothing else here.

#include "cli/command.h"
#include "cli/verbs.h"

int main(int argc, char** argv) {
  omen::cli::CommandLine line(
      "omen",
      "Omen finds patterns in streams of events: rules in, alerts out.\n\n"
      "Examples:\n"
      "  omen check rules/                            are the rules right, and what do they cost\n"
      "  omen test rules/                             run the tests that stand beside the rules\n"
      "  omen backtest rules/ --events events.ndjson  what they would have raised\n"
      "  omen run rules/churn --events events.ndjson",
      "omen " OMEN_VERSION);
  const omen::cli::Command app = line.program();
  int exit_code = omen::cli::exit_ok;
  omen::cli::add_alerts(app, exit_code);
  omen::cli::add_backtest(app, exit_code);
  omen::cli::add_check(app, exit_code);
  omen::cli::add_control(app, exit_code);
  omen::cli::add_dump(app, exit_code);
  omen::cli::add_explain(app, exit_code);
  omen::cli::add_fmt(app, exit_code);
  omen::cli::add_graph(app, exit_code);
  omen::cli::add_history(app, exit_code);
  omen::cli::add_import(app, exit_code);
  omen::cli::add_log(app, exit_code);
  omen::cli::add_outbox(app, exit_code);
  omen::cli::add_quarantine(app, exit_code);
  omen::cli::add_repair(app, exit_code);
  omen::cli::add_replay(app, exit_code);
  omen::cli::add_run(app, exit_code);
  omen::cli::add_serve(app, exit_code);
  omen::cli::add_test(app, exit_code);
  omen::cli::add_token(app, exit_code);
  omen::cli::add_types(app, exit_code);
  if (!line.parse(argc, argv)) return omen::cli::exit_usage;
  return exit_code;
}
