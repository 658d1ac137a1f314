#include "cli/serve_metrics.h"

namespace omen::cli {

void add_service_metrics(Metrics& metrics, std::function<std::shared_ptr<const ServiceView>()> view) {
  metrics.add_source([view = std::move(view)](MetricsText& text) {
    const std::shared_ptr<const ServiceView> now = view();
    text.gauge("omen_ready", "1 when the service takes events", now->is_ready ? 1 : 0);
    text.gauge("omen_disk_full", "1 while the disk has no room", now->is_full ? 1 : 0);
    text.counter("omen_events_accepted_total", "Events that are in the log and in the stream", now->events);
    for (size_t i = 0; i < reason_names.size(); ++i) {
      text.counter("omen_events_rejected_total", "Events that went to quarantine", now->rejected_by_reason[i],
                   {{"reason", std::string(reason_names[i])}});
    }
    text.counter("omen_quarantine_given_up_bytes_total", "Of the quarantine's oldest lines, gone for want of room",
                 now->quarantine_given_up_bytes);
    text.counter("omen_events_duplicate_total", "Events that were there already", now->duplicates);
    text.counter("omen_events_refused_total", "Events refused for want of room on the disk", now->refused);
    text.counter("omen_ticks_total", "Times that the clock went on without events", now->ticks);
    text.gauge("omen_log_sequence", "The last record of the log", static_cast<double>(now->last_sequence));
    text.gauge("omen_log_synced_sequence", "The last durable record", static_cast<double>(now->synced_sequence));
    text.gauge("omen_watermark", "The last record whose matches are committed", static_cast<double>(now->watermark));
    text.gauge("omen_snapshot_sequence", "The record that the newest snapshot is of",
               static_cast<double>(now->snapshot_sequence));
    text.counter("omen_log_syncs_total", "Times that the log was synced", now->syncs);
    text.counter("omen_commits_total", "Transactions of the outbox", now->commits);
    text.gauge("omen_clock_seconds", "The clock of the stream, since 1970", static_cast<double>(now->clock_us) / 1e6);
    text.gauge("omen_runs", "Runs that are alive; those that rules have put off are counted until their time is over",
               static_cast<double>(now->live_runs));
    text.gauge("omen_keys", "Keys with state", static_cast<double>(now->partitions));
    text.counter("omen_keys_evicted_total", "Keys of rules that max_keys or max_state_bytes has pushed out",
                 now->keys_evicted);
    text.gauge("omen_state_bytes", "Memory of the state", static_cast<double>(now->state_bytes));
    for (const RuleStatus& rule : now->rules) {
      const Labels labels = {{"rule", rule.label->name}};
      text.counter("omen_rule_matches_total", "Matches of a rule", rule.matches, labels);
      text.gauge("omen_rule_keys", "Keys of a rule with state", static_cast<double>(rule.keys), labels);
    }
    const auto rows = [&](const char* state, uint64_t count) {
      text.gauge("omen_outbox_rows", "Rows of the outbox", static_cast<double>(count), {{"state", state}});
    };
    rows("due", now->rows.due);
    rows("delivered", now->rows.delivered);
    rows("dead", now->rows.dead);
    rows("held", now->rows.held);
    rows("dropped", now->rows.dropped);
    for (const LaneReport& lane : now->lanes) {
      const Labels labels = {{"destination", lane.name.empty() ? "stdout" : lane.name}};
      text.counter("omen_deliveries_total", "Attempts that delivered", lane.delivered, labels);
      text.counter("omen_delivery_failures_total", "Attempts that failed", lane.failed, labels);
      text.gauge("omen_delivery_queue", "Messages on their way", lane.queued, labels);
      text.gauge("omen_delivery_breaker_open", "1 while only a probe goes out now and then", lane.is_open ? 1 : 0,
                 labels);
    }
  });
}

}  // namespace omen::cli
