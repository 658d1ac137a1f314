#include "tests/support/simulated_disk.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace omen {

namespace {
constexpr uint64_t sector_bytes = 512;
}

class SimulatedFile : public File {
 public:
  SimulatedFile(SimulatedDisk& disk, std::shared_ptr<SimulatedDisk::Inode> inode)
      : disk_(disk), inode_(std::move(inode)) {}

  DiskStatus read(uint64_t offset, char* out, size_t size, size_t& got) override {
    got = 0;
    if (disk_.is_stopped_) return DiskStatus(EIO);
    if (++disk_.reads_ == disk_.fail_read_at_) return DiskStatus(disk_.fail_read_code_);
    if (offset >= inode_->seen.size()) return DiskStatus();
    got = std::min<size_t>(size, inode_->seen.size() - offset);
    memcpy(out, inode_->seen.data() + offset, got);
    return DiskStatus();
  }
  DiskStatus write(uint64_t offset, std::string_view bytes) override { return disk_.write(*inode_, offset, bytes); }
  DiskStatus sync() override { return disk_.sync(*inode_); }
  DiskStatus truncate(uint64_t size) override {
    bool is_partial = false;
    if (const auto begun = disk_.begin_call(is_partial); !begun) return begun;
    SimulatedDisk::Write cut{true, size, {}};
    SimulatedDisk::apply(inode_->seen, cut);
    inode_->unsynced.push_back(std::move(cut));
    return DiskStatus();
  }
  DiskStatus size(uint64_t& bytes) override {
    bytes = inode_->seen.size();
    return disk_.is_stopped_ ? DiskStatus(EIO) : DiskStatus();
  }
  void reserve(uint64_t bytes) override { inode_->reserved_bytes = bytes; }

 private:
  SimulatedDisk& disk_;
  std::shared_ptr<SimulatedDisk::Inode> inode_;
};

DiskStatus SimulatedDisk::begin_call(bool& is_partial) {
  is_partial = false;
  if (is_stopped_) return DiskStatus(EIO);
  ++calls_;
  if (calls_ == stop_at_) {
    is_stopped_ = is_partial = true;
    return DiskStatus(EIO);
  }
  if (calls_ == fail_at_) {
    is_partial = true;
    return DiskStatus(fail_code_);
  }
  return DiskStatus();
}

void SimulatedDisk::apply(std::string& image, const Write& write) {
  if (write.is_truncate) {
    image.resize(write.offset);
    return;
  }
  if (image.size() < write.offset + write.bytes.size()) image.resize(write.offset + write.bytes.size());
  memcpy(image.data() + write.offset, write.bytes.data(), write.bytes.size());
}

void SimulatedDisk::change(Names& names, const NameChange& change) {
  if (!change.removed.empty()) {
    const auto found = names.find(change.removed);
    if (found != names.end() && found->second == change.inode) names.erase(found);
  }
  if (!change.added.empty()) names[change.added] = change.inode;
}

uint64_t SimulatedDisk::used_bytes() const {
  uint64_t sum = 0;
  for (const auto& [path, inode] : seen_) sum += inode != nullptr ? inode->seen.size() : 0;
  return sum;
}

// The disk has no room: or does it have some by now?
bool SimulatedDisk::is_refused() {
  if (refusals_left_ == UINT64_MAX) return true;
  if (refusals_left_ > 0) {
    --refusals_left_;
    return true;
  }
  capacity_bytes_ = UINT64_MAX;
  return false;
}

DiskStatus SimulatedDisk::write(Inode& inode, uint64_t offset, std::string_view bytes) {
  bool is_partial = false;
  auto begun = begin_call(is_partial);
  if (!begun && !is_partial) return begun;
  size_t taken = bytes.size();
  if (!begun) {
    taken = pick(bytes.size());
  } else if (is_limited(inode.name)) {
    const uint64_t end = offset + bytes.size();
    const uint64_t grows = end > inode.seen.size() ? end - inode.seen.size() : 0;
    const uint64_t used = used_bytes(), room = capacity_bytes_ > used ? capacity_bytes_ - used : 0;
    if (grows > room && is_refused()) {
      begun = DiskStatus(ENOSPC);
      taken = std::min<uint64_t>(bytes.size() - (grows - room), bytes.size());
    }
  }
  if (taken > 0) {
    Write part{false, offset, std::string(bytes.substr(0, taken))};
    apply(inode.seen, part);
    inode.unsynced.push_back(std::move(part));
  }
  return begun;
}

