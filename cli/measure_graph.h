// Measure graph: a measure rule for `omen graph`: what it measures, and the three places where a key can stand.
//
//   (armed) --when--> (true) --for--> ((raised)) - - no longer true - -> (armed)
#pragma once

#include <string>

#include "runtime/model/program.h"

namespace omen::cli {

std::string measure_graph_text(const Program& program, const RuleProgram& rule, const std::string& heading);
std::string measure_graph_dot(const Program& program, const RuleProgram& rule, const std::string& heading);
// A text for Graphviz, in quotes.
std::string dot_text(std::string_view text);

}  // namespace omen::cli
