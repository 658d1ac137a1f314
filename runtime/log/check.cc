#include "runtime/log/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/log/scan.h"

namespace omen {
namespace {

constexpr std::string_view prefix = "seg-";
constexpr size_t digits = 20;

class Checker {
 public:
  Checker(Disk& disk, const std::string& folder, LogCheck& check) : disk_(disk), folder_(folder), check_(check) {}

  // The segments before it have been read, or `is_begin`.
  Status read(Segment& segment, bool is_begin, bool is_last);
  // Reads its first header only.
  Status glance(Segment& segment);

 private:
  Status read_frames(Segment& segment, FrameScanner& scanner, bool is_last);
  void take(const FrameScanner& scanner, Segment& segment);
  Damage damage_here() const;
  void expect(Segment& segment);
  void settle_torn(Segment& segment);
  Status open(const Segment& segment);

  Disk& disk_;
  const std::string& folder_;
  LogCheck& check_;
  std::unique_ptr<File> file_;
  bool ended_badly_ = false;  // the segment before: what it lost is told by where the next begins
  // The state at the first fault of the last segment that nothing has proved to be damage so far.
  struct Doubt {
    LogCheck check;
    Segment segment;
    uint64_t offset;
    std::string problem;
  };
  std::optional<Doubt> doubt_;
};

Status Checker::open(const Segment& segment) {
  const std::string path = folder_ + "/" + segment.name;
  return disk_.open(path, OpenMode::read, file_).status("open", path);
}

Status Checker::glance(Segment& segment) {
  if (auto opened = open(segment); !opened) return opened;
  char bytes[frame_header_bytes];
  size_t got = 0;
  if (const auto read = file_->read(0, bytes, sizeof bytes, got); !read) {
    return read.status("read", folder_ + "/" + segment.name);
  }
  FrameHeader header;
  if (read_header({bytes, got}, header) == HeaderFault::none) segment.begin_us = header.time_us;
  segment.is_checked = false;
  segment.end = segment.first;
  return Status::ok();
}

// What is known where a frame should begin.
Damage Checker::damage_here() const {
  Damage damage;
  damage.first_lost = damage.end_lost = check_.end;
  damage.epoch = check_.epoch;
  damage.previous_crc = check_.chain.value_or(0);
  damage.time_us = check_.end_us;
  return damage;
}

// Segments follow each other without a gap.
void Checker::expect(Segment& segment) {
  if (check_.end == segment.first) return;
  Damage damage = damage_here();
  damage.is_missing = true;
  if (check_.end < segment.first) {
    damage.file = segment_name(check_.end);
    damage.problem = "is missing";
    damage.end_lost = segment.first;
  } else {
    damage.file = segment.name;
    damage.problem = "begins before the segment before it ends";
  }
  check_.damages.push_back(std::move(damage));
  check_.chain.reset();
}

void Checker::take(const FrameScanner& scanner, Segment& segment) {
  const FrameHeader& header = scanner.header();
  if (segment.begin_us == 0) segment.begin_us = header.time_us;
  segment.end = check_.end = header.end();
  ++check_.frames;
  check_.bytes += header.bytes();
  (header.is_lost() ? check_.records_lost : check_.records) += header.count;
  check_.durable_end = std::max(check_.durable_end, header.durable + 1);
  check_.epoch = header.epoch;
  check_.chain = scanner.chain();
  check_.end_us = header.time_us;
  check_.end_offset = scanner.end_offset();
  check_.is_sealed = header.count == 0 && !header.is_lost();
}

Status Checker::read_frames(Segment& segment, FrameScanner& scanner, bool is_last) {
  for (;;) {
    switch (scanner.next()) {
      case FrameScanner::Step::end:
        return Status::ok();
      case FrameScanner::Step::error:
        return scanner.disk_status().status("read", folder_ + "/" + segment.name);
      case FrameScanner::Step::frame:
        take(scanner, segment);
        if (doubt_ && scanner.header().durable >= doubt_->check.end) doubt_.reset();
        continue;
      case FrameScanner::Step::fault:
        break;
    }
    if (scanner.is_newer()) {
      return Status::error(fmt::format("{}/{}: byte {}: the frame is of a later version of Omen; use that one", folder_,
                                       segment.name, scanner.offset()));
    }
    if (is_last && !doubt_) doubt_ = Doubt{check_, segment, scanner.offset(), scanner.problem()};
    Damage damage = damage_here();
    damage.file = segment.name;
    damage.begin = scanner.offset();
    damage.problem = scanner.problem();
    damage.has_next = scanner.skip_fault();
    if (!scanner.disk_status()) return scanner.disk_status().status("read", folder_ + "/" + segment.name);
    if (damage.has_next) {
      damage.end = scanner.end_offset();
      if (scanner.next() != FrameScanner::Step::frame) {
        return scanner.disk_status().status("read", folder_ + "/" + segment.name);
      }
      damage.end_lost = scanner.header().first;
      damage.next_previous_crc = scanner.header().previous_crc;
      check_.damages.push_back(std::move(damage));
      take(scanner, segment);
      if (doubt_ && scanner.header().durable >= doubt_->check.end) doubt_.reset();
      continue;
    }
    damage.end = scanner.offset();
    ended_badly_ = true;
    check_.damages.push_back(std::move(damage));  // what it lost is said by the next segment
    return Status::ok();
  }
}

Status Checker::read(Segment& segment, bool is_begin, bool is_last) {
  if (auto opened = open(segment); !opened) return opened;
  const bool ended_badly = std::exchange(ended_badly_, false);
  if (is_begin) {
    check_.first = check_.end = segment.first;
    check_.chain.reset();
    // The first frame of all is chained to nothing.
    if (segment.first == 1) check_.chain = 0;
  } else if (ended_badly) {
    Damage& before = check_.damages.back();
    before.end_lost = std::max(before.first_lost, segment.first);
    check_.chain.reset();
  } else {
    expect(segment);
  }
  check_.end = segment.end = segment.first;
  check_.end_offset = 0;
  FrameScanner scanner(*file_, segment.first, check_.chain);
  if (auto read = read_frames(segment, scanner, is_last); !read) return read;
  if (is_last && doubt_) settle_torn(segment);
  // Sequences that came before prove that the last segment of a pruned log had a frame (Log::prune).
  if (is_last && is_begin && segment.first > 1 && !check_.chain && check_.damages.empty()) {
    Damage damage = damage_here();
    damage.file = segment.name;
    damage.problem = "is empty, although records before it have been pruned";
    check_.damages.push_back(std::move(damage));
  }
  return Status::ok();
}

// Nothing says that what follows the first doubtful place was ever durable.
void Checker::settle_torn(Segment& segment) {
  // A pruned log keeps a durable frame: without one the last segment is damaged, not torn.
  const bool is_torn = doubt_->check.chain.has_value();
  check_ = std::move(doubt_->check);
  Damage torn = damage_here();
  torn.is_torn = is_torn;
  torn.file = segment.name;
  torn.begin = doubt_->offset;
  torn.end = segment.bytes;
  torn.problem = std::move(doubt_->problem);
  segment = std::move(doubt_->segment);
  check_.damages.push_back(std::move(torn));
}

}  // namespace

std::string segment_name(uint64_t first) { return fmt::format("{}{:020}", prefix, first); }

std::optional<uint64_t> segment_first(const std::string& name) {
  if (name.size() != prefix.size() + digits || name.compare(0, prefix.size(), prefix) != 0) return std::nullopt;
  uint64_t first = 0;
  for (const char digit : name.substr(prefix.size())) {
    if (digit < '0' || digit > '9' || first > (UINT64_MAX - 9) / 10) return std::nullopt;
    first = first * 10 + static_cast<uint64_t>(digit - '0');
  }
  return first > 0 && first < UINT64_MAX - UINT32_MAX ? std::optional(first) : std::nullopt;
}

DiskStatus list_segments(Disk& disk, const std::string& folder, std::vector<Segment>& segments) {
  std::vector<std::string> names;
  if (const auto listed = disk.list(folder, names); !listed) return listed;
  segments.clear();
  for (const std::string& name : names) {  // sorted, and names have equal lengths
    const auto first = segment_first(name);
    if (!first) continue;
    Segment segment;
    segment.name = name;
    segment.first = segment.end = *first;
    std::unique_ptr<File> file;
    if (const auto opened = disk.open(folder + "/" + name, OpenMode::read, file); !opened) {
      if (opened.is_missing()) continue;  // pruned in between
      return opened;
    }
    if (const auto asked = file->size(segment.bytes); !asked) return asked;
    segments.push_back(std::move(segment));
  }
  return DiskStatus();
}

std::string damage_text(const Damage& damage) {
  std::string out = damage.file;
  if (!damage.is_missing) out += fmt::format(": bytes {}..{}", damage.begin, damage.end);
  out += (damage.is_missing ? " " : ": ") + damage.problem;
  if (damage.is_torn) {
    out += "; a write that was never acknowledged, torn by a crash";
  } else if (damage.end_lost > damage.first_lost) {
    out += fmt::format("; sequences {}..{} are lost", damage.first_lost, damage.end_lost - 1);
  } else if (!damage.has_next && !damage.is_missing) {
    out += fmt::format("; what begins with sequence {} is lost", damage.first_lost);
  }
  return out;
}

Status check_log(Disk& disk, const std::string& folder, uint64_t verify_from, LogCheck& check) {
  check = LogCheck();
  std::vector<Segment> segments;
  if (const auto listed = list_segments(disk, folder, segments); !listed) return listed.status("read", folder);
  if (segments.empty()) {
    check.chain = 0;
    return Status::ok();
  }
  Checker checker(disk, folder, check);
  bool is_begin = true;
  for (size_t i = 0; i < segments.size(); ++i) {
    const bool is_last = i + 1 == segments.size();
    // The one before an empty last segment is needed to go on: read the last two.
    const bool is_needed = is_last || i + 2 == segments.size() || segments[i + 1].first > verify_from;
    if (!is_needed) {
      if (auto glanced = checker.glance(segments[i]); !glanced) return glanced;
      continue;
    }
    if (auto read = checker.read(segments[i], is_begin, is_last); !read) return read;
    is_begin = false;
  }
  check.first = segments.front().first;
  check.segments = std::move(segments);
  return Status::ok();
}

}  // namespace omen