DiskStatus SimulatedDisk::sync(Inode& inode) {
  bool is_partial = false;
  auto begun = begin_call(is_partial);
  if (begun && syncs_left_ > 0 && inode.name.starts_with(failing_files_) && --syncs_left_ == 0) begun = DiskStatus(EIO);
  if (!begun) {
    if (is_stopped_) return begun;
    // Some pages may have gone out; all are held to be clean from now on.
    for (const Write& write : inode.unsynced) {
      if (pick(2) == 0) apply(inode.durable, write);
    }
    inode.unsynced.clear();
    return defects.retries_sync ? DiskStatus() : begun;
  }
  const bool was_cut = std::any_of(inode.unsynced.begin(), inode.unsynced.end(), [](auto& w) { return w.is_truncate; });
  if (defects.forgets_sync || (defects.forgets_cut_sync && was_cut)) return DiskStatus();
  if (!defects.forgets_sync_of.empty() && inode.name.ends_with(defects.forgets_sync_of)) {
    return DiskStatus();
  }
  for (const Write& write : inode.unsynced) apply(inode.durable, write);
  inode.durable.resize(inode.seen.size());
  inode.unsynced.clear();
  return DiskStatus();
}

DiskStatus SimulatedDisk::open(const std::string& path, OpenMode mode, std::unique_ptr<File>& file) {
  if (is_stopped_) return DiskStatus(EIO);
  const auto found = seen_.find(path);
  if (mode != OpenMode::create) {
    if (found == seen_.end()) return DiskStatus(ENOENT);
    if (found->second == nullptr) return DiskStatus(EISDIR);
    file = std::make_unique<SimulatedFile>(*this, found->second);
    return DiskStatus();
  }
  if (found != seen_.end()) return DiskStatus(EEXIST);
  const std::string folder = folder_of(path);
  if (folder != "." && seen_.count(folder) == 0) return DiskStatus(ENOENT);
  bool is_partial = false;
  if (const auto begun = begin_call(is_partial); !begun) return begun;
  if (is_limited(path) && used_bytes() >= capacity_bytes_ && is_refused()) return DiskStatus(ENOSPC);
  NameChange made{{}, path, std::make_shared<Inode>()};
  made.inode->name = path;
  change(seen_, made);
  unsynced_names_[folder].push_back(made);
  file = std::make_unique<SimulatedFile>(*this, made.inode);
  return DiskStatus();
}

DiskStatus SimulatedDisk::rename(const std::string& from, const std::string& to) {
  bool is_partial = false;
  if (const auto begun = begin_call(is_partial); !begun) return begun;
  const auto found = seen_.find(from);
  if (found == seen_.end()) return DiskStatus(ENOENT);
  const NameChange moved{from, to, found->second};
  change(seen_, moved);
  unsynced_names_[folder_of(to)].push_back(moved);
  return DiskStatus();
}

DiskStatus SimulatedDisk::unlink(const std::string& path) {
  const auto found = seen_.find(path);
  if (!is_stopped_ && found == seen_.end()) return DiskStatus(ENOENT);
  bool is_partial = false;
  if (const auto begun = begin_call(is_partial); !begun) return begun;
  const NameChange gone{path, {}, found->second};
  change(seen_, gone);
  unsynced_names_[folder_of(path)].push_back(gone);
  return DiskStatus();
}

DiskStatus SimulatedDisk::list(const std::string& folder, std::vector<std::string>& names) {
  names.clear();
  if (is_stopped_) return DiskStatus(EIO);
  if (seen_.count(folder) == 0) return DiskStatus(ENOENT);
  for (const auto& [path, inode] : seen_) {
    if (folder_of(path) == folder) names.push_back(path.substr(folder.size() + 1));
  }
  return DiskStatus();
}

