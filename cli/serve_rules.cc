#include "cli/serve_rules.h"

#include <fmt/format.h>

#include "cli/load.h"
#include "compiler/compile.h"
#include "runtime/model/limits.h"

namespace omen::cli {

namespace fs = std::filesystem;

Result<RuleSet> read_rule_set(const std::vector<std::string>& rules) {
  Loaded loaded = read_rules(rules);
  if (loaded.exit_code != 0) return Status::error("the rules cannot be read");
  RuleSet out;
  for (SourceFile& file : loaded.sources.files) out.files.push_back({std::move(file.name), std::move(file.text)});
  return out;
}

Result<SharedRules> compile_rules(const std::vector<RuleFile>& files) {
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
  auto out = std::make_shared<CompiledRules>();
  out->program = std::move(*compilation.program);
  for (size_t i = 0; i < compilation.files.size(); ++i) {
    for (const auto& rule : compilation.files[i].rules) out->file_of_rule.emplace(rule.name.text, files[i].name);
  }
  return SharedRules(std::move(out));
}

std::string changes_line(std::span<const RuleChange> changes) {
  std::string out;
  for (const RuleFate fate : {RuleFate::kept, RuleFate::changed, RuleFate::added, RuleFate::removed}) {
    std::vector<std::string> names;
    for (const RuleChange& change : changes) {
      if (change.fate == fate) names.push_back(change.rule);
    }
    if (names.empty()) continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", names.size(), name_of(fate));
    if (fate == RuleFate::kept) continue;
    const size_t shown = std::min<size_t>(names.size(), 5);
    out += fmt::format(" ({}{})", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "),
                       shown < names.size() ? ", …" : "");
  }
  return out.empty() ? "no rules" : out;
}

std::string position_name(const std::string& path) {
  std::string out = path;
  for (char& c : out) {
    if (c == '/' || c == '.') c = '_';
  }
  return out;
}

RuleWatch::Seen RuleWatch::look() const {
  Seen out;
  std::error_code error;
  for (const std::string& given : rules_) {
    if (!fs::is_directory(given, error)) {
      out[given] = fs::last_write_time(given, error);
      continue;
    }
    for (auto it = fs::recursive_directory_iterator(given, error); it != fs::recursive_directory_iterator();
         it.increment(error)) {
      if (error) break;
      if (it->path().extension() == ".omen") out[it->path().string()] = it->last_write_time(error);
    }
  }
  return out;
}

bool RuleWatch::has_changed() {
  Seen now = look();
  if (now == seen_) return false;
  seen_ = std::move(now);
  return true;
}

}  // namespace omen::cli
