// omen history: the events of a key in the log of a service. Reads beside a running one and changes nothing.
#include <simdjson.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/log_range.h"
#include "cli/verbs.h"
#include "runtime/model/time.h"

namespace omen::cli {
namespace {

struct Options {
  LogRange range;
  std::string key;
};

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

int complain(const std::string& problem, int exit_code) {
  std::fprintf(stderr, "omen history: %s\n", problem.c_str());
  return exit_code;
}

int history(Options& options) {
  if (Status resolved = resolve(options.range); !resolved) return complain(resolved.message(), exit_usage);
  const size_t equals = options.key.find('=');
  if (equals == std::string::npos || equals == 0) {
    return complain("--key: a field and its value, such as user_id=u1", exit_usage);
  }
  const std::string field = options.key.substr(0, equals), value = options.key.substr(equals + 1);
  auto reader = open_log(options.range);
  if (!reader) return complain(reader.message(), exit_input);
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
    if (!options.range.has(told_us.value_or(entry.record.time_us))) continue;
    ++events;
    std::printf("%.*s\n", static_cast<int>(entry.record.text.size()), entry.record.text.data());
  }
  if (!reader.value()->status()) return complain(reader.value()->status().message(), exit_input);
  std::fprintf(stderr, "%llu events of %s\n", static_cast<unsigned long long>(events), options.key.c_str());
  return exit_ok;
}

}  // namespace

void add_history(Command app, int& exit_code) {
  auto options = std::make_shared<Options>();
  Command verb = app.add_subcommand("history", "The events of a key in the log of a service, as they were received");
  verb.footer(std::string("Example:\n  omen history --key user_id=u1 --from 2026-01-05T00:00:00Z") +
              "\n\nExit codes: 0 done; 2 wrong usage; 3 the log cannot be read.");
  add_log_range(verb, options->range);
  verb.add_option("--key", options->key, "A field, also of objects within (customer.id), and its value")
      .required()
      .type_name("FIELD=VALUE");
  verb.callback([options, &exit_code] { exit_code = history(*options); });
}

}  // namespace omen::cli
