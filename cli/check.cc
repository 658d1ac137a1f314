// omen check: every diagnostic of every file, and what bounds the state of each rule.
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "compiler/pattern_bounds.h"
#include "compiler/sharing.h"
#include "runtime/core/json.h"

namespace omen::cli {

namespace {

// What one key of a rule keeps at most; under `overlap all` also how, and why so.
std::string bound_of(const Loaded& loaded, size_t index) {
  const TypedRule& rule = loaded.compilation.typed.rules[index];
  if (rule.overlap != Overlap::all) return state_bound(rule);
  const std::string reason = reason_for_runs(loaded.compilation.program->rules[index]);
  if (!reason.empty()) return state_bound(rule) + "; a run for each partial match, because " + reason;
  return shared_bound(rule) + "; partial matches are shared";
}

void print_json(const Loaded& loaded) {
  std::string out = "{\"diagnostics\":" + render_json(loaded.compilation.diagnostics.items, loaded.sources);
  while (out.ends_with('\n')) out.pop_back();
  out += ",\n\"rules\":[";
  const char* separator = "\n";
  for (size_t i = 0; i < loaded.compilation.typed.rules.size(); ++i) {
    const TypedRule& rule = loaded.compilation.typed.rules[i];
    out += separator;
    out += "{\"rule\":";
    json::append_string(out, rule.name);
    out += ",\"state_bound\":";
    json::append_string(out, bound_of(loaded, i));
    if (rule.overlap == Overlap::all) {
      const bool is_shared = loaded.compilation.program->rules[i].machine == Machine::forest;
      out += is_shared ? ",\"partial_matches\":\"shared\"" : ",\"partial_matches\":\"runs\"";
    }
    out += "}";
    separator = ",\n";
  }
  out += "]}\n";
  std::fputs(out.c_str(), stdout);
}

int check_rules(const std::vector<std::string>& rules, bool as_json) {
  Loaded loaded = read_rules(rules);
  if (loaded.exit_code != exit_ok) return loaded.exit_code;
  loaded.compilation = compile(loaded.sources);
  const std::vector<Diagnostic>& diagnostics = loaded.compilation.diagnostics.items;
  const int exit_code = loaded.compilation.program ? exit_ok : exit_failed;
  if (as_json) {
    print_json(loaded);
    return exit_code;
  }
  const bool colour = has_colour(STDOUT_FILENO);
  size_t errors = 0;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity == Severity::error) ++errors;
    std::fputs((render_text(diagnostic, loaded.sources, colour) + "\n").c_str(), stdout);
  }
  for (size_t i = 0; i < loaded.compilation.typed.rules.size(); ++i) {
    std::printf("%s: %s\n", loaded.compilation.typed.rules[i].name.c_str(), bound_of(loaded, i).c_str());
  }
  const size_t warnings = diagnostics.size() - errors;
  std::printf("%zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s");
  return exit_code;
}

}  // namespace

void add_check(Command app, int& exit_code) {
  Command verb = app.add_subcommand("check", "Say what is wrong with rules, and what bounds their state");
  verb.footer(
      "Prints every error and warning of all files, then for each rule what one key of it can keep at most.\n"
      "`omen explain CODE` says more about a code.\n\n"
      "Examples:\n"
      "  omen check rules/\n"
      "  omen check rules/churn/churn.omen --json\n\n"
      "Exit codes: 0 no errors (warnings do not count); 1 errors; 2 wrong usage, or a file cannot be read.");
  auto rules = std::make_shared<std::vector<std::string>>();
  auto as_json = std::make_shared<bool>(false);
  verb.add_option("RULES", *rules, "Rule files, or folders of them").required();
  verb.add_flag("--json", *as_json, "Print diagnostics and state bounds as one JSON object");
  verb.callback([rules, as_json, &exit_code] { exit_code = check_rules(*rules, *as_json); });
}

}  // namespace omen::cli
