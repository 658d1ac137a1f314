#include "runtime/model/zones.h"

#include <date/tz.h>

#include <chrono>
#include <exception>

namespace omen {

const date::time_zone* find_zone(const std::string& name) {
  try {
    const date::time_zone* const zone = date::locate_zone(name);
    static_cast<void>(zone->get_info(date::sys_seconds{}));  // its rules are read now, not at the first event
    return zone;
  } catch (const std::exception&) {  // the library has no other way to say it
    return nullptr;
  }
}

int64_t offset_us(const date::time_zone& zone, int64_t time_us) {
  const auto time =
      date::floor<std::chrono::seconds>(date::sys_time<std::chrono::microseconds>(std::chrono::microseconds(time_us)));
  return std::chrono::duration_cast<std::chrono::microseconds>(zone.get_info(time).offset).count();
}

}  // namespace omen
