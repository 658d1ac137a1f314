#include "cli/measure_graph.h"

#include <fmt/format.h>

#include "runtime/model/time.h"

namespace omen::cli {

namespace {

// The condition as it was written: with the names of measures and of the parts of the key.
std::string when_text(const Program& program, const RuleProgram& rule) {
  std::string text = dump_code(program, rule.measures->when);
  const auto put = [&](const std::string& place, const std::string& name) {
    for (size_t at = 0; (at = text.find(place, at)) != std::string::npos; at += name.size()) {
      text.replace(at, place.size(), name);
    }
  };
  for (size_t i = 0; i < rule.measures->measures.size(); ++i) {
    put(fmt::format("measure[{}]", i), rule.measures->measures[i].name);
  }
  for (size_t i = 0; i < rule.key_names.size(); ++i) put(fmt::format("key[{}]", i), rule.key_names[i]);
  return text;
}

std::string for_text(const RuleProgram& rule) {
  if (rule.measures->for_us == 0) return {};
  return " for " + duration_text(rule.measures->for_us);
}

std::string evaluated_text(const Program& program, const RuleProgram& rule) {
  return rule.measures->every_us > 0 ? every_text(program, *rule.measures) : "at each event that counts";
}

}  // namespace

std::string measure_graph_text(const Program& program, const RuleProgram& rule, const std::string& heading) {
  std::string out = heading + '\n';
  for (const MeasureProgram& measure : rule.measures->measures) {
    out += "  " + measure.name + " = " + measure_text(program, rule, measure) + '\n';
  }
  out += "  " + evaluated_text(program, rule) + '\n';
  out += "      " + when_text(program, rule) + for_text(rule) + "  ->  raised\n";
  out += std::string("      no longer true  ->  ") + (rule.resolves ? "resolved, " : "") + "armed again\n";
  return out;
}

std::string measure_graph_dot(const Program& program, const RuleProgram& rule, const std::string& heading) {
  std::string label = heading;
  for (const MeasureProgram& measure : rule.measures->measures) {
    label += "\n" + measure.name + " = " + measure_text(program, rule, measure);
  }
  label += "\n" + evaluated_text(program, rule);
  std::string out = "digraph " + dot_text(rule.name) + " {\n  rankdir=LR; labelloc=t; fontname=\"Helvetica\";\n";
  out += "  label=" + dot_text(label) + ";\n";
  out += "  node [shape=circle fontname=\"Helvetica\"]; edge [fontname=\"Helvetica\" fontsize=10];\n";
  out += "  armed [style=bold];\n  raised [shape=doublecircle];\n";
  const auto edge = [&](std::string_view from, std::string_view to, const std::string& text, bool dashed) {
    out += fmt::format("  {} -> {} [label={}{}];\n", from, to, dot_text(text), dashed ? " style=dashed" : "");
  };
  if (rule.measures->for_us == 0) {
    edge("armed", "raised", when_text(program, rule), false);
  } else {
    edge("armed", "true", when_text(program, rule), false);
    edge("true", "raised", for_text(rule).substr(1), false);
    edge("true", "armed", "no longer", true);
  }
  edge("raised", "armed", rule.resolves ? "no longer: resolved" : "no longer", true);
  return out + "}\n";
}

std::string dot_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace omen::cli
