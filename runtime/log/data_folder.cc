#include "runtime/log/data_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace omen {
namespace {

constexpr std::string_view beginning = "omen data ";

std::string format_path(const std::string& data) { return data + "/FORMAT"; }

int pid_in(int fd) {
  char text[16] = {};
  const ssize_t got = pread(fd, text, sizeof text - 1, 0);
  int pid = 0;
  if (got > 0) std::from_chars(text, text + got, pid);
  return pid;
}

// What a data folder may have before it has its FORMAT: we may have been killed while making it.
bool is_ours(const std::string& name) {
  constexpr std::array<std::string_view, 4> names = {"FORMAT.new", "lock", "log", "snapshots"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

Status parse_format(const std::string& data, const std::string& text) {
  uint32_t format = 0;
  const char* const end = text.data() + text.size();
  const bool begins = text.compare(0, beginning.size(), beginning) == 0;
  const auto read = std::from_chars(text.data() + (begins ? beginning.size() : text.size()), end, format);
  if (!begins || read.ec != std::errc() || read.ptr == end || *read.ptr != '\n') {
    return Status::error(format_path(data) + " is damaged: it must be \"" + std::string(beginning) +
                         "1\" and a newline");
  }
  if (format == data_format) return Status::ok();
  return Status::error(
      fmt::format("{} is a data folder of format {}, made by a later version of Omen; this one reads {}. "
                  "Nothing was changed: use that version",
                  data, format, data_format));
}

}  // namespace

std::string log_folder(const std::string& data) { return data + "/log"; }
std::string snapshot_folder(const std::string& data) { return data + "/snapshots"; }
std::string state_path(const std::string& data) { return data + "/state.db"; }

Result<std::unique_ptr<FolderLock>> FolderLock::take(const std::string& folder) {
  const std::string path = folder + "/lock";
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return DiskStatus(errno).status("open", path);
  std::unique_ptr<FolderLock> lock(new FolderLock(fd));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return DiskStatus(errno).status("lock", path);
    const int pid = pid_in(fd);
    return Status::error(pid > 0 ? fmt::format("{} is used by process {}: one engine at a time", folder, pid)
                                 : folder + " is used by another process: one engine at a time");
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  // Only for people: with a full disk the lock holds as well.
  if (ftruncate(fd, 0) != 0 || pwrite(fd, pid.data(), pid.size(), 0) < 0) return lock;
  return lock;
}

FolderLock::~FolderLock() { close(fd_); }

int lock_holder(const std::string& folder) {
  const int fd = open((folder + "/lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const bool is_free = flock(fd, LOCK_SH | LOCK_NB) == 0;
  const int pid = is_free ? 0 : pid_in(fd);
  close(fd);
  return pid;
}

Status check_format(Disk& disk, const std::string& data) {
  std::string text;
  constexpr size_t text_bytes_max = 64;
  if (const auto read = read_file(disk, format_path(data), text_bytes_max, text); !read) {
    std::vector<std::string> names;
    if (const auto listed = disk.list(data, names); !listed) return listed.status("read", data);
    if (read.is_missing()) return Status::error(data + " is no data folder of Omen: it has no file FORMAT");
    return read.status("read", format_path(data));
  }
  return parse_format(data, text);
}

Status make_data_folder(Disk& disk, const std::string& data) {
  if (const auto made = disk.make_folder(data); !made) return made.status("make the folder", data);
  std::vector<std::string> names;
  if (const auto listed = disk.list(data, names); !listed) return listed.status("read", data);
  if (std::find(names.begin(), names.end(), "FORMAT") != names.end()) return check_format(disk, data);
  const auto other = std::find_if_not(names.begin(), names.end(), is_ours);
  if (other != names.end()) {
    return Status::error(
        fmt::format("{} is no data folder of Omen: it has {} and no FORMAT. Name an empty or a new one", data, *other));
  }
  if (const auto synced = disk.sync_folder(folder_of(data)); !synced) {
    return synced.status("sync the folder", folder_of(data));
  }
  const auto put = replace_file(disk, format_path(data), fmt::format("{}{}\n", beginning, data_format));
  return put.status("write", format_path(data));
}

}  // namespace omen
