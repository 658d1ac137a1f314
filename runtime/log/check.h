// check_log: reads a log folder and says what is in it and what is wrong, changing nothing. Recovery, `omen log verify`
// and `omen repair` all stand on it.
//
// The folder has segments `seg-<first sequence>`, each beginning where the one before ends. All but the last were
// synced before the next was made, so a fault in them is damage. In the last one a fault may also be a write that a
// crash tore: it is damage exactly when an intact frame behind it says that what is missing was durable. All from a
// torn place on was never acknowledged as durable, and may be cut.
//
// What this cannot tell: damage to the very last frame, with nothing behind it, looks like a torn write. Whoever knows
// better (the watermark W, a snapshot) says so when opening (LogOptions::durable_through).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/log/disk.h"

namespace omen {

struct Segment {
  std::string name;
  uint64_t first = 0;      // the sequence that its first record has, or will have
  uint64_t bytes = 0;      // of the file
  int64_t begin_us = 0;    // when its first frame was written; 0 when it has none
  uint64_t end = 0;        // the sequence after its last; equal to `first` when it has none, or was not read
  bool is_checked = true;  // false: only its first header was read
};

// A stretch of a file that is no log.
struct Damage {
  std::string file;                       // its name in the folder; for a missing segment the name that it had
  uint64_t begin = 0, end = 0;            // bytes
  uint64_t first_lost = 0, end_lost = 0;  // sequences, end not included; equal: none that is known of
  std::string problem;
  bool is_torn = false;     // the end of the last segment, never acknowledged
  bool is_missing = false;  // a whole segment
  // What a frame in its place would need (repair.h): as of the frame before, and what the frame behind was chained to.
  uint64_t epoch = 0;
  uint32_t previous_crc = 0;
  int64_t time_us = 0;
  uint32_t next_previous_crc = 0;  // what the frame behind it was chained to
  bool has_next = false;           // there is one in this segment
};
// "seg-…01: bytes 640..704: differs from its checksum; sequences 7..8 are lost"
std::string damage_text(const Damage& damage);

struct LogCheck {
  std::vector<Segment> segments;                // in order
  std::vector<Damage> damages;                  // in order; one that is torn is the last
  uint64_t frames = 0, records = 0, bytes = 0;  // intact, of checked segments
  uint64_t records_lost = 0;                    // given up by earlier repairs
  uint64_t first = 1, end = 1;                  // sequences there are: from first up to, not including, end
  uint64_t durable_end = 1;                     // frames before this sequence were known to be durable
  uint64_t epoch = 0;                           // of the last frame
  std::optional<uint32_t> chain;                // the last frame's CRC; none when there is no frame
  int64_t end_us = 0;                           // when the last frame was written
  uint64_t end_offset = 0;                      // of the last segment: behind its last frame
  bool is_sealed = false;                       // it ended cleanly
};

std::string segment_name(uint64_t first);                        // "seg-00000000000000000001"
std::optional<uint64_t> segment_first(const std::string& name);  // nothing when it is no segment's name
DiskStatus list_segments(Disk& disk, const std::string& folder, std::vector<Segment>& segments);

// Reads the segments that have sequences from `verify_from` on, and the last one; of earlier ones the first header.
// An error only when the folder cannot be read, or has frames of a later version.
Status check_log(Disk& disk, const std::string& folder, uint64_t verify_from, LogCheck& check);

}  // namespace omen
