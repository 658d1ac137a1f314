// Rule compiler: the compiler as a service is handed it.
#pragma once

#include <mutex>
#include <optional>
#include <vector>

#include "compiler/known_files.h"
#include "runtime/model/status.h"
#include "runtime/serve/rule_set.h"
#include "runtime/serve/rules_part.h"

namespace omen::cli {

// omen::Compile by our compiler. An error has all diagnostics as text.
Result<SharedRules> compile_rules(const std::vector<RuleFile>& files);
// The same for a service: of a change of few files, only these (omen::CompileChange). Any thread may call it.
class RuleCompiler {
 public:
  Result<SharedRules> compile(const std::vector<RuleFile>& files);
  std::optional<ChangedFiles> compile_change(const std::vector<RuleFile>& before, const std::vector<RuleFile>& after);

 private:
  std::mutex mutex_;
  KnownFiles known_;
};

}  // namespace omen::cli
