#include "runtime/log/disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace omen {

bool DiskStatus::is_full() const { return code_ == ENOSPC || code_ == EDQUOT; }
bool DiskStatus::is_missing() const { return code_ == ENOENT; }

Status DiskStatus::status(std::string_view what, std::string_view path) const {
  if (is_ok()) return Status::ok();
  return Status::error("cannot " + std::string(what) + " " + std::string(path) + ": " + strerror(code_));
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

DiskStatus read_file(Disk& disk, const std::string& path, size_t bytes_max, std::string& bytes,
                     const GivenUp* is_given_up) {
  constexpr size_t piece_bytes = 1u << 20;
  std::unique_ptr<File> file;
  if (const auto opened = disk.open(path, OpenMode::read, file); !opened) return opened;
  uint64_t size = 0;
  if (const auto asked = file->size(size); !asked) return asked;
  if (size > bytes_max) return DiskStatus(EFBIG);
  bytes.clear();
  bytes.reserve(size);
  while (bytes.size() < size) {
    if (is_given_up != nullptr && *is_given_up) return DiskStatus(ECANCELED);
    const size_t at = bytes.size(), wanted = std::min<size_t>(size - at, piece_bytes);
    bytes.resize(at + wanted);
    size_t got = 0;
    const auto read = file->read(at, bytes.data() + at, wanted, got);
    bytes.resize(at + got);
    if (!read || got < wanted) return read;
  }
  return DiskStatus();
}

namespace {

DiskStatus write_new(Disk& disk, const std::string& path, std::string_view head, std::string_view body) {
  constexpr size_t piece_bytes = 4u << 20;
  std::unique_ptr<File> file;
  if (const auto made = disk.open(path, OpenMode::create, file); !made) return made;
  if (const auto written = file->write(0, head); !written) return written;
  for (size_t at = 0; at < body.size(); at += piece_bytes) {
    if (const auto written = file->write(head.size() + at, body.substr(at, piece_bytes)); !written) return written;
  }
  return file->sync();
}

}  // namespace

DiskStatus replace_file(Disk& disk, const std::string& path, std::string_view head, std::string_view body) {
  const std::string temporary = path + ".new";
  const auto removed = disk.unlink(temporary);  // left by a process that was killed
  if (!removed && !removed.is_missing()) return removed;
  auto done = write_new(disk, temporary, head, body);
  if (done) done = disk.rename(temporary, path);
  if (!done) {
    if (const auto cleared = disk.unlink(temporary); !cleared) return done;  // the next one clears it
    return done;
  }
  return disk.sync_folder(folder_of(path));
}

}  // namespace omen
