#include "tests/support/failing_disk.h"

#include <sqlite3.h>

namespace omen {

struct FailingFile {
  sqlite3_file base;
  sqlite3_file* real;

  static sqlite3_file* of(sqlite3_file* file) { return reinterpret_cast<FailingFile*>(file)->real; }
  static int fault() { return FailingDisk::instance().next(); }
};

namespace {

using F = FailingFile;

const sqlite3_io_methods& methods() {
  static const sqlite3_io_methods all = [] {
    sqlite3_io_methods m{};
    m.iVersion = 1;
    m.xClose = [](sqlite3_file* f) { return F::of(f)->pMethods->xClose(F::of(f)); };
    m.xRead = [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
      return F::of(f)->pMethods->xRead(F::of(f), to, n, at);
    };
    m.xWrite = [](sqlite3_file* f, const void* from, int n, sqlite3_int64 at) {
      const int fault = F::fault();
      return fault != SQLITE_OK ? fault : F::of(f)->pMethods->xWrite(F::of(f), from, n, at);
    };
    m.xTruncate = [](sqlite3_file* f, sqlite3_int64 n) { return F::of(f)->pMethods->xTruncate(F::of(f), n); };
    m.xSync = [](sqlite3_file*, int) { return F::fault(); };
    m.xFileSize = [](sqlite3_file* f, sqlite3_int64* n) { return F::of(f)->pMethods->xFileSize(F::of(f), n); };
    m.xLock = [](sqlite3_file* f, int how) { return F::of(f)->pMethods->xLock(F::of(f), how); };
    m.xUnlock = [](sqlite3_file* f, int how) { return F::of(f)->pMethods->xUnlock(F::of(f), how); };
    m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return F::of(f)->pMethods->xCheckReservedLock(F::of(f), out);
    };
    m.xFileControl = [](sqlite3_file* f, int what, void* with) {
      return F::of(f)->pMethods->xFileControl(F::of(f), what, with);
    };
    m.xSectorSize = [](sqlite3_file* f) { return F::of(f)->pMethods->xSectorSize(F::of(f)); };
    m.xDeviceCharacteristics = [](sqlite3_file* f) { return F::of(f)->pMethods->xDeviceCharacteristics(F::of(f)); };
    return m;
  }();
  return all;
}

}  // namespace

FailingDisk& FailingDisk::instance() {
  static FailingDisk disk;
  return disk;
}

FailingDisk::FailingDisk() {
  static sqlite3_vfs* const real = sqlite3_vfs_find(nullptr);
  static sqlite3_vfs ours = *real;
  ours.zName = name;
  ours.pNext = nullptr;
  ours.szOsFile = static_cast<int>(sizeof(FailingFile)) + real->szOsFile;
  ours.xOpen = [](sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* out) {
    auto* opened = reinterpret_cast<FailingFile*>(file);
    opened->real = reinterpret_cast<sqlite3_file*>(opened + 1);
    const int result = real->xOpen(real, path, opened->real, flags, out);
    opened->base.pMethods = result == SQLITE_OK ? &methods() : nullptr;
    return result;
  };
  sqlite3_vfs_register(&ours, 0);
}

int FailingDisk::next() {
  if (code_ == SQLITE_OK || left_-- > 0) return SQLITE_OK;
  has_failed_ = true;
  return code_;
}

}  // namespace omen
