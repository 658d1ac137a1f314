// Signature: Standard Webhooks 1.0 (https://www.standardwebhooks.com), symmetric: HMAC-SHA256 over id.timestamp.body.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/status.h"

namespace omen {

// The value of `webhook-signature`: one `v1,…` for each secret, the new one and the old one while they are exchanged.
// A secret is `whsec_` and the base64 of 24 to 64 bytes. Errors do not show it.
Result<std::string> webhook_signature(const std::vector<std::string>& secrets, std::string_view id, int64_t timestamp_s,
                                      std::string_view body);

}  // namespace omen
