#include "runtime/outbox/retry.h"

#include <algorithm>
#include <array>

namespace omen {
namespace {

constexpr int64_t second = 1'000'000, minute = 60 * second, hour = 60 * minute;
constexpr std::array waits_us = {5 * second, 30 * second, 2 * minute, 5 * minute, 15 * minute, 30 * minute,
                                 1 * hour,   2 * hour,    4 * hour,   8 * hour,   12 * hour};

bool begins_with_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.starts_with(word); });
}

}  // namespace

Verdict verdict_of_http(int status) {
  if (status >= 200 && status < 300) return Verdict::delivered;
  if (status == 410) return Verdict::hold;
  if (status == 408 || status == 425 || status == 429 || status >= 500 || status == 0) return Verdict::retry;
  return Verdict::refused;
}

Verdict verdict_of_slack(int status, std::string_view reply) {
  if (begins_with_any(reply, {"no_service", "invalid_token", "no_active_hooks", "no_team", "team_disabled",
                              "channel_not_found", "channel_is_archived", "action_prohibited", "user_not_found",
                              "posting_to_general_channel_denied", "token_revoked"})) {
    return Verdict::hold;
  }
  if (status >= 400 && status < 500 &&
      begins_with_any(reply, {"invalid_payload", "no_text", "invalid_blocks", "too_many_attachments"})) {
    return Verdict::dead;
  }
  return verdict_of_http(status);
}

Verdict verdict_of_smtp(int status) {
  if (status >= 200 && status < 300) return Verdict::delivered;
  return status >= 500 && status < 600 ? Verdict::refused : Verdict::retry;
}

int64_t retry_wait_us(uint32_t attempts) {
  return waits_us[std::min<size_t>(attempts == 0 ? 0 : attempts - 1, waits_us.size() - 1)];
}

std::optional<int64_t> next_attempt_us(const Attempt& attempt, uint32_t attempts, int64_t first_us, int64_t now_us,
                                       double chance) {
  if (attempt.verdict == Verdict::dead) return std::nullopt;
  if (attempt.verdict == Verdict::refused && attempts >= refusals_max) return std::nullopt;
  const int64_t half = retry_wait_us(attempts) / 2;
  int64_t wait = half + static_cast<int64_t>(static_cast<double>(half) * chance);
  wait = std::max(wait, std::min(attempt.retry_after_us, retry_after_max_us));
  const int64_t next = now_us + wait;
  if (next - first_us > retry_for_us) return std::nullopt;
  return next;
}

}  // namespace omen
