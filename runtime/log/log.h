// Log: the event log, which loses nothing that it has called durable. One writer; files as check.h and frame.h
// describe.
//
//   append   one frame behind the others (in a new segment when the last is full: then that one is synced first)
//   sync     fdatasync; what was appended before is durable from then on
//   prune    unlinks the oldest segments, and only what the caller says a durable snapshot covers
//   seal     on a clean end
//
// Opening recovers: the torn end of the last segment is cut and the cut synced; what is not known to be durable is
// written once more before it is synced, because after an fsync that failed in another process the page cache may hold
// what the disk does not; the epoch goes up by one, as a record of its own, durable before anything else is appended.
//
// Invariants:
//   1. synced() never runs ahead of the disk. A sync that fails is not tried again: the log is dead, every call says
//   so.
//   2. What a failed append wrote is cut back. With a full disk the log stays usable; any other error is its death.
//   3. A new segment's name is durable before anything is written to it, and all segments but the last are durable.
//   4. Pruning leaves at least one durable frame, so that sequence, chain and epoch are never forgotten.
//
// NOT HERE: threads, clocks (callers give the time), reading (reader.h), who may be the writer (data_folder.h).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/log/check.h"
#include "runtime/log/frame.h"

namespace omen {

// When an appended record counts as accepted.
struct Durability {
  enum class Mode : uint8_t {
    fsync,     // when it is on the disk: a power cut loses nothing that was acknowledged
    interval,  // at once; synced at least every interval_us, so a power cut loses at most that much
    off,       // at once; the system writes when it likes. kill -9 loses nothing, a power cut may
  };
  Mode mode = Mode::fsync;
  int64_t interval_us = 1'000'000;
};

struct LogOptions {
  uint64_t segment_bytes = 128u << 20;  // a new segment is begun when the next frame would go beyond
  // Beyond, so much is taken yet: for who calls end_if_over() when little is to be synced.
  uint64_t segment_grace_bytes = 0;
  Durability durability;
  uint64_t verify_from = 0;      // segments wholly before this sequence are not read when opening
  uint64_t durable_through = 0;  // a sequence that others (W, a snapshot) rely on: a log that ends before it is refused
};

// What opening found and did.
struct Recovery {
  uint64_t first = 1, last = 0;  // sequences there were, the new epoch's record not counted; last < first: none
  uint64_t epoch = 0;            // the new one
  uint64_t frames = 0, records = 0, bytes = 0, records_lost = 0;  // of the segments that were read
  bool was_sealed = false;                                        // it ended cleanly
  std::optional<Damage> cut;                                      // the torn end that was cut
};

struct Retention {
  uint64_t bytes_max = UINT64_MAX;  // of all segments
  int64_t age_us_max = INT64_MAX;   // of a segment's last record
};
struct Pruned {
  uint64_t segments = 0, bytes = 0;
  uint64_t first = 1;  // the first sequence that is left
};

struct Appended {
  enum class Outcome : uint8_t {
    done,
    full,     // no room on the disk: nothing was written; try again later
    refused,  // a record is larger than record_text_bytes_max: nothing was written
    dead,     // the log has failed; `problem` says how. Stop acknowledging, and end.
  };
  Outcome outcome = Outcome::done;
  uint64_t first = 0;   // done: the first record's sequence; the others follow
  std::string problem;  // not done: a sentence
};

class Log {
 public:
  // The folder is made when it is not there. An error: damage (named with file, range and sequences; nothing was
  // touched), a later format, a disk that fails. A full disk is none: the epoch is then written by the first append.
  static Result<std::unique_ptr<Log>> open(Disk& disk, const std::string& folder, const LogOptions& options,
                                           int64_t now_us);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  const Recovery& recovery() const { return recovery_; }

  // Writes the records as one frame (more when they are larger than frame_payload_bytes_max). All or nothing.
  Appended append(std::span<const LogRecord> records, int64_t now_us);

