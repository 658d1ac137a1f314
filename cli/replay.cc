// omen replay, omen history: what the log of a service says: the alerts that rules raise over it, the events of a key.
//
// Both read beside a running service, change nothing and deliver nothing.
#include <fmt/format.h>
#include <simdjson.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>

#include "cli/inputs.h"
#include "cli/serve_rules.h"
#include "cli/verbs.h"
#include "runtime/log/data_folder.h"
#include "runtime/log/reader.h"
#include "runtime/model/time.h"
#include "runtime/serve/messages.h"
#include "runtime/serve/playback.h"

namespace omen::cli {
namespace {

struct Options {
  std::string data = "omen-data";
  std::vector<std::string> rules;
  std::string from, until, key;
  OrderOptions order;
};

struct Range {
  int64_t from_us = INT64_MIN, until_us = INT64_MAX;
  bool has(int64_t time_us) const { return time_us >= from_us && time_us < until_us; }
};

int complain(const char* verb, const std::string& problem, int exit_code) {
  std::fprintf(stderr, "omen %s: %s\n", verb, problem.c_str());
  return exit_code;
}

Result<Range> range_of(const Options& options) {
  Range range;
  for (const auto& [text, out] :
       {std::pair(&options.from, &range.from_us), std::pair(&options.until, &range.until_us)}) {
    if (text->empty()) continue;
    const auto time_us = parse_rfc3339(*text);
    if (!time_us) return Status::error("`" + *text + "` is no time; write 2026-01-05T10:00:00Z");
    *out = *time_us;
  }
  return range;
}

Result<std::unique_ptr<LogReader>> open_log(const Options& options) {
  if (Status known = check_format(real_disk(), options.data); !known) return known;
  return LogReader::open(real_disk(), log_folder(options.data), 0);
}

// ---- replay ----

int replay(const Options& options) {
  const auto range = range_of(options);
  if (!range) return complain("replay", range.message(), exit_usage);
  const auto order = resolve_order(options.order);
  if (!order) return complain("replay", order.message(), exit_usage);
  PipelineOptions pipeline_options;
  pipeline_options.order = order.value();
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<Messages> messages;
  const auto use = [&](const SharedRules& compiled) {
    pipeline = std::make_unique<Pipeline>(compiled, pipeline_options);
    messages = std::make_unique<Messages>(pipeline->program(), pipeline->shards());
    return pipeline->open_tables();
  };
  if (!options.rules.empty()) {
    const auto rules = read_rule_set(options.rules);
    if (!rules) return complain("replay", rules.message(), exit_usage);
    const auto compiled = compile_rules(rules.value().files);
    if (!compiled) return complain("replay", compiled.message(), exit_failed);
    if (Status used = use(compiled.value()); !used) return complain("replay", used.message(), exit_usage);
  }
  auto reader = open_log(options);
  if (!reader) return complain("replay", reader.message(), exit_input);
  Playback playback(*reader.value());
  std::vector<Message> raised;
  uint64_t alerts = 0;
  const auto note = [&](Pipeline& played) {
    raised.clear();
    messages->append(0, 0, raised);
    played.clear_matches();
    std::string before;  // an alert that goes to several destinations is shown once
    for (const Message& message : raised) {
      if (!message.is_record || message.id == before || !range.value().has(message.end_us)) continue;
      before = message.id;
      ++alerts;
      std::printf("%s\n", message.body.c_str());
    }
  };
  for (;;) {
    const Playback::Step step = playback.next(pipeline.get(), note);
    if (step.kind == Playback::Step::Kind::end) break;
    if (step.kind != Playback::Step::Kind::rules || !options.rules.empty()) continue;
    const auto rules = parse_rule_set(step.text);
    if (!rules) return complain("replay", rules.message(), exit_input);
    const auto compiled = compile_rules(rules.value().files);
    if (!compiled) return complain("replay", "the rules of the log:\n" + compiled.message(), exit_failed);
    // Rules that are kept go on; what is new begins here, as far as a replay is concerned.
    std::string stream, engine;
    if (pipeline != nullptr) pipeline->save(stream, engine);
    const bool goes_on = pipeline != nullptr;
    if (Status used = use(compiled.value()); !used) return complain("replay", used.message(), exit_usage);
    if (goes_on) {
      if (Status loaded = pipeline->load(stream, engine); !loaded)
        return complain("replay", loaded.message(), exit_input);
    }
  }
  if (!reader.value()->status()) return complain("replay", reader.value()->status().message(), exit_input);
  std::fprintf(stderr, "%llu alerts\n", static_cast<unsigned long long>(alerts));
  return exit_ok;
}

// ---- history ----

// The text of a member, at a path with dots; nothing when it has none, or it is a list or an object.
std::optional<std::string> text_at(simdjson::dom::element json, std::string_view path) {
  while (!path.empty()) {
    const size_t dot = std::min(path.find('.'), path.size());
    if (json[path.substr(0, dot)].get(json) != simdjson::SUCCESS) return std::nullopt;
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  std::string_view text;
  if (json.get(text) == simdjson::SUCCESS) return std::string(text);
  if (json.is_object() || json.is_array() || json.is_null()) return std::nullopt;
  return std::string(simdjson::minify(json));
}

int history(const Options& options) {
  const auto range = range_of(options);
  if (!range) return complain("history", range.message(), exit_usage);
  const size_t equals = options.key.find('=');
  if (equals == std::string::npos || equals == 0) {
    return complain("history", "--key: a field and its value, such as user_id=u1", exit_usage);
  }
  const std::string field = options.key.substr(0, equals), value = options.key.substr(equals + 1);
  auto reader = open_log(options);
  if (!reader) return complain("history", reader.message(), exit_input);
  simdjson::dom::parser parser;
  LogReader::Entry entry;
  uint64_t events = 0;
  while (reader.value()->next(entry)) {
    if (entry.record.kind != RecordKind::event || entry.record.text.find(value) == std::string_view::npos) continue;
    simdjson::dom::element json;
    if (parser.parse(simdjson::padded_string(entry.record.text)).get(json) != simdjson::SUCCESS) continue;
    if (text_at(json, field) != value) continue;
    // The time of its `ts` where it has one as text, else of its arrival.
    const auto written = text_at(json, "ts");
    const auto told_us = written ? parse_rfc3339(*written) : std::nullopt;
    if (!range.value().has(told_us.value_or(entry.record.time_us))) continue;
    ++events;
    std::printf("%.*s\n", static_cast<int>(entry.record.text.size()), entry.record.text.data());
  }
  if (!reader.value()->status()) return complain("history", reader.value()->status().message(), exit_input);
  std::fprintf(stderr, "%llu events of %s\n", static_cast<unsigned long long>(events), options.key.c_str());
  return exit_ok;
}

void add_range(CLI::App& verb, Options& options) {
  verb.add_option("--data", options.data, "The service's data folder")->capture_default_str()->type_name("DIR");
  verb.add_option("--from", options.from, "Only what is at this time or later")->type_name("TIME");
  verb.add_option("--until", options.until, "Only what is before this time")->type_name("TIME");
}

constexpr const char* exit_codes =
    "\n\nExit codes: 0 done; 1 the rules have errors; 2 wrong usage; 3 the log cannot be read.";

}  // namespace

void add_replay(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("replay", "The alerts that rules raise over the log of a service; delivers nothing");
  verb->footer(
      std::string("The rules are those of the log, each from where it was loaded, or --rules over all of it.\n\n"
                  "Examples:\n  omen replay --from 2026-01-05T00:00:00Z\n"
                  "  omen replay --rules rules/churn --data /var/lib/omen") +
      exit_codes);
  add_range(*verb, *options);
  verb->add_option("--rules", options->rules, "Rule files, or folders of them");
  add_order_options(*verb, options->order);
  verb->callback([options, &exit_code] { exit_code = replay(*options); });
}

void add_history(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb = app.add_subcommand("history", "The events of a key in the log of a service, as they were received");
  verb->footer(std::string("Example:\n  omen history --key user_id=u1 --from 2026-01-05T00:00:00Z") + exit_codes);
  add_range(*verb, *options);
  verb->add_option("--key", options->key, "A field, also of objects within (customer.id), and its value")
      ->required()
      ->type_name("FIELD=VALUE");
  verb->callback([options, &exit_code] { exit_code = history(*options); });
}

}  // namespace omen::cli
