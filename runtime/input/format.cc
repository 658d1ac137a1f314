#include "runtime/input/format.h"

#include <algorithm>
#include <array>
#include <vector>

#include "runtime/input/csv.h"
#include "runtime/input/logfmt.h"
#include "runtime/input/parts.h"

namespace omen {
namespace {

constexpr std::array<std::string_view, 4> form_names = {"ndjson", "json", "csv", "logfmt"};
constexpr std::array<std::string_view, 9> dialect_names = {
    "omen", "cloudevents", "segment", "ga4", "mapping", "pubsub", "sns", "eventbridge", "ga4_collect"};
constexpr size_t dialects_to_ask_for = 4;

std::string_view without_blanks(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  return text;
}

std::string_view trimmed(std::string_view line) { return line.substr(0, line.find_last_not_of(" \t\r\n") + 1); }

// Whether an object that begins on this line goes on behind it; otherwise the line is all that it should be.
bool goes_on(std::string_view line) { return std::string_view("{[,:").find(trimmed(line).back()) != line.npos; }

bool is_column_name(const std::string& name) {
  constexpr size_t longest = 100;
  const bool has_control = std::any_of(name.begin(), name.end(), [](char c) { return static_cast<uint8_t>(c) < ' '; });
  return !has_control && name.size() <= longest && name.front() != ' ' && name.back() != ' ' &&
         (name.front() < '0' || name.front() > '9');
}

bool is_csv_header(std::string_view line, char delimiter) {
  const auto names = header_names(line, delimiter != 0 ? delimiter : delimiter_of(line));
  return names && (names.value().size() > 1 || delimiter != 0) &&
         std::all_of(names.value().begin(), names.value().end(), is_column_name);
}

bool is_logfmt(std::string_view line) {
  std::vector<LogfmtPair> pairs;
  return parse_logfmt(line, pairs) == line.size() && !pairs.empty() && pairs[0].has_value;
}

// By the members that an object has; what follows the end of `object` does not matter.
Dialect dialect_of(std::string_view object, const Envelope& envelope) {
  if (envelope.type_field != Envelope().type_field) return Dialect::omen;
  static constexpr std::array<std::string_view, 6> calls = {"track", "page", "identify", "screen", "group", "alias"};
  bool has_version = false, has_source = false, has_name = false, has_timestamp = false, has_message_id = false;
  bool has_user = false, has_batch = false, has_type = false, is_call = false;
  for (Parts member(object); member.next();) {
    const std::string_view name = member.name();
    has_version = has_version || name == "specversion";
    has_source = has_source || name == "source";
    has_name = has_name || name == "event_name";
    has_timestamp = has_timestamp || name == "event_timestamp";
    has_message_id = has_message_id || name == "messageId";
    has_user = has_user || name == "userId" || name == "anonymousId";
    has_batch = has_batch || (name == "batch" && member.value().starts_with('['));
    if (name != "type") continue;
    has_type = true;
    is_call = std::find(calls.begin(), calls.end(), member.text()) != calls.end();
  }
  if (has_version && has_source) return Dialect::cloudevents;
  if ((is_call && has_message_id && has_user) || (has_batch && !has_type)) return Dialect::segment;
  if (has_name && has_timestamp && !has_type) return Dialect::ga4;
  return Dialect::omen;
}

// Nothing: more is needed.
std::optional<Form> form_of(std::string_view rest, bool is_all, char delimiter) {
  if (rest.empty()) return is_all ? std::optional(Form::ndjson) : std::nullopt;
  if (rest[0] == '[') return Form::json;
  const size_t line_end = rest.find('\n');
  const std::string_view line = trimmed(rest.substr(0, line_end));
  if (rest[0] == '{') {
    if (std::min(value_end(rest), rest.size() + 1) <= std::min(line_end, rest.size())) return Form::ndjson;
    if (line_end != rest.npos) return goes_on(line) ? Form::json : Form::ndjson;
    return is_all ? std::optional(Form::ndjson) : std::nullopt;
  }
  if (line_end == rest.npos && !is_all) return std::nullopt;
  if (delimiter == 0 && is_logfmt(line)) return Form::logfmt;
  return is_csv_header(line, delimiter) ? Form::csv : Form::ndjson;
}

}  // namespace

Result<Format> format_named(std::string_view name, const Program& program) {
  Format format;
  if (name == "auto") return format;
  const auto form = std::find(form_names.begin(), form_names.end(), name);
  const auto dialects_end = dialect_names.begin() + dialects_to_ask_for;
  const auto dialect = std::find(dialect_names.begin() + 1, dialects_end, name);
  const auto mapping = std::find_if(program.mappings.begin(), program.mappings.end(),
                                    [&](const MappingProgram& known) { return known.name == name; });
  if (form != form_names.end()) {
    format.form = static_cast<Form>(form - form_names.begin());
    format.dialect = Dialect::omen;
  } else if (dialect != dialects_end) {
    format.dialect = static_cast<Dialect>(dialect - dialect_names.begin());
  } else if (mapping != program.mappings.end()) {
    format.dialect = Dialect::mapping;
    format.mapping = static_cast<uint32_t>(mapping - program.mappings.begin());
  } else {
    std::string known = "auto, ndjson, json, csv, logfmt, cloudevents, segment, ga4";
    for (const MappingProgram& each : program.mappings) known += ", " + each.name;
    return Status::error("there is no format or mapping `" + std::string(name) + "`; there are " + known);
  }
  return format;
}

std::string name_of(const Format& format, const Program& program) {
  if (format.dialect == Dialect::mapping) return program.mappings[format.mapping].name;
  if (format.dialect != Dialect::omen) return std::string(dialect_names[static_cast<size_t>(*format.dialect)]);
  return std::string(form_names[static_cast<size_t>(*format.form)]);
}

std::optional<Format> sniff(std::string_view beginning, bool is_all, const Format& asked, const Envelope& envelope) {
  if (asked.is_known()) return asked;
  is_all = is_all || beginning.size() >= sniffed_bytes_max;
  if (beginning.starts_with("\xEF\xBB\xBF")) beginning.remove_prefix(3);
  const std::string_view rest = without_blanks(beginning);
  Format format = asked;
  if (!format.form) {
    format.form = form_of(rest, is_all, asked.delimiter);
    if (!format.form) return std::nullopt;
  }
  if (format.dialect == Dialect::mapping) return format;
  if (format.dialect) {  // its records are JSON
    if (format.form == Form::csv || format.form == Form::logfmt) format.form = Form::ndjson;
    return format;
  }
  format.dialect = Dialect::omen;
  std::string_view object = rest;
  if (format.form == Form::ndjson)
    object = object.substr(0, object.find('\n'));  // a broken line ends with it all the same
  if (object.starts_with('[')) object = without_blanks(object.substr(1));
  if (object.empty() && !is_all) return std::nullopt;
  if (object.starts_with('{')) {
    const size_t end = value_end(object);
    if (end == object.npos && !is_all && (format.form == Form::json || rest.find('\n') == rest.npos)) {
      return std::nullopt;
    }
    format.dialect = dialect_of(object.substr(0, end), envelope);  // what is wrong in it must not lead behind it
  }
  return format;
}

}  // namespace omen
