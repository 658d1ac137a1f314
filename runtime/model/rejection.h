// Rejection: a line of input that did not become an event of the stream, and why.
//
// Every line that is not matched is one of these: counted by its reason and kept in quarantine with its place. The
// names are what the summary and the quarantine file show.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace omen {

enum class Reason : uint8_t {
  too_long,  // longer than event_bytes_max
  not_utf8,  // invalid UTF-8, or an escape for half a surrogate pair
  not_json,
  not_object,        // JSON, but no object, or more than one on the line
  too_deep,          // more than event_depth_max containers in one another
  too_many_members,  // an object of more than event_members_max
  duplicate_member,
  number_range,      // beyond 64 bits, or beyond the floats
  no_type,           // `type` missing, or no text
  bad_time,          // `ts` is neither RFC 3339 nor a number
  time_range,        // `ts` outside the years 0001 to 9999
  late,              // older than the clock, with --lateness
  ahead,             // further ahead of the clock than --max-ahead
  cut_off,           // the input ends in the middle of a JSON text or array
  bad_quote,         // CSV, logfmt: a quote that is not closed or stands within a bare value; an unknown escape
  column_count,      // CSV: more or fewer cells than the header has
  bad_pair,          // logfmt: a value without a key
  bad_envelope,      // CloudEvents, Segment, GA4: a member that the envelope must have is missing or of the wrong kind
  schema_violation,  // it does not keep to the declaration of its type
  let_through,       // likewise, but the declaration is lenient: the event is matched all the same
  undeclared_type,   // its type has no declaration, with --strict-types
};
inline constexpr std::array<std::string_view, 21> reason_names = {
    "too_long",       "not_utf8",         "not_json",         "not_object",
    "too_deep",       "too_many_members", "duplicate_member", "number_range",
    "no_type",        "bad_time",         "time_range",       "late",
    "ahead",          "cut_off",          "bad_quote",        "column_count",
    "bad_pair",       "bad_envelope",     "schema_violation", "let_through",
    "undeclared_type"};
inline constexpr std::string_view name_of(Reason reason) { return reason_names[static_cast<size_t>(reason)]; }

// Where a line begins in its input.
struct LinePlace {
  uint64_t line = 0;    // from 1
  uint64_t offset = 0;  // bytes before it, after decompression
};

struct Rejection {
  Reason reason = Reason::not_json;
  LinePlace place;
  uint32_t column = 1;     // from 1, in bytes: where the line went wrong
  std::string_view bytes;  // the line without its end; of one that is too long, its beginning
};

}  // namespace omen
