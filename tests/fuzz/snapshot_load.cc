// Snapshot load: whatever bytes a snapshot file has, it is loaded or skipped with a reason, and the one before is
// loaded in its place. The first byte: bit 0 makes length and checksum right.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "runtime/log/crc32c.h"
#include "runtime/log/snapshot_file.h"
#include "runtime/model/status.h"
#include "tests/support/simulated_disk.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace omen;
  if (size == 0) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) != 0 && bytes.size() >= 44) {
    const uint64_t state_bytes = bytes.size() - 44;
    memcpy(&bytes[32], &state_bytes, sizeof state_bytes);
    const std::string_view view = bytes;
    const uint32_t crc = crc32c(crc32c(0, view.substr(0, 40)), view.substr(44));
    memcpy(&bytes[40], &crc, sizeof crc);
  }
  SimulatedDisk disk(1);
  OMEN_ASSERT(write_snapshot(disk, "s", 10, "older").is_ok());
  disk.put("s/" + snapshot_name(20), bytes);
  const auto loaded = load_snapshot(disk, "s", 100);
  const auto parsed = parse_snapshot(bytes);
  if (!loaded) {
    OMEN_ASSERT(!parsed.is_ok());  // of a later version
    return 0;
  }
  OMEN_ASSERT(loaded.value().snapshot.has_value());
  const Snapshot& snapshot = *loaded.value().snapshot;
  if (loaded.value().skipped.empty()) {
    OMEN_ASSERT(snapshot.sequence == 20 && snapshot.state == std::string_view(bytes).substr(44));
  } else {
    OMEN_ASSERT(snapshot.sequence == 10 && snapshot.state == "older");
    OMEN_ASSERT(!parsed.is_ok() || parsed.value().sequence != 20);
  }
  return 0;
}
