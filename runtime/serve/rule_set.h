// Rule set: the rule files that a service runs, as one text that stands in the log at the place where they took effect,
// so that a replay needs nothing but the log.
//
//   {"files":[{"name":"churn.omen","text":"…"}],"paused":["churn_risk"]}
//
// With ten thousand rules that is a megabyte, and mostly it is one file that changes. So the log has all files once in
// each segment, and else only what is new against the record before; the other files it counts:
//
//   {"files":[{"first":0,"count":57},{"name":"churn.omen","text":"…"},{"first":58,"count":42}],"sum":…,"paused":[…]}
//
// `sum` is the CRC32C of all files that are meant, so that a record whose predecessor is lost (log/repair) is not taken
// for something else.
//
// NOT HERE: what the texts mean. The compiler is handed in by whoever starts the service: this room does not know it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/program.h"
#include "runtime/model/status.h"

namespace omen {

struct RuleFile {
  std::string name;  // as its author knows it; an import is found by it
  std::string text;
  bool is_loaded = false;  // it came by `omen load`, and stays when the service starts or reads its own files again
  bool operator==(const RuleFile&) const = default;
};

struct RuleSet {
  std::vector<RuleFile> files;
  std::vector<std::string> paused;  // names of rules whose matches raise nothing
  bool operator==(const RuleSet&) const = default;

  bool is_paused(std::string_view rule) const;
};

// `before`: files that are among those are only counted.
std::string rule_set_text(const RuleSet& rules, const RuleSet* before = nullptr);
// A RULES record: the same, and what a replay needs to make the same of it. Beside the members above:
//
//   "warmed_from":17      the state of new and changed rules was made of the log from here on; 0: from its beginning
//   "coming_at":1234      the record of options (stream_config.h) that said that these rules are coming: at that place
//                         their state was made, by this very text
//   "tables":{"vip":"…"}  the rows of all tables from here on
struct RulesRecord {
  RuleSet rules;
  uint64_t warmed_from = 0;
  uint64_t coming_at = 0;                                    // 0: none did
  std::optional<std::map<std::string, std::string>> tables;  // none: they stay what they were
};
std::string rules_record_text(const RulesRecord& record, const RuleSet* before = nullptr);
// At least as many bytes as the text of a record with all files has. Cheaper than the text.
uint64_t rules_record_bytes_max(const RuleSet& rules);
// `before`: the rules of the record before; nullptr: nobody knows them, and the text must say all.
Result<RulesRecord> parse_rules_record(std::string_view text, const RuleSet* before = nullptr);
// What is to be in force when the service has read the files that it is started with: these, what was loaded beside
// them, and the pauses.
RuleSet started_with(RuleSet own, const RuleSet& present);
Result<RuleSet> parse_rule_set(std::string_view text, const RuleSet* before = nullptr);

struct CompiledRules {
  Program program;
  std::map<std::string, std::string, std::less<>> file_of_rule;  // the name of its file
};
using SharedRules = std::shared_ptr<const CompiledRules>;

// Rule files -> program, or all that is wrong with them as text for people. Any thread may call it.
using Compile = std::function<Result<SharedRules>(const std::vector<RuleFile>&)>;

// What becomes of each rule when one program follows another.
enum class RuleFate : uint8_t {
  kept,     // its state goes on: nothing that decides its matches has changed
  changed,  // it matches otherwise now: its state is made anew from the log
  added,
  removed,
};
std::string_view name_of(RuleFate fate);

struct RuleChange {
  std::string rule;
  RuleFate fate = RuleFate::kept;
  std::optional<int64_t> horizon_us = {};  // of one whose state is made from the log: so far back it can reach
  // Of one that is kept and asks for a longer history than was kept of its key: so long is made from the log.
  std::optional<int64_t> history_us = {};
};
// In the order of the new program, then what is removed.
std::vector<RuleChange> compare_rules(const Program& before, const Program& after);
// Whether the state of a rule, or a history, has to be made from the log.
bool needs_log(const std::vector<RuleChange>& changes);
// How far back the longest of these reaches; nothing when one of them has no bound.
std::optional<int64_t> horizon_of(const std::vector<RuleChange>& changes);
// The rules that are kept, with a longer history.
std::vector<RuleId> with_longer_histories(const std::vector<RuleChange>& changes);

}  // namespace omen
