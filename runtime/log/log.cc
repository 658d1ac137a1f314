#include "runtime/log/log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace omen {
namespace {

// A log that is hardly used reserves little, one that grows fast as much again as it has.
constexpr uint64_t reserved_bytes_min = 1u << 20;
constexpr uint64_t reserved_part_of_next = 4;  // of a segment behind one that is full: the last was, so it will be

}  // namespace

Log::Log(Disk& disk, std::string folder, const LogOptions& options)
    : disk_(disk), folder_(std::move(folder)), options_(options) {}

uint64_t Log::bytes() const {
  uint64_t sum = 0;
  for (const Segment& segment : segments_) sum += segment.bytes;
  return sum;
}

Status Log::die(const DiskStatus& status, std::string_view what, const std::string& path) {
  death_ = status.status(what, path).message();
  return Status::error(*death_);
}

Appended Log::fail(const DiskStatus& status, std::string_view what, const std::string& path) {
  if (status.is_full()) return {Appended::Outcome::full, 0, status.status(what, path).message()};
  return {Appended::Outcome::dead, 0, die(status, what, path).message()};
}

// Fills buffer_ with the frames.
void Log::encode(std::span<const LogRecord> records, int64_t now_us) {
  buffer_.clear();
  FrameHeader header;
  header.epoch = epoch_;
  header.durable = synced_;
  header.time_us = now_us;
  header.first = next_;
  header.previous_crc = chain_;
  size_t i = 0;
  do {
    const size_t begin = buffer_.size();
    buffer_.append(frame_header_bytes, '\0');
    header.count = 0;
    for (; i < records.size(); ++i, ++header.count) {
      const size_t payload = buffer_.size() - begin - frame_header_bytes;
      if (payload + record_header_bytes + records[i].text.size() > frame_payload_bytes_max) break;
      append_record(buffer_, records[i]);
    }
    close_frame(buffer_, begin, header);
    header.first = header.end();
    header.previous_crc = header.crc;
  } while (i < records.size());
  encoded_next_ = header.first;
  encoded_chain_ = header.previous_crc;
}

// Makes and opens an empty segment for what comes next; its name is durable.
DiskStatus Log::rotate() {
  Segment segment;
  segment.name = segment_name(next_);
  segment.first = segment.end = next_;
  std::unique_ptr<File> file;
  if (const auto made = disk_.open(path_of(segment), OpenMode::create, file); !made) return made;
  file_ = std::move(file);
  reserved_bytes_ = 0;
  if (options_.segment_grace_bytes > 0 && !segments_.empty()) {
    reserved_bytes_ = options_.segment_bytes / reserved_part_of_next;
    file_->reserve(reserved_bytes_);
  }
  segments_.push_back(std::move(segment));
  return disk_.sync_folder(folder_);
}

// done: what comes next begins a new one.
Appended Log::end_segment() {
  if (auto synced = sync(); !synced) return {Appended::Outcome::dead, 0, synced.message()};
  const size_t count = segments_.size();
  if (const auto rotated = rotate(); !rotated) {
    const std::string path = folder_ + "/" + segment_name(next_);
    if (segments_.size() == count) return fail(rotated, "make", path);
    return {Appended::Outcome::dead, 0, die(rotated, "sync the folder", folder_).message()};
  }
  return {};
}

Appended Log::write(std::span<const LogRecord> records, int64_t now_us) {
  encode(records, now_us);
  const bool is_over = segments_.back().bytes > 0 &&
                       segments_.back().bytes + buffer_.size() > options_.segment_bytes + options_.segment_grace_bytes;
  if (is_over && !is_syncing_) {
    if (Appended ended = end_segment(); ended.outcome != Appended::Outcome::done) return ended;
    encode(records, now_us);  // it says what is durable
  }
  Segment& segment = segments_.back();
  if (const auto written = file_->write(segment.bytes, buffer_); !written) {
    Appended failed = fail(written, "write", path_of(segment));
    if (failed.outcome == Appended::Outcome::dead) return failed;
    if (const auto cut = file_->truncate(segment.bytes); !cut) {
      return {Appended::Outcome::dead, 0, die(cut, "cut", path_of(segment)).message()};
    }
    // A power cut must not find the part again, least of all in a segment that is no longer the last.
    if (!is_dirty_) dirty_since_us_ = now_us;
    is_dirty_ = true;
    return failed;
  }
  if (segment.bytes == 0) segment.begin_us = now_us;
  segment.bytes += buffer_.size();
  segment.end = encoded_next_;
  if (!is_dirty_) dirty_since_us_ = now_us;
  is_dirty_ = true;
  const uint64_t first = next_;
  next_ = encoded_next_;
  chain_ = encoded_chain_;
  return {Appended::Outcome::done, first, {}};
}

Appended Log::write_epoch(int64_t now_us) {
  const LogRecord record{RecordKind::epoch, now_us, {}};
  Appended written = write({&record, 1}, now_us);
  if (written.outcome != Appended::Outcome::done) return written;
  if (auto synced = sync(); !synced) return {Appended::Outcome::dead, 0, synced.message()};
  has_epoch_ = true;
  return written;
}

