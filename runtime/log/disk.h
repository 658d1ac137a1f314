// Disk: the file operations that the log and the snapshots need, as an interface, so that tests can break the disk
// below the very code that runs in service (tests/support/simulated_disk.h).
//
// What a caller must know of disks, because the interface promises no more:
//   1. Written bytes are in the file for every reader at once, but outlive a power cut only after sync(); until then
//   any
//      part of them, in any order and in sectors, may be there.
//   2. A new, renamed or removed name outlives a power cut only after sync_folder() of its folder.
//   3. After a failed sync() nobody knows what is on the disk, and a second sync() that succeeds proves nothing
//      (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020): it is never retried.
//
// NOT HERE: buffering, and any decision about what to do with an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/given_up.h"
#include "runtime/model/status.h"

namespace omen {

// What the operating system answered: done, or an errno.
class [[nodiscard]] DiskStatus {
 public:
  DiskStatus() = default;
  explicit DiskStatus(int code) : code_(code) {}
  bool is_ok() const { return code_ == 0; }
  explicit operator bool() const { return is_ok(); }
  bool is_full() const;     // no room: ENOSPC, EDQUOT
  bool is_missing() const;  // no such file or folder: ENOENT
  int code() const { return code_; }
  // "cannot write log/seg-…: No space left on device"
  Status status(std::string_view what, std::string_view path) const;

 private:
  int code_ = 0;
};

// An open file. Closed by its destructor, which makes nothing durable.
class File {
 public:
  virtual ~File() = default;
  // Reads up to `size` bytes; `got` is less only at the file's end.
  virtual DiskStatus read(uint64_t offset, char* out, size_t size, size_t& got) = 0;
  // Writes all of the bytes, or fails having written any part of them: a short write is an error.
  virtual DiskStatus write(uint64_t offset, std::string_view bytes) = 0;
  // Makes bytes and size durable (fdatasync).
  virtual DiskStatus sync() = 0;
  virtual DiskStatus truncate(uint64_t size) = 0;
  virtual DiskStatus size(uint64_t& bytes) = 0;
  // Asks for room for so many bytes from the file's beginning, so that writing them need not look for any; what is in
  // the file, and its size, stay as they are. Where there is no such room, or no such thing, nothing comes of it.
  virtual void reserve(uint64_t /*bytes*/) {}
};

enum class OpenMode : uint8_t {
  read,    // must exist
  write,   // must exist; to read and write
  create,  // must not exist; to read and write, by its owner alone (0600)
};

class Disk {
 public:
  virtual ~Disk() = default;
  virtual DiskStatus open(const std::string& path, OpenMode mode, std::unique_ptr<File>& file) = 0;
  virtual DiskStatus rename(const std::string& from, const std::string& to) = 0;  // replaces `to`
  virtual DiskStatus unlink(const std::string& path) = 0;
  // The names in the folder, without "." and "..", sorted.
  virtual DiskStatus list(const std::string& folder, std::vector<std::string>& names) = 0;
  // For its owner alone (0700). One that exists is no error.
  virtual DiskStatus make_folder(const std::string& path) = 0;
  virtual DiskStatus sync_folder(const std::string& path) = 0;
};

// The operating system's.
Disk& real_disk();

// "a/b/c" -> "a/b"; "c" -> "."
std::string folder_of(const std::string& path);

// Reads a whole file of at most `bytes_max`; a larger one is an error (EFBIG), and so is one that is given up while it
// is read (ECANCELED).
DiskStatus read_file(Disk& disk, const std::string& path, size_t bytes_max, std::string& bytes,
                     const GivenUp* is_given_up = nullptr);

// Puts a file there so that a power cut leaves the old one or the new one: temporary file (PATH.new), sync, rename,
// sync of the folder. After an error the temporary file is removed when that is possible.
DiskStatus replace_file(Disk& disk, const std::string& path, std::string_view head, std::string_view body = {});

}  // namespace omen
