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
  rule.keys += meets(key, match.rule) ? 1 : 0;
  if (!match.at_deadline) {
    rule.moments += std::exchange(rule.last_sequence, match.end_sequence) != match.end_sequence;
    return;
  }
  Deadlines& newest = deadlines_[match.rule];
  if (std::exchange(newest.end_us, match.end_us) != match.end_us) newest.keys.clear();
  rule.moments += newest.keys.insert(key).second;
}

bool Tally::meets(uint32_t key, RuleId rule) {
  const uint64_t block = uint64_t{key} << 32 | rule / 64;
  if (bits_ == nullptr || block != block_) {
    block_ = block;
    bits_ = &met_[block];
  }
  const uint64_t bit = uint64_t{1} << rule % 64;
  const bool is_first = (*bits_ & bit) == 0;
  *bits_ |= bit;
  return is_first;
}

uint32_t Tally::number_of(std::string_view key) {
  if (numbers_.empty() || key != key_) {
    key_ = key;
    number_ = numbers_.try_emplace(key_, static_cast<uint32_t>(numbers_.size())).first->second;
  }
  return number_;
}

}  // namespace omen
