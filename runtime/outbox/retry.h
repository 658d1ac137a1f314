// Retry: what a reply means, and when to try again. Pure: time and chance come from the caller.
//
//   after attempt    1    2    3    4    5     6     7    8    9    10   11   12 …
//   wait d           5s   30s  2m   5m   15m   30m   1h   2h   4h   8h   12h  12h …   until 72 h after the first
//   the wait is d/2 + uniform(0, d/2), or what the receiver asks for (Retry-After, at most an hour) if that is longer
//
// A refusal (most of 4xx) is tried five times, then the message is dead.
//
// NOT HERE: the breaker and the pace of a destination (lane.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "runtime/outbox/message.h"

namespace omen {

inline constexpr int64_t retry_for_us = 72ll * 3600 * 1'000'000;
inline constexpr int64_t retry_after_max_us = 3600ll * 1'000'000;
inline constexpr uint32_t refusals_max = 5;

// An HTTP reply by its code: 2xx delivered; 408, 425, 429 and 5xx retry; 410 hold; all others (3xx too, which is never
// followed) refused.
Verdict verdict_of_http(int status);
// The same of Slack, which says what is wrong in plain text: no_service, invalid_token, channel_is_archived … hold,
// invalid_payload, no_text … dead.
Verdict verdict_of_slack(int status, std::string_view reply);
// SMTP: 2xx delivered, 4xx retry, 5xx refused.
Verdict verdict_of_smtp(int status);

// The wait after the n-th failed attempt, n from 1, without chance: d of the table.
int64_t retry_wait_us(uint32_t attempts);

// When to try again after an attempt that failed: the attempts so far, this one included, and the time of the first.
// `chance` is uniform in [0, 1). Nothing: give up, the message is dead.
std::optional<int64_t> next_attempt_us(const Attempt& attempt, uint32_t attempts, int64_t first_us, int64_t now_us,
                                       double chance);

}  // namespace omen
