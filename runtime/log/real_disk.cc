// The operating system's files (POSIX.1-2017).
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "runtime/log/disk.h"

namespace omen {
namespace {

DiskStatus answer(int result) { return result == 0 ? DiskStatus() : DiskStatus(errno); }

class RealFile : public File {
 public:
  explicit RealFile(int fd) : fd_(fd) {}
  ~RealFile() override { close(fd_); }
  RealFile(const RealFile&) = delete;
  RealFile& operator=(const RealFile&) = delete;

  DiskStatus read(uint64_t offset, char* out, size_t size, size_t& got) override {
    got = 0;
    while (got < size) {
      const ssize_t count = pread(fd_, out + got, size - got, static_cast<off_t>(offset + got));
      if (count == 0) break;
      if (count < 0 && errno != EINTR) return DiskStatus(errno);
      if (count > 0) got += static_cast<size_t>(count);
    }
    return DiskStatus();
  }

  // The system may take a part and say why only when asked for the rest.
  DiskStatus write(uint64_t offset, std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t count = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (count == 0) return DiskStatus(EIO);
      if (count < 0 && errno != EINTR) return DiskStatus(errno);
      if (count < 0) continue;
      bytes.remove_prefix(static_cast<size_t>(count));
      offset += static_cast<uint64_t>(count);
    }
    return DiskStatus();
  }

  DiskStatus sync() override { return answer(fdatasync(fd_)); }
  DiskStatus truncate(uint64_t size) override { return answer(ftruncate(fd_, static_cast<off_t>(size))); }
  DiskStatus size(uint64_t& bytes) override {
    struct stat file = {};
    const auto asked = answer(fstat(fd_, &file));
    bytes = static_cast<uint64_t>(file.st_size);
    return asked;
  }
  // One that fails may keep what it has found: a disk that is nearly full is not asked.
  void reserve(uint64_t bytes) override {
    constexpr uint64_t part_of_free = 8;
    struct statvfs disk = {};
    if (fstatvfs(fd_, &disk) != 0 || bytes > disk.f_bavail * disk.f_frsize / part_of_free) return;
    [[maybe_unused]] const int reserved = fallocate(fd_, FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(bytes));
  }

 private:
  int fd_;
};

class RealDisk : public Disk {
 public:
  DiskStatus open(const std::string& path, OpenMode mode, std::unique_ptr<File>& file) override {
    const int flags = mode == OpenMode::read ? O_RDONLY : mode == OpenMode::write ? O_RDWR : O_RDWR | O_CREAT | O_EXCL;
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd < 0) return DiskStatus(errno);
    file = std::make_unique<RealFile>(fd);
    return DiskStatus();
  }

  DiskStatus rename(const std::string& from, const std::string& to) override {
    return answer(::rename(from.c_str(), to.c_str()));
  }
  DiskStatus unlink(const std::string& path) override { return answer(::unlink(path.c_str())); }

  DiskStatus list(const std::string& folder, std::vector<std::string>& names) override {
    names.clear();
    DIR* handle = opendir(folder.c_str());
    if (handle == nullptr) return DiskStatus(errno);
    errno = 0;
    for (const dirent* entry = readdir(handle); entry != nullptr; entry = readdir(handle)) {
      const std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(name);
    }
    const auto read = DiskStatus(errno);
    closedir(handle);
    std::sort(names.begin(), names.end());
    return read;
  }

  DiskStatus make_folder(const std::string& path) override {
    const auto made = answer(mkdir(path.c_str(), 0700));
    return made.code() == EEXIST ? DiskStatus() : made;
  }

  DiskStatus sync_folder(const std::string& path) override {
    const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return DiskStatus(errno);
    const auto synced = answer(fsync(fd));
    close(fd);
    return synced;
  }
};

}  // namespace

Disk& real_disk() {
  static RealDisk disk;
  return disk;
}

}  // namespace omen
