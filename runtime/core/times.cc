#include "runtime/core/times.h"

#include <string>

#include "runtime/model/time.h"

namespace omen {

bool Times::read_fraction(int64_t us, std::string_view text, int64_t& time_us) {
  const std::string_view rest = text.substr(day_size + 8);
  if (rest.back() != 'Z') return read_any(text, time_us);
  if (rest.size() == 1) return time_us = us, true;
  if (rest[0] != '.' || rest.size() == 2) return read_any(text, time_us);
  int64_t unit_us = 1'000'000;
  for (const char c : rest.substr(1, rest.size() - 2)) {
    const auto digit = static_cast<unsigned>(c - '0');
    if (digit > 9) return read_any(text, time_us);
    us += digit * (unit_us /= 10);
  }
  return time_us = us, true;
}

bool Times::read_any(std::string_view text, int64_t& time_us) {
  const auto time = parse_rfc3339(text);
  if (!time) return false;
  time_us = *time;
  if (text[day_size - 1] != 'T' || is_of_day(text.data())) return true;
  if (const auto day = parse_rfc3339(std::string(text.substr(0, day_size)) + "00:00:00Z")) {
    memcpy(day_, text.data(), day_size);
    day_us_ = *day;
  }
  return true;
}

}  // namespace omen
