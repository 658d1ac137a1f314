// Log::open: what a process that died, or a machine that lost power, has left, is made a log again.
#include <fmt/format.h>

#include <algorithm>

#include "runtime/log/log.h"
#include "runtime/log/scan.h"

namespace omen {

Result<std::unique_ptr<Log>> Log::open(Disk& disk, const std::string& folder, const LogOptions& options,
                                       int64_t now_us) {
  if (const auto made = disk.make_folder(folder); !made) return made.status("make the folder", folder);
  if (const auto synced = disk.sync_folder(folder_of(folder)); !synced) {
    return synced.status("sync the folder", folder_of(folder));
  }
  LogCheck check;
  if (auto checked = check_log(disk, folder, options.verify_from, check); !checked) return checked;
  const auto damages =
      std::count_if(check.damages.begin(), check.damages.end(), [](const auto& d) { return !d.is_torn; });
  if (damages > 0) {
    return Status::error(
        fmt::format("the log {} is damaged{}: {}. Nothing was changed; `omen repair` shows what can be done", folder,
                    damages > 1 ? fmt::format(" in {} places", damages) : "", damage_text(check.damages.front())));
  }
  if (check.end <= options.durable_through) {
    return Status::error(
        fmt::format("the log {} ends with sequence {}, but {} was durable{}. Nothing was changed; `omen repair` shows "
                    "what can be done",
                    folder, check.end - 1, options.durable_through,
                    check.damages.empty() ? "" : ": " + damage_text(check.damages.front())));
  }
  std::unique_ptr<Log> log(new Log(disk, folder, options));
  if (auto recovered = log->recover(check, now_us); !recovered) return recovered;
  return log;
}

Status Log::recover(LogCheck& check, int64_t now_us) {
  recovery_.first = check.first;
  recovery_.last = check.end - 1;
  recovery_.frames = check.frames;
  recovery_.records = check.records;
  recovery_.bytes = check.bytes;
  recovery_.records_lost = check.records_lost;
  recovery_.was_sealed = check.is_sealed && check.damages.empty();
  next_ = check.end;
  chain_ = check.chain.value_or(0);
  epoch_ = recovery_.epoch = check.epoch + 1;
  segments_ = std::move(check.segments);
  if (segments_.empty()) {
    if (auto started = start_segment(); !started) return started;
  } else {
    const std::string path = path_of(segments_.back());
    if (const auto opened = disk_.open(path, OpenMode::write, file_); !opened) return opened.status("open", path);
    if (auto done = cut(check); !done) return done;
    if (auto done = rewrite(check); !done) return done;
    if (const auto synced = file_->sync(); !synced) return die(synced, "sync", path);
    // A crash may have come between making a segment and making its name durable.
    if (const auto synced = disk_.sync_folder(folder_); !synced) return die(synced, "sync the folder", folder_);
  }
  synced_ = last();
  const Appended written = write_epoch(now_us);
  if (written.outcome == Appended::Outcome::dead) return Status::error(written.problem);
  return Status::ok();
}

// The very first one. A disk without room for a name is one that the service cannot start on.
Status Log::start_segment() {
  if (const auto made = rotate(); !made) return die(made, "make a segment in", folder_);
  return Status::ok();
}

Status Log::cut(const LogCheck& check) {
  if (check.damages.empty()) return Status::ok();
  recovery_.cut = check.damages.back();
  Segment& segment = segments_.back();
  segment.bytes = recovery_.cut->begin;
  if (const auto done = file_->truncate(segment.bytes); !done) return die(done, "cut", path_of(segment));
  if (const auto synced = file_->sync(); !synced) return die(synced, "sync", path_of(segment));
  return Status::ok();
}

// Writes the frames again, with the same bytes, that nothing says were durable.
Status Log::rewrite(const LogCheck& check) {
  const Segment& segment = segments_.back();
  FrameScanner scanner(*file_, segment.first, std::nullopt);
  constexpr uint64_t piece_bytes = 1u << 20;
  uint64_t at = 0;
  while (at < segment.bytes && scanner.next() == FrameScanner::Step::frame) {
    if (scanner.header().end() > check.durable_end || scanner.header().count == 0) break;
    at = scanner.end_offset();
  }
  if (!scanner.disk_status()) return scanner.disk_status().status("read", path_of(segment));
  std::string piece;
  for (; at < segment.bytes; at += piece.size()) {
    piece.resize(std::min(piece_bytes, segment.bytes - at));
    size_t got = 0;
    if (const auto read = file_->read(at, piece.data(), piece.size(), got); !read || got < piece.size()) {
      return read.status("read", path_of(segment));
    }
    if (const auto written = file_->write(at, piece); !written) return die(written, "write", path_of(segment));
  }
  return Status::ok();
}

}  // namespace omen
