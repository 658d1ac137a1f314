// Fetch: a small document of somebody else's, by GET, for a thread that may wait. What holds for every transfer
// (transfer.h) holds for it: the address is checked, certificates are verified, redirects are not followed, 64 KB.
#pragma once

#include <atomic>
#include <string>

#include "runtime/outbox/transfer.h"

namespace omen {

struct FetchOptions {
  std::string user_agent;
  AddressGuard guard = {};
  std::string ca_path = {};         // further authorities than the system's
  int64_t timeout_us = 5'000'000;   // in all
  Transfers::Resolve resolve = {};  // for tests, see DeliveryOptions
};

// Gives up when it `is_over`, which it looks at ten times a second.
Reply fetch(const std::string& url, const FetchOptions& options, const std::atomic<bool>& is_over);

}  // namespace omen
