#include "cli/rule_compiler.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "compiler/compile.h"
#include "runtime/model/limits.h"
#include "runtime/model/link.h"

namespace omen::cli {

namespace {

// `known`: learns what has been compiled.
Result<SharedRules> compile_all(const std::vector<RuleFile>& files, KnownFiles* known) {
  Sources sources;
  for (const RuleFile& file : files) {
    if (file.text.size() > rule_file_bytes_max) return Status::error(file.name + ": a rule file has at most 1 MB");
    sources.files.push_back({file.name, file.text});
  }
  Compilation compilation = compile(sources);
  if (!compilation.program) {
    std::string problems;
    for (const Diagnostic& diagnostic : compilation.diagnostics.items) {
      if (diagnostic.severity != Severity::warning) problems += render_text(diagnostic, sources, false);
    }
    return Status::error(std::move(problems));
  }
  if (known != nullptr) known->take(sources, compilation);
  auto out = std::make_shared<CompiledRules>();
  out->program = std::move(*compilation.program);
  make_room(out->program);
  for (size_t i = 0; i < compilation.files.size(); ++i) {
    for (const auto& rule : compilation.files[i].rules) out->file_of_rule.emplace(rule.name.text, files[i].name);
  }
  return SharedRules(std::move(out));
}

std::vector<FileView> views_of(const std::vector<RuleFile>& files) {
  std::vector<FileView> views;
  views.reserve(files.size());
  for (const RuleFile& file : files) views.push_back({file.name, file.text});
  return views;
}

}  // namespace

Result<SharedRules> compile_rules(const std::vector<RuleFile>& files) { return compile_all(files, nullptr); }

Result<SharedRules> RuleCompiler::compile(const std::vector<RuleFile>& files) {
  const std::scoped_lock lock(mutex_);
  return compile_all(files, &known_);
}

std::optional<ChangedFiles> RuleCompiler::compile_change(const std::vector<RuleFile>& before,
                                                         const std::vector<RuleFile>& after) {
  const auto too_large = [](const RuleFile& file) { return file.text.size() > rule_file_bytes_max; };
  if (std::ranges::any_of(after, too_large)) return std::nullopt;
  const std::scoped_lock lock(mutex_);
  auto change = known_.compile_change(views_of(before), views_of(after));
  if (!change) return std::nullopt;
  auto rules = std::make_shared<CompiledRules>();
  rules->program = std::move(change->program);
  for (size_t i = 0; i < change->files.size(); ++i) {
    rules->file_of_rule.emplace(rules->program.rules[i].name, change->files[i]);
  }
  return ChangedFiles{std::move(rules), std::move(change->replaced), std::move(change->gone)};
}

}  // namespace omen::cli
