// omen dump: the compiled program as stable text.
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/verbs.h"

namespace omen::cli {

void add_dump(Command app, int& exit_code) {
  Command verb = app.add_subcommand("dump", "Print the compiled program as stable text");
  verb.footer(
      "The text is the same for the same rules: compare two of them to see what a change did to the automata.\n\n"
      "Example:\n"
      "  omen dump rules/churn\n\n"
      "Exit codes: 0 printed; 1 the rules have errors; 2 wrong usage, or a file cannot be read.");
  auto rules = std::make_shared<std::vector<std::string>>();
  verb.add_option("RULES", *rules, "Rule files, or folders of them").required();
  verb.callback([rules, &exit_code] {
    const Loaded loaded = load_rules(*rules);
    exit_code = loaded.exit_code;
    if (exit_code == exit_ok) std::fputs(loaded.compilation.program->dump().c_str(), stdout);
  });
}

}  // namespace omen::cli
