// What brokers and browsers push over HTTP: Google Pub/Sub, AWS SNS and EventBridge, GA4's Measurement Protocol.
//
// A message that carries text may carry an event of Omen's own form in it: its members are then the event's, and what
// it lacks of type, ts and id the envelope gives. What is inside has not been looked at by the decoder yet; it is put
// on a line as it is, and the decoder has the last word on the whole.
#include <algorithm>
#include <string>

#include "runtime/core/json.h"
#include "runtime/input/base64.h"
#include "runtime/input/envelopes.h"
#include "runtime/input/parts.h"

namespace omen {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  json::append_string(out, text);
  return out;
}

bool is_reserved(std::string_view name) { return name == "type" || name == "ts" || name == "id"; }

// What the envelope knows of its event, as JSON values; empty: nothing.
struct Around {
  std::string type, ts, id;
  std::string_view name;  // of the member that holds the rest of the envelope
  std::string rest;       // that member's value
};

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

// `inside` is bytes of any kind; `packed` its base64, empty when it did not come in that.
void write_message(std::string_view inside, std::string_view packed, const Around& around, const Origin& origin,
                   Records& out) {
  inside = trimmed(inside);
  const bool is_event = inside.starts_with('{');
  if (is_event && value_end(inside) != inside.size()) return out.reject(Reason::bad_envelope, origin);
  std::string& line = out.lines;
  const size_t begin = line.size();
  line += '{';
  bool has_type = false, has_ts = false, has_id = false, has_rest = false;
  if (is_event) {
    for (Parts member(inside); member.next();) {
      has_type = has_type || member.name() == "type";
      has_ts = has_ts || member.name() == "ts";
      has_id = has_id || member.name() == "id";
      has_rest = has_rest || member.name() == around.name;
    }
  }
  if (!has_type) append_member(line, "type", around.type);
  if (!has_ts) append_member(line, "ts", around.ts);
  if (!has_id) append_member(line, "id", around.id);
  if (is_event) {
    // As it stands, not member by member: what is wrong in it stays wrong, and is found.
    std::string_view members = trimmed(inside.substr(1, inside.size() - 2));
    if (!members.empty() && !line.ends_with('{')) line += ',';
    line += members;
    std::replace(line.begin() + static_cast<ptrdiff_t>(begin), line.end(), '\n', ' ');
  } else if (!packed.empty() && json::utf8_fault(inside) != inside.size()) {
    append_member(line, "data_base64", quoted(packed));
  } else if (!inside.empty()) {
    append_member(line, "data", quoted(inside));
  }
  if (!has_rest) append_member(line, around.name, around.rest);
  line += '}';
  out.end_line(origin);
}

// The value of a member of a list of texts, without its escapes.
std::string plain(const Parts& member) {
  std::string out(member.text().size(), '\0');
  out.resize(static_cast<size_t>(json::unescape(member.text(), out.data()) - out.data()));
  return out;
}

}  // namespace

void write_pubsub(std::string_view object, const Origin& origin, Records& out) {
  Parts message{""}, subscription{""}, data{""}, attributes{""}, id{""}, time{""};
  for (Parts member(object); member.next();) {
    if (member.name() == "message") message = member;
    if (member.name() == "subscription") subscription = member;
  }
  if (!message.value().starts_with('{')) return out.reject(Reason::bad_envelope, origin);
  for (Parts member(message.value()); member.next();) {
    if (member.name() == "data") data = member;
    if (member.name() == "attributes") attributes = member;
    if (member.name() == "messageId") id = member;
    if (member.name() == "publishTime") time = member;
  }
  const std::string packed = plain(data);
  const auto inside = decode_base64(packed);
  const bool is_whole = inside && (data.is_text() || data.value().empty() || data.is_null()) && id.is_text();
  if (!is_whole) return out.reject(Reason::bad_envelope, origin);
  Around around{"\"pubsub.message\"", std::string(time.is_text() ? time.value() : ""), std::string(id.value()),
                "pubsub", "{"};
  if (attributes.value().starts_with('{')) {
    for (Parts member(attributes.value()); member.next();) {
      if (member.name() == "type" && !member.text().empty()) around.type = member.value();
    }
    append_member(around.rest, "attributes", attributes.value());
  }
  append_member(around.rest, "subscription", subscription.value());
  around.rest += '}';
  write_message(*inside, packed, around, origin, out);
}

