#include "cli/serve_rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/load.h"

namespace omen::cli {

namespace fs = std::filesystem;

Result<RuleSet> read_rule_set(const std::vector<std::string>& rules) {
  Loaded loaded = read_rules(rules);
  if (loaded.exit_code != 0) return Status::error("the rules cannot be read");
  RuleSet out;
  for (SourceFile& file : loaded.sources.files) out.files.push_back({std::move(file.name), std::move(file.text)});
  return out;
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
