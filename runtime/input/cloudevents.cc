// CloudEvents 1.0 in JSON. The pair of source and id is what makes an event unique, so both are the id: as no URI has a
// blank, "SOURCE ID" cannot be read in two ways.
#include "runtime/input/envelopes.h"
#include "runtime/input/parts.h"

namespace omen {
namespace {

struct CloudEvent {
  Parts type{""}, time{""}, id{""}, source{""};
  std::string_view version, data, data_base64;
};

bool is_taken(std::string_view name) { return name == "type" || name == "ts" || name == "id" || name == "ce"; }

}  // namespace

void write_cloudevent(std::string_view object, const Origin& origin, Records& out) {
  CloudEvent event;
  std::string attributes = "{";
  for (Parts member(object); member.next();) {
    const std::string_view name = member.name();
    if (member.is_null()) continue;
    if (name == "type") {
      event.type = member;
    } else if (name == "time") {
      event.time = member;
    } else if (name == "data") {
      event.data = member.value();
    } else if (name == "data_base64") {
      event.data_base64 = member.value();
    } else {
      if (name == "id") event.id = member;
      if (name == "source") event.source = member;
      if (name == "specversion") event.version = member.text();
      append_member(attributes, name, member.value());
    }
  }
  const bool is_whole = !event.type.text().empty() && !event.id.text().empty() && !event.source.text().empty() &&
                        event.version == "1.0" && (event.time.value().empty() || event.time.is_text()) &&
                        (event.data.empty() || event.data_base64.empty());
  if (!is_whole) return out.reject(Reason::bad_envelope, origin);

  std::string& line = out.lines;
  line += '{';
  append_member(line, "type", event.type.value());
  if (event.time.is_text()) append_member(line, "ts", event.time.value());
  line += ",\"id\":\"";
  line += event.source.text();
  line += ' ';
  line += event.id.text();
  line += '"';
  std::string aside = "{";
  if (event.data.starts_with('{')) {
    for (Parts member(event.data); member.next();) {
      append_member(is_taken(member.name()) ? aside : line, member.name(), member.value());
    }
  } else if (!event.data.empty()) {
    append_member(line, "data", event.data);
  } else if (!event.data_base64.empty()) {
    append_member(line, "data_base64", event.data_base64);
  }
  if (aside.size() > 1) append_member(attributes, "data", aside + '}');
  append_member(line, "ce", attributes + '}');
  line += '}';
  out.end_line(origin);
}

}  // namespace omen
