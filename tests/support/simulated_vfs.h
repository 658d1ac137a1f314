// SimulatedVfs: SQLite over a Disk, so that the simulated one (simulated_disk.h) loses power, fails and fills below it.
//
// It does what SQLite's own VFS for unix does (os_unix.c): the folder is synced with the first sync of a journal or WAL
// that is opened to be made if it is not there, be it there or not, and after an unlink when SQLite asks for it; a full
// disk is SQLITE_FULL where bytes are written. It has no shared memory and no locks: who uses it must keep the lock for
// itself (locking_mode=EXCLUSIVE), or SQLite refuses WAL.
#pragma once

#include <memory>
#include <string>

#include "runtime/log/disk.h"

namespace omen {

class SimulatedVfs {
 public:
  // Registered under a name of its own until it is destroyed, when no database may be open any more.
  explicit SimulatedVfs(Disk& disk);
  ~SimulatedVfs();
  SimulatedVfs(const SimulatedVfs&) = delete;
  SimulatedVfs& operator=(const SimulatedVfs&) = delete;
  const std::string& name() const;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace omen
