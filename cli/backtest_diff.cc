#include "cli/backtest_diff.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <tuple>

#include "cli/print.h"
#include "runtime/core/json.h"
#include "runtime/model/time.h"

namespace omen::cli {

namespace {

using Note = BacktestTally::Note;

struct RuleDiff {
  std::string rule;
  uint64_t same = 0;
  std::vector<std::pair<const Note*, const Note*>> moved;  // old, new
  std::vector<const Note*> lost, gained;
};

using NotesByRule = std::map<std::string, std::vector<const Note*>>;

NotesByRule by_rule(const Version& version) {
  NotesByRule out;
  for (const RuleProgram& rule : version.program.rules) out[rule.name];
  for (const Note& note : version.notes) out[version.program.rules[note.rule].name].push_back(&note);
  for (auto& [rule, notes] : out) {
    std::ranges::sort(notes, {}, [](const Note* note) { return std::tie(note->key, note->start_us, note->end_us); });
  }
  return out;
}

bool overlap(const Note& a, const Note& b) { return a.start_us <= b.end_us && b.start_us <= a.end_us; }

RuleDiff compare(std::string rule, const std::vector<const Note*>& before, const std::vector<const Note*>& after) {
  RuleDiff out;
  out.rule = std::move(rule);
  const auto place = [](const Note* note) { return std::tie(note->key, note->start_us, note->end_us); };
  std::vector<const Note*> lost, gained;
  for (size_t i = 0, k = 0; i < before.size() || k < after.size();) {
    if (k == after.size() || (i < before.size() && place(before[i]) < place(after[k]))) {
      lost.push_back(before[i++]);
    } else if (i == before.size() || place(after[k]) < place(before[i])) {
      gained.push_back(after[k++]);
    } else {
      ++out.same;
      ++i;
      ++k;
    }
  }
  // Both in order of key and start: the first overlapping one of the key that is not taken is the one that moved.
  std::vector<bool> is_taken(gained.size());
  size_t from = 0;
  for (const Note* old_note : lost) {
    while (from < gained.size() && gained[from]->key < old_note->key) ++from;
    const Note* now = nullptr;
    for (size_t k = from; k < gained.size() && gained[k]->key == old_note->key && now == nullptr; ++k) {
      if (is_taken[k] || !overlap(*old_note, *gained[k])) continue;
      is_taken[k] = true;
      now = gained[k];
    }
    if (now != nullptr) {
      out.moved.emplace_back(old_note, now);
    } else {
      out.lost.push_back(old_note);
    }
  }
  for (size_t k = 0; k < gained.size(); ++k) {
    if (!is_taken[k]) out.gained.push_back(gained[k]);
  }
  return out;
}

std::vector<RuleDiff> compare(const Version& old_version, const Version& new_version) {
  NotesByRule before = by_rule(old_version), after = by_rule(new_version);
  std::vector<RuleDiff> out;
  for (const RuleProgram& rule : new_version.program.rules) {
    out.push_back(compare(rule.name, before[rule.name], after[rule.name]));
  }
  for (const RuleProgram& rule : old_version.program.rules) {
    if (!after.contains(rule.name)) out.push_back(compare(rule.name, before[rule.name], {}));
  }
  return out;
}

std::string span_text(const Note& note) {
  std::string out;
  append_rfc3339(out, note.start_us);
  out += " .. ";
  append_rfc3339(out, note.end_us);
  return out;
}

void append_note(std::string& out, const Note& note) {
  out += "{\"key\":";
  json::append_string(out, note.key);
  out += ",\"start\":\"";
  append_rfc3339(out, note.start_us);
  out += "\",\"end\":\"";
  append_rfc3339(out, note.end_us);
  out += "\"}";
}

void append_notes(std::string& out, const std::vector<const Note*>& notes) {
  out += '[';
  for (size_t i = 0; i < notes.size(); ++i) {
    if (i > 0) out += ',';
    append_note(out, *notes[i]);
  }
  out += ']';
}

}  // namespace

std::string diff_text(const Version& old_version, const Version& new_version, size_t listed) {
  std::string out;
  for (const RuleDiff& diff : compare(old_version, new_version)) {
    out += fmt::format("{}  {} same, {} lost, {} gained, {} moved\n", diff.rule, grouped(diff.same),
                       grouped(diff.lost.size()), grouped(diff.gained.size()), grouped(diff.moved.size()));
    const auto list = [&](const char* what, size_t size, const auto& line) {
      for (size_t i = 0; i < std::min(size, listed); ++i) out += fmt::format("  {:<7} {}\n", what, line(i));
      if (size > listed) out += fmt::format("  {:<7} … and {} more\n", what, grouped(size - listed));
    };
    const auto whole = [](const Note& note) { return span_text(note) + (note.key.empty() ? "" : "  " + note.key); };
    list("lost", diff.lost.size(), [&](size_t i) { return whole(*diff.lost[i]); });
    list("gained", diff.gained.size(), [&](size_t i) { return whole(*diff.gained[i]); });
    list("moved", diff.moved.size(),
         [&](size_t i) { return span_text(*diff.moved[i].first) + "  ->  " + whole(*diff.moved[i].second); });
  }
  return out;
}

std::string diff_json(const Version& old_version, const Version& new_version) {
  std::string out = "{\"rules\":[";
  bool is_first = true;
  for (const RuleDiff& diff : compare(old_version, new_version)) {
    out += std::exchange(is_first, false) ? "\n{\"rule\":" : ",\n{\"rule\":";
    json::append_string(out, diff.rule);
    fmt::format_to(std::back_inserter(out), ",\"same\":{},\"lost\":", diff.same);
    append_notes(out, diff.lost);
    out += ",\"gained\":";
    append_notes(out, diff.gained);
    out += ",\"moved\":[";
    for (size_t i = 0; i < diff.moved.size(); ++i) {
      out += i == 0 ? "{\"old\":" : ",{\"old\":";
      append_note(out, *diff.moved[i].first);
      out += ",\"new\":";
      append_note(out, *diff.moved[i].second);
      out += '}';
    }
    out += "]}";
  }
  out += "]}\n";
  return out;
}

}  // namespace omen::cli
