// Snapshot files: the engine's state as bytes, put beside the log so that recovery need not replay all of it.
//
// DIR/snap-<S, 20 digits>: the state after the record with sequence S. Written as a temporary file, synced, renamed,
// its folder synced; the two newest are kept, so that one damaged file costs time and no data. Layout, little-endian:
//
//   0  8  magic "OMENSNAP"           16  8  S                      32  8  bytes of state
//   8  4  format version, 1          24  8  not looked at: zero    40  4  CRC32C of bytes 0 to 39 and the state
//  12  4  zero                                                     44     state
//
// Earlier versions of Omen wrote a number there that none has ever asked for.
//
// NOT HERE: what the state's bytes mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/log/disk.h"

namespace omen {

inline constexpr size_t snapshots_kept = 2;
inline constexpr uint64_t snapshot_bytes_max = 16ull << 30;  // a larger one is not written, and not read

struct Snapshot {
  uint64_t sequence = 0;  // S
  std::string state;
};

// Makes the folder when it is not there. What a writer that was ended has left unfinished goes. After an error the
// snapshots that there were are still there.
Status write_snapshot(Disk& disk, const std::string& folder, uint64_t sequence, std::string_view state);

struct LoadedSnapshot {
  std::optional<Snapshot> snapshot;  // none: replay from the beginning
  std::vector<std::string> skipped;  // damaged ones, a sentence each
};
// The newest intact one with S ≤ `watermark`. Syncs the folder first: a process that was killed may have left a name
// that a power cut would take, and pruning relies on it. An error: the folder cannot be read or synced, or a later
// format, or it is given up while it is read.
Result<LoadedSnapshot> load_snapshot(Disk& disk, const std::string& folder, uint64_t watermark,
                                     const GivenUp* is_given_up = nullptr);

// Sequences of the files that are there, whether intact or not, in order. No folder: none.
Result<std::vector<uint64_t>> list_snapshots(Disk& disk, const std::string& folder);
std::string snapshot_name(uint64_t sequence);

// Reads a file's bytes as a snapshot. An error says what is wrong with them.
Result<Snapshot> parse_snapshot(std::string bytes);

}  // namespace omen
