#include "runtime/serve/replayed.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "runtime/core/json.h"
#include "runtime/io/clock.h"
#include "runtime/serve/control_routes.h"
#include "runtime/serve/service.h"

namespace omen {
namespace {

constexpr std::pair<const char*, std::string Message::*> texts[] = {
    {"id", &Message::id},     {"alert", &Message::alert}, {"destination", &Message::destination},
    {"rule", &Message::rule}, {"title", &Message::title}, {"severity", &Message::severity},
    {"key", &Message::key},   {"text", &Message::text},   {"body", &Message::body},
};

Response add_replayed(Service& service, const std::vector<Message>& messages) {
  const auto& destinations = service.program().destinations;
  for (const Message& message : messages) {
    if (message.destination.empty() ||
        std::ranges::find(destinations, message.destination, &DestinationProgram::name) != destinations.end()) {
      continue;
    }
    return Response::error(
        409, "no rule in force has the destination `" + message.destination + "`: load the rules first that have it");
  }
  const uint64_t known = service.outbox().counters().repeated;
  const int64_t now_us = wall_clock_us();
  const Status added = service.change_outbox([&](Store&) -> Status {
    for (Message message : messages) {
      message.created_us = now_us;
      if (Status one = service.outbox().add(std::move(message), now_us); !one) return one;
    }
    return Status::ok();
  });
  if (!added) return refusal(500, added.message());
  const uint64_t repeated = service.outbox().counters().repeated - known;
  Response response;
  response.body = fmt::format("{{\"added\":{},\"known\":{}}}", messages.size() - repeated, repeated);
  return response;
}

}  // namespace

void append_replayed(std::string& out, const Message& message) {
  out += '{';
  for (const auto& [name, member] : texts) {
    out += fmt::format("{}\"{}\":", out.back() == '{' ? "" : ",", name);
    json::append_string(out, message.*member);
  }
  out += fmt::format(",\"is_record\":{},\"end_us\":{},\"sequence\":{}}}\n", message.is_record, message.end_us,
                     message.sequence);
}

Result<std::vector<Message>> parse_replayed(std::string_view lines) {
  std::vector<Message> out;
  simdjson::dom::parser parser;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, std::min(lines.find('\n'), lines.size()));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
    if (line.empty()) continue;
    const auto wrong = [&](const char* what) {
      return Status::error(fmt::format("message {}: {}", out.size() + 1, what));
    };
    if (out.size() == replayed_messages_max) return wrong("there are too many; send them in pieces");
    simdjson::dom::element json;
    if (parser.parse(simdjson::padded_string(line)).get(json) != simdjson::SUCCESS) return wrong("this is no JSON");
    Message message;
    for (const auto& [name, member] : texts) {
      std::string_view text;
      if (json[name].get(text) != simdjson::SUCCESS) return wrong("a member is missing");
      message.*member = std::string(text);
    }
    if (json["is_record"].get(message.is_record) != simdjson::SUCCESS ||
        json["end_us"].get(message.end_us) != simdjson::SUCCESS ||
        json["sequence"].get(message.sequence) != simdjson::SUCCESS) {
      return wrong("a member is missing");
    }
    if (message.id.empty() || message.alert.empty()) return wrong("it has no id");
    out.push_back(std::move(message));
  }
  return out;
}

HttpRoute replayed_route(Service& service) {
  HttpRoute route;
  route.method = "POST";
  route.path = "/v1/replayed";
  route.role = Role::admin;
  route.handle = [&service](const std::shared_ptr<Exchange>& exchange) {
    auto messages = parse_replayed(exchange->request.body);
    if (!messages) return exchange->reply(Response::error(400, messages.message()));
    service.ask([exchange, messages = std::move(messages.value())](Service& writer) {
      exchange->reply(add_replayed(writer, messages));
    });
  };
  return route;
}

}  // namespace omen
