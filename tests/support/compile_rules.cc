#include "tests/support/compile_rules.h"

#include "compiler/compile.h"

namespace omen {

Result<SharedRules> compile_rules(const std::vector<RuleFile>& files) {
  Sources sources;
  for (const RuleFile& file : files) sources.files.push_back({file.name, file.text});
  Compilation compilation = compile(sources);
  if (!compilation.program) {
    std::string problems;
    for (const Diagnostic& diagnostic : compilation.diagnostics.items) problems += diagnostic.message + '\n';
    return Status::error(problems);
  }
  auto out = std::make_shared<CompiledRules>();
  out->program = std::move(*compilation.program);
  return SharedRules(std::move(out));
}

}  // namespace omen
