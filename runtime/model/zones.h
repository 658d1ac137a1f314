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

}  // namespace omen
