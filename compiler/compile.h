// Compile: rule files in, program or diagnostics out. The compiler's one door.
//
//   parse -> resolve -> check -> lower -> emit
//
// Pure: files are handed in. `import` is followed by the caller (cli), which loads the files named by imports().
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "compiler/ast.h"
#include "compiler/diagnostic.h"
#include "compiler/source.h"
#include "compiler/typed.h"
#include "runtime/model/program.h"

namespace omen {

// Each optimisation can be switched off; alerts are equal either way (tests/differential_test.cc).
struct OptimizeOptions {
  bool share_predicates = true;   // equal conditions are one predicate
  bool simple_predicates = true;  // field-operator-constant conditions are tested without the stack machine
  bool fold_constants = true;
  bool share_matches = true;  // matches of `overlap all` are kept in shared form where they can be
  // Rules that begin with the same step put their runs off (core/shared_starts) from so many rules on; 0: never.
  uint32_t share_starts_from = 1;
  uint32_t stretch_runs_from = 16;  // see Program
  uint32_t state_rows_from = 8;     // likewise
  bool keep_newcomers = true;       // likewise
};

struct Compilation {
  // In compile.cc: else whoever compiles rules would make the code that destroys and moves whole trees once more.
  Compilation();
  Compilation(Compilation&& other) noexcept;
  Compilation& operator=(Compilation&& other) noexcept;
  ~Compilation();

  std::vector<ast::File> files;    // one per source
  TypedProgram typed;              // when there are no errors in it
  std::optional<Program> program;  // absent when there are errors
  Diagnostics diagnostics;
};

// compiler/parse.cc: text -> tree. Adds E01xx diagnostics and recovers, so that several mistakes are reported.
ast::File parse(const Sources& sources, uint32_t file, Diagnostics& diagnostics);
// compiler/resolve.cc: trees -> typed program. Adds E02xx, E03xx, E04xx, E05xx.
TypedProgram resolve(const std::vector<ast::File>& files, const OptimizeOptions& options, Diagnostics& diagnostics);
// compiler/check.cc: judges a typed program without errors: warnings, patterns that cannot match, state bounds.
void check(const TypedProgram& typed, Diagnostics& diagnostics);
// compiler/check_derivation.cc: no rule may see an event that comes of its own `emit`. Adds E0503.
void check_derivation(const TypedProgram& typed, Diagnostics& diagnostics);
// compiler/lower.cc: one rule's pattern -> the automaton of `rule` (states, transitions, routes, steps without their
// predicates). Adds E04xx when it unrolls to too many states.
void lower(const TypedRule& typed, RuleProgram& rule, Diagnostics& diagnostics);
// compiler/emit.cc: the whole program: code of expressions, predicates, templates, fields per type, versions.
Program emit(const TypedProgram& typed, const OptimizeOptions& options, Diagnostics& diagnostics);

Compilation compile(const Sources& sources, const OptimizeOptions& options = {});

// The canonical layout of a file, comments kept (compiler/format.cc). Nothing when it does not parse.
std::optional<std::string> format(const Sources& sources, uint32_t file, Diagnostics& diagnostics);

}  // namespace omen