Appended Log::append(std::span<const LogRecord> records, int64_t now_us) {
  if (death_) return {Appended::Outcome::dead, 0, *death_};
  for (const LogRecord& record : records) {
    if (record.text.size() <= record_text_bytes_max) continue;
    return {Appended::Outcome::refused, 0,
            fmt::format("a record of {} bytes is too large for the log", record.text.size())};
  }
  if (!has_epoch_) {
    if (Appended written = write_epoch(now_us); written.outcome != Appended::Outcome::done) return written;
  }
  if (records.empty()) return {Appended::Outcome::done, next_, {}};
  return write(records, now_us);
}

Status Log::sync() {
  OMEN_ASSERT(!is_syncing_);
  if (death_) return Status::error(*death_);
  if (!is_dirty_) return Status::ok();
  if (const auto synced = file_->sync(); !synced) return die(synced, "sync", path_of(segments_.back()));
  is_dirty_ = false;
  synced_ = last();
  return Status::ok();
}

DiskStatus Log::Sync::run() {
  if (file_ == nullptr) return status_;
  status_ = file_->sync();
  if (status_ && reserve_bytes_ > 0) file_->reserve(reserve_bytes_);
  return status_;
}

DiskStatus Log::Sync::run_rest() {
  if (file_ == nullptr || !status_) return status_;
  return status_ = file_->sync();
}

// Without its epoch it has nothing that is not durable but the rest of an append that failed; the next one syncs that.
Log::Sync Log::begin_sync() {
  OMEN_ASSERT(!is_syncing_);
  Sync begun;
  begun.last_ = synced_;
  begun.is_of_one_over_ = is_over();
  if (death_ || !is_dirty_ || !has_epoch_) return begun;
  begun.last_ = last();
  begun.file_ = file_.get();
  const uint64_t bytes = segments_.back().bytes;
  if (reserved_bytes_ < std::min(bytes + bytes / 2, options_.segment_bytes)) {
    begun.reserve_bytes_ = reserved_bytes_ = std::min(2 * bytes + reserved_bytes_min, options_.segment_bytes);
  }
  is_dirty_ = false;  // what is appended from now on it may not have
  is_syncing_ = true;
  return begun;
}

Status Log::end_sync(const Sync& sync) {
  const bool was_syncing = std::exchange(is_syncing_, false);
  if (death_) return Status::error(*death_);
  if (was_syncing && !sync.status_) return die(sync.status_, "sync", path_of(segments_.back()));
  synced_ = std::max(synced_, sync.last_);
  return Status::ok();
}

Status Log::end_if_over() {
  if (death_) return Status::error(*death_);
  if (!is_over()) return Status::ok();
  const Appended ended = end_segment();
  return ended.outcome == Appended::Outcome::dead ? Status::error(ended.problem) : Status::ok();
}

Status Log::settle(int64_t now_us) {
  if (death_) return Status::error(*death_);
  if (options_.durability.mode == Durability::Mode::fsync) return sync();
  return now_us >= due_us() ? sync() : Status::ok();
}

int64_t Log::due_us() const {
  if (!is_dirty_ || options_.durability.mode == Durability::Mode::off) return INT64_MAX;
  if (options_.durability.mode == Durability::Mode::fsync) return dirty_since_us_;
  return dirty_since_us_ + options_.durability.interval_us;
}

Status Log::seal(int64_t now_us) {
  if (auto synced = sync(); !synced) return synced;
  if (!has_epoch_) return Status::ok();
  Appended written = write({}, now_us);
  if (written.outcome == Appended::Outcome::full) return Status::ok();
  if (written.outcome != Appended::Outcome::done) return Status::error(std::move(written.problem));
  return sync();
}

Result<Pruned> Log::prune(uint64_t covered, const Retention& retention, int64_t now_us) {
  Pruning pruning = begin_prune(covered, retention, now_us);
  pruning.run();
  return end_prune(pruning);
}

Log::Pruning Log::begin_prune(uint64_t covered, const Retention& retention, int64_t now_us) {
  Pruning pruning;
  pruning.disk_ = &disk_;
  pruning.folder_ = folder_;
  uint64_t total = bytes();
  for (size_t i = 0; i + 1 < segments_.size() && !death_; ++i) {
    const Segment& oldest = segments_[i];
    const Segment& next = segments_[i + 1];
    const bool is_old = retention.age_us_max != INT64_MAX && next.begin_us <= now_us - retention.age_us_max;
    if (!is_old && total <= retention.bytes_max) break;
    if (next.first - 1 > covered || next.first > synced_) break;
    total -= oldest.bytes;
    pruning.paths_.push_back(path_of(oldest));
  }
  return pruning;
}

// Each name by itself: a power cut must leave no gap.
void Log::Pruning::run() {
  for (const std::string& path : paths_) {
    if (const auto removed = disk_->unlink(path); !removed) {
      status_ = removed.status("remove", path);
      return;
    }
    ++unlinked_;
    if (const auto synced = disk_->sync_folder(folder_); !synced) {
      status_ = synced.status("sync the folder", folder_);
      return;
    }
  }
}

Result<Pruned> Log::end_prune(const Pruning& pruning) {
  if (death_) return Status::error(*death_);
  Pruned pruned;
  for (; pruned.segments < pruning.unlinked_; ++pruned.segments) {
    pruned.bytes += segments_.front().bytes;
    segments_.erase(segments_.begin());
  }
  if (!pruning.status_) return pruning.status_;
  pruned.first = first();
  return pruned;
}

}  // namespace omen
