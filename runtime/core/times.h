// Times: texts of RFC 3339 to microseconds, for a stream whose times are mostly of one day.
//
// The day of the last one is known with its text: of a time of the same day only the clock is read, as two words of
// eight bytes: `10:00:00` and `:00.123Z`.
//
// NOT HERE: what such a text may look like (model/time.h).
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace omen {

class Times {
 public:
  // False: it is none. Not an optional, which would be written as two parts and read as one.
  bool read(std::string_view text, int64_t& time_us) {
    if (text.size() < day_size + 9 || !is_of_day(text.data())) return read_any(text, time_us);
    const char* const clock = text.data() + day_size;
    uint64_t word;
    memcpy(&word, clock, 8);
    // Digits and colons, then no digit above 9.
    const bool is_clock = (word & 0xF0F0FFF0F0FFF0F0) == 0x30303A30303A3030 &&
                          (((word & 0x0F0F000F0F000F0F) + 0x0606000606000606) & 0xF0F0F0F0F0F0F0F0) == 0;
    const auto pair = [&](int at) { return (word >> at & 15) * 10 + (word >> (at + 8) & 15); };
    const uint64_t hour = pair(0), minute = pair(24), second = pair(48);
    if (!is_clock || hour > 23 || minute > 59 || second > 59) return read_any(text, time_us);
    const auto us = day_us_ + static_cast<int64_t>((hour * 60 + minute) * 60 + second) * 1'000'000;
    if (text.size() == day_size + 13) [[likely]] {
      memcpy(&word, clock + 5, 8);
      const bool is_ms = (word & 0xFFF0F0F0FFF0F0FF) == 0x5A3030302E30303A &&
                         (((word & 0x000F0F0F00000000) + 0x0006060600000000) & 0x00F0F0F000000000) == 0;
      if (is_ms) [[likely]] {
        const uint64_t ms = (word >> 32 & 15) * 100 + (word >> 40 & 15) * 10 + (word >> 48 & 15);
        time_us = us + static_cast<int64_t>(ms) * 1000;
        return true;
      }
    }
    return read_fraction(us, text, time_us);
  }

 private:
  static constexpr size_t day_size = 11;
  // The same, the day and the clock being read; of any text.
  bool read_fraction(int64_t us, std::string_view text, int64_t& time_us);
  bool read_any(std::string_view text, int64_t& time_us);
  bool is_of_day(const char* at) const {
    uint64_t head[2], tail[2];  // the eleven bytes, by two looks that overlap
    memcpy(&head[0], at, 8);
    memcpy(&head[1], day_, 8);
    memcpy(&tail[0], at + 3, 8);
    memcpy(&tail[1], day_ + 3, 8);
    return head[0] == head[1] && tail[0] == tail[1];
  }

  char day_[day_size] = {};  // "2026-01-05T", the day that began at day_us_
  int64_t day_us_ = 0;
};

}  // namespace omen
