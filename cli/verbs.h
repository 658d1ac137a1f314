// Verbs: what `omen` can do, one file each. A verb adds its subcommand with options, examples and exit codes, and when
// it is the one called, runs and leaves its exit code.
#pragma once

namespace CLI {
class App;
}

namespace omen::cli {

// Exit codes, the same for every verb; each verb's --help says when it gives which.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;  // rules with errors, failed tests, files that are not in canonical layout
inline constexpr int exit_usage = 2;   // the call's words are off, or a file that it names cannot be read
inline constexpr int exit_input = 3;   // the input could not be read to its end
inline constexpr int exit_output = 4;  // the output could not be written

void add_alerts(CLI::App& app, int& exit_code);
void add_backtest(CLI::App& app, int& exit_code);
void add_check(CLI::App& app, int& exit_code);
void add_control(CLI::App& app, int& exit_code);
void add_dump(CLI::App& app, int& exit_code);
void add_explain(CLI::App& app, int& exit_code);
void add_fmt(CLI::App& app, int& exit_code);
void add_graph(CLI::App& app, int& exit_code);
void add_history(CLI::App& app, int& exit_code);
void add_import(CLI::App& app, int& exit_code);
void add_log(CLI::App& app, int& exit_code);
void add_outbox(CLI::App& app, int& exit_code);
void add_quarantine(CLI::App& app, int& exit_code);
void add_repair(CLI::App& app, int& exit_code);
void add_replay(CLI::App& app, int& exit_code);
void add_run(CLI::App& app, int& exit_code);
void add_serve(CLI::App& app, int& exit_code);
void add_test(CLI::App& app, int& exit_code);
void add_token(CLI::App& app, int& exit_code);
void add_types(CLI::App& app, int& exit_code);

}  // namespace omen::cli
