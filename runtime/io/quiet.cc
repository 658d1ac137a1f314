#include "runtime/io/quiet.h"

#include "runtime/model/status.h"
#include "runtime/model/time.h"
#include "runtime/model/zones.h"

namespace omen {
namespace {

constexpr int64_t us_per_minute = 60 * us_per_second;

// Since midnight, as the clocks show it.
int64_t time_of_day_us(const date::time_zone& zone, int64_t time_us) {
  const int64_t local_us = (time_us + offset_us(zone, time_us)) % us_per_day;
  return local_us < 0 ? local_us + us_per_day : local_us;
}

}  // namespace

Quiet::Quiet(const QuietHours& hours)
    : from_minute_(hours.from_minute), to_minute_(hours.to_minute), zone_(find_zone(hours.zone)) {
  OMEN_ASSERT(zone_ != nullptr);
}

int64_t Quiet::over_us(int64_t time_us) const {
  const int64_t shown_us = time_of_day_us(*zone_, time_us);
  const int64_t from_us = from_minute_ * us_per_minute, to_us = to_minute_ * us_per_minute;
  const bool is_quiet =
      from_us < to_us ? shown_us >= from_us && shown_us < to_us : shown_us >= from_us || shown_us < to_us;
  if (!is_quiet) return time_us;
  // As long as the clocks are not set, it is so far away; in an hour that comes twice this stays in its own pass.
  const int64_t near_us = time_us + (to_us - shown_us + us_per_day) % us_per_day;
  if (time_of_day_us(*zone_, near_us) == to_us) return near_us;
  return next_time_of_day_us(*zone_, time_us + 1, to_minute_, 1);
}

}  // namespace omen
