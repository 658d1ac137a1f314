// Serve's rules: rule files from the disk into a running service.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "runtime/model/status.h"
#include "runtime/serve/rule_set.h"

namespace omen::cli {

// The files of RULES, with what they import. Their texts are not looked at.
Result<RuleSet> read_rule_set(const std::vector<std::string>& rules);
// "2 kept, 1 changed (churn_risk), 1 added (cart)"
std::string changes_line(std::span<const RuleChange> changes);
// A file name for how far a file has been read.
std::string position_name(const std::string& path);

// Tells when a rule file has come, gone or changed.
class RuleWatch {
 public:
  explicit RuleWatch(std::vector<std::string> rules) : rules_(std::move(rules)), seen_(look()) {}
  bool has_changed();

 private:
  using Seen = std::map<std::string, std::filesystem::file_time_type>;
  Seen look() const;
  const std::vector<std::string> rules_;
  Seen seen_;
};

}  // namespace omen::cli
