// Webhook: an HTTP POST with the headers of Standard Webhooks, signed when the destination has a secret.
//
//   format "record" (default)   the alert record, or the body that `send` made
//   format "standard"           {"type","timestamp","data"} around it
//   format "cloudevents"        a CloudEvent in structured mode around it
#include <algorithm>

#include "runtime/core/json.h"
#include "runtime/model/time.h"
#include "runtime/outbox/destination.h"
#include "runtime/outbox/signature.h"

namespace omen {
namespace {

bool has_scheme(const std::string& url, std::string_view scheme) {
  return url.size() > scheme.size() && std::equal(scheme.begin(), scheme.end(), url.begin(), [](char a, char b) {
           return a == (b >= 'A' && b <= 'Z' ? b + ('a' - 'A') : b);
         });
}

void add_member(std::string& out, std::string_view name, std::string_view text) {
  out += '"';
  out += name;
  out += "\":";
  json::append_string(out, text);
  out += ',';
}

std::string time_text(int64_t time_us) {
  std::string out;
  append_rfc3339(out, time_us);
  return out;
}

std::string body_of(const Message& message, const std::string& format) {
  if (format != "standard" && format != "cloudevents") return message.body;
  std::string out = "{";
  if (format == "standard") {
    add_member(out, "type", message.rule);
    add_member(out, "timestamp", time_text(message.end_us));
  } else {
    add_member(out, "specversion", "1.0");
    add_member(out, "id", message.id);
    add_member(out, "source", "omen");
    add_member(out, "type", message.rule);
    add_member(out, "time", time_text(message.end_us));
    add_member(out, "datacontenttype", "application/json");
  }
  return out + "\"data\":" + message.body + '}';
}

}  // namespace

Result<Request> webhook_request(const Destination& destination, const Message& message, int64_t now_us) {
  Request request;
  auto url = destination.value("url");
  if (!url) return Status::error("url: " + url.message());
  request.url = std::move(url.value());
  if (!has_scheme(request.url, "http://") && !has_scheme(request.url, "https://")) {
    return Status::error("url: it begins with neither http:// nor https://");
  }
  const std::string& format = destination.plain("format");
  request.body = body_of(message, format);
  const int64_t timestamp_s = now_us / us_per_second;
  request.headers = {format == "cloudevents" ? "content-type: application/cloudevents+json; charset=utf-8"
                                             : "content-type: application/json",
                     "webhook-id: " + message.id, "webhook-timestamp: " + std::to_string(timestamp_s)};
  auto secrets = destination.values("secret");
  if (!secrets) return Status::error("secret: " + secrets.message());
  if (!secrets.value().empty()) {
    auto signature = webhook_signature(secrets.value(), message.id, timestamp_s, request.body);
    if (!signature) return Status::error(signature.message());
    request.headers.push_back("webhook-signature: " + signature.value());
  }
  for (const std::string& name : destination.names_under("headers.")) {
    auto value = destination.value("headers." + name);
    if (!value) return Status::error("headers: " + value.message());
    if (!is_header_text(value.value()))
      return Status::error("headers: the value of " + name + " has control characters");
    request.headers.push_back(name + ": " + value.value());
  }
  return request;
}

}  // namespace omen
