// Log recovery: whatever bytes the segments of a log have, opening it works or says why not, changes nothing when it
// refuses, and can be repaired; what can be read before is read after, and the checksums may be made right so that
// what stands behind them is reached.
//
// The first byte: bit 0 makes checksums right, bit 1 parts the bytes into two segments.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <string_view>

#include "runtime/log/crc32c.h"
#include "runtime/log/log.h"
#include "runtime/log/reader.h"
#include "runtime/log/repair.h"
#include "runtime/model/status.h"
#include "tests/support/simulated_disk.h"

namespace {

using namespace omen;

constexpr int64_t now_us = 1'767'607'200'000'000;

// Goes over the bytes as frames, as far as they have lengths, and chains them.
void make_right(std::string& bytes) {
  uint32_t chain = 0;
  for (size_t at = 0; at + frame_header_bytes <= bytes.size();) {
    uint32_t payload_bytes = 0;
    memcpy(&payload_bytes, &bytes[at + 52], sizeof payload_bytes);
    payload_bytes %= 512;
    if (at + frame_header_bytes + payload_bytes > bytes.size()) {
      payload_bytes = static_cast<uint32_t>(bytes.size() - at - frame_header_bytes);
    }
    memcpy(&bytes[at], frame_magic.data(), frame_magic.size());
    memcpy(&bytes[at + 52], &payload_bytes, sizeof payload_bytes);
    if ((bytes[at + 7] & 1) == 0) memcpy(&bytes[at + 12], &chain, sizeof chain);
    const std::string_view frame(&bytes[at], frame_header_bytes + payload_bytes);
    chain = crc32c(crc32c(0, frame.substr(12, 44)), frame.substr(frame_header_bytes));
    memcpy(&bytes[at + 8], &chain, sizeof chain);
    const uint32_t header_crc = crc32c(0, frame.substr(0, 56));
    memcpy(&bytes[at + 56], &header_crc, sizeof header_crc);
    at += frame.size();
  }
}

std::map<std::string, std::string> image_of(const SimulatedDisk& disk) {
  std::map<std::string, std::string> image;
  for (const std::string& path : disk.paths()) image[path] = disk.content(path);
  return image;
}

// The records as text, by sequence.
std::map<uint64_t, std::string> read(SimulatedDisk& disk) {
  std::map<uint64_t, std::string> records;
  auto reader = LogReader::open(disk, "log", 0);
  if (!reader) return records;
  LogReader::Entry entry;
  while (reader.value()->next(entry)) {
    const std::string text = std::string(name_of(entry.record.kind)) + ' ' + std::string(entry.record.text);
    OMEN_ASSERT(records.emplace(entry.sequence, text).second);
  }
  return records;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0 || size > 4096) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) != 0) make_right(bytes);
  SimulatedDisk disk(1);
  const size_t part = (data[0] & 2) != 0 ? bytes.size() / 2 : bytes.size();
  disk.put("log/" + segment_name(1), bytes.substr(0, part));
  if (part < bytes.size()) disk.put("log/" + segment_name(1 + data[0] / 4), bytes.substr(part));

  const auto before = image_of(disk);
  const auto readable = read(disk);
  auto log = Log::open(disk, "log", {}, now_us);
  if (!log) {
    OMEN_ASSERT(image_of(disk) == before);
    if (!repair_log(disk, "log", 0, now_us)) return 0;
    log = Log::open(disk, "log", {}, now_us);
    OMEN_ASSERT(log.is_ok());
  }
  const LogRecord record{RecordKind::event, now_us, "{}"};
  const Appended appended = log.value()->append({&record, 1}, now_us);
  OMEN_ASSERT(appended.outcome == Appended::Outcome::done);
  OMEN_ASSERT(log.value()->sync().is_ok());
  const auto after = read(disk);
  for (const auto& [sequence, text] : readable) {
    if (sequence > log.value()->recovery().last) continue;
    OMEN_ASSERT(after.count(sequence) == 1 && after.at(sequence) == text);
  }
  OMEN_ASSERT(after.count(appended.first) == 1 && after.at(appended.first) == "event {}");
  return 0;
}
