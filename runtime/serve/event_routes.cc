// The routes that events come by: Omen's own, Segment's, CloudEvents', GA4's and those of brokers that push.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/core/json.h"
#include "runtime/input/parts.h"
#include "runtime/io/clock.h"
#include "runtime/io/quarantine.h"
#include "runtime/model/time.h"
#include "runtime/serve/http_context.h"
#include "runtime/serve/received.h"
#include "runtime/serve/sns_desk.h"

namespace omen {
namespace {

using SharedExchange = std::shared_ptr<Exchange>;

// "Application/JSON; charset=utf-8" -> "application/json".
std::string media_type(const HttpRequest& request) {
  std::string type(request.header("content-type"));
  type.resize(std::min(type.find(';'), type.size()));
  while (type.ends_with(' ')) type.pop_back();
  for (char& c : type) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return type;
}

Format of(Dialect dialect) {
  Format format;
  format.form = Form::json;
  format.dialect = dialect;
  return format;
}

Received receive_as(std::string_view body, Dialect dialect) {
  static const Program no_rules;
  return receive_dialect(body, no_rules, of(dialect));
}

Response no_content() {
  Response response;
  response.status = 204;
  return response;
}

// Of senders that want to know of each event. 200: all are there; 207: some are of no use; 400: all are.
Response answer_in_full(const Received& received, std::span<const EventOutcome> outcomes, bool is_brief) {
  const BatchVerdict verdict = verdict_of(received, outcomes);
  Response response;
  if (verdict.to_be_repeated > 0) {
    response = refuse_for_now("");
  } else if (verdict.rejected > 0) {
    response.status = verdict.accepted + verdict.duplicates > 0 ? 207 : 400;
  }
  response.body = outcome_text(received, outcomes, is_brief);
  return response;
}

// Of senders that send again whatever was not answered well: an event of no use is in quarantine, and is not wanted
// again.
Response answer_kept(const Received& received, std::span<const EventOutcome> outcomes) {
  return verdict_of(received, outcomes).to_be_repeated > 0 ? refuse_for_now("not stored") : no_content();
}

// --- POST /v1/events ---

bool is_cloudevent(const HttpRequest& request, const std::string& type) {
  return type.starts_with("application/cloudevents") || !request.header("ce-specversion").empty();
}

void take_cloudevents(const HttpContext& context, const SharedExchange& exchange);

void take_events(const HttpContext& context, const SharedExchange& exchange) {
  const std::string type = media_type(exchange->request);
  if (is_cloudevent(exchange->request, type)) return take_cloudevents(context, exchange);
  const bool is_json = type.empty() || type == "application/json" || type == "application/x-ndjson" ||
                       type == "application/ndjson" || type == "application/jsonl" || type == "text/plain" ||
                       type == "application/x-www-form-urlencoded" ||  // what curl -d says of anything
                       type == "application/octet-stream";
  if (!is_json && type != "text/csv") {
    return exchange->reply(Response::error(415,
                                           "events come as application/json, application/x-ndjson, text/csv or "
                                           "application/cloudevents+json"));
  }
  Received received = is_json ? receive_omen(exchange->request.body) : receive_csv(exchange->request.body);
  const bool is_brief = exchange->request.header("prefer").find("return=minimal") != std::string_view::npos;
  deliver(context, exchange, std::move(received), "http",
          [is_brief](const Received& from, auto outcomes) { return answer_in_full(from, outcomes, is_brief); });
}

// --- CloudEvents ---

// The structured form of an event in binary mode: attributes in ce- headers, the data as the body. Nothing: a header is
// no text.
std::optional<std::string> structured(const HttpRequest& request, const std::string& type) {
  std::string out = "{";
  const auto add = [&](std::string_view name, std::string_view value) {
    std::string quoted;
    json::append_string(quoted, value);
    append_member(out, name, quoted);
  };
  for (const auto& [name, value] : request.headers) {
    if (!name.starts_with("ce-")) continue;
    const std::string_view attribute = std::string_view(name).substr(3);
    const bool is_name = !attribute.empty() && std::all_of(attribute.begin(), attribute.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    });
    const auto plain = percent_decoded(value, false);
    if (!is_name || !plain || json::utf8_fault(*plain) != plain->size()) return std::nullopt;
    add(attribute, *plain);
  }
  if (!request.header("content-type").empty()) add("datacontenttype", request.header("content-type"));
  std::string_view data = request.body;
  const size_t begin = std::min(data.find_first_not_of(" \t\r\n"), data.size());
  data = data.substr(begin, data.find_last_not_of(" \t\r\n") + 1 - begin);
  if (!data.empty()) {
    const bool is_json = type == "application/json" || type == "text/json" || type.ends_with("+json") || type.empty();
    if (is_json) {
      if (value_end(data) != data.size()) return std::nullopt;
      append_member(out, "data", data);
    } else if (json::utf8_fault(request.body) == request.body.size()) {
      add("data", request.body);
    } else {
      std::string packed;
      append_base64(packed, request.body);
      add("data_base64", packed);
    }
  }
  return out + '}';
}

Response answer_cloudevents(const Received& received, std::span<const EventOutcome> outcomes) {
  const BatchVerdict verdict = verdict_of(received, outcomes);
  if (verdict.to_be_repeated > 0) return refuse_for_now("not stored");
  if (verdict.rejected == 0) return no_content();
  return answer_in_full(received, outcomes, false);
}

void take_cloudevents(const HttpContext& context, const SharedExchange& exchange) {
  const HttpRequest& request = exchange->request;
  const std::string type = media_type(request);
  Received received;
  if (type == "application/cloudevents-batch+json" || type == "application/cloudevents+json") {
    received = receive_as(request.body, Dialect::cloudevents);
    if (type == "application/cloudevents-batch+json" && received.order.empty()) {
      return exchange->reply(no_content());  // an empty batch is one
    }
  } else if (type.starts_with("application/cloudevents")) {
    return exchange->reply(Response::error(415, "CloudEvents are understood in JSON"));
  } else {
    const auto event = structured(request, type);
    if (!event || request.header("ce-specversion").empty()) {
      return exchange->reply(Response::error(400, "this is no CloudEvent: its ce- headers or its data cannot be read"));
    }
    received = receive_as(*event, Dialect::cloudevents);
  }
  deliver(context, exchange, std::move(received), "cloudevents", answer_cloudevents);
}

// The handshake by which a sender asks whether it may send here (CloudEvents, HTTP 1.1 Web Hooks, section 4).
void allow_sender(const SharedExchange& exchange) {
  const std::string_view origin = exchange->request.header("webhook-request-origin");
  if (origin.empty()) return exchange->reply(Response::error(400, "WebHook-Request-Origin is missing"));
  Response response;
  response.headers = {
      {"WebHook-Allowed-Origin", std::string(origin)}, {"WebHook-Allowed-Rate", "*"}, {"Allow", "POST, OPTIONS"}};
  exchange->reply(std::move(response));
}

// --- Segment ---

// The body with the members that the path and the moment give: its type, when it was received.
std::string completed(std::string_view body, std::string_view call, int64_t now_us) {
  const size_t begin = body.find_first_not_of(" \t\r\n");
  if (begin == body.npos || body[begin] != '{') return std::string(body);
  bool has_type = call == "batch", has_received = false, is_empty = true;
  for (Parts member(body.substr(begin)); member.next();) {
    is_empty = false;
    has_type = has_type || member.name() == "type";
    has_received = has_received || member.name() == "receivedAt";
  }
  std::string out = "{";
  if (!has_type) out += fmt::format("\"type\":\"{}\"", call);
  if (!has_received) {
    out += out.size() > 1 ? ",\"receivedAt\":\"" : "\"receivedAt\":\"";
    append_rfc3339(out, now_us);
    out += '"';
  }
  if (out.size() > 1 && !is_empty) out += ',';
  return out.append(body.substr(begin + 1));
}

Response answer_segment(const Received& received, std::span<const EventOutcome> outcomes) {
  const BatchVerdict verdict = verdict_of(received, outcomes);
  if (verdict.to_be_repeated > 0) return refuse_for_now("not stored");
  Response response;
  if (verdict.rejected > 0 && verdict.accepted + verdict.duplicates == 0) {
    response = Response::error(400, "no message of these could be read");
  } else {
    response.body = "{\"success\":true}\n";
  }
  return response;
}

// --- Brokers ---

// What the desk has said of a message, where the connection lives.
void go_on_with_sns(const HttpContext& context, const SharedExchange& exchange, const SnsVerdict& verdict) {
  if (verdict.status == 503) return exchange->reply(refuse_for_now(verdict.why));
  if (verdict.status != 204) return exchange->reply(Response::error(verdict.status, verdict.why));
  if (verdict.event.empty()) return exchange->reply(no_content());
  deliver(context, exchange, receive_as(verdict.event, Dialect::sns), "sns", answer_kept);
}

void take_sns(const HttpContext& context, const SharedExchange& exchange) {
  if (context.sns != nullptr) {
    const std::string body = std::exchange(exchange->request.body, {});
    return context.sns->take(body, [&context, exchange](SnsVerdict verdict) {
      exchange->post(
          [&context, exchange, verdict = std::move(verdict)] { go_on_with_sns(context, exchange, verdict); });
    });
  }
  const std::string_view kind = exchange->request.header("x-amz-sns-message-type");
  if (kind == "SubscriptionConfirmation") {
    std::string_view url;
    for (Parts member(exchange->request.body); member.next();) {
      if (member.name() == "SubscribeURL") url = member.text();
    }
    const bool is_url = url.starts_with("https://") && url.size() < 2000 &&
                        std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f && c != '\\'; });
    if (!is_url) return exchange->reply(Response::error(400, "there is no SubscribeURL"));
    context.log(fmt::format("SNS asks to confirm a subscription; if it is yours, open {}", url));
    return exchange->reply(no_content());
  }
  if (kind == "UnsubscribeConfirmation") return exchange->reply(no_content());
  deliver(context, exchange, receive_as(exchange->request.body, Dialect::sns), "sns", answer_kept);
}

}  // namespace

