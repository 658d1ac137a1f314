// LogReader: the log's records from any sequence on, with bounded memory (one frame and a megabyte), at the speed of
// the checksum. For recovery, replay, warm starts and exports; while a Log appends to the same folder, too.
//
// It ends quietly where the log ends, also within a frame that is just being written or was torn. Damage stops it with
// a message that names file, range and sequences, and so does a segment that was pruned away below it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/log/check.h"
#include "runtime/log/frame.h"
#include "runtime/log/scan.h"

namespace omen {

class LogReader {
 public:
  // `from` 0: from the first that there is. An error when `from` was pruned, or is further than one behind the last.
  static Result<std::unique_ptr<LogReader>> open(Disk& disk, const std::string& folder, uint64_t from,
                                                 uint64_t through = UINT64_MAX);

  struct Entry {
    uint64_t sequence = 0, epoch = 0;
    LogRecord record;  // lies in the reader, until the next call
  };
  // The next record with a sequence up to `through`. False at the end and at a fault; status() tells which.
  bool next(Entry& entry);
  const Status& status() const { return status_; }
  uint64_t first() const { return first_; }                // where it begins
  uint64_t records_lost() const { return records_lost_; }  // passed by: given up by a repair
  uint64_t bytes() const { return bytes_; }                // of frames read

 private:
  LogReader(Disk& disk, std::string folder, uint64_t from, uint64_t through);
  bool next_frame();
  bool next_segment();
  bool stop(Status status);

  Disk& disk_;
  std::string folder_;
  uint64_t from_, through_, first_ = 1;
  std::vector<Segment> segments_;
  size_t segment_ = 0;  // the one after that which is read
  std::unique_ptr<File> file_;
  std::optional<FrameScanner> scanner_;
  RecordCursor cursor_{{}};
  uint64_t sequence_ = 0, epoch_ = 0;
  uint64_t records_lost_ = 0, bytes_ = 0;
  bool at_end_ = false;
  Status status_ = Status::ok();
};

}  // namespace omen
