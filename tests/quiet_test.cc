// Quiet hours, on plain days and on those on which the clocks are set.
#include "runtime/io/quiet.h"

#include <doctest/doctest.h>

#include <string>

#include "runtime/model/time.h"

namespace omen {
namespace {

// When what ends at `time` may be delivered.
std::string over(const QuietHours& hours, const char* time) {
  std::string out;
  append_rfc3339(out, Quiet(hours).over_us(*parse_rfc3339(time)));
  return out;
}

TEST_CASE("quiet: from the first time up to, and not including, the second") {
  const QuietHours lunch{12 * 60, 13 * 60 + 30, "UTC"};
  CHECK(over(lunch, "2026-01-05T11:59:59Z") == "2026-01-05T11:59:59Z");
  CHECK(over(lunch, "2026-01-05T12:00:00Z") == "2026-01-05T13:30:00Z");
  CHECK(over(lunch, "2026-01-05T13:29:59.999999Z") == "2026-01-05T13:30:00Z");
  CHECK(over(lunch, "2026-01-05T13:30:00Z") == "2026-01-05T13:30:00Z");
  CHECK(over(lunch, "1969-12-31T12:30:00Z") == "1969-12-31T13:30:00Z");
}

TEST_CASE("quiet: over midnight, in the time of the zone") {
  const QuietHours night{22 * 60, 8 * 60, "Europe/Berlin"};
  CHECK(over(night, "2026-01-05T20:59:00Z") == "2026-01-05T20:59:00Z");
  CHECK(over(night, "2026-01-05T21:00:00Z") == "2026-01-06T07:00:00Z");
  CHECK(over(night, "2026-01-06T00:30:00Z") == "2026-01-06T07:00:00Z");
  CHECK(over(night, "2026-07-05T20:00:00Z") == "2026-07-06T06:00:00Z");
  CHECK(over({0, 5, "Asia/Kolkata"}, "2026-01-05T18:30:00Z") == "2026-01-05T18:35:00Z");
}

TEST_CASE("quiet: on the days on which the clocks are set") {
  const QuietHours night{22 * 60, 8 * 60, "Europe/Berlin"};
  CHECK(over(night, "2026-03-28T22:00:00Z") == "2026-03-29T06:00:00Z");  // an hour less
  CHECK(over(night, "2026-10-24T21:00:00Z") == "2026-10-25T07:00:00Z");  // an hour more
  const QuietHours skipped{60, 2 * 60 + 30, "Europe/Berlin"};            // there is no 02:30 on that day
  CHECK(over(skipped, "2026-03-29T00:15:00Z") == "2026-03-29T01:00:00Z");
  const QuietHours twice{60, 2 * 60 + 30, "Europe/Berlin"};  // 02:30 comes twice
  CHECK(over(twice, "2026-10-25T00:00:00Z") == "2026-10-25T00:30:00Z");
  CHECK(over(twice, "2026-10-25T00:45:00Z") == "2026-10-25T00:45:00Z");
  CHECK(over(twice, "2026-10-25T01:10:00Z") == "2026-10-25T01:30:00Z");
}

}  // namespace
}  // namespace omen
