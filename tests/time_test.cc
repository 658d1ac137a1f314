#include "runtime/model/time.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

using namespace omen;

namespace {

std::string rfc3339(int64_t us) {
  std::string out;
  append_rfc3339(out, us);
  return out;
}

// What a text means, written back; "none" when it means nothing.
std::string again(std::string_view text) {
  const auto us = parse_rfc3339(text);
  return us ? rfc3339(*us) : "none";
}

std::string duration_again(std::string_view text) {
  const auto us = parse_duration(text);
  if (!us) return "none";
  std::string out;
  append_duration(out, *us);
  return out;
}

}  // namespace

TEST_CASE("time: RFC 3339 is read and written") {
  CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == 0);
  CHECK(parse_rfc3339("2026-01-05T10:00:00Z") == 1'767'607'200 * us_per_second);
  CHECK(again("2026-01-05T10:00:00.5Z") == "2026-01-05T10:00:00.500Z");
  CHECK(again("2026-01-05T10:00:00.123456789Z") == "2026-01-05T10:00:00.123456Z");
  CHECK(again("2026-01-05T10:00:00.000001Z") == "2026-01-05T10:00:00.000001Z");
  CHECK(again("1969-12-31T23:59:59.999Z") == "1969-12-31T23:59:59.999Z");
  CHECK(again("2026-01-05T10:00:00+02:30") == "2026-01-05T07:30:00Z");
  CHECK(again("2026-01-05t10:00:00-00:30") == "2026-01-05T10:30:00Z");
  CHECK(again("2024-02-29T23:59:60Z") == "2024-03-01T00:00:00Z");  // a leap second
}

// The day of the text before is kept.
TEST_CASE("time: what was written before makes no difference") {
  const int64_t day = 20'458 * us_per_day, far = 4'000'000 * us_per_day;
  for (int round = 0; round < 2; ++round) {
    CHECK(rfc3339(day) == "2026-01-05T00:00:00Z");
    CHECK(rfc3339(day + us_per_day - 1) == "2026-01-05T23:59:59.999999Z");
    CHECK(rfc3339(day - 1) == "2026-01-04T23:59:59.999999Z");
    CHECK(rfc3339(far) == "12921-08-18T00:00:00Z");
    CHECK(rfc3339(far + 1) == "12921-08-18T00:00:00.000001Z");
    CHECK(rfc3339(0) == "1970-01-01T00:00:00Z");
    CHECK(rfc3339(-1) == "1969-12-31T23:59:59.999999Z");
  }
}

TEST_CASE("time: what is no RFC 3339 is refused") {
  for (const char* text : {"",
                           "2026-01-05",
                           "2026-01-05T10:00:00",
                           "2026-01-05T10:00:00.Z",
                           "2026-13-05T10:00:00Z",
                           "2026-02-29T10:00:00Z",
                           "2026-00-05T10:00:00Z",
                           "2026-01-00T10:00:00Z",
                           "2026-01-05T24:00:00Z",
                           "2026-01-05T10:60:00Z",
                           "2026-01-05T10:00:61Z",
                           "2026-01-05T10:00:00Z ",
                           " 2026-01-05T10:00:00Z",
                           "2026-01-05T10:00:00+24:00",
                           "2026-01-05T10:00:00+0200",
                           "12026-01-05T10:00:00Z",
                           "0000-01-01T00:00:00Z",
                           "0001-01-01T00:00:00+00:01",
                           "2026/01/05T10:00:00Z",
                           "2O26-01-05T10:00:00Z",
                           "2026-01-05T10:00:00.1x3Z"}) {
    CAPTURE(text);
    CHECK(again(text) == "none");
  }
}

TEST_CASE("time: the years 0001 to 9999 and no others") {
  CHECK(again("0001-01-01T00:00:00Z") == "0001-01-01T00:00:00Z");
  CHECK(again("9999-12-31T23:59:59.999999Z") == "9999-12-31T23:59:59.999999Z");
  CHECK(again("9999-12-31T23:59:59-00:01") == "none");
}