void add_event_routes(const HttpContext& context, std::vector<HttpRoute>& routes) {
  const auto post = [&](std::string path, std::function<void(const SharedExchange&)> handle,
                        std::string_view token_parameter = {}, std::string_view token_member = {}) {
    HttpRoute route{"POST", std::move(path), Role::ingest, std::move(handle)};
    route.token_parameter = token_parameter;
    route.token_member = token_member;
    routes.push_back(std::move(route));
  };
  post("/v1/events", [&context](const auto& exchange) { take_events(context, exchange); });
  post(
      "/v1/cloudevents", [&context](const auto& exchange) { take_cloudevents(context, exchange); }, "access_token");
  routes.push_back({"OPTIONS", "/v1/cloudevents", Role::ingest, allow_sender, "access_token"});
  for (const std::string call : {"track", "identify", "page", "screen", "group", "alias", "batch"}) {
    post(
        "/v1/" + call,
        [&context, call](const SharedExchange& exchange) {
          const std::string body = completed(exchange->request.body, call, wall_clock_us());
          deliver(context, exchange, receive_as(body, Dialect::segment), "segment", answer_segment);
        },
        {}, "writeKey");
  }
  const auto push = [&](const char* path, const char* source, Dialect dialect, std::string_view token_parameter) {
    post(
        path,
        [&context, source, dialect](const SharedExchange& exchange) {
          deliver(context, exchange, receive_as(exchange->request.body, dialect), source, answer_kept);
        },
        token_parameter);
  };
  push("/v1/pubsub", "pubsub", Dialect::pubsub, "token");
  push("/v1/eventbridge", "eventbridge", Dialect::eventbridge, {});
  push("/mp/collect", "ga4", Dialect::ga4_collect, "api_secret");
  post(
      "/v1/sns", [&context](const auto& exchange) { take_sns(context, exchange); }, "token");
}

}  // namespace omen