  // Makes durable what was appended. An error is the log's death.
  Status sync();
  // The same in two steps, so that another thread can wait for the disk while this one goes on appending: begin_sync()
  // and end_sync() here, run() there. One at a time, and no sync() meanwhile. No segment ends before it has, for it
  // says of all of them but the last that they are durable: the last may become larger than it should. Where one sync
  // may follow another without an append between them, end_if_over() comes between them. Behind a sync of one that is
  // over, run_rest() leaves little for the sync by which it ends.
  // run() asks for room for what will come, too: an append that has to look for its own waits for the file system,
  // which gives none while it notes where the blocks of a sync have gone.
  class Sync {
   public:
    uint64_t last() const { return last_; }  // what is durable when it has succeeded
    bool is_of_one_over() const { return is_of_one_over_; }
    DiskStatus run();
    DiskStatus run_rest();  // of what has been appended meanwhile; it may be said of none that it is durable

   private:
    friend class Log;
    File* file_ = nullptr;  // nothing: all is durable
    uint64_t last_ = 0;
    uint64_t reserve_bytes_ = 0;  // 0: there is room
    bool is_of_one_over_ = false;
    DiskStatus status_;
  };
  Sync begin_sync();
  // An error is the log's death.
  Status end_sync(const Sync& sync);
  // Ends the segment that has become too large, if it has and there is room for a new one. No sync may be under way.
  Status end_if_over();
  bool is_over() const { return segments_.back().bytes > options_.segment_bytes; }
  // What the policy asks for after an append, and in interval mode at due_us(): syncs or does nothing.
  Status settle(int64_t now_us);
  // When settle() must be called next; INT64_MAX when nothing waits.
  int64_t due_us() const;

  uint64_t last() const { return next_ - 1; }  // the last sequence appended
  uint64_t synced() const { return synced_; }  // the last one that is durable
  // The last one that may be acknowledged under the policy.
  uint64_t acknowledgeable() const { return options_.durability.mode == Durability::Mode::fsync ? synced_ : last(); }
  uint64_t epoch() const { return epoch_; }
  uint64_t first() const { return segments_.front().first; }         // the first sequence that is still there
  uint64_t segment_first() const { return segments_.back().first; }  // of the segment that is written
  uint64_t bytes() const;                                            // of all segments

  // Unlinks the oldest segments while they are beyond the retention, of which every record is covered: its sequence is
  // at most `covered`, that of a durable snapshot from which recovery can start. An error is not the log's death.
  Result<Pruned> prune(uint64_t covered, const Retention& retention, int64_t now_us);
  // In steps, like a sync: to unlink a large file takes as long as to write a part of it.
  class Pruning {
   public:
    void run();

   private:
    friend class Log;
    Disk* disk_ = nullptr;
    std::string folder_;
    std::vector<std::string> paths_;
    size_t unlinked_ = 0;
    Status status_ = Status::ok();
  };
  Pruning begin_prune(uint64_t covered, const Retention& retention, int64_t now_us);
  Result<Pruned> end_prune(const Pruning& pruning);

  // Proves that all was durable: an empty frame behind it, synced. A full disk is no error: it is only not sealed.
  Status seal(int64_t now_us);

 private:
  Log(Disk& disk, std::string folder, const LogOptions& options);
  Status recover(LogCheck& check, int64_t now_us);
  Status cut(const LogCheck& check);
  Status rewrite(const LogCheck& check);
  Status start_segment();
  Appended write_epoch(int64_t now_us);
  Appended end_segment();
  Appended write(std::span<const LogRecord> records, int64_t now_us);
  void encode(std::span<const LogRecord> records, int64_t now_us);
  DiskStatus rotate();
  Appended fail(const DiskStatus& status, std::string_view what, const std::string& path);
  Status die(const DiskStatus& status, std::string_view what, const std::string& path);
  std::string path_of(const Segment& segment) const { return folder_ + "/" + segment.name; }

  Disk& disk_;
  std::string folder_;
  LogOptions options_;
  Recovery recovery_;
  std::vector<Segment> segments_;  // never empty once open
  std::unique_ptr<File> file_;     // the last one
  uint64_t reserved_bytes_ = 0;    // of it
  uint64_t next_ = 1, synced_ = 0, epoch_ = 0;
  uint32_t chain_ = 0;
  bool has_epoch_ = false;   // the epoch's record is durable
  bool is_dirty_ = false;    // written and not synced
  bool is_syncing_ = false;  // between begin_sync() and end_sync()
  int64_t dirty_since_us_ = 0;
  std::optional<std::string> death_;
  std::string buffer_;  // the frames of one append
  // What encode() prepares and write() makes so.
  uint64_t encoded_next_ = 1;
  uint32_t encoded_chain_ = 0;
};

}  // namespace omen
