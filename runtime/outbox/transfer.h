// Transfers: requests under way at the same time, in one thread. The only file that knows libcurl.
//
// What holds for every request: http, https, smtp and smtps only; TLS 1.2 or later, certificates verified; no
// redirects; proxies of the environment ignored; 5 s to connect, the request's time in all; at most 64 KB of reply; the
// address checked after DNS, when a socket is opened and again when a connection is used once more.
//
// Errors are sentences of ours: addresses, header values and replies may be secrets and are no part of them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/outbox/address_guard.h"
#include "runtime/outbox/request.h"

namespace omen {

class Transfers {
 public:
  // Addresses of a host for tests, see DeliveryOptions.
  using Resolve = std::function<std::vector<std::string>(const std::string& host)>;
  struct Done {
    uint64_t id = 0;
    Reply reply;
  };

  Transfers(std::string user_agent, Resolve resolve);
  ~Transfers();
  Transfers(const Transfers&) = delete;
  Transfers& operator=(const Transfers&) = delete;

  void start(uint64_t id, Request request, AddressGuard guard);
  // Goes on with what can go on; waits up to `wait_ms` for something to do, or wake().
  std::vector<Done> poll(int wait_ms);
  // From any thread.
  void wake();
  size_t active() const;

 private:
  class Transfer;
  struct Multi;
  std::unique_ptr<Multi> multi_;
};

}  // namespace omen
