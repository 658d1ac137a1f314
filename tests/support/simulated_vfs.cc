#include "tests/support/simulated_vfs.h"

#include <sqlite3.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace omen {

struct SimulatedVfs::Impl {
  Disk& disk;
  std::string name;
  sqlite3_vfs vfs{};
  int last_error = 0;
};

namespace {

constexpr int journals = SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;

struct Opened {
  Disk& disk;
  std::string path;
  std::unique_ptr<File> file;
  bool is_name_unsynced = false;
};

struct SqliteFile {
  sqlite3_file base;
  Opened* opened;
};

Opened& of(sqlite3_file* file) { return *reinterpret_cast<SqliteFile*>(file)->opened; }
Disk& disk_of(sqlite3_vfs* vfs) { return static_cast<SimulatedVfs::Impl*>(vfs->pAppData)->disk; }

int code_of(const DiskStatus& status, int otherwise) {
  return status.is_ok() ? SQLITE_OK : status.is_full() ? SQLITE_FULL : otherwise;
}

int close_file(sqlite3_file* file) {
  delete reinterpret_cast<SqliteFile*>(file)->opened;
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* to, int bytes, sqlite3_int64 at) {
  const auto size = static_cast<size_t>(bytes);
  size_t got = 0;
  if (!of(file).file->read(static_cast<uint64_t>(at), static_cast<char*>(to), size, got)) return SQLITE_IOERR_READ;
  if (got == size) return SQLITE_OK;
  memset(static_cast<char*>(to) + got, 0, size - got);
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 at) {
  const std::string_view all(static_cast<const char*>(from), static_cast<size_t>(bytes));
  return code_of(of(file).file->write(static_cast<uint64_t>(at), all), SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  return of(file).file->truncate(static_cast<uint64_t>(size)) ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

int sync_file(sqlite3_file* file, int) {
  Opened& opened = of(file);
  if (!opened.file->sync()) return SQLITE_IOERR_FSYNC;
  // Whether the folder could be synced is not asked there either.
  if (std::exchange(opened.is_name_unsynced, false)) (void)opened.disk.sync_folder(folder_of(opened.path));
  return SQLITE_OK;
}

int file_size(sqlite3_file* file, sqlite3_int64* size) {
  uint64_t bytes = 0;
  if (!of(file).file->size(bytes)) return SQLITE_IOERR_FSTAT;
  *size = static_cast<sqlite3_int64>(bytes);
  return SQLITE_OK;
}

const sqlite3_io_methods& methods() {
  static const sqlite3_io_methods all = [] {
    sqlite3_io_methods m{};
    m.iVersion = 1;  // without shared memory
    m.xClose = close_file;
    m.xRead = read_file;
    m.xWrite = write_file;
    m.xTruncate = truncate_file;
    m.xSync = sync_file;
    m.xFileSize = file_size;
    m.xLock = [](sqlite3_file*, int) { return SQLITE_OK; };
    m.xUnlock = [](sqlite3_file*, int) { return SQLITE_OK; };
    m.xCheckReservedLock = [](sqlite3_file*, int* is_reserved) {
      *is_reserved = 0;
      return SQLITE_OK;
    };
    m.xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; };
    m.xSectorSize = [](sqlite3_file*) { return 4096; };
    m.xDeviceCharacteristics = [](sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; };
    return m;
  }();
  return all;
}

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  file->pMethods = nullptr;
  if (path == nullptr) return SQLITE_CANTOPEN;  // a temporary one: the store keeps those in memory
  auto opened = std::make_unique<Opened>(Opened{disk_of(vfs), path, nullptr});
  DiskStatus status = opened->disk.open(opened->path, OpenMode::write, opened->file);
  if (status.is_missing() && (flags & SQLITE_OPEN_CREATE) != 0) {
    status = opened->disk.open(opened->path, OpenMode::create, opened->file);
  }
  // One that was there, too: who made it may not have come to sync its name.
  opened->is_name_unsynced = (flags & SQLITE_OPEN_CREATE) != 0 && (flags & journals) != 0;
  static_cast<SimulatedVfs::Impl*>(vfs->pAppData)->last_error = status.code();
  if (!status) return SQLITE_CANTOPEN;
  reinterpret_cast<SqliteFile*>(file)->opened = opened.release();
  file->pMethods = &methods();
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* path, int syncs_folder) {
  const DiskStatus removed = disk_of(vfs).unlink(path);
  if (removed.is_missing()) return SQLITE_IOERR_DELETE_NOENT;
  if (!removed) return SQLITE_IOERR_DELETE;
  return syncs_folder == 0 || disk_of(vfs).sync_folder(folder_of(path)) ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

int access_file(sqlite3_vfs* vfs, const char* path, int, int* is_there) {
  std::unique_ptr<File> file;
  uint64_t bytes = 0;
  const DiskStatus status = disk_of(vfs).open(path, OpenMode::read, file);
  if (!status && !status.is_missing()) return SQLITE_IOERR_ACCESS;
  *is_there = status && file->size(bytes) && bytes > 0 ? 1 : 0;  // an empty journal is none
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int size, char* out) {
  if (strlen(path) >= static_cast<size_t>(size)) return SQLITE_CANTOPEN;
  memcpy(out, path, strlen(path) + 1);
  return SQLITE_OK;
}

}  // namespace

SimulatedVfs::SimulatedVfs(Disk& disk) {
  static std::atomic<uint64_t> made = 0;
  impl_ = std::make_unique<Impl>(Impl{disk, "omen-simulated-" + std::to_string(++made)});
  sqlite3_vfs& vfs = impl_->vfs;
  vfs = *sqlite3_vfs_find(nullptr);  // chance, time and sleep are the system's
  vfs.pNext = nullptr;
  vfs.zName = impl_->name.c_str();
  vfs.pAppData = impl_.get();
  vfs.szOsFile = sizeof(SqliteFile);
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = access_file;
  vfs.xFullPathname = full_path;
  vfs.xGetLastError = [](sqlite3_vfs* one, int, char*) {
    return static_cast<SimulatedVfs::Impl*>(one->pAppData)->last_error;
  };
  sqlite3_vfs_register(&vfs, 0);
}

SimulatedVfs::~SimulatedVfs() { sqlite3_vfs_unregister(&impl_->vfs); }

const std::string& SimulatedVfs::name() const { return impl_->name; }

}  // namespace omen
