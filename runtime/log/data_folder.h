// DataFolder: the folder of `--data DIR`: whose it is, which format it has, and what is in it.
//
//   DIR/FORMAT      "omen data 1\n"       DIR/log/        segments (check.h)       DIR/state.db   outbox and watermark
//   DIR/lock        the engine's pid      DIR/snapshots/  snapshot_file.h
//
// One engine at a time: the lock is flock(2), which goes with the process however it ends; the number in it is for
// people. A folder of a later format, and one that has other files and no FORMAT, are refused untouched.
#pragma once

#include <memory>
#include <string>

#include "runtime/log/disk.h"

namespace omen {

inline constexpr uint32_t data_format = 1;

// An exclusive lock, held until destroyed.
class FolderLock {
 public:
  // An error names the process that has it. The file is made when it is not there.
  static Result<std::unique_ptr<FolderLock>> take(const std::string& folder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  explicit FolderLock(int fd) : fd_(fd) {}
  int fd_;
};
// The process that has the lock of the folder; 0 when none has.
int lock_holder(const std::string& folder);

std::string log_folder(const std::string& data);
std::string snapshot_folder(const std::string& data);
std::string state_path(const std::string& data);

// Is it a data folder of a format that this program reads? Changes nothing. The error says what it is instead.
Status check_format(Disk& disk, const std::string& data);
// The same, and makes one where there is no folder, or an empty one. To be called with the lock held.
Status make_data_folder(Disk& disk, const std::string& data);

}  // namespace omen