DiskStatus SimulatedDisk::make_folder(const std::string& path) {
  if (!is_stopped_ && seen_.count(path) != 0) return DiskStatus();
  bool is_partial = false;
  if (const auto begun = begin_call(is_partial); !begun) return begun;
  const NameChange made{{}, path, nullptr};
  change(seen_, made);
  unsynced_names_[folder_of(path)].push_back(made);
  return DiskStatus();
}

DiskStatus SimulatedDisk::sync_folder(const std::string& path) {
  bool is_partial = false;
  if (const auto begun = begin_call(is_partial); !begun) return begun;
  if (defects.forgets_folder_sync) return DiskStatus();
  for (const NameChange& one : unsynced_names_[path]) change(durable_, one);
  unsynced_names_.erase(path);
  return DiskStatus();
}

// Leaves in the durable image one of the states that the writes may have left.
void SimulatedDisk::lose_power(Inode& inode) {
  const uint64_t how = pick(4);
  for (const Write& write : inode.unsynced) {
    if (how == 0) break;
    if (how == 1) {
      apply(inode.durable, write);
      continue;
    }
    if (write.is_truncate) {
      if (pick(2) == 0) apply(inode.durable, write);
      continue;
    }
    if (pick(2) == 0) {  // the size is there before the bytes are
      inode.durable.resize(std::max<size_t>(inode.durable.size(), write.offset + write.bytes.size()));
    }
    const uint64_t end = write.offset + write.bytes.size();
    for (uint64_t at = write.offset; at < end;) {
      const uint64_t next = std::min(end, (at / sector_bytes + 1) * sector_bytes);
      if (pick(how == 2 ? 2 : 8) != 0) {
        const uint64_t torn = pick(16) == 0 ? pick(next - at) : next - at;
        apply(inode.durable, {false, at, write.bytes.substr(at - write.offset, torn)});
      }
      at = next;
    }
  }
  inode.unsynced.clear();
  inode.seen = inode.durable;
}

void SimulatedDisk::power_cut() {
  for (auto& [folder, changes] : unsynced_names_) {
    const uint64_t how = pick(3);
    for (const NameChange& one : changes) {
      if (how == 1 || (how == 2 && pick(2) == 0)) change(durable_, one);
    }
  }
  unsynced_names_.clear();
  for (auto& [path, inode] : durable_) {
    if (inode != nullptr) lose_power(*inode);
  }
  // What is in a folder that was lost is lost; a parent comes before what is in it.
  for (auto at = durable_.begin(); at != durable_.end();) {
    const std::string folder = folder_of(at->first);
    at = folder == "." || durable_.count(folder) != 0 ? std::next(at) : durable_.erase(at);
  }
  seen_ = durable_;
  restart();
}

void SimulatedDisk::restart() {
  is_stopped_ = false;
  fail_at_ = stop_at_ = fail_read_at_ = syncs_left_ = 0;
  set_capacity(UINT64_MAX);
}

void SimulatedDisk::flip_bit(const std::string& path, uint64_t offset, int bit) {
  Inode& inode = *seen_.at(path);
  for (std::string* image : {&inode.seen, &inode.durable}) {
    if (offset < image->size()) (*image)[offset] = static_cast<char>((*image)[offset] ^ (1 << bit));
  }
}

std::string SimulatedDisk::content(const std::string& path) const { return seen_.at(path)->seen; }

uint64_t SimulatedDisk::reserved_bytes(const std::string& path) const { return seen_.at(path)->reserved_bytes; }

void SimulatedDisk::put(const std::string& path, std::string bytes) {
  for (size_t slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    seen_[path.substr(0, slash)] = durable_[path.substr(0, slash)] = nullptr;
  }
  auto inode = std::make_shared<Inode>();
  inode->seen = inode->durable = std::move(bytes);
  seen_[path] = durable_[path] = inode;
}

std::vector<std::string> SimulatedDisk::paths() const {
  std::vector<std::string> out;
  for (const auto& [path, inode] : seen_) {
    if (inode != nullptr) out.push_back(path);
  }
  return out;
}

}  // namespace omen
