// omen graph: a rule's automaton as a picture.
#include <fmt/format.h>
#include <sys/wait.h>
#include <algorithm>

#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/measure_graph.h"
#include "cli/verbs.h"
#include "runtime/model/time.h"

namespace omen::cli {

namespace {

// "after 1h", "within 5m", "1h to 2h": what a way's limits ask of the time since the mark.
std::string kind_text(const Transition& way) {
  return !way.for_received ? "   derived" : !way.for_derived ? "   received" : "";
}

std::string limits_text(const Transition& way) {
  std::string out;
  for (const Guard& guard : way.guards) {
    out += out.empty() ? "" : ", ";
    // An absence before the step asks for more than its duration: a microsecond more.
    const bool is_more = guard.min_us % 1000 == 1;
    if (guard.min_us > 0)
      out += (is_more ? "after more than " : "after ") + duration_text(guard.min_us - (is_more ? 1 : 0));
    if (guard.min_us > 0 && guard.max_us != time_unbounded) out += " ";
    if (guard.max_us != time_unbounded) out += "within " + duration_text(guard.max_us);
  }
  return out;
}

// Type, condition and name: `purchase[amount > 5] as buy`.
std::string named_step_text(const Program& program, const RuleProgram& rule, StepId id) {
  const std::string& label = rule.steps[id].label;
  const size_t name = label.find(" as ");
  return step_text(program, rule, id) + (name == std::string::npos ? "" : label.substr(name));
}

std::string absence_text(const Program& program, const RuleProgram& rule, const AbsenceProgram& absence) {
  std::string out = "not ";
  for (size_t i = 0; i < absence.steps.size(); ++i) {
    out += (i == 0 ? "" : " or ") + named_step_text(program, rule, absence.steps[i]);
  }
  if (absence.for_us >= 0) out += " for " + duration_text(absence.for_us);
  return out;
}

std::string wait_text(const RuleProgram& rule, const State& state) {
  if (!state.ends_with_within) return "after " + duration_text(state.wait_us);
  std::string out = "when " + duration_text(rule.within_us) + " are over";
  if (state.wait_us > 0) out += " and " + duration_text(state.wait_us) + " have passed";
  return out;
}

std::string heading(const Program& program, const RuleProgram& rule) {
  std::string out = "rule " + rule.name;
  for (size_t i = 0; i < rule.routes[0].key.size(); ++i) {
    out += (i == 0 ? " by " : ", ") + program.fields[rule.routes[0].key[i]].text;
  }
  if (rule.within_us != time_unbounded) out += " within " + duration_text(rule.within_us);
  return out;
}

std::string targets_text(const RuleProgram& rule, const Transition& way) {
  if (way.targets.empty()) return "ends";
  if (rule.states[way.targets[0]].accepts && !way.can_repeat) return "match";
  std::string out;
  for (StateId target : way.targets) out += fmt::format("{}({})", out.empty() ? "" : " and ", target);
  return out;
}

std::string graph_text(const Program& program, const RuleProgram& rule) {
  if (rule.measures) return measure_graph_text(program, rule, heading(program, rule));
  std::string out = heading(program, rule) + '\n';
  for (const AbsenceProgram& absence : rule.leading) out += "  first: " + absence_text(program, rule, absence) + '\n';
  for (StateId id = 0; id < rule.states.size(); ++id) {
    const State& state = rule.states[id];
    if (state.accepts && state.transitions.empty()) continue;
    const bool is_start = std::ranges::find(rule.initial, id) != rule.initial.end();
    out += fmt::format("  ({}){}\n", id, is_start ? " start" : "");
    size_t width = 0;
    for (const Transition& way : state.transitions)
      width = std::max(width, named_step_text(program, rule, way.step).size());
    for (const Transition& way : state.transitions) {
      const std::string limits = limits_text(way);
      out += fmt::format("      {:<{}}  ->  {}{}{}\n", named_step_text(program, rule, way.step), width,
                         targets_text(rule, way), limits.empty() ? "" : "   " + limits, kind_text(way));
    }
    for (const AbsenceProgram& absence : state.absences)
      out += "      " + absence_text(program, rule, absence) + ", else it ends\n";
    for (const Break& closing : state.breaks) {
      out += fmt::format("      another {}  ->  {}\n", named_step_text(program, rule, closing.step),
                         closing.to == state_dead ? "ends" : fmt::format("({})", closing.to));
    }
    if (state.strict) out += "      any other event  ->  ends\n";
    if (state.on_pass != id) out += fmt::format("      any other event  ->  ({})\n", state.on_pass);
    if (state.waits) out += "      " + wait_text(rule, state) + "  ->  match\n";
  }
  for (StepId step : rule.unless) out += "  unless " + named_step_text(program, rule, step) + '\n';
  return out;
}

// Graphviz: circles are places, the double one the match, dashed edges what ends or completes a run without an event.
std::string graph_dot(const Program& program, const RuleProgram& rule) {
  if (rule.measures) return measure_graph_dot(program, rule, heading(program, rule));
  std::string out = "digraph " + dot_text(rule.name) + " {\n  rankdir=LR; labelloc=t; fontname=\"Helvetica\";\n";
  out += "  label=" + dot_text(heading(program, rule)) + ";\n";
  out += "  node [shape=circle fontname=\"Helvetica\" width=0.4]; edge [fontname=\"Helvetica\" fontsize=10];\n";
  out += "  match [shape=doublecircle];\n";
  bool has_end = false;
  auto edge = [&](StateId from, const std::string& to, const std::string& label, bool dashed) {
    has_end = has_end || to == "end";
    out += fmt::format("  s{} -> {} [label={}{}];\n", from, to, dot_text(label), dashed ? " style=dashed" : "");
  };
  for (StateId id = 0; id < rule.states.size(); ++id) {
    const State& state = rule.states[id];
    if (state.accepts && state.transitions.empty()) continue;
    const bool is_start = std::ranges::find(rule.initial, id) != rule.initial.end();
    out += fmt::format("  s{} [label=\"{}\"{}];\n", id, id, is_start ? " style=bold" : "");
    for (const Transition& way : state.transitions) {
      const std::string limits = limits_text(way);
      const std::string label =
          named_step_text(program, rule, way.step) + (limits.empty() ? "" : "\n" + limits) + kind_text(way);
      if (way.targets.empty()) edge(id, "end", label, false);
      for (StateId target : way.targets) {
        const bool ends = rule.states[target].accepts && !way.can_repeat;
        edge(id, ends ? "match" : fmt::format("s{}", target), label, false);
      }
    }
    for (const AbsenceProgram& absence : state.absences) {
      std::string label = absence_text(program, rule, absence);
      edge(id, "end", "broken: " + label, true);
    }
    for (const Break& closing : state.breaks) {
      edge(id, closing.to == state_dead ? "end" : fmt::format("s{}", closing.to),
           "another " + named_step_text(program, rule, closing.step), true);
    }
    if (state.strict) edge(id, "end", "any other event", true);
    if (state.on_pass != id) edge(id, fmt::format("s{}", state.on_pass), "any other event", true);
    if (state.waits) edge(id, "match", wait_text(rule, state), true);
  }
  if (has_end) out += "  end [label=\"\" shape=point width=0.15];\n";
  return out + "}\n";
}

// Graphviz makes the picture; it writes to our standard output.
int print_svg(const std::string& dot) {
  std::fflush(stdout);
  std::FILE* graphviz = popen("dot -Tsvg", "w");
  const bool written = graphviz != nullptr && std::fputs(dot.c_str(), graphviz) >= 0;
  const int status = graphviz == nullptr ? -1 : pclose(graphviz);
  if (written && status == 0) return exit_ok;
  std::fputs("omen graph: `dot` did not draw the picture; install Graphviz, or ask for --format dot\n", stderr);
  return exit_input;
}

}  // namespace

void add_graph(Command app, int& exit_code) {
  Command verb = app.add_subcommand("graph", "Show a rule's automaton as text or as a picture");
  verb.footer(
      "Numbers in circles are the places where a run can stand; an arrow is an event that moves it on, a dashed arrow\n"
      "what happens without one. Ways out of a place are tried in the order shown.\n\n"
      "Examples:\n"
      "  omen graph rules/churn\n"
      "  omen graph rules/churn --rule churn_risk --format svg > churn.svg\n\n"
      "Exit codes: 0 printed; 1 the rules have errors; 2 wrong usage; 3 Graphviz is not there.");
  struct Options {
    std::vector<std::string> rules;
    std::string rule, format = "text";
  };
  auto options = std::make_shared<Options>();
  verb.add_option("RULES", options->rules, "Rule files, or folders of them").required();
  verb.add_option("--rule", options->rule, "Only this rule");
  verb.add_option("--format", options->format, "text, dot or svg").one_of({"text", "dot", "svg"});
  verb.callback([options, &exit_code] {
    const Loaded loaded = load_rules(options->rules);
    exit_code = loaded.exit_code;
    if (exit_code != exit_ok) return;
    const Program& program = *loaded.compilation.program;
    std::string out;
    for (const RuleProgram& rule : program.rules) {
      if (!options->rule.empty() && rule.name != options->rule) continue;
      if (options->format == "text" && !out.empty()) out += '\n';
      out += options->format == "text" ? graph_text(program, rule) : graph_dot(program, rule);
    }
    if (out.empty()) {
      std::fprintf(stderr, "omen graph: there is no rule %s in these files\n", options->rule.c_str());
      exit_code = exit_usage;
    } else if (options->format == "svg") {
      exit_code = print_svg(out);
    } else {
      std::fputs(out.c_str(), stdout);
    }
  });
}

}  // namespace omen::cli
