#include "runtime/log/repair.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/log/frame.h"
#include "runtime/model/time.h"

namespace omen {
namespace {

constexpr size_t segment_bytes_max = 4ull << 30;

class Repairer {
 public:
  Repairer(Disk& disk, const std::string& folder, int64_t now_us) : disk_(disk), folder_(folder), now_us_(now_us) {}

  // Mends the first file that is damaged. `check` is of now.
  Status mend_first(const LogCheck& check);
  // Marks what is missing at the end; of a torn end keeps the bytes.
  Status extend(const LogCheck& check, uint64_t through);
  std::vector<Mended>& mended() { return mended_; }

 private:
  Status keep(const std::string& file, uint64_t begin, std::string_view bytes, std::string& kept);
  Status append_mark(std::string& out, const Damage& damage, uint32_t next_previous_crc);
  uint32_t chain_before(const LogCheck& check, const std::string& file);
  Status put(const std::string& file, const std::string& bytes) {
    return replace_file(disk_, folder_ + "/" + file, bytes).status("write", folder_ + "/" + file);
  }

  Disk& disk_;
  const std::string& folder_;
  int64_t now_us_;
  std::vector<Mended> mended_;
};

Status Repairer::keep(const std::string& file, uint64_t begin, std::string_view bytes, std::string& kept) {
  if (bytes.empty()) return Status::ok();
  std::vector<std::string> names;
  if (const auto listed = disk_.list(folder_, names); !listed) return listed.status("read", folder_);
  const std::string wanted = fmt::format("{}.damaged-{}", file, begin);
  kept = wanted;
  for (int i = 2; std::find(names.begin(), names.end(), kept) != names.end(); ++i)
    kept = fmt::format("{}.{}", wanted, i);
  return replace_file(disk_, folder_ + "/" + kept, bytes).status("write", folder_ + "/" + kept);
}

// A frame in place of the damage, when there are sequences to mark.
Status Repairer::append_mark(std::string& out, const Damage& damage, uint32_t next_previous_crc) {
  if (damage.end_lost <= damage.first_lost) return Status::ok();
  const uint64_t count = damage.end_lost - damage.first_lost;
  if (count > UINT32_MAX) return Status::error(fmt::format("{} sequences are too many to be marked as lost", count));
  FrameHeader header;
  header.previous_crc = damage.previous_crc;
  // Where no frame is left to tell, an epoch that none has had: they go up by one an opening.
  header.epoch = damage.epoch > 0 ? damage.epoch : static_cast<uint64_t>(now_us_ / us_per_second);
  header.first = damage.first_lost;
  header.durable = damage.first_lost - 1;
  header.time_us = damage.time_us != 0 ? damage.time_us : now_us_;
  header.count = static_cast<uint32_t>(count);
  append_lost_frame(out, header, next_previous_crc);
  return Status::ok();
}

// What the first frame behind the segment is chained to; 0 when there is none that could be asked.
uint32_t Repairer::chain_before(const LogCheck& check, const std::string& file) {
  const auto next = std::find_if(check.segments.begin(), check.segments.end(), [&](auto& s) { return s.name > file; });
  std::unique_ptr<File> opened;
  char bytes[frame_header_bytes];
  size_t got = 0;
  FrameHeader header;
  if (next == check.segments.end() || !disk_.open(folder_ + "/" + next->name, OpenMode::read, opened) ||
      !opened->read(0, bytes, sizeof bytes, got) || read_header({bytes, got}, header) != HeaderFault::none) {
    return 0;
  }
  return header.previous_crc;
}

Status Repairer::mend_first(const LogCheck& check) {
  const std::string file = check.damages.front().file;
  const bool is_missing = check.damages.front().is_missing;
  if (is_missing && check.damages.front().end_lost <= check.damages.front().first_lost) {
    return Status::error(damage_text(check.damages.front()) + ": such a folder is not made by crashes; restore it");
  }
  std::string before, after;
  if (!is_missing) {
    const auto read = read_file(disk_, folder_ + "/" + file, segment_bytes_max, before);
    if (!read) return read.status("read", folder_ + "/" + file);
  }
  std::vector<Mended> mended;
  size_t at = 0;
  for (const Damage& damage : check.damages) {
    if (damage.file != file || damage.is_torn) break;
    Mended one{file, {}, damage.begin, damage.end, damage.first_lost, std::max(damage.first_lost, damage.end_lost)};
    after.append(before, at, damage.begin - at);
    auto done =
        keep(file, damage.begin, std::string_view(before).substr(damage.begin, damage.end - damage.begin), one.kept);
    if (done) {
      done = append_mark(after, damage, damage.has_next ? damage.next_previous_crc : chain_before(check, file));
    }
    if (!done) return done;
    at = damage.end;
    mended.push_back(std::move(one));
  }
  after.append(before, at);
  if (auto done = put(file, after); !done) return done;
  mended_.insert(mended_.end(), mended.begin(), mended.end());
  return Status::ok();
}

Status Repairer::extend(const LogCheck& check, uint64_t through) {
  if (check.segments.empty()) return Status::error("there is no segment left in " + folder_ + ": restore the folder");
  const std::string file = check.segments.back().name;
  std::string bytes;
  if (const auto read = read_file(disk_, folder_ + "/" + file, segment_bytes_max, bytes); !read) {
    return read.status("read", folder_ + "/" + file);
  }
  Mended one{file, {}, check.end_offset, bytes.size(), check.end, through + 1};
  if (check.segments.back().end == check.segments.back().first) one.begin = 0;  // it has no frame
  if (auto kept = keep(file, one.begin, std::string_view(bytes).substr(one.begin), one.kept); !kept) return kept;
  bytes.resize(one.begin);
  Damage damage;
  damage.first_lost = check.end;
  damage.end_lost = through + 1;
  damage.epoch = check.epoch;
  damage.previous_crc = check.chain.value_or(0);
  damage.time_us = check.end_us;
  auto done = append_mark(bytes, damage, 0);
  if (done) done = put(file, bytes);
  if (done) mended_.push_back(std::move(one));
  return done;
}

}  // namespace

Result<std::vector<Mended>> repair_log(Disk& disk, const std::string& folder, uint64_t through, int64_t now_us) {
  Repairer repairer(disk, folder, now_us);
  LogCheck check;
  // A segment a turn: what is right in one depends on the one before.
  for (std::string last;;) {
    if (auto checked = check_log(disk, folder, 0, check); !checked) return checked;
    if (check.damages.empty() || check.damages.front().is_torn) break;
    const Damage& damage = check.damages.front();
    // A last segment of a pruned log in which nothing is intact cannot say what it had.
    const bool is_end = !damage.has_next && !damage.is_missing && damage.file == check.segments.back().name;
    if (is_end && damage.begin == 0 && check.segments.size() == 1 && check.first > 1) {
      if (through < check.first) {
        return Status::error(damage_text(damage) + ": nothing says up to where; restore the folder");
      }
      check.end_offset = 0;
      check.end = check.first;
      if (auto extended = repairer.extend(check, through); !extended) return extended;
      continue;
    }
    if (damage.file == last) return Status::error(damage_text(damage) + ": it is still there after a repair");
    last = damage.file;
    if (auto mended = repairer.mend_first(check); !mended) return mended;
  }
  if (check.end <= through) {
    if (auto extended = repairer.extend(check, through); !extended) return extended;
  }
  return std::move(repairer.mended());
}

}  // namespace omen
