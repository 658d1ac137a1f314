// Zones: what the clocks of a place show at a time. The one file that names the time zone library.
#pragma once

#include <cstdint>
#include <string>

namespace date {
class time_zone;
}

namespace omen {

// Nothing (nullptr) when there is no zone of that name, such as "Europe/Berlin".
const date::time_zone* find_zone(const std::string& name);
// What has to be added to a time to get what its clocks show.
int64_t offset_us(const date::time_zone& zone, int64_t time_us);
// The first time from `from_us` on at which the clocks show this minute of the day, on a day whose number since
// 1970-01-01 is a multiple of `days`. Where they skip it, when they do; where they show it twice, the first time.
int64_t next_time_of_day_us(const date::time_zone& zone, int64_t from_us, int32_t minute, int64_t days);
// What all offsets of the zone since 1970 are multiples of.
int64_t offset_step_us(const date::time_zone& zone);

}  // namespace omen
