// SimulatedDisk: a disk in memory that is as bad as a disk may be, and deterministic by its seed.
//
// Each file has two images: what readers see, and what outlives a power cut. A write is kept beside the durable image
// until sync(); power_cut() then lets any part of what was kept come true: nothing, all, or single sectors in any
// order, some of them torn; the size with or without the bytes. Names are the same: created, renamed and removed ones
// come true one by one or not, until their folder is synced. A rename is atomic.
//
// A sync that fails forgets the bytes that it should have written, as Linux does: readers still see them, the disk
// never will. A file's size is no page of the cache: the next sync that succeeds writes it.
//
// Everything that changes the disk is a call and counted, so that a test can have each one fail, or lose power in it.
// simulated_vfs.h puts SQLite on it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "runtime/log/disk.h"

namespace omen {

class SimulatedDisk : public Disk {
 public:
  explicit SimulatedDisk(uint64_t seed) : random_(seed) {}

  // Faults. `call` counts from now, the next one is 1; 0 takes the fault back.
  void fail_at(uint64_t call, int code) { fail_at_ = at(call), fail_code_ = code; }  // that one, once
  // EIO of the `sync`-th sync of files whose path begins so, once; what is left until then.
  void fail_sync_of(std::string files, uint64_t sync) { failing_files_ = std::move(files), syncs_left_ = sync; }
  uint64_t syncs_left() const { return syncs_left_; }
  void stop_at(uint64_t call) { stop_at_ = at(call); }  // power goes within it: it and all later ones fail
  void fail_read_at(uint64_t read, int code) { fail_read_at_ = read == 0 ? 0 : reads_ + read, fail_read_code_ = code; }
  // ENOSPC beyond, for bytes and for new names; there is room again when it was said so often. `files`: only for those
  // whose path begins so.
  void set_capacity(uint64_t bytes, uint64_t refusals = UINT64_MAX, std::string files = {}) {
    capacity_bytes_ = bytes;
    refusals_left_ = refusals;
    full_files_ = std::move(files);
  }
  // Whoever uses it is dead: all calls fail, until power_cut() or restart().
  void stop() { is_stopped_ = true; }
  bool is_stopped() const { return is_stopped_; }
  uint64_t calls() const { return calls_; }
  uint64_t used_bytes() const;

  // What the machine finds when power is back. Files that are open must not be used any more.
  void power_cut();
  // What the next process finds when the last one was killed: all that was written. No faults any more.
  void restart();

  // Changes a bit of a file in both of its images.
  void flip_bit(const std::string& path, uint64_t offset, int bit);
  // For tests that look at or make up files: durable at once, and no call.
  std::string content(const std::string& path) const;
  void put(const std::string& path, std::string bytes);
  std::vector<std::string> paths() const;
  uint64_t reserved_bytes(const std::string& path) const;  // that were asked for last (File::reserve)

  // Seeded defects: what a program would do wrong that forgot one thing. A harness that does not notice is no harness.
  struct Defects {
    bool forgets_sync = false;         // acknowledges before it syncs
    bool forgets_folder_sync = false;  // new names are not made durable
    bool forgets_cut_sync = false;     // the sync after a truncate
    bool retries_sync = false;         // asks again after a failed sync, and believes the answer
    std::string forgets_sync_of;       // the same as forgets_sync, of files whose name ends so
  };
  Defects defects;

  DiskStatus open(const std::string& path, OpenMode mode, std::unique_ptr<File>& file) override;
  DiskStatus rename(const std::string& from, const std::string& to) override;
  DiskStatus unlink(const std::string& path) override;
  DiskStatus list(const std::string& folder, std::vector<std::string>& names) override;
  DiskStatus make_folder(const std::string& path) override;
  DiskStatus sync_folder(const std::string& path) override;

 private:
  friend class SimulatedFile;
  struct Write {
    bool is_truncate = false;
    uint64_t offset = 0;  // of a truncate: the new size
    std::string bytes;
  };
  struct Inode {
    std::string name, seen, durable;  // the name it was made with
    std::vector<Write> unsynced;
    uint64_t reserved_bytes = 0;
  };
  using Names = std::map<std::string, std::shared_ptr<Inode>>;  // a folder has no inode
  struct NameChange {
    std::string removed, added;  // empty: none
    std::shared_ptr<Inode> inode;
  };

  uint64_t at(uint64_t call) const { return call == 0 ? 0 : calls_ + call; }
  uint64_t pick(uint64_t below) { return below == 0 ? 0 : random_() % below; }
  // Counts a call; not ok: it fails, and `is_partial` says whether a part of it may happen.
  DiskStatus begin_call(bool& is_partial);
  DiskStatus sync(Inode& inode);
  DiskStatus write(Inode& inode, uint64_t offset, std::string_view bytes);
  bool is_limited(const std::string& path) const {
    return capacity_bytes_ != UINT64_MAX && path.starts_with(full_files_);
  }
  bool is_refused();
  void lose_power(Inode& inode);
  static void apply(std::string& image, const Write& write);
  static void change(Names& names, const NameChange& change);

  std::mt19937_64 random_;
  Names seen_, durable_;
  std::map<std::string, std::vector<NameChange>> unsynced_names_;  // by folder
  uint64_t calls_ = 0, fail_at_ = 0, stop_at_ = 0, reads_ = 0, fail_read_at_ = 0;
  int fail_code_ = 0, fail_read_code_ = 0;
  std::string failing_files_;
  uint64_t syncs_left_ = 0;
  bool is_stopped_ = false;
  uint64_t capacity_bytes_ = UINT64_MAX, refusals_left_ = UINT64_MAX;
  std::string full_files_;
};

}  // namespace omen
