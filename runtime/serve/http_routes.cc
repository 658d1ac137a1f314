// The table of routes, and how a body's events reach the writer and its word the sender.
#include <fmt/format.h>

#include "runtime/io/clock.h"
#include "runtime/serve/http_context.h"
#include "runtime/serve/received.h"

namespace omen {
namespace {

Response text(int status, std::string body) {
  Response response;
  response.status = status;
  response.body = std::move(body);
  response.content_type = "text/plain; charset=utf-8";
  return response;
}

}  // namespace

Response refuse_full() {
  Response response = Response::error(429, "events come faster than they can be stored: send this again");
  response.headers.emplace_back("Retry-After", "1");
  return response;
}

Response refuse_for_now(std::string_view why) {
  Response response = Response::error(503, why);
  response.headers.emplace_back("Retry-After", "5");
  return response;
}

void deliver(const HttpContext& context, std::shared_ptr<Exchange> exchange, Received received, std::string source,
             Answer answer) {
  exchange->request.body = {};  // it is in `received` now
  if (received.is_too_much) {
    return exchange->reply(Response::error(413, "there are too many events in it, or too many pieces that are none"));
  }
  if (received.order.empty()) return exchange->reply(Response::error(400, "there is no event in it"));
  const std::string why = context.not_ready ? context.not_ready() : std::string();
  if (!why.empty()) return exchange->reply(refuse_for_now(why));
  Batch batch;
  batch.events = std::move(received.lines);
  batch.count = received.count;
  batch.source = std::move(source);
  batch.arrival_us = wall_clock_us();
  batch.rejected = received.rejected;
  for (RejectedPiece& piece : received.rejected) piece.bytes = {};  // the reply does not show them
  const auto kept = std::make_shared<const Received>(std::move(received));
  batch.done = [exchange, kept, answer = std::move(answer)](std::span<const EventOutcome> outcomes) {
    exchange->post([exchange, kept, answer, all = std::vector<EventOutcome>(outcomes.begin(), outcomes.end())] {
      exchange->reply(answer(*kept, all));
    });
  };
  switch (context.intake.offer(std::move(batch))) {
    case Intake::Answer::taken:
      return;
    case Intake::Answer::full:
      return exchange->reply(refuse_full());
    case Intake::Answer::closing:
      return exchange->reply(refuse_for_now("the service is about to end"));
  }
}

std::vector<HttpRoute> make_routes(const HttpContext& context) {
  std::vector<HttpRoute> routes;
  add_event_routes(context, routes);
  add_hook_routes(context, routes);
  routes.push_back({"GET", "/healthz", Role::anyone, [](const auto& exchange) { exchange->reply(text(200, "ok\n")); }});
  routes.push_back({"GET", "/readyz", Role::anyone, [&context](const auto& exchange) {
                      const std::string why = context.not_ready ? context.not_ready() : std::string();
                      exchange->reply(why.empty() ? text(200, "ready\n") : text(503, why + "\n"));
                    }});
  routes.push_back({"GET", "/metrics", Role::read, [&context](const auto& exchange) {
                      Response response = text(200, context.metrics.text());
                      response.content_type = "text/plain; version=0.0.4; charset=utf-8";
                      exchange->reply(std::move(response));
                    }});
  routes.push_back({"GET", "/v1/alerts/stream", Role::read, [](const auto& exchange) {
                      Response response;
                      response.content_type = "text/event-stream";
                      response.headers.emplace_back("Cache-Control", "no-store");
                      response.is_stream = true;
                      exchange->reply(std::move(response));
                    }});
  routes.insert(routes.end(), context.more_routes.begin(), context.more_routes.end());
  return routes;
}

}  // namespace omen
