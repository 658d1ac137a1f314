// Verbs: what `omen` can do, one file each. A verb adds its subcommand with options, examples and exit codes, and when
// it is the one called, runs and leaves its exit code.
#pragma once

namespace omen::cli {

class Command;

// Exit codes, the same for every verb; each verb's --help says when it gives which.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;  // rules with errors, failed tests, files that are not in canonical layout
inline constexpr int exit_usage = 2;   // the call's words are off, or a file that it names cannot be read
inline constexpr int exit_input = 3;   // the input could not be read to its end
inline constexpr int exit_output = 4;  // the output could not be written

void add_alerts(Command app, int& exit_code);
void add_backtest(Command app, int& exit_code);
void add_check(Command app, int& exit_code);
void add_control(Command app, int& exit_code);
void add_dump(Command app, int& exit_code);
void add_explain(Command app, int& exit_code);
void add_fmt(Command app, int& exit_code);
void add_graph(Command app, int& exit_code);
void add_history(Command app, int& exit_code);
void add_import(Command app, int& exit_code);
void add_log(Command app, int& exit_code);
void add_outbox(Command app, int& exit_code);
void add_quarantine(Command app, int& exit_code);
void add_repair(Command app, int& exit_code);
void add_replay(Command app, int& exit_code);
void add_run(Command app, int& exit_code);
void add_serve(Command app, int& exit_code);
void add_test(Command app, int& exit_code);
void add_token(Command app, int& exit_code);
void add_types(Command app, int& exit_code);

}  // namespace omen::cli
