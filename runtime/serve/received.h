// Received: what the body of a request became: lines for the writer, what was no event, and in which order they came.
//
//   Omen's own form: an object, an array, objects of any layout one behind the other, or one a line (which is handed on
//   as it stands)
//   another dialect: its records are cut, checked and put into Omen's form (runtime/input)
//
// Pure. NOT HERE: where a body comes from (event_routes.h, hook_routes.h), what becomes of the events (intake.h).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/input/format.h"
#include "runtime/model/program.h"
#include "runtime/serve/intake.h"

namespace omen {

// Limits on what one HTTP body may hold, for a short one can stand for a lot: beyond one it is refused, 413.
inline constexpr size_t body_events_max = 1'000'000;
inline constexpr size_t body_rejections_max = 10'000;
inline constexpr size_t body_lines_bytes_max = 64u << 20;

struct Received {
  std::string lines;
  size_t count = 0;  // of lines
  std::vector<RejectedPiece> rejected;
  // For each record, as they came: the index of its line or, with `rejected_bit`, of its rejection. A record that gives
  // several events is there several times.
  static constexpr uint32_t rejected_bit = 1u << 31;
  std::vector<uint32_t> order;
  // Beyond a limit: nothing of it is to be used.
  bool is_too_much = false;
};

Received receive_omen(std::string_view body);
// A header and rows.
Received receive_csv(std::string_view body);
Received receive_dialect(std::string_view body, const Program& program, const Format& format);

// How a batch went.
struct BatchVerdict {
  size_t accepted = 0, duplicates = 0, rejected = 0, to_be_repeated = 0;
  uint64_t sequence = 0;  // the last that was accepted
};
BatchVerdict verdict_of(const Received& received, std::span<const EventOutcome> outcomes);

// {"accepted":2,"duplicates":0,"rejected":1,"sequence":18,"events":[{"sequence":17},{"sequence":18},
// {"reason":"bad_time","column":12}]}, the events in the order in which they came. `is_brief` leaves out those that
// were accepted and gives the others their "index", from 0.
std::string outcome_text(const Received& received, std::span<const EventOutcome> outcomes, bool is_brief);

}  // namespace omen
