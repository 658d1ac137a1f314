#include "runtime/serve/control_text.h"

#include <fmt/format.h>

#include "runtime/core/json.h"
#include "runtime/model/time.h"

namespace omen {
namespace {

void append_member(std::string& out, std::string_view name, std::string_view text) {
  if (out.back() != '{') out += ',';
  json::append_string(out, name);
  out += ':';
  json::append_string(out, text);
}

void append_member(std::string& out, std::string_view name, uint64_t number) {
  if (out.back() != '{') out += ',';
  json::append_string(out, name);
  out += fmt::format(":{}", number);
}

void append_flag(std::string& out, std::string_view name, bool is_so) {
  if (out.back() != '{') out += ',';
  json::append_string(out, name);
  out += is_so ? ":true" : ":false";
}

// null when there is none.
void append_time(std::string& out, std::string_view name, int64_t time_us) {
  if (out.back() != '{') out += ',';
  json::append_string(out, name);
  out += ':';
  if (time_us <= 0) {
    out += "null";
    return;
  }
  out += '"';
  append_rfc3339(out, time_us);
  out += '"';
}

}  // namespace

std::string status_text(const ServiceView& view) {
  std::string out = "{";
  append_flag(out, "ready", view.is_ready);
  append_flag(out, "disk_full", view.is_full);
  append_member(out, "events", view.events);
  append_member(out, "rejected", view.rejected);
  append_member(out, "late", view.late);
  append_member(out, "duplicates", view.duplicates);
  append_member(out, "refused", view.refused);
  append_time(out, "clock", view.clock_us);
  append_member(out, "last_sequence", view.last_sequence);
  append_member(out, "synced_sequence", view.synced_sequence);
  append_member(out, "watermark", view.watermark);
  append_member(out, "snapshot_sequence", view.snapshot_sequence);
  append_member(out, "runs", view.live_runs);
  append_member(out, "keys", view.partitions);
  append_member(out, "state_bytes", view.state_bytes);
  out += ",\"outbox\":{";
  append_member(out, "due", view.rows.due);
  append_member(out, "delivered", view.rows.delivered);
  append_member(out, "dead", view.rows.dead);
  append_member(out, "held", view.rows.held);
  append_member(out, "dropped", view.rows.dropped);
  out += "},\"destinations\":[";
  for (size_t i = 0; i < view.lanes.size(); ++i) {
    const LaneReport& lane = view.lanes[i];
    out += i == 0 ? "{" : ",{";
    append_member(out, "name", lane.name.empty() ? "standard output" : lane.name);
    append_member(out, "kind", lane.kind);
    append_member(out, "delivered", lane.delivered);
    append_member(out, "failed", lane.failed);
    append_member(out, "queued", lane.queued);
    append_flag(out, "breaker_open", lane.is_open);
    append_member(out, "last_error", lane.last_error);
    out += '}';
  }
  return out += "]}";
}

void append_rule(std::string& out, const RuleStatus& rule) {
  out += '{';
  append_member(out, "name", rule.label->name);
  append_member(out, "file", rule.label->file);
  append_member(out, "severity", rule.label->severity);
  append_member(out, "state", rule.is_paused ? "paused" : "active");
  append_member(out, "keys", rule.keys);
  append_member(out, "matches", rule.matches);
  append_member(out, "version", rule.label->version);
  out += '}';
}

std::string rules_text(const ServiceView& view) {
  std::string out = "{\"rules\":[";
  for (size_t i = 0; i < view.rules.size(); ++i) {
    if (i > 0) out += ',';
    append_rule(out, view.rules[i]);
  }
  return out += "]}";
}

std::string changes_text(std::span<const RuleChange> changes, bool is_plan) {
  std::string out = "{";
  append_flag(out, "in_force", !is_plan);
  out += ",\"rules\":[";
  for (size_t i = 0; i < changes.size(); ++i) {
    out += i == 0 ? "{" : ",{";
    append_member(out, "rule", changes[i].rule);
    append_member(out, "fate", name_of(changes[i].fate));
    if (changes[i].fate == RuleFate::changed || changes[i].fate == RuleFate::added) {
      out += changes[i].horizon_us ? fmt::format(",\"horizon_us\":{}", *changes[i].horizon_us) : ",\"horizon_us\":null";
    }
    if (changes[i].history_us) out += fmt::format(",\"history_us\":{}", *changes[i].history_us);
    out += '}';
  }
  return out += "]}";
}

void append_row(std::string& out, const OutboxRow& row, bool with_body) {
  const Message& message = row.message;
  out += '{';
  append_member(out, "number", static_cast<uint64_t>(message.number));
  append_member(out, "id", message.id);
  append_member(out, "alert", message.alert);
  append_member(out, "destination", message.destination.empty() ? "standard output" : message.destination);
  append_member(out, "state", state_name(row.state));
  append_member(out, "rule", message.rule);
  out += ",\"key\":" + (message.key.empty() ? std::string("{}") : message.key);
  append_member(out, "text", message.text);
  append_time(out, "end", message.end_us);
  append_member(out, "sequence", message.sequence);
  append_time(out, "created", message.created_us);
  append_member(out, "attempts", row.attempts);
  append_time(out, "next", row.state == RowState::due ? row.next_us : 0);
  append_time(out, "last", row.last_us);
  append_member(out, "last_status", static_cast<uint64_t>(row.last_status < 0 ? 0 : row.last_status));
  append_member(out, "last_error", row.last_error);
  if (with_body) append_member(out, "body", message.body);
  out += '}';
}

void append_attempt(std::string& out, const Attempt& attempt) {
  out += '{';
  append_time(out, "at", attempt.begun_us);
  append_member(out, "took_ms", static_cast<uint64_t>(attempt.took_us / 1000));
  append_flag(out, "delivered", attempt.verdict == Verdict::delivered);
  append_member(out, "status", static_cast<uint64_t>(attempt.status < 0 ? 0 : attempt.status));
  append_member(out, "error", attempt.error);
  out += '}';
}

}  // namespace omen
