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
  const uint32_t key = number_of(described);
  rule.keys.insert(key);
  if (!match.at_deadline) {
    rule.moments += std::exchange(rule.last_sequence, match.end_sequence) != match.end_sequence;
    return;
  }
  if (std::exchange(rule.last_end_us, match.end_us) != match.end_us) rule.keys_at_end.clear();
  rule.moments += rule.keys_at_end.insert(key).second;
}

uint32_t Tally::number_of(std::string_view key) {
  if (numbers_.empty() || key != key_) {
    key_ = key;
    number_ = numbers_.try_emplace(key_, static_cast<uint32_t>(numbers_.size())).first->second;
  }
  return number_;
}

}  // namespace omen
