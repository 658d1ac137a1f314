#include "runtime/log/snapshot_file.h"

#include <fmt/format.h>

#include <cstring>

#include "runtime/log/bytes.h"
#include "runtime/log/crc32c.h"

namespace omen {
namespace {

constexpr std::string_view magic = "OMENSNAP", prefix = "snap-";
constexpr uint32_t version = 1;
constexpr size_t header_bytes = 44, crc_offset = 40, digits = 20;

template <typename T>
void append_number(std::string& out, T number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

std::optional<uint64_t> sequence_of(const std::string& name) {
  if (name.size() != prefix.size() + digits || name.compare(0, prefix.size(), prefix) != 0) return std::nullopt;
  uint64_t sequence = 0;
  for (const char digit : name.substr(prefix.size())) {
    if (digit < '0' || digit > '9' || sequence > (UINT64_MAX - 9) / 10) return std::nullopt;
    sequence = sequence * 10 + static_cast<uint64_t>(digit - '0');
  }
  return sequence;
}

// A version that is not ours is told apart from damage: it must not be passed over.
bool is_later(std::string_view bytes) {
  return bytes.size() >= header_bytes && bytes.substr(0, magic.size()) == magic &&
         number_at<uint32_t>(bytes, 8) > version && number_at<uint32_t>(bytes, 12) == 0 &&
         number_at<uint32_t>(bytes, crc_offset) ==
             crc32c(crc32c(0, bytes.substr(0, crc_offset)), bytes.substr(header_bytes));
}

// What a writer that was ended has left: nobody else writes here.
Status remove_unfinished(Disk& disk, const std::string& folder) {
  std::vector<std::string> names;
  if (const auto listed = disk.list(folder, names); !listed) return listed.status("read", folder);
  for (const std::string& name : names) {
    if (!name.starts_with(prefix) || sequence_of(name)) continue;
    const std::string path = folder + "/" + name;
    if (const auto removed = disk.unlink(path); !removed) return removed.status("remove", path);
  }
  return Status::ok();
}

}  // namespace

std::string snapshot_name(uint64_t sequence) { return fmt::format("{}{:020}", prefix, sequence); }

Result<std::vector<uint64_t>> list_snapshots(Disk& disk, const std::string& folder) {
  std::vector<std::string> names;
  std::vector<uint64_t> sequences;
  if (const auto listed = disk.list(folder, names); !listed) {
    if (listed.is_missing()) return sequences;
    return listed.status("read", folder);
  }
  for (const std::string& name : names) {
    if (const auto sequence = sequence_of(name)) sequences.push_back(*sequence);
  }
  return sequences;
}

Status write_snapshot(Disk& disk, const std::string& folder, uint64_t sequence, std::string_view state) {
  if (state.size() > snapshot_bytes_max) {
    return Status::error(fmt::format("a state of {} bytes is too large for a snapshot", state.size()));
  }
  if (const auto made = disk.make_folder(folder); !made) return made.status("make the folder", folder);
  if (const auto synced = disk.sync_folder(folder_of(folder)); !synced) {
    return synced.status("sync the folder", folder_of(folder));
  }
  if (Status cleared = remove_unfinished(disk, folder); !cleared) return cleared;
  std::string head(magic);
  append_number(head, version);
  append_number(head, uint32_t{0});
  append_number(head, sequence);
  append_number(head, uint64_t{0});
  append_number(head, static_cast<uint64_t>(state.size()));
  append_number(head, crc32c(crc32c(0, head), state));
  const std::string path = folder + "/" + snapshot_name(sequence);
  if (const auto put = replace_file(disk, path, head, state); !put) return put.status("write", path);
  auto sequences = list_snapshots(disk, folder);
  if (!sequences) return Status::error(sequences.message());
  std::vector<uint64_t>& all = sequences.value();
  // Those after it are of a history that a repair has cut: newer by name only.
  while (!all.empty() && all.back() > sequence) all.pop_back();
  if (all.size() <= snapshots_kept) return Status::ok();
  for (size_t i = 0; i + snapshots_kept < all.size(); ++i) {
    const std::string old = folder + "/" + snapshot_name(all[i]);
    if (const auto removed = disk.unlink(old); !removed) return removed.status("remove", old);
  }
  return disk.sync_folder(folder).status("sync the folder", folder);
}

Result<Snapshot> parse_snapshot(std::string bytes) {
  if (is_later(bytes)) return Status::error("is of a later version of Omen; use that one");
  if (bytes.size() < header_bytes) return Status::error("ends within its header");
  const std::string_view view = bytes;
  if (view.substr(0, magic.size()) != magic) return Status::error("does not begin as a snapshot does");
  if (number_at<uint32_t>(view, 8) != version || number_at<uint32_t>(view, 12) != 0) {
    return Status::error("has no version that there is");
  }
  if (number_at<uint64_t>(view, 32) != bytes.size() - header_bytes) {
    return Status::error(fmt::format("has {} bytes of state in place of {}", bytes.size() - header_bytes,
                                     number_at<uint64_t>(view, 32)));
  }
  if (number_at<uint32_t>(view, crc_offset) !=
      crc32c(crc32c(0, view.substr(0, crc_offset)), view.substr(header_bytes))) {
    return Status::error("differs from its checksum");
  }
  Snapshot snapshot;
  snapshot.sequence = number_at<uint64_t>(view, 16);
  bytes.erase(0, header_bytes);
  snapshot.state = std::move(bytes);
  return snapshot;
}

Result<LoadedSnapshot> load_snapshot(Disk& disk, const std::string& folder, uint64_t watermark,
                                     const GivenUp* is_given_up) {
  LoadedSnapshot loaded;
  auto sequences = list_snapshots(disk, folder);
  if (!sequences) return Status::error(sequences.message());
  if (sequences.value().empty()) return loaded;
  if (const auto synced = disk.sync_folder(folder); !synced) return synced.status("sync the folder", folder);
  for (auto at = sequences.value().rbegin(); at != sequences.value().rend(); ++at) {
    if (*at > watermark) continue;
    const std::string path = folder + "/" + snapshot_name(*at);
    std::string bytes;
    if (const auto read = read_file(disk, path, snapshot_bytes_max + header_bytes, bytes, is_given_up); !read) {
      return read.status("read", path);
    }
    if (is_later(bytes)) return Status::error(path + " is of a later version of Omen; use that one");
    auto snapshot = parse_snapshot(std::move(bytes));
    if (snapshot && snapshot.value().sequence == *at) {
      loaded.snapshot = std::move(snapshot.value());
      break;
    }
    loaded.skipped.push_back(path + " " + (snapshot ? "is named after another sequence" : snapshot.message()));
  }
  return loaded;
}

}  // namespace omen
