#include "cli/data_folder.h"

#include <fmt/format.h>

#include <filesystem>
#include <iterator>

#include "cli/print.h"
#include "runtime/core/write.h"
#include "runtime/log/data_folder.h"
#include "runtime/log/snapshot_file.h"
#include "runtime/outbox/store.h"

namespace omen::cli {

Result<SnapshotList> read_snapshots(const std::string& data) {
  const std::string folder = snapshot_folder(data);
  const auto sequences = list_snapshots(real_disk(), folder);
  if (!sequences) return Status::error(sequences.message());
  SnapshotList list;
  for (const uint64_t sequence : sequences.value()) {
    const std::string name = snapshot_name(sequence);
    std::string bytes;
    if (const auto read = read_file(real_disk(), folder + "/" + name, snapshot_bytes_max, bytes); !read) {
      return read.status("read", folder + "/" + name);
    }
    const auto snapshot = parse_snapshot(std::move(bytes));
    if (snapshot && snapshot.value().sequence == sequence) {
      list.intact.push_back(sequence);
      continue;
    }
    list.damaged.push_back(name);
    list.problems.push_back(snapshot ? "is named after another sequence" : snapshot.message());
  }
  return list;
}

Result<std::optional<uint64_t>> read_watermark(const std::string& data) {
  std::error_code error;
  if (!std::filesystem::exists(state_path(data), error)) return std::optional<uint64_t>();
  const auto store = Store::open(state_path(data));
  if (!store) return Status::error(store.message());
  return std::optional(store.value()->watermark());
}

std::string contents_text(const LogCheck& check) {
  if (check.segments.empty()) return "empty";
  uint64_t bytes = 0;
  for (const Segment& segment : check.segments) bytes += segment.bytes;
  std::string out = fmt::format("{}, {}", plural(check.segments.size(), "segment"), plural(check.records, "record"));
  if (check.end > check.first) out += fmt::format(", sequences {}..{}", check.first, check.end - 1);
  out += fmt::format(", {}, epoch {}", plural(bytes, "byte"), check.epoch);
  if (check.records_lost > 0) out += fmt::format(", {} marked lost by a repair", plural(check.records_lost, "record"));
  if (check.is_sealed && check.damages.empty()) out += ", ended cleanly";
  return out;
}

void append_text(std::string& out, std::string_view text) { append_json(out, Value::of_text(text)); }

void append_damages(std::string& out, const std::vector<Damage>& damages) {
  out += '[';
  for (const Damage& damage : damages) {
    if (&damage != &damages.front()) out += ',';
    out += "{\"file\":";
    append_text(out, damage.file);
    fmt::format_to(std::back_inserter(out), ",\"begin\":{},\"end\":{},\"first_lost\":{},\"lost\":{},\"is_torn_end\":{}",
                   damage.begin, damage.end, damage.first_lost, damage.end_lost - damage.first_lost, damage.is_torn);
    out += ",\"problem\":";
    append_text(out, damage.problem);
    out += '}';
  }
  out += ']';
}

}  // namespace omen::cli
