// HttpContext: what the handlers of HTTP know of the service around them. All of it outlives the listeners.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/model/program.h"
#include "runtime/serve/intake.h"
#include "runtime/serve/metrics.h"
#include "runtime/serve/routes.h"
#include "runtime/serve/signatures.h"
#include "runtime/serve/subscribers.h"
#include "runtime/serve/tokens.h"

namespace omen {

class SnsDesk;

// POST /v1/hooks/NAME: somebody's webhook, made events of by a `mapping` of the rules.
struct HookConfig {
  std::string name;
  std::string mapping;               // or an envelope's name; empty: Omen's own form
  SignatureRule signature;           // with none, a token is needed as elsewhere
  std::vector<std::string> headers;  // that the mapping wants: X-GitHub-Event is the record's http.x_github_event
};

struct HttpContext {
  Intake& intake;
  TokenStore& tokens;
  Metrics& metrics;
  Subscribers& subscribers;
  // The rules as they are now, for their mappings; empty, or giving none: there are no mappings.
  std::function<std::shared_ptr<const Program>()> program = {};
  // Why the service is not ready to take events; empty: it is. (Recovery, a full disk, the end.)
  std::function<std::string()> not_ready = {};
  // A line for the log. From any thread.
  std::function<void(const std::string& line)> log = [](const std::string&) {};
  // Looks at what SNS sends. Nothing: no topics are configured, a token is enough, and the URL that confirms a
  // subscription is shown in the log, for somebody to look at.
  SnsDesk* sns = nullptr;
  std::vector<HookConfig> hooks = {};
  std::vector<HttpRoute> more_routes = {};  // of the service: control, outbox, …
};

// The table. /healthz and /readyz are for anyone; everything else needs a role.
std::vector<HttpRoute> make_routes(const HttpContext& context);

// In parts, by what they serve.
void add_event_routes(const HttpContext& context, std::vector<HttpRoute>& routes);  // event_routes.cc
void add_hook_routes(const HttpContext& context, std::vector<HttpRoute>& routes);   // hook_routes.cc

struct Received;
struct BatchVerdict;

// Answers a request when its events are decided. `answer` runs where the connection lives.
//   200  (what `answer` makes of it)   all events are durable, or of no use (quarantine)
//   429  with Retry-After: the queue is full          503  with Retry-After: the service does not take events now
using Answer = std::function<Response(const Received&, std::span<const EventOutcome>)>;
void deliver(const HttpContext& context, std::shared_ptr<Exchange> exchange, Received received, std::string source,
             Answer answer);
Response refuse_full();
Response refuse_for_now(std::string_view why);

}  // namespace omen
