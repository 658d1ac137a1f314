// repair_log: makes a damaged log one that can be opened, and hides nothing: what is lost stays visible as lost.
//
// Each damaged stretch is kept in a file of its own beside the segment (SEGMENT.damaged-OFFSET) and then replaced by a
// frame with the flag `lost` (frame.h), which has the sequences of the records that were there: no sequence is ever
// given to another record, and the watermark, snapshots and alerts that name sequences stay right. A segment is written
// anew and renamed, so a power cut leaves the old one or the new one.
//
// What records that are lost meant for the state of rules cannot be told: absences may fire that an event would have
// prevented, and patterns may miss a step.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/log/check.h"

namespace omen {

struct Mended {
  std::string file;                       // the segment
  std::string kept;                       // the file with the damaged bytes; empty when there were none
  uint64_t begin = 0, end = 0;            // the bytes that were damaged
  uint64_t first_lost = 0, end_lost = 0;  // the sequences that are now marked lost; equal: none
};

// `through`: a sequence that others (W, a snapshot) rely on; a log that ends before it gets a mark up to there. The
// caller has the lock of the folder. An error leaves the log as it was, or with its first damages mended.
Result<std::vector<Mended>> repair_log(Disk& disk, const std::string& folder, uint64_t through, int64_t now_us);

}  // namespace omen
