#include "runtime/io/tally.h"

#include <utility>

namespace omen {

void Tally::describe(uint32_t /*shard*/, const Engine& engine, const Match& match, std::string& out) {
  out += engine.match_key_text(match);
}

void Tally::take(const Match& match, std::string_view described) {
  Rule& rule = rules_[match.rule];
  if (match.resolves) {
    ++rule.resolved;
    return;
  }
  rule.alerts += match.count;
  key_ = described;
  rule.keys.insert(key_);
  if (!match.at_deadline) {
    rule.moments += std::exchange(rule.last_sequence, match.end_sequence) != match.end_sequence;
    return;
  }
  if (std::exchange(rule.last_end_us, match.end_us) != match.end_us) rule.keys_at_end.clear();
  rule.moments += rule.keys_at_end.insert(key_).second;
}

}  // namespace omen
