#include "cli/inputs.h"

#include <fmt/format.h>

#include "cli/command.h"
#include "runtime/model/time.h"

namespace omen::cli {

void add_input_options(Command verb, InputOptions& options) {
  verb.add_option("--events", options.paths,
                  "Events: a file, or - for standard input, which is the default; may be repeated")
      .once_each()
      .type_name("FILE");
  verb.add_option("--format", options.format,
                  "Their format: ndjson, json, csv, logfmt, cloudevents, segment, ga4 or a mapping of the "
                  "rules; auto tells it from the beginning of each input")
      .type_name("NAME")
      .capture_default_str();
  verb.add_option("--delimiter", options.delimiter, "What parts the cells of CSV: one character, or tab")
      .type_name("CHAR");
  verb.add_option("--type", options.envelope.type, "The type of events that name none").type_name("NAME");
  verb.add_option("--type-field", options.envelope.type_field, "The member that has the event's type")
      .capture_default_str();
  verb.add_option("--time-field", options.envelope.time_field, "The member that has its time").capture_default_str();
  verb.add_option("--id-field", options.envelope.id_field, "The member that has its id").capture_default_str();
}

Result<Inputs> resolve_inputs(const InputOptions& options, const Program& program) {
  Inputs inputs;
  inputs.paths = options.paths;
  if (inputs.paths.empty()) inputs.paths = {"-"};
  inputs.envelope = options.envelope;
  auto format = format_named(options.format, program);
  if (!format) return Status::error("--format: " + format.message());
  inputs.format = format.value();
  if (options.delimiter.empty()) return inputs;
  const std::string delimiter = options.delimiter == "tab" || options.delimiter == "\\t" ? "\t" : options.delimiter;
  const bool is_usable = delimiter.size() == 1 && delimiter != "\"" && delimiter != "\n" && delimiter != "\r" &&
                         static_cast<uint8_t>(delimiter[0]) < 0x80;
  if (!is_usable) return Status::error("--delimiter: `" + options.delimiter + "` is not one character, or tab");
  if (inputs.format.is_known() && inputs.format.form != Form::csv) {
    return Status::error("--delimiter: only CSV has one");
  }
  inputs.format.delimiter = delimiter[0];
  return inputs;
}

void add_order_options(Command verb, OrderOptions& options) {
  verb.add_option("--lateness", options.lateness, "Hold events this long to bring them into order; older ones are late")
      .type_name("DURATION");
  verb.add_option("--max-ahead", options.max_ahead, "Reject events further ahead of the clock").type_name("DURATION");
  verb.add_option("--dedupe", options.dedupe, "Drop events with an id that came within this time")
      .type_name("DURATION");
}

void add_limit_options(Command verb, Limits& limits) {
  verb.add_option("--limit-max-runs", limits.max_runs, "Runs per rule and key").capture_default_str();
  verb.add_option("--limit-max-loop-events", limits.max_loop_events, "Events that one loop of a run takes")
      .capture_default_str();
  verb.add_option("--limit-max-matches", limits.max_matches, "Matches of a key reported at one moment (overlap all)")
      .capture_default_str();
  verb.add_option("--limit-max-derived", limits.max_derived, "Events that rules emit at one event or deadline")
      .capture_default_str();
  verb.add_option("--limit-max-held", limits.max_held, "Deliveries held in quiet hours").capture_default_str();
  verb.add_option("--limit-max-entries", limits.max_entries, "Events kept of a key by a rule that shares its matches")
      .capture_default_str();
  verb.add_option("--limit-max-window-entries", limits.max_window_entries, "Panes and values of a measure and key")
      .capture_default_str();
  verb.add_option("--limit-max-keys", limits.max_keys, "Keys per rule").capture_default_str();
  verb.add_option("--limit-max-history-events", limits.max_history_events, "Events per key that history(D) keeps")
      .capture_default_str();
  verb.add_option("--limit-max-history-bytes", limits.max_history_bytes, "Bytes of all histories")
      .capture_default_str();
  verb.add_option("--limit-max-state-bytes", limits.max_state_bytes, "Bytes of state of all rules")
      .capture_default_str();
}

Result<StreamOrder> resolve_order(const OrderOptions& options) {
  StreamOrder order;
  std::string problem;
  const auto read = [&](const char* name, const std::string& text, std::optional<int64_t>& out) {
    if (text.empty() || (out = parse_duration(text)) || !problem.empty()) return;
    problem = fmt::format("--{}: `{}` is no duration; write 90s, 5m, 1h30m or \"2 days\"", name, text);
  };
  read("lateness", options.lateness, order.lateness_us);
  read("max-ahead", options.max_ahead, order.max_ahead_us);
  read("dedupe", options.dedupe, order.dedupe_us);
  if (!problem.empty()) return Status::error(problem);
  return order;
}

}  // namespace omen::cli
