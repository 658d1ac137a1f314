// Measures: what the compiler makes of a measure rule (section 4 of docs/language.md), beside its steps, key and
// actions.
//
//   series    the values of one argument over the events of one step, kept one way: what several windows share
//   window    a stretch of a series, (t - ago - over, t - ago] at evaluation time t
//   measure   a name, and what is read of a window
//
// NOT HERE: how windows are kept (core/windows), when a rule is evaluated (core/measure).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/model/code.h"
#include "runtime/model/value.h"

namespace omen {

enum class Aggregate : uint8_t { count, sum, avg, min, max, distinct, p50, p90, p95, p99, rate };

struct SeriesProgram {
  enum class Keeps : uint8_t {
    count,      // how many: of events, or (with an argument) of values that are there
    sum,        // their sum and how many
    least,      // the least
    greatest,   // the greatest
    different,  // the different ones
    spread,     // all of them, in order: for quantiles
  };
  uint32_t step = 0;
  CodeId argument = code_none;
  Keeps keeps = Keeps::count;
  Kind takes = Kind::number;  // number (integers too), duration or time: values of other kinds are left out
  int64_t span_us = 0;        // the longest `ago` and `over` of its windows together: what is older is forgotten
};

struct WindowProgram {
  uint32_t series = 0;
  int64_t over_us = 0;
  int64_t ago_us = 0;
};

struct MeasureProgram {
  std::string name;
  Aggregate aggregate = Aggregate::count;
  uint32_t window = 0;
};

struct Measures {
  std::vector<SeriesProgram> series;
  std::vector<WindowProgram> windows;
  std::vector<MeasureProgram> measures;  // in the order of writing
  CodeId when = code_none;
  bool reads_time = false;  // `when` names `end`: it may change without an event
  int64_t for_us = 0;
  int64_t every_us = 0;    // 0: evaluated at each event that a measure counts
  int32_t at_minute = -1;  // of the day in `zone`, where `every` is whole days
  uint32_t zone = 0;       // index into the code's zones
  int64_t pane_us = 0;     // what all edges of windows are multiples of; 0: each moment is a pane of its own
};

}  // namespace omen
