#include "runtime/serve/stream_place.h"

#include <vector>

#include "runtime/log/reader.h"
#include "runtime/serve/stream_config.h"

namespace omen {
namespace {

constexpr uint64_t looked_at_max = 100'000;  // records of a segment: a batch or two stand before its place

struct Place {
  FoundPlace found;
  std::optional<int64_t> clock_us;
};

std::optional<Place> first_place(Disk& disk, const std::string& folder, uint64_t from) {
  auto reader = LogReader::open(disk, folder, from, from + looked_at_max);
  if (!reader) return std::nullopt;  // it was pruned meanwhile
  LogReader::Entry entry;
  while (reader.value()->next(entry)) {
    if (entry.record.kind != RecordKind::config || entry.record.text.find("\"place\"") == std::string_view::npos)
      continue;
    const auto record = parse_config(entry.record.text, {});
    if (!record || !record.value().place) continue;
    const StreamPlace& place = *record.value().place;
    return Place{{entry.sequence, !place.is_brief, false}, place.clock_us};
  }
  return std::nullopt;
}

}  // namespace

std::optional<FoundPlace> place_in(Disk& disk, const std::string& folder, const Segment& segment) {
  const auto place = first_place(disk, folder, segment.first);
  return place ? std::optional(place->found) : std::nullopt;
}

std::optional<FoundPlace> find_place(Disk& disk, const std::string& folder, int64_t clock_us, uint64_t through) {
  std::vector<Segment> segments;
  if (!list_segments(disk, folder, segments)) return std::nullopt;
  std::optional<FoundPlace> oldest;
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    const auto place = first_place(disk, folder, segment->first);
    if (!place || place->found.sequence > through) continue;
    oldest = place->found;
    oldest->is_far_enough = place->found.is_exact && place->clock_us.value_or(INT64_MIN) <= clock_us;
    if (oldest->is_far_enough) break;
  }
  return oldest;
}

}  // namespace omen
