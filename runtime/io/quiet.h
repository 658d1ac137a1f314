// Quiet: hours of the day in which nothing is delivered. Rules are evaluated all the same.
//
// What the clocks of the zone show decides: from 22:00 up to, and not including, 08:00. On a day on which they skip the
// end, the quiet hours end when they skip it.
#pragma once

#include <cstdint>

#include "runtime/model/program.h"

namespace date {
class time_zone;
}

namespace omen {

class Quiet {
 public:
  // The zone is known: the compiler has looked.
  explicit Quiet(const QuietHours& hours);

  // The end of the quiet hours that the time falls into; the time itself when it falls into none.
  int64_t over_us(int64_t time_us) const;

 private:
  int32_t from_minute_, to_minute_;
  const date::time_zone* zone_;
};

}  // namespace omen
