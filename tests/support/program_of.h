// The program of one text of rules, for tests: it compiles, or the test ends with what is wrong.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "compiler/compile.h"

namespace omen {

inline Program program_of(const std::string& rules, const OptimizeOptions& options = {}) {
  const Sources sources{{{"rules.omen", rules}}};
  Compilation compilation = compile(sources, options);
  std::string problems;
  for (const Diagnostic& diagnostic : compilation.diagnostics.items)
    problems += render_text(diagnostic, sources, false);
  REQUIRE_MESSAGE(compilation.program.has_value(), problems);
  return std::move(*compilation.program);
}

}  // namespace omen
