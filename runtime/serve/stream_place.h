// Stream place: where in a log one can begin to read as if one had read all of it: the config records that say where
// the stream stood (stream_config.h), one near the beginning of each segment.
//
// Looking for one costs the opening of some segments and their first frames.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/log/check.h"
#include "runtime/log/disk.h"
#include "runtime/model/status.h"

namespace omen {

struct FoundPlace {
  uint64_t sequence = 0;  // of the record; nothing: there is none
  bool is_exact = false;  // the whole order of the stream stands there
  bool is_far_enough = false;
};

// The first place of a segment.
std::optional<FoundPlace> place_in(Disk& disk, const std::string& folder, const Segment& segment);
// The newest exact place up to `through` at which the clock was not beyond `clock_us`; none is: the oldest there is.
// Nothing when there is none at all.
std::optional<FoundPlace> find_place(Disk& disk, const std::string& folder, int64_t clock_us, uint64_t through);

}  // namespace omen
