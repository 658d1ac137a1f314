// Machine: runs a case of the generator through compiler and machine, and compares with the reference interpreter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/compile.h"
#include "runtime/model/limits.h"
#include "runtime/model/program.h"
#include "tests/support/generator.h"
#include "tests/support/reference.h"

namespace omen::reference {

struct Comparison {
  enum class Verdict : uint8_t { equal, different, not_compiled, unsupported };
  Verdict verdict = Verdict::equal;
  uint64_t alerts = 0;
  bool is_shared = false;  // by a forest
  std::string code;        // of the first diagnostic, when it does not compile
  std::string detail;      // both results, or the diagnostics
};

Comparison compare(const Case& one, const OptimizeOptions& options);

// The machine's alerts in the form of the reference's. Events carry their place in the stream as `place`.
std::vector<Alert> run_machine(const Program& program, const std::vector<StreamItem>& stream,
                               const Limits& limits = {});
std::vector<Alert> run_reference(const std::vector<ast::File>& files, const std::vector<StreamItem>& stream,
                                 const Limits& limits = {});
// What an engine that only counts says was raised by the first rule.
uint64_t count_machine(const Program& program, const std::vector<StreamItem>& stream, const Limits& limits);
// Of measure rules.
std::vector<Alert> run_measure_reference(const std::vector<ast::File>& files, const std::vector<StreamItem>& stream);

}  // namespace omen::reference
