#include "runtime/log/reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace omen {

LogReader::LogReader(Disk& disk, std::string folder, uint64_t from, uint64_t through)
    : disk_(disk), folder_(std::move(folder)), from_(from), through_(through) {}

Result<std::unique_ptr<LogReader>> LogReader::open(Disk& disk, const std::string& folder, uint64_t from,
                                                   uint64_t through) {
  std::unique_ptr<LogReader> reader(new LogReader(disk, folder, from, through));
  std::vector<Segment>& segments = reader->segments_;
  if (const auto listed = list_segments(disk, folder, segments); !listed) return listed.status("read", folder);
  const uint64_t first = segments.empty() ? 1 : segments.front().first;
  if (from != 0 && from < first) {
    return Status::error(fmt::format("the log {} begins with sequence {}: {} has been pruned", folder, first, from));
  }
  reader->first_ = std::max(from, first);
  const auto after = std::upper_bound(segments.begin(), segments.end(), std::max(from, first),
                                      [](uint64_t sequence, const Segment& one) { return sequence < one.first; });
  segments.erase(segments.begin(), segments.empty() ? after : after - 1);
  return reader;
}

bool LogReader::stop(Status status) {
  at_end_ = true;
  status_ = std::move(status);
  return false;
}

bool LogReader::next_segment() {
  if (segment_ == segments_.size()) return stop(Status::ok());
  const Segment& segment = segments_[segment_];
  const std::string path = folder_ + "/" + segment.name;
  std::optional<uint32_t> chain;
  if (scanner_) {
    if (scanner_->expected() != segment.first) {
      return stop(Status::error(fmt::format("the log {} is damaged: sequences {}..{} are missing before {}", folder_,
                                            scanner_->expected(), segment.first - 1, segment.name)));
    }
    chain = scanner_->chain();
  } else if (segment.first == 1) {
    chain = 0;
  }
  if (const auto opened = disk_.open(path, OpenMode::read, file_); !opened) return stop(opened.status("open", path));
  scanner_.emplace(*file_, segment.first, chain);
  ++segment_;
  return true;
}

bool LogReader::next_frame() {
  while (!at_end_) {
    if (!scanner_ && !next_segment()) return false;
    switch (scanner_->next()) {
      case FrameScanner::Step::frame: {
        const FrameHeader& header = scanner_->header();
        if (header.first > through_) return stop(Status::ok());
        bytes_ += header.bytes();
        if (header.is_lost()) {
          records_lost_ += header.count;
          continue;
        }
        cursor_ = RecordCursor(scanner_->payload());
        sequence_ = header.first;
        epoch_ = header.epoch;
        return true;
      }
      case FrameScanner::Step::end:
        if (!next_segment()) return false;
        continue;
      case FrameScanner::Step::error:
        return stop(scanner_->disk_status().status("read", folder_ + "/" + segments_[segment_ - 1].name));
      case FrameScanner::Step::fault:
        break;
    }
    // A place that was just being written in the last segment is where the log ends; check_log tells it from damage.
    LogCheck check;
    if (auto checked = check_log(disk_, folder_, scanner_->expected(), check); !checked) return stop(checked);
    for (const Damage& damage : check.damages) {
      if (!damage.is_torn) {
        return stop(Status::error(fmt::format("the log {} is damaged: {}", folder_, damage_text(damage))));
      }
    }
    return stop(Status::ok());
  }
  return false;
}

bool LogReader::next(Entry& entry) {
  for (;;) {
    while (!cursor_.next(entry.record)) {
      if (!next_frame()) return false;
    }
    entry.sequence = sequence_++;
    entry.epoch = epoch_;
    if (entry.sequence > through_) return stop(Status::ok());
    if (entry.sequence >= from_) return true;
  }
}

}  // namespace omen
