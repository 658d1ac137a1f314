// Control routes: what an operator asks of a running service and tells it, as routes of HTTP. `omen load`, `list`,
// `outbox` and the like speak to these over the Unix socket, and the page over TCP.
//
//   GET  /v1/status                  counts, sequences, lanes
//   GET  /v1/rules  /v1/rule?name=    the rules in force; one with the text of its file
//   POST /v1/rules                   {"files":[{"name":…,"text":…}],"replaces_all":false}: puts them into force
//   POST /v1/plan                    the same, and only says what would become of each rule
//   DELETE /v1/rule?name=            takes out a file, or a rule that has a file for itself
//   POST /v1/pause?name=  /v1/resume?name=
//   GET  /v1/outbox  /v1/outbox/ID   rows by state, destination, rule, key, time; one with all attempts
//   POST /v1/outbox/retry  /drop  /release   for the rows that the same parameters name
//
// Each runs in the writer's thread between two rounds (Service::ask).
#pragma once

#include <vector>

#include "runtime/serve/routes.h"
#include "runtime/serve/service.h"

namespace omen {

// The service outlives them.
std::vector<HttpRoute> control_routes(Service& service);

// A command that was not done: with this status, or 503 when there is no room for it.
Response refusal(int status, const std::string& problem);

}  // namespace omen
