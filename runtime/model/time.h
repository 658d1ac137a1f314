// Time: microseconds since 1970 (event time), durations in microseconds, and their texts.
//
// Formats: RFC 3339 (any offset; fractions to the microsecond, further digits cut), `2 days`, `1h30m`, `1.5h`.
// NOT HERE: a clock. Nothing in model or core can ask what time it is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace omen {

inline constexpr int64_t us_per_second = 1'000'000;
inline constexpr int64_t end_of_time_us = 253'402'300'799 * us_per_second;  // 9999-12-31T23:59:59Z
inline constexpr int64_t us_per_day = 86'400 * us_per_second;

// RFC 3339 text -> microseconds since 1970; nothing when it is none or out of range (years 0001 to 9999).
std::optional<int64_t> parse_rfc3339(std::string_view text);

// A number since 1970 by its size: seconds below 1e11, milliseconds below 1e14, microseconds below 1e17, else
// nanoseconds. Nothing when it falls outside the years 0001 to 9999.
std::optional<int64_t> time_of_integer(int64_t number);
std::optional<int64_t> time_of_number(double number);

// "2026-01-05T10:00:00Z", with as many digits of a fraction (3 or 6) as it needs. Appends.
void append_rfc3339(std::string& out, int64_t time_us);

// "90s", "1h30m", "1.5h", "5 days" -> microseconds; nothing when it is none, or beyond duration_us_max.
std::optional<int64_t> parse_duration(std::string_view text);

// 5400000000 -> "1h30m"; 0 -> "0s". parse_duration gives it back. Appends.
void append_duration(std::string& out, int64_t duration_us);
std::string duration_text(int64_t duration_us);

}  // namespace omen
