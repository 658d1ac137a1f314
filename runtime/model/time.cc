#include "runtime/model/time.h"

#include <fmt/format.h>

#include <boost/spirit/home/x3.hpp>
#include <cmath>

#include "runtime/model/limits.h"

namespace omen {

namespace {

namespace x3 = boost::spirit::x3;

__extension__ using Wide = __int128;  // a number of units in microseconds, before it is judged

constexpr int64_t time_us_min = -62'135'596'800 * us_per_second;  // 0001-01-01T00:00:00Z
constexpr int64_t time_us_end = 253'402'300'800 * us_per_second;  // 10000-01-01T00:00:00Z

bool is_leap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int days_of_month(int year, int month) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

// Days since 1970 of a civil date, by eras of 400 years that begin in March (Howard Hinnant, chrono-compatible
// low-level date algorithms).
int64_t days_of_date(int year, int month, int day) {
  const int y = month <= 2 ? year - 1 : year;
  const int era = (y >= 0 ? y : y - 399) / 400;
  const int year_of_era = y - era * 400;
  const int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return int64_t{era} * 146'097 + day_of_era - 719'468;
}

struct Date {
  int year, month, day;
};

Date date_of_days(int64_t days) {
  days += 719'468;
  const int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const int day_of_era = static_cast<int>(days - era * 146'097);
  const int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int m = (5 * day_of_year + 2) / 153;
  const int month = m < 10 ? m + 3 : m - 9;
  return {static_cast<int>(year_of_era + era * 400) + (month <= 2 ? 1 : 0), month, day_of_year - (153 * m + 2) / 5 + 1};
}

// Writes its last `count` digits at `at`. Each alert has two times, so no format is read for them.
char* put_digits(char* at, uint32_t number, int count) {
  for (int i = count - 1; i >= 0; --i, number /= 10) at[i] = static_cast<char>('0' + number % 10);
  return at + count;
}

void append_time_of_day(std::string& out, int64_t us) {
  const auto second = static_cast<uint32_t>(us / us_per_second), fraction = static_cast<uint32_t>(us % us_per_second);
  char text[] = "Thh:mm:ss.ffffffZ";
  put_digits(text + 1, second / 3600, 2);
  put_digits(text + 4, second / 60 % 60, 2);
  char* end = put_digits(text + 7, second % 60, 2);
  if (fraction % 1000 != 0) {
    end = put_digits(end + 1, fraction, 6);
  } else if (fraction != 0) {
    end = put_digits(end + 1, fraction / 1000, 3);
  }
  *end++ = 'Z';
  out.append(text, static_cast<size_t>(end - text));
}

// What RFC 3339 text says, before it is judged.
struct Moment {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  int64_t fraction_us = 0;
  int offset_minutes = 0;
};

std::optional<int64_t> us_of_moment(const Moment& m) {
  if (m.year < 1 || m.month < 1 || m.month > 12 || m.day < 1 || m.day > days_of_month(m.year, m.month)) return {};
  if (m.hour > 23 || m.minute > 59 || m.second > 60) return {};  // a leap second is the first of the next minute
  const int64_t seconds =
      days_of_date(m.year, m.month, m.day) * 86'400 + m.hour * 3600 + m.minute * 60 + m.second - m.offset_minutes * 60;
  const int64_t us = seconds * us_per_second + m.fraction_us;
  if (us < time_us_min || us >= time_us_end) return {};
  return us;
}

std::optional<int64_t> parse_any_rfc3339(std::string_view text) {
  const x3::uint_parser<int, 10, 4, 4> four{};
  const x3::uint_parser<int, 10, 2, 2> two{};
  Moment m;
  int64_t scale = 100'000;
  int sign = 1, hours = 0, minutes = 0;
  const auto into = [](auto& target) { return [&target](auto& context) { target = x3::_attr(context); }; };
  const auto digit = [&](auto& context) {
    m.fraction_us += (x3::_attr(context) - '0') * scale;
    scale /= 10;
  };
  const auto offset =
      (x3::lit('+') | x3::lit('-')[([&](auto&) { sign = -1; })]) >> two[into(hours)] >> ':' >> two[into(minutes)];
  const auto moment = four[into(m.year)] >> '-' >> two[into(m.month)] >> '-' >> two[into(m.day)] >>
                      (x3::lit('T') | 't' | ' ') >> two[into(m.hour)] >> ':' >> two[into(m.minute)] >> ':' >>
                      two[into(m.second)] >> -('.' >> +x3::char_('0', '9')[digit]) >> (x3::lit('Z') | 'z' | offset);
  const char* at = text.data();
  const char* const end = at + text.size();
  if (!x3::parse(at, end, moment) || at != end || hours > 23 || minutes > 59) return {};
  m.offset_minutes = sign * (hours * 60 + minutes);
  return us_of_moment(m);
}

// The number in `count` digits at `at`, or negative.
int digits(const char* at, int count) {
  int number = 0;
  for (int i = 0; i < count; ++i) {
    const unsigned d = static_cast<unsigned char>(at[i]) - unsigned{'0'};
    if (d > 9) return -1;
    number = number * 10 + static_cast<int>(d);
  }
  return number;
}

// The shape that nearly every event has, `YYYY-MM-DDTHH:MM:SS[.fraction]Z`, read per event: by hand, the day of the
// text before kept, since a stream's events mostly share it. Whatever it declines goes through the grammar.
std::optional<int64_t> parse_usual_rfc3339(std::string_view text) {
  if (text.size() < 20 || text.size() > 40 || text.back() != 'Z' || text[10] != 'T') return {};
  const char* at = text.data();
  if (at[4] != '-' || at[7] != '-' || at[13] != ':' || at[16] != ':') return {};
  thread_local int known_year = 1970, known_month = 1, known_day = 1;
  thread_local int64_t known_days = 0;
  const int year = digits(at, 4), month = digits(at + 5, 2), day = digits(at + 8, 2);
  const int hour = digits(at + 11, 2), minute = digits(at + 14, 2), second = digits(at + 17, 2);
  if ((year | month | day | hour | minute | second) < 0 || hour > 23 || minute > 59 || second > 59) return {};
  if (day != known_day || month != known_month || year != known_year) {
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_of_month(year, month)) return {};
    known_days = days_of_date(year, month, day);
    known_year = year;
    known_month = month;
    known_day = day;
  }
  int64_t fraction_us = 0;
  if (text.size() > 20) {
    if (at[19] != '.' || text.size() == 21) return {};
    int64_t scale = 100'000;
    for (size_t i = 20; i + 1 < text.size(); ++i, scale /= 10) {
      const int d = digits(at + i, 1);
      if (d < 0) return {};
      fraction_us += d * scale;
    }
  }
  return (known_days * 86'400 + hour * 3600 + minute * 60 + second) * us_per_second + fraction_us;
}

const x3::symbols<int64_t>& units() {
  static const x3::symbols<int64_t> table = [] {
    constexpr int64_t second = us_per_second;
    x3::symbols<int64_t> t;
    t.add("us", 1)("ms", 1000)("s", second)("sec", second)("secs", second);
    t.add("m", 60 * second)("min", 60 * second)("mins", 60 * second);
    t.add("h", 3600 * second)("hour", 3600 * second)("hours", 3600 * second);
    t.add("d", us_per_day)("day", us_per_day)("days", us_per_day);
    t.add("w", 7 * us_per_day)("week", 7 * us_per_day)("weeks", 7 * us_per_day);
    return t;
  }();
  return table;
}

}  // namespace

std::optional<int64_t> parse_rfc3339(std::string_view text) {
  if (const auto usual = parse_usual_rfc3339(text)) return usual;
  return parse_any_rfc3339(text);
}

std::optional<int64_t> time_of_integer(int64_t number) {
  if (number == INT64_MIN) return {};
  const int64_t size = number < 0 ? -number : number;
  int64_t us = 0;
  if (size < 100'000'000'000) {
    us = number * us_per_second;
  } else if (size < 100'000'000'000'000) {
    us = number * 1000;
  } else if (size < 100'000'000'000'000'000) {
    us = number;
  } else {
    us = number / 1000 - (number % 1000 < 0 ? 1 : 0);  // cut towards the past, before 1970 too
  }
  if (us < time_us_min || us >= time_us_end) return {};
  return us;
}

std::optional<int64_t> time_of_number(double number) {
  if (!std::isfinite(number)) return {};
  const double size = std::fabs(number);
  const double scale = size < 1e11 ? 1e6 : size < 1e14 ? 1e3 : size < 1e17 ? 1 : 1e-3;
  // Seconds with a fraction are rarely exact in a float: the nearest microsecond is what was meant.
  const double us = std::round(number * scale);
  if (us < static_cast<double>(time_us_min) || us >= static_cast<double>(time_us_end)) return {};
  return static_cast<int64_t>(us);
}

void append_rfc3339(std::string& out, int64_t time_us) {
  int64_t days = time_us / us_per_day, us = time_us % us_per_day;
  if (us < 0) {
    us += us_per_day;
    --days;
  }
  // The day of the text before, since the times of a stream mostly share it.
  thread_local int64_t known_days = 0;
  thread_local char known_date[] = "1970-01-01";
  constexpr size_t date_size = sizeof(known_date) - 1;
  if (days != known_days) {
    const Date date = date_of_days(days);
    if (date.year < 0 || date.year > 9999) {  // a deadline may be behind the last time that an event may have
      out += fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
      return append_time_of_day(out, us);
    }
    put_digits(known_date, static_cast<uint32_t>(date.year), 4);
    put_digits(known_date + 5, static_cast<uint32_t>(date.month), 2);
    put_digits(known_date + 8, static_cast<uint32_t>(date.day), 2);
    known_days = days;
  }
  out.append(known_date, date_size);
  append_time_of_day(out, us);
}

std::optional<int64_t> parse_duration(std::string_view text) {
  // Exact: 1.5h is counted in digits, not in floats.
  constexpr int64_t digits_max = 1'000'000'000'000'000;
  int64_t total = 0, number = 0, divisor = 1;
  bool fits = true;
  const auto whole_digit = [&](auto& context) {
    if (number < digits_max)
      number = number * 10 + (x3::_attr(context) - '0');
    else
      fits = false;
  };
  const auto fraction_digit = [&](auto& context) {
    if (number >= digits_max || divisor >= digits_max) return;  // beyond the microsecond of any unit in use
    number = number * 10 + (x3::_attr(context) - '0');
    divisor *= 10;
  };
  const auto unit = [&](auto& context) {
    const Wide us = Wide{number} * x3::_attr(context) / divisor;
    if (us > duration_us_max - total)
      fits = false;
    else
      total += static_cast<int64_t>(us);
    number = 0;
    divisor = 1;
  };
  const auto digit = x3::char_('0', '9');
  const auto part =
      +digit[whole_digit] >> -('.' >> +digit[fraction_digit]) >> x3::omit[*x3::char_(' ')] >> units()[unit];
  const char* at = text.data();
  const char* const end = at + text.size();
  if (!x3::parse(at, end, +part) || at != end || !fits) return {};
  return total;
}

void append_duration(std::string& out, int64_t duration_us) {
  if (duration_us == 0) {
    out += "0s";
    return;
  }
  uint64_t rest = static_cast<uint64_t>(duration_us);
  if (duration_us < 0) {
    out += '-';
    rest = 0 - rest;
  }
  constexpr struct {
    uint64_t us;
    const char* name;
  } parts[] = {{86'400'000'000, "d"}, {3'600'000'000, "h"}, {60'000'000, "m"},
               {1'000'000, "s"},      {1000, "ms"},         {1, "us"}};
  for (const auto& part : parts) {
    if (rest >= part.us) fmt::format_to(std::back_inserter(out), "{}{}", rest / part.us, part.name);
    rest %= part.us;
  }
}

std::string duration_text(int64_t duration_us) {
  std::string out;
  append_duration(out, duration_us);
  return out;
}

}  // namespace omen