TEST_CASE("time: every day of a leap cycle comes back, in any order of reading") {
  for (int64_t day = -719'162; day < 719'162; day += 997) {
    const int64_t us = day * us_per_day + (day & 1023) * us_per_second;
    REQUIRE(parse_rfc3339(rfc3339(us)) == us);
    REQUIRE(parse_rfc3339(rfc3339(-us)) == -us);
  }
}

// A deadline may lie behind the last time of an event: it is written all the same.
TEST_CASE("time: times of more digits are written, too") {
  CHECK(rfc3339(253'402'300'800 * us_per_second) == "10000-01-01T00:00:00Z");
  CHECK(rfc3339(253'402'300'800 * us_per_second + 1'001'000) == "10000-01-01T00:00:01.001Z");
}

TEST_CASE("time: a number's size says its unit") {
  const int64_t us = 1'767'607'200 * us_per_second;
  CHECK(time_of_integer(1'767'607'200) == us);
  CHECK(time_of_integer(1'767'607'200'000) == us);
  CHECK(time_of_integer(us) == us);
  CHECK(time_of_integer(us * 1000 + 999) == us);
  CHECK(time_of_integer(-1) == -us_per_second);
  CHECK(time_of_integer(0) == 0);
  CHECK(time_of_integer(99'999'999'999) == 99'999'999'999 * us_per_second);
  CHECK(time_of_integer(100'000'000'000) == 100'000'000'000 * 1000);
  CHECK(time_of_integer(99'999'999'999'999) == 99'999'999'999'999 * 1000);
  CHECK_FALSE(time_of_integer(-99'999'999'999).has_value());  // before the year 1
  CHECK_FALSE(time_of_integer(INT64_MIN).has_value());
  CHECK(time_of_integer(INT64_MAX).has_value());  // nanoseconds: the year 2262
  CHECK(time_of_number(1'767'607'200.25) == us + 250'000);
  CHECK(time_of_number(1'767'607'200'000.5) == us + 500);
  CHECK_FALSE(time_of_number(std::numeric_limits<double>::quiet_NaN()).has_value());
  CHECK_FALSE(time_of_number(INFINITY).has_value());
  CHECK_FALSE(time_of_number(1e300).has_value());
}

TEST_CASE("time: durations") {
  CHECK(parse_duration("90s") == 90 * us_per_second);
  CHECK(parse_duration("1h30m") == 5400 * us_per_second);
  CHECK(parse_duration("1.5h") == 5400 * us_per_second);
  CHECK(parse_duration("5 days") == 5 * us_per_day);
  CHECK(parse_duration("0.1s") == 100'000);
  CHECK(parse_duration("1ms") == 1000);
  CHECK(parse_duration("3us") == 3);
  CHECK(parse_duration("2 weeks") == 14 * us_per_day);
  for (const char* unit : {"s", "sec", "secs"}) CHECK(parse_duration(std::string("1") + unit) == us_per_second);
  for (const char* unit : {"m", "min", "mins"}) CHECK(parse_duration(std::string("1") + unit) == 60 * us_per_second);
  for (const char* unit : {"h", "hour", "hours"})
    CHECK(parse_duration(std::string("1") + unit) == 3600 * us_per_second);
  CHECK(duration_again("0s") == "0s");
  CHECK(duration_again("25h") == "1d1h");
  CHECK(duration_again("1d1h1m1s1ms1us") == "1d1h1m1s1ms1us");
  for (const char* text : {"", "5", "s", "5 minutes", "-5s", "1h 30m", "1e3s", ".5s", "5.s", "5s ", "36601d",
                           "99999999999999999999d", "1M", "5  parsecs"}) {
    CAPTURE(text);
    CHECK(duration_again(text) == "none");
  }
}
