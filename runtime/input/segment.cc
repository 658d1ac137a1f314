// Segment's messages, as its HTTP API takes them and as it delivers them.
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "runtime/input/envelopes.h"
#include "runtime/input/parts.h"
#include "runtime/model/time.h"

namespace omen {
namespace {

constexpr std::array<std::string_view, 5> calls = {"page", "identify", "screen", "group", "alias"};

struct Message {
  Parts type{""}, event{""}, id{""}, user{""}, anonymous{""}, context{""};
  Parts timestamp{""}, original{""}, sent{""}, received{""};
  bool has_user_id = false, has_anonymous_id = false;
};

// What a batch says for all its messages.
struct Batch {
  std::string_view context, sent, received;
};

Message read_message(std::string_view object) {
  Message message;
  for (Parts member(object); member.next();) {
    const std::string_view name = member.name();
    Parts* const place = name == "type"                ? &message.type
                         : name == "event"             ? &message.event
                         : name == "messageId"         ? &message.id
                         : name == "userId"            ? &message.user
                         : name == "anonymousId"       ? &message.anonymous
                         : name == "context"           ? &message.context
                         : name == "timestamp"         ? &message.timestamp
                         : name == "originalTimestamp" ? &message.original
                         : name == "sentAt"            ? &message.sent
                         : name == "receivedAt"        ? &message.received
                                                       : nullptr;
    if (place != nullptr && !member.is_null()) *place = member;
    message.has_user_id = message.has_user_id || name == "user_id";
    message.has_anonymous_id = message.has_anonymous_id || name == "anonymous_id";
  }
  return message;
}

// The text, with its quotes, of the event's name; empty when the message has none.
std::string_view type_of(const Message& message) {
  const std::string_view type = message.type.text();
  if (type == "track" || (message.type.value().empty() && message.event.is_text())) {
    return message.event.text().empty() ? std::string_view() : message.event.value();
  }
  return std::find(calls.begin(), calls.end(), type) != calls.end() ? message.type.value() : std::string_view();
}

std::optional<int64_t> time_of(std::string_view value) {
  return value.size() < 2 ? std::nullopt : parse_rfc3339(value.substr(1, value.size() - 2));
}

// When it happened by the clock of whoever received it: received - (sent - timestamp). A message with an
// originalTimestamp has been put right by Segment already.
std::string time_of(const Message& message, const Batch& batch) {
  const std::string_view own =
      !message.timestamp.value().empty() ? message.timestamp.value() : message.original.value();
  const bool is_right = !message.timestamp.value().empty() && !message.original.value().empty();
  const auto happened = time_of(own);
  const auto sent = time_of(message.sent.value().empty() ? batch.sent : message.sent.value());
  const auto received = time_of(message.received.value().empty() ? batch.received : message.received.value());
  if (is_right || !happened || !sent || !received) return std::string(own.empty() ? message.received.value() : own);
  std::string text = "\"";
  append_rfc3339(text, *happened + (*received - *sent));
  return text + '"';
}

// The message's context, and what only the batch's has.
std::string merged(std::string_view context, std::string_view batch_context) {
  if (!batch_context.starts_with('{')) return std::string(context);
  if (!context.starts_with('{')) return std::string(batch_context);
  std::string out = "{";
  for (Parts member(context); member.next();) append_member(out, member.name(), member.value());
  for (Parts member(batch_context); member.next();) {
    bool is_own = false;
    for (Parts own(context); !is_own && own.next();) is_own = own.name() == member.name();
    if (!is_own) append_member(out, member.name(), member.value());
  }
  return out + '}';
}

bool is_left_out(std::string_view name) {
  return name == "type" || name == "ts" || name == "id" || name == "context" || name == "writeKey";  // which is secret
}

void write_message(std::string_view object, const Batch& batch, const Origin& origin, Records& out) {
  const Message message = read_message(object);
  const std::string_view type = type_of(message);
  if (type.empty()) return out.reject(Reason::bad_envelope, origin);
  std::string& line = out.lines;
  line += '{';
  append_member(line, "type", type);
  append_member(line, "ts", time_of(message, batch));
  append_member(line, "id", message.id.value());
  if (!message.has_user_id) append_member(line, "user_id", message.user.value());
  if (!message.has_anonymous_id) append_member(line, "anonymous_id", message.anonymous.value());
  for (Parts member(object); member.next();) {
    if (!is_left_out(member.name())) append_member(line, member.name(), member.value());
  }
  append_member(line, "context", merged(message.context.value(), batch.context));
  line += '}';
  out.end_line(origin);
}

}  // namespace

void write_segment(std::string_view object, const Origin& origin, Records& out) {
  Batch batch;
  std::string_view messages;
  for (Parts member(object); member.next();) {
    if (member.name() == "batch") messages = member.value();
    if (member.name() == "context") batch.context = member.value();
    if (member.name() == "sentAt") batch.sent = member.value();
    if (member.name() == "receivedAt") batch.received = member.value();
  }
  if (!messages.starts_with('[')) return write_message(object, {}, origin, out);
  const size_t begin = out.lines.size();
  for (Parts message(messages); message.next();) {
    if (out.lines.size() - begin > unfolded_bytes_max) {  // the batch's context stands in each
      out.reject(Reason::too_long, origin);
    } else if (message.value().starts_with('{')) {
      write_message(message.value(), batch, origin, out);
    } else {
      out.reject(Reason::not_object, origin);
    }
  }
}

}  // namespace omen
