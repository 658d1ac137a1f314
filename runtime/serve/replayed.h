// Replayed: messages that a replay hands to a running service, a JSON object a line, and the route that takes them.
//
//   POST /v1/replayed   {"id":…,"alert":…,"destination":"crm","rule":…,…,"body":"…"}   one a line; admin
//   200 {"added":3,"known":2}: all of them are in the outbox now. An error: none of them is there that was not.
//
// A message of a destination that no rule in force has is an error: nobody would deliver it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/status.h"
#include "runtime/outbox/message.h"
#include "runtime/serve/routes.h"

namespace omen {

class Service;

// Limits on what is handed over at once: beyond it the request is refused, and none of it taken.
inline constexpr size_t replayed_messages_max = 100'000;

void append_replayed(std::string& out, const Message& message);
Result<std::vector<Message>> parse_replayed(std::string_view lines);
HttpRoute replayed_route(Service& service);

}  // namespace omen
