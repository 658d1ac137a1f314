#include "runtime/serve/stream_config.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <iterator>

#include "runtime/core/json.h"
#include "runtime/input/base64.h"
#include "runtime/io/quarantine.h"

namespace omen {
namespace {

namespace dom = simdjson::dom;

template <typename Visit>
void each_limit(auto& limits, Visit visit) {
  visit("max_runs", limits.max_runs);
  visit("max_loop_events", limits.max_loop_events);
  visit("max_matches", limits.max_matches);
  visit("max_derived", limits.max_derived);
  visit("max_entries", limits.max_entries);
  visit("max_window_entries", limits.max_window_entries);
  visit("max_keys", limits.max_keys);
  visit("max_held", limits.max_held);
  visit("max_history_events", limits.max_history_events);
  visit("max_history_bytes", limits.max_history_bytes);
  visit("max_state_bytes", limits.max_state_bytes);
}

void append_time(std::string& out, std::string_view name, std::optional<int64_t> time_us) {
  fmt::format_to(std::back_inserter(out), "\"{}\":{}", name, time_us ? std::to_string(*time_us) : "null");
}

void append_order(std::string& out, const StreamConfig& config) {
  append_time(out, "lateness_us", config.lateness_us);
  out += ',';
  append_time(out, "dedupe_us", config.dedupe_us);
  out += config.strict_types ? ",\"strict_types\":true,\"limits\":{" : ",\"strict_types\":false,\"limits\":{";
  each_limit(config.limits, [&](std::string_view name, auto value) {
    fmt::format_to(std::back_inserter(out), "{}\"{}\":{}", out.back() == '{' ? "" : ",", name, value);
  });
  fmt::format_to(std::back_inserter(out), "}},\"shards\":{}", config.shards);
}

void append_config(std::string& out, const StreamConfig& config) {
  append_order(out, config);
  out += ",\"tables\":{";
  for (const auto& [name, hash] : config.tables) {
    if (out.back() != '{') out += ',';
    json::append_string(out, name);
    out += ':';
    json::append_string(out, hash);
  }
  out += '}';
}

bool read_time(const dom::element& value, std::optional<int64_t>& out) {
  int64_t number = 0;
  if (value.is_null()) return out.reset(), true;
  if (value.get(number) != simdjson::SUCCESS || number < 0) return false;
  out = number;
  return true;
}

bool read_shards(const dom::element& value, uint32_t& out) {
  uint64_t number = 0;
  if (value.get(number) != simdjson::SUCCESS || number < 1 || number > shards_max) return false;
  out = static_cast<uint32_t>(number);
  return true;
}

bool read_limits(const dom::element& value, Limits& limits) {
  dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return false;
  for (const auto [name, member] : object) {
    uint64_t number = 0;
    bool is_known = false;
    if (member.get(number) != simdjson::SUCCESS) return false;
    each_limit(limits, [&, key = name](std::string_view known, auto& limit) {
      if (known != key || number > std::numeric_limits<std::remove_reference_t<decltype(limit)>>::max()) return;
      limit = static_cast<std::remove_reference_t<decltype(limit)>>(number);
      is_known = true;
    });
    if (!is_known) return false;
  }
  return true;
}

template <typename Map>
bool read_map(const dom::element& value, Map& out) {
  dom::object object;
  out.clear();
  if (value.get(object) != simdjson::SUCCESS) return false;
  for (const auto [name, member] : object) {
    if constexpr (std::is_same_v<typename Map::mapped_type, uint64_t>) {
      uint64_t number = 0;
      if (member.get(number) != simdjson::SUCCESS) return false;
      out.emplace(std::string(name), number);
    } else {
      std::string_view text;
      if (member.get(text) != simdjson::SUCCESS) return false;
      out.emplace(std::string(name), std::string(text));
    }
  }
  return true;
}

bool read_place(const dom::element& value, std::optional<StreamPlace>& out) {
  std::string_view order;
  dom::element clock;
  out.emplace();
  if (value["clock_us"].get(clock) != simdjson::SUCCESS || value["order"].get(order) != simdjson::SUCCESS) return false;
  if (!clock.is_null()) {
    int64_t clock_us = 0;
    if (clock.get(clock_us) != simdjson::SUCCESS) return false;
    out->clock_us = clock_us;
  }
  auto bytes = decode_base64(order);
  if (!bytes) return false;
  out->order = std::move(*bytes);
  return value["is_brief"].get(out->is_brief) == simdjson::SUCCESS;
}

}  // namespace

StreamConfig config_of(const PipelineOptions& options) {
  StreamConfig config;
  config.lateness_us = options.order.lateness_us;
  config.dedupe_us = options.order.dedupe_us;
  config.strict_types = options.strict_types;
  config.limits = options.limits;
  config.shards = options.shards;
  return config;
}

PipelineOptions with_config(PipelineOptions options, const StreamConfig& config) {
  options.order.lateness_us = config.lateness_us;
  options.order.dedupe_us = config.dedupe_us;
  options.strict_types = config.strict_types;
  options.limits = config.limits;
  options.shards = config.shards;
  return options;
}

bool is_same_order(const StreamConfig& a, const StreamConfig& b) {
  std::string first, second;
  append_order(first, a);
  append_order(second, b);
  return first == second;
}

std::string config_text(const StreamConfig& config, const StreamPlace* place) {
  std::string out = "{";
  append_config(out, config);
  if (place != nullptr) {
    out += ",\"place\":{";
    append_time(out, "clock_us", place->clock_us);
    out += ",\"order\":\"";
    append_base64(out, place->order);
    out += place->is_brief ? "\",\"is_brief\":true}" : "\",\"is_brief\":false}";
  }
  return out += '}';
}

std::string coming_text(std::string_view rules_record) { return "{\"coming\":" + std::string(rules_record) + "}"; }

std::string snapshot_config_text(const StreamConfig& config) {
  std::string out = "{";
  append_config(out, config);
  out += ",\"former_tables\":{";
  for (const auto& [hash, until] : config.former_tables) {
    fmt::format_to(std::back_inserter(out), "{}\"{}\":{}", out.back() == '{' ? "" : ",", hash, until);
  }
  return out += "}}";
}

Result<ConfigRecord> parse_config(std::string_view text, StreamConfig before) {
  ConfigRecord record{std::move(before), std::nullopt, std::nullopt};
  dom::parser parser;
  dom::object members;
  if (parser.parse(simdjson::padded_string(text)).get(members) != simdjson::SUCCESS) {
    return Status::error("a record of options does not read as JSON");
  }
  for (const auto [name, value] : members) {
    StreamConfig& config = record.config;
    bool is_read = false;
    if (name == "lateness_us") is_read = read_time(value, config.lateness_us);
    if (name == "dedupe_us") is_read = read_time(value, config.dedupe_us);
    if (name == "strict_types") is_read = value.get(config.strict_types) == simdjson::SUCCESS;
    if (name == "limits") is_read = read_limits(value, config.limits);
    if (name == "shards") is_read = read_shards(value, config.shards);
    if (name == "tables") is_read = read_map(value, config.tables);
    if (name == "former_tables") is_read = read_map(value, config.former_tables);
    if (name == "place") is_read = read_place(value, record.place);
    if (name == "coming") {
      is_read = value.is_object();
      record.coming = simdjson::minify(value);
    }
    if (!is_read) {
      return Status::error("the log's option `" + std::string(name) +
                           "` cannot be read: a later version of Omen has written it; use that one");
    }
  }
  return record;
}

}  // namespace omen
