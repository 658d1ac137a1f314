#include "runtime/model/zones.h"

#include <date/tz.h>

#include <chrono>
#include <exception>
#include <numeric>

#include "runtime/model/time.h"

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

int64_t next_time_of_day_us(const date::time_zone& zone, int64_t from_us, int32_t minute, int64_t days) {
  const int64_t local_us = from_us + offset_us(zone, from_us);
  int64_t day = local_us / us_per_day - 2;
  day -= (day % days + days) % days;
  for (;; day += days) {
    const auto local = date::local_seconds(date::days(day)) + std::chrono::minutes(minute);
    const date::local_info info = zone.get_info(local);
    const auto time = info.result == date::local_info::nonexistent
                          ? info.first.end
                          : date::sys_seconds(local.time_since_epoch() - info.first.offset);
    const int64_t time_us = std::chrono::microseconds(time.time_since_epoch()).count();
    if (time_us >= from_us) return time_us;
  }
}

int64_t offset_step_us(const date::time_zone& zone) {
  std::chrono::seconds step(0);
  const date::sys_seconds end = date::sys_days(date::year(2100) / 1 / 1);
  for (date::sys_seconds time{}; time < end;) {
    const date::sys_info info = zone.get_info(time);
    step = std::chrono::seconds(std::gcd(step.count(), info.offset.count()));
    time = info.end;
  }
  return std::chrono::microseconds(step).count();
}

}  // namespace omen
