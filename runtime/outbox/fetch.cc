#include "runtime/outbox/fetch.h"

namespace omen {

Reply fetch(const std::string& url, const FetchOptions& options, const std::atomic<bool>& is_over) {
  constexpr int look_ms = 100;
  Request request;
  request.is_get = true;
  request.url = url;
  request.timeout_us = options.timeout_us;
  request.ca_path = options.ca_path;
  Transfers transfers(options.user_agent, options.resolve);
  transfers.start(1, std::move(request), options.guard);
  while (!is_over) {
    auto done = transfers.poll(look_ms);
    if (!done.empty()) return std::move(done.front().reply);
  }
  Reply reply;
  reply.error = "given up: the service ends";
  return reply;
}

}  // namespace omen
