#include "runtime/io/tally.h"

namespace omen {

void Tally::take(const Engine& engine, std::span<const Match> matches) {
  std::string key;
  for (const Match& match : matches) {
    Rule& rule = rules_[match.rule];
    if (match.resolves) {
      ++rule.resolved;
      continue;
    }
    rule.alerts += match.count;
    key.clear();
    for (const std::string_view part : engine.match_key(match)) {
      key += std::to_string(part.size()) + ':';
      key += part;
    }
    rule.keys.insert(key);
    if (!match.at_deadline) {
      rule.moments += std::exchange(rule.last_sequence, match.end_sequence) != match.end_sequence;
      continue;
    }
    if (std::exchange(rule.last_end_us, match.end_us) != match.end_us) rule.keys_at_end.clear();
    rule.moments += rule.keys_at_end.insert(key).second;
  }
}

}  // namespace omen
