#include "runtime/serve/snapshot_parts.h"

#include <cstdint>
#include <cstring>

namespace omen {
namespace {

void append_part(std::string& out, std::string_view part) {
  const uint64_t size = part.size();
  char bytes[sizeof size];
  std::memcpy(bytes, &size, sizeof size);
  out.append(bytes, sizeof size);
  out += part;
}

std::optional<std::string_view> take_part(std::string_view& rest) {
  uint64_t size = 0;
  if (rest.size() < sizeof size) return std::nullopt;
  std::memcpy(&size, rest.data(), sizeof size);
  rest.remove_prefix(sizeof size);
  if (size > rest.size()) return std::nullopt;
  const std::string_view part = rest.substr(0, size);
  rest.remove_prefix(size);
  return part;
}

}  // namespace

std::string snapshot_bytes(const RuleSet& rules, const Pipeline& pipeline, const StreamConfig& config) {
  std::string order, engine, bytes;
  pipeline.save(order, engine);
  append_part(bytes, rule_set_text(rules));
  append_part(bytes, order);
  append_part(bytes, engine);
  append_part(bytes, snapshot_config_text(config));
  return bytes;
}

Result<SnapshotParts> parse_snapshot_parts(std::string_view bytes) {
  SnapshotParts parts;
  for (std::string_view* part : {&parts.rules, &parts.order, &parts.engine}) {
    const auto taken = take_part(bytes);
    if (!taken) return Status::error("the snapshot is not one of a service");
    *part = *taken;
  }
  if (const auto config_part = take_part(bytes)) {
    auto config = parse_config(*config_part, {});
    if (!config) return Status::error(config.message());
    parts.config = std::move(config.value().config);
  }
  return parts;
}

}  // namespace omen
