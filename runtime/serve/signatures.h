// Signatures: is a webhook from whom it says? HMAC-SHA256 over its body, as senders spell it:
//
//   standard    webhook-id, webhook-timestamp, webhook-signature: v1,BASE64 over "ID.TIMESTAMP.BODY"
//               (Standard Webhooks 1.0; the secret is whsec_ and base64)
//   github      X-Hub-Signature-256: sha256=HEX over the body        (GitHub, Meta, Bitbucket, …)
//   shopify     X-Shopify-Hmac-Sha256: BASE64 over the body          (Shopify; with another header: WooCommerce, Xero,
//   …) stripe      Stripe-Signature: t=TIMESTAMP,v1=HEX over "TIMESTAMP.BODY" slack       X-Slack-Signature: v0=HEX
//   over "v0:TIMESTAMP:BODY", X-Slack-Request-Timestamp
//
// One of several secrets suffices (rotation), and one of several signatures. Compared in constant time; where a
// timestamp is signed it is within five minutes of now, so that what was overheard cannot be sent again later.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/status.h"

namespace omen {

enum class SignatureScheme : uint8_t { none, standard, github, shopify, stripe, slack };

struct SignatureRule {
  SignatureScheme scheme = SignatureScheme::none;
  std::vector<std::string> secrets;  // as configured; of `standard` with or without whsec_
  std::string header;                // in place of the scheme's own, for github and shopify; empty: that one
  int64_t tolerance_s = 300;
};

// Whether the secrets can be used; the sentence says which cannot, and not what it is.
Status check_rule(const SignatureRule& rule);

// The value of a header by its name in lower case; empty when it is not there.
using HeaderOf = std::function<std::string_view(std::string_view name)>;

// An error says what did not fit, in words for the log of whoever set it up.
Status verify_signature(const SignatureRule& rule, const HeaderOf& header_of, std::string_view body, int64_t now_s);

std::string hmac_sha256(std::string_view key, std::string_view text);  // 32 bytes

}  // namespace omen