void write_sns(std::string_view object, const Origin& origin, Records& out) {
  Parts message{""}, id{""}, time{""}, subject{""}, topic{""}, kind{""};
  for (Parts member(object); member.next();) {
    if (member.name() == "Type") kind = member;
    if (member.name() == "Message") message = member;
    if (member.name() == "MessageId") id = member;
    if (member.name() == "Timestamp") time = member;
    if (member.name() == "Subject" && member.is_text()) subject = member;
    if (member.name() == "TopicArn") topic = member;
  }
  const bool is_whole = kind.text() == "Notification" && message.is_text() && id.is_text();
  if (!is_whole) return out.reject(Reason::bad_envelope, origin);
  Around around{"\"sns.notification\"", std::string(time.is_text() ? time.value() : ""), std::string(id.value()), "sns",
                "{"};
  append_member(around.rest, "topic", topic.value());
  append_member(around.rest, "subject", subject.value());
  around.rest += '}';
  write_message(plain(message), {}, around, origin, out);
}

void write_eventbridge(std::string_view object, const Origin& origin, Records& out) {
  Parts type{""}, detail{""}, id{""}, time{""};
  std::string rest = "{";
  for (Parts member(object); member.next();) {
    if (member.name() == "detail-type") {
      type = member;
    } else if (member.name() == "detail") {
      detail = member;
    } else if (member.name() == "id") {
      id = member;
    } else if (member.name() == "time") {
      time = member;
    } else {
      append_member(rest, member.name(), member.value());
    }
  }
  if (type.text().empty() || !detail.value().starts_with('{')) return out.reject(Reason::bad_envelope, origin);
  std::string& line = out.lines;
  line += '{';
  append_member(line, "type", type.value());
  if (!time.is_null()) append_member(line, "ts", time.value());
  if (!id.is_null()) append_member(line, "id", id.value());
  std::string aside = "{";
  for (Parts member(detail.value()); member.next();) {
    const bool is_taken = is_reserved(member.name()) || member.name() == "aws";
    append_member(is_taken ? aside : line, member.name(), member.value());
  }
  if (aside.size() > 1) append_member(rest, "detail", aside + '}');
  append_member(line, "aws", rest + '}');
  line += '}';
  out.end_line(origin);
}

void write_ga4_collect(std::string_view object, const Origin& origin, Records& out) {
  Parts events{""}, time{""}, properties{""};
  std::string shared = "{";
  for (Parts member(object); member.next();) {
    if (member.name() == "events") {
      events = member;
    } else if (member.name() == "timestamp_micros") {
      time = member;
    } else if (member.name() == "user_properties") {
      properties = member;
    } else if (!is_reserved(member.name()) && member.name() != "params") {
      append_member(shared, member.name(), member.value());
    }
  }
  if (!events.value().starts_with('[')) return out.reject(Reason::bad_envelope, origin);
  if (properties.value().starts_with('{')) {  // {"plan": {"value": "gold"}} as {"plan": "gold"}
    std::string values = "{";
    for (Parts property(properties.value()); property.next();) {
      for (Parts member(property.value()); property.value().starts_with('{') && member.next();) {
        if (member.name() == "value" && !member.is_null()) append_member(values, property.name(), member.value());
      }
    }
    append_member(shared, "user_properties", values + '}');
  }
  const size_t begin = out.lines.size();
  for (Parts event(events.value()); event.next();) {
    if (out.lines.size() - begin > unfolded_bytes_max) {  // what they share stands in each
      out.reject(Reason::too_long, origin);
      continue;
    }
    Parts name{""}, params{""}, own_time{""};
    if (event.value().starts_with('{')) {
      for (Parts member(event.value()); member.next();) {
        if (member.name() == "name") name = member;
        if (member.name() == "params") params = member;
        if (member.name() == "timestamp_micros") own_time = member;
      }
    }
    if (name.text().empty()) {
      out.reject(Reason::bad_envelope, origin);
      continue;
    }
    std::string& line = out.lines;
    line += '{';
    append_member(line, "type", name.value());
    append_member(line, "ts", own_time.value().empty() ? time.value() : own_time.value());
    if (shared.size() > 1) {
      line += ',';
      line += std::string_view(shared).substr(1);
    }
    append_member(line, "params", params.value());
    line += '}';
    out.end_line(origin);
  }
}

}  // namespace omen
