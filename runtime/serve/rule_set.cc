#include "runtime/serve/rule_set.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <unordered_map>

#include "runtime/core/json.h"
#include "runtime/log/crc32c.h"
#include "runtime/model/link.h"
#include "runtime/serve/horizon.h"

namespace omen {

namespace {

void append_file(std::string& out, const RuleFile& file) {
  out += "{\"name\":";
  json::append_string(out, file.name);
  out += ",\"text\":";
  json::append_string(out, file.text);
  out += file.is_loaded ? ",\"loaded\":true}," : "},";
}

uint32_t sum_of(const std::vector<RuleFile>& files) {
  uint32_t sum = 0;
  for (const RuleFile& file : files) {
    sum = crc32c(crc32c(sum, file.name), file.is_loaded ? "\nloaded\n" : "\n");
    sum = crc32c(sum, file.text);
  }
  return sum;
}

// Files that stand there one behind the other are counted together.
void append_files(std::string& out, const std::vector<RuleFile>& files, const std::vector<RuleFile>& before) {
  std::unordered_map<std::string_view, size_t> places;  // by name, once the order of the two is not the same
  size_t next = 0;                                      // of `before`
  for (size_t i = 0; i < files.size();) {
    if (next == before.size() || before[next].name != files[i].name) {
      for (size_t place = places.size(); place < before.size(); ++place) places.emplace(before[place].name, place);
      if (const auto named = places.find(files[i].name); named != places.end()) next = named->second;
    }
    const size_t first = next;
    while (i < files.size() && next < before.size() && files[i] == before[next]) ++i, ++next;
    if (next > first) {
      out += "{\"first\":" + std::to_string(first) + ",\"count\":" + std::to_string(next - first) + "},";
    } else {
      append_file(out, files[i++]);
    }
  }
}

}  // namespace

bool RuleSet::is_paused(std::string_view rule) const { return std::ranges::find(paused, rule) != paused.end(); }

std::string rule_set_text(const RuleSet& rules, const RuleSet* before) {
  std::string out = "{\"files\":[";
  if (before != nullptr) {
    append_files(out, rules.files, before->files);
  } else {
    for (const RuleFile& file : rules.files) append_file(out, file);
  }
  if (out.back() == ',') out.pop_back();
  out += ']';
  if (before != nullptr) out += ",\"sum\":" + std::to_string(sum_of(rules.files));
  out += ",\"paused\":[";
  for (size_t i = 0; i < rules.paused.size(); ++i) {
    if (i > 0) out += ',';
    json::append_string(out, rules.paused[i]);
  }
  return out += "]}";
}

Result<RuleSet> parse_rule_set(std::string_view text, const RuleSet* before) {
  const Status bad = Status::error("the rules do not read as {\"files\":[{\"name\":…,\"text\":…}],\"paused\":[…]}");
  const Status unknown = Status::error("the rules build on others that are not known");
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  simdjson::dom::array files, paused;
  if (parser.parse(simdjson::padded_string(text)).get(json) != simdjson::SUCCESS) return bad;
  if (json["files"].get(files) != simdjson::SUCCESS) return bad;
  RuleSet out;
  bool builds_on_others = false;
  for (const simdjson::dom::element file : files) {
    uint64_t first = 0, count = 0;
    if (before != nullptr && file["first"].get(first) == simdjson::SUCCESS) {
      if (file["count"].get(count) != simdjson::SUCCESS) return bad;
      if (first > before->files.size() || count > before->files.size() - first) return unknown;
      const auto begin = before->files.begin() + static_cast<std::ptrdiff_t>(first);
      out.files.insert(out.files.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
      builds_on_others = true;
      continue;
    }
    std::string_view name, content;
    if (file["name"].get(name) != simdjson::SUCCESS || file["text"].get(content) != simdjson::SUCCESS) return bad;
    bool is_loaded = false;
    if (file["loaded"].get(is_loaded) != simdjson::SUCCESS) is_loaded = false;
    out.files.push_back({std::string(name), std::string(content), is_loaded});
  }
  uint64_t sum = 0;
  if (builds_on_others && (json["sum"].get(sum) != simdjson::SUCCESS || sum != sum_of(out.files))) return unknown;
  if (json["paused"].get(paused) != simdjson::SUCCESS) return out;
  for (const simdjson::dom::element rule : paused) {
    std::string_view name;
    if (rule.get(name) != simdjson::SUCCESS) return bad;
    out.paused.emplace_back(name);
  }
  return out;
}

std::string rules_record_text(const RulesRecord& record, const RuleSet* before) {
  std::string out = rule_set_text(record.rules, before);
  out.pop_back();
  if (record.warmed_from > 0) out += ",\"warmed_from\":" + std::to_string(record.warmed_from);
  if (record.coming_at > 0) out += ",\"coming_at\":" + std::to_string(record.coming_at);
  if (record.tables) {
    out += ",\"tables\":{";
    for (const auto& [name, hash] : *record.tables) {
      if (out.back() != '{') out += ',';
      json::append_string(out, name);
      out += ':';
      json::append_string(out, hash);
    }
    out += '}';
  }
  return out += '}';
}

uint64_t rules_record_bytes_max(const RuleSet& rules) {
  constexpr uint64_t escaped = 6, beside = 64;  // \u001f; the members of a file, and those of the record
  uint64_t bytes = 4 * beside;
  for (const RuleFile& file : rules.files) bytes += escaped * (file.name.size() + file.text.size()) + beside;
  for (const std::string& rule : rules.paused) bytes += escaped * rule.size() + beside;
  return bytes;
}

Result<RulesRecord> parse_rules_record(std::string_view text, const RuleSet* before) {
  auto rules = parse_rule_set(text, before);
  if (!rules) return Status::error(rules.message());
  RulesRecord record;
  record.rules = std::move(rules.value());
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  simdjson::dom::object tables;
  if (parser.parse(simdjson::padded_string(text)).get(json) != simdjson::SUCCESS) return record;
  if (json["warmed_from"].get(record.warmed_from) != simdjson::SUCCESS) record.warmed_from = 0;
  if (json["coming_at"].get(record.coming_at) != simdjson::SUCCESS) record.coming_at = 0;
  if (json["tables"].get(tables) != simdjson::SUCCESS) return record;
  record.tables.emplace();
  for (const auto [name, value] : tables) {
    std::string_view hash;
    if (value.get(hash) != simdjson::SUCCESS) return Status::error("the tables of the rules do not read");
    record.tables->emplace(std::string(name), std::string(hash));
  }
  return record;
}

RuleSet started_with(RuleSet own, const RuleSet& present) {
  for (const RuleFile& file : present.files) {
    const bool is_own = std::ranges::find(own.files, file.name, &RuleFile::name) != own.files.end();
    if (file.is_loaded && !is_own) own.files.push_back(file);
  }
  own.paused = present.paused;
  return own;
}

namespace {

bool is_made_anew(const RuleChange& change) {
  return change.fate == RuleFate::changed || change.fate == RuleFate::added;
}

}  // namespace

bool needs_log(const std::vector<RuleChange>& changes) {
  return std::ranges::any_of(changes,
                             [](const RuleChange& change) { return is_made_anew(change) || change.history_us; });
}

std::optional<int64_t> horizon_of(const std::vector<RuleChange>& changes) {
  int64_t longest_us = 0;
  for (const RuleChange& change : changes) {
    if (is_made_anew(change) && !change.horizon_us) return std::nullopt;
    if (is_made_anew(change)) longest_us = std::max(longest_us, *change.horizon_us);
    longest_us = std::max(longest_us, change.history_us.value_or(0));
  }
  return longest_us;
}

std::vector<RuleId> with_longer_histories(const std::vector<RuleChange>& changes) {
  std::vector<RuleId> out;
  for (size_t i = 0; i < changes.size(); ++i) {
    if (changes[i].history_us) out.push_back(static_cast<RuleId>(i));
  }
  return out;
}

std::string_view name_of(RuleFate fate) {
  constexpr std::array<std::string_view, 4> names = {"kept", "changed", "added", "removed"};
  return names[static_cast<size_t>(fate)];
}

std::vector<RuleChange> compare_rules(const Program& before, const Program& after) {
  using Places = std::unordered_map<std::string_view, RuleId>;
  const auto places = [](const Program& program) {
    Places out;
    for (RuleId id = 0; id < program.rules.size(); ++id) out.emplace(program.rules[id].name, id);
    return out;
  };
  const Places old_ids = places(before), new_ids = places(after);
  std::vector<RuleChange> out;
  for (RuleId id = 0; id < after.rules.size(); ++id) {
    const RuleProgram& rule = after.rules[id];
    const auto old = old_ids.find(rule.name);
    const RuleFate fate = old == old_ids.end()                                ? RuleFate::added
                          : before.rules[old->second].version == rule.version ? RuleFate::kept
                                                                              : RuleFate::changed;
    RuleChange change{rule.name, fate};
    // What a kept rule reaches back to nobody asks for.
    if (fate != RuleFate::kept) change.horizon_us = horizon_us(after, id);
    const int64_t history_us = asked_history_us(after, id);
    if (fate == RuleFate::kept && history_us > 0 && history_us > kept_history_us(before, old->second)) {
      change.history_us = history_us;
    }
    out.push_back(std::move(change));
  }
  for (const RuleProgram& rule : before.rules) {
    if (!is_place_empty(rule) && !new_ids.contains(rule.name)) out.push_back({rule.name, RuleFate::removed});
  }
  return out;
}

}  // namespace omen
