// Load: the rules that a verb was given, read and compiled, with their diagnostics printed on standard error.
//
// RULES are files or folders (every *.omen below, in the order of their paths). An `import` is relative to the
// file that has it, stays inside the folder of the RULES it was reached from, and is read once.
#pragma once

#include <string>
#include <vector>

#include "compiler/compile.h"

namespace omen::cli {

struct Loaded {
  Sources sources;
  Compilation compilation;  // program is there when exit_code is exit_ok
  int exit_code = 0;
};

// Reads the files only; says on standard error what cannot be read.
Loaded read_rules(const std::vector<std::string>& rules);

// For programs whose runs are looked at one by one: each begins with its event.
inline OptimizeOptions with_runs_in_sight() {
  OptimizeOptions options;
  options.share_starts_from = 0;
  return options;
}

// Reads and compiles them. Prints errors (and, when asked, warnings) as text.
Loaded load_rules(const std::vector<std::string>& rules, const OptimizeOptions& options = {}, bool warnings = false);

}  // namespace omen::cli
