#include "runtime/serve/received.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/input/adapter.h"
#include "runtime/input/csv.h"
#include "runtime/input/json_text.h"

namespace omen {
namespace {

// For the adapter, whose decoder keeps room for the largest that it has seen.
constexpr size_t slice_bytes = 256u << 10;

std::string_view without_mark(std::string_view body) {
  return body.starts_with("\xEF\xBB\xBF") ? body.substr(3) : body;
}

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == line.npos; }

void add_rejection(Received& out, const Rejection& rejection) {
  constexpr size_t kept_bytes = 4u << 10;  // of a piece; quarantine shows no more
  if (out.rejected.size() >= body_rejections_max) {
    out.is_too_much = true;
    return;
  }
  out.rejected.push_back(
      {rejection.reason, rejection.place, rejection.column, std::string(rejection.bytes.substr(0, kept_bytes))});
}

void take_rejections(Records& records, Received& out) {
  for (const Rejection& rejection : records.rejections) add_rejection(out, rejection);
  records.rejections.clear();
  if (records.origins.size() > body_events_max) out.is_too_much = true;
}

// Through a cutter of records, piece by piece: what is too much is noticed before it fills the memory.
template <typename Cutter>
Records cut(Cutter& cutter, std::string_view body, Received& out) {
  constexpr size_t piece_bytes = 64u << 10;
  Records records;
  while (!body.empty() && !out.is_too_much) {
    cutter.read(body.substr(0, piece_bytes), records);
    body.remove_prefix(std::min(piece_bytes, body.size()));
    take_rejections(records, out);
  }
  cutter.finish(records);
  take_rejections(records, out);
  return records;
}

// The order in which lines and rejections came, by where their records began.
void put_in_order(const std::vector<Origin>& origins, Received& out) {
  std::vector<std::pair<uint64_t, uint32_t>> all;
  all.reserve(origins.size() + out.rejected.size());
  for (size_t i = 0; i < origins.size(); ++i) all.emplace_back(origins[i].place.offset, i);
  for (size_t i = 0; i < out.rejected.size(); ++i) {
    all.emplace_back(out.rejected[i].place.offset, Received::rejected_bit | static_cast<uint32_t>(i));
  }
  if (!out.rejected.empty()) {
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  out.order.reserve(all.size());
  for (const auto& [offset, index] : all) out.order.push_back(index);
}

Received receive_lines(std::string_view body) {
  Received out;
  out.lines.reserve(body.size() + 1);
  LinePlace place{1, 0};
  while (!body.empty() && !out.is_too_much) {
    const size_t end = std::min(body.find('\n'), body.size());
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (line.size() > event_bytes_max) {
      out.order.push_back(Received::rejected_bit | static_cast<uint32_t>(out.rejected.size()));
      add_rejection(out, {Reason::too_long, place, event_bytes_max + 1, line.substr(0, 1024)});
    } else if (!is_blank(line)) {
      out.order.push_back(static_cast<uint32_t>(out.count++));
      out.lines += line;
      out.lines += '\n';
      out.is_too_much = out.count > body_events_max;
    }
    ++place.line;
    place.offset += end + 1;
  }
  return out;
}

std::string reason_text(Reason reason, uint32_t column) {
  return fmt::format("\"reason\":\"{}\",\"column\":{}", name_of(reason), column);
}

}  // namespace

Received receive_omen(std::string_view body) {
  body = without_mark(body);
  Format asked;
  asked.dialect = Dialect::omen;
  const auto format = sniff(body.substr(0, sniffed_bytes_max), true, asked, {});
  if (format->form != Form::json) return receive_lines(body);
  Received out;
  JsonText objects;
  Records records = cut(objects, body, out);
  out.lines = std::move(records.lines);
  out.count = records.origins.size();
  put_in_order(records.origins, out);
  return out;
}

Received receive_csv(std::string_view body) {
  Received out;
  Csv rows;
  Records records = cut(rows, without_mark(body), out);
  if (!rows.status()) add_rejection(out, {Reason::column_count, {1, 0}, 1, body.substr(0, body.find('\n'))});
  out.lines = std::move(records.lines);
  out.count = records.origins.size();
  put_in_order(records.origins, out);
  return out;
}

Received receive_dialect(std::string_view body, const Program& program, const Format& format) {
  Received out;
  JsonText objects;
  Records records = cut(objects, without_mark(body), out);
  records.padded();
  // What the records were cut from is gone; as they stand on their lines they are as good for quarantine.
  const std::string_view lines = records.lines;
  size_t at = 0;
  for (Origin& origin : records.origins) {
    const size_t end = lines.find('\n', at);
    origin.bytes = lines.substr(at, end - at);
    at = end + 1;
  }
  Adapter adapter(program, format);
  Records events;
  std::vector<Origin> origins;
  std::string slice;
  for (size_t i = 0; i < records.origins.size() && !out.is_too_much;) {
    const size_t first = i;
    slice.clear();
    while (i < records.origins.size() &&
           (slice.empty() || slice.size() + records.origins[i].bytes.size() < slice_bytes)) {
      slice += records.origins[i++].bytes;
      slice += '\n';
    }
    const size_t size = slice.size();
    slice.append(slice_padding, '\0');
    adapter.read({slice.data(), size}, {}, std::span(records.origins).subspan(first, i - first), events);
    take_rejections(events, out);
    if (events.lines.size() > body_lines_bytes_max) out.is_too_much = true;
  }
  out.lines = std::move(events.lines);
  out.count = events.origins.size();
  put_in_order(events.origins, out);
  return out;
}

BatchVerdict verdict_of(const Received& received, std::span<const EventOutcome> outcomes) {
  BatchVerdict verdict;
  verdict.rejected = received.rejected.size();
  for (const EventOutcome& outcome : outcomes) {
    if (outcome.is_duplicate) {
      ++verdict.duplicates;
    } else if (outcome.sequence > 0) {
      ++verdict.accepted;
      verdict.sequence = std::max(verdict.sequence, outcome.sequence);
    } else if (outcome.reason) {
      ++verdict.rejected;
    } else {
      ++verdict.to_be_repeated;
    }
  }
  return verdict;
}

std::string outcome_text(const Received& received, std::span<const EventOutcome> outcomes, bool is_brief) {
  const BatchVerdict verdict = verdict_of(received, outcomes);
  std::string out = fmt::format("{{\"accepted\":{},\"duplicates\":{},\"rejected\":{}", verdict.accepted,
                                verdict.duplicates, verdict.rejected);
  if (verdict.to_be_repeated > 0) out += fmt::format(",\"to_be_repeated\":{}", verdict.to_be_repeated);
  if (verdict.sequence > 0) out += fmt::format(",\"sequence\":{}", verdict.sequence);
  out += ",\"events\":[";
  const EventOutcome none;
  bool is_first = true;
  for (size_t i = 0; i < received.order.size(); ++i) {
    const uint32_t index = received.order[i] & ~Received::rejected_bit;
    std::string members;
    if ((received.order[i] & Received::rejected_bit) != 0) {
      members = reason_text(received.rejected[index].reason, received.rejected[index].column);
    } else {
      const EventOutcome& outcome = index < outcomes.size() ? outcomes[index] : none;
      if (is_brief && outcome.is_accepted()) continue;
      if (outcome.sequence > 0) members = fmt::format("\"sequence\":{}", outcome.sequence);
      if (outcome.is_duplicate) members += members.empty() ? "\"duplicate\":true" : ",\"duplicate\":true";
      if (outcome.reason) {
        if (!members.empty()) members += ',';
        members += reason_text(*outcome.reason, outcome.column);
      }
      if (outcome.is_to_be_repeated()) members = "\"repeat\":true";
    }
    if (!is_first) out += ',';
    is_first = false;
    out += is_brief ? fmt::format("{{\"index\":{},{}}}", i, members) : '{' + members + '}';
  }
  return out + "]}\n";
}

}  // namespace omen
