#include "runtime/serve/signatures.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "runtime/input/base64.h"

namespace omen {
namespace {

constexpr std::string_view standard_prefix = "whsec_";
constexpr size_t signatures_max = 32;  // in one header: what is beyond is not looked at

std::optional<std::string> standard_key(std::string_view secret) {
  if (secret.starts_with(standard_prefix)) secret.remove_prefix(standard_prefix.size());
  auto key = decode_base64(secret);
  return key && key->size() >= 24 && key->size() <= 64 ? key : std::nullopt;
}

std::optional<std::string> decode_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  for (size_t i = 0; i < text.size(); i += 2) {
    unsigned byte = 0;
    const auto [end, fault] = std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    if (fault != std::errc() || end != text.data() + i + 2) return std::nullopt;
    out += static_cast<char>(byte);
  }
  return out;
}

// The parts between separators, without blanks around them.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty() && parts.size() < signatures_max) {
    const size_t end = std::min(text.find(separator), text.size());
    std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

struct Presented {
  std::string signed_text;  // before the body
  std::vector<std::string> signatures;
  std::optional<std::string_view> timestamp;
};

void add(Presented& presented, const std::optional<std::string>& signature) {
  if (signature && signature->size() == 32) presented.signatures.push_back(*signature);
}

Presented read_headers(const SignatureRule& rule, const HeaderOf& header_of) {
  const auto own = [&](std::string_view name) { return header_of(rule.header.empty() ? name : rule.header); };
  Presented presented;
  switch (rule.scheme) {
    case SignatureScheme::none:
      break;
    case SignatureScheme::standard:
      presented.timestamp = header_of("webhook-timestamp");
      presented.signed_text = std::string(header_of("webhook-id")) + '.' + std::string(*presented.timestamp) + '.';
      for (const std::string_view part : split(header_of("webhook-signature"), ' ')) {
        if (part.starts_with("v1,")) add(presented, decode_base64(part.substr(3)));
      }
      break;
    case SignatureScheme::github: {
      std::string_view text = own("x-hub-signature-256");
      if (text.starts_with("sha256=")) text.remove_prefix(7);
      add(presented, decode_hex(text));
      break;
    }
    case SignatureScheme::shopify:
      add(presented, decode_base64(own("x-shopify-hmac-sha256")));
      break;
    case SignatureScheme::stripe:
      presented.timestamp = "";
      for (const std::string_view part : split(header_of("stripe-signature"), ',')) {
        if (part.starts_with("t=")) presented.timestamp = part.substr(2);
        if (part.starts_with("v1=")) add(presented, decode_hex(part.substr(3)));
      }
      presented.signed_text = std::string(*presented.timestamp) + '.';
      break;
    case SignatureScheme::slack: {
      const std::string_view text = header_of("x-slack-signature");
      presented.timestamp = header_of("x-slack-request-timestamp");
      presented.signed_text = "v0:" + std::string(*presented.timestamp) + ':';
      if (text.starts_with("v0=")) add(presented, decode_hex(text.substr(3)));
      break;
    }
  }
  return presented;
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view text) {
  std::string out(32, '\0');
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()),
       text.size(), reinterpret_cast<unsigned char*>(out.data()), &size);
  return out;
}

Status check_rule(const SignatureRule& rule) {
  if (rule.scheme == SignatureScheme::none) return Status::ok();
  if (rule.secrets.empty()) return Status::error("a signature needs a secret");
  for (size_t i = 0; i < rule.secrets.size(); ++i) {
    const bool is_good =
        rule.scheme == SignatureScheme::standard ? standard_key(rule.secrets[i]).has_value() : !rule.secrets[i].empty();
    if (!is_good) {
      return Status::error(
          "secret " + std::to_string(i + 1) +
          (rule.scheme == SignatureScheme::standard ? " is not whsec_ and base64 of 24 to 64 bytes" : " is empty"));
    }
  }
  return Status::ok();
}

Status verify_signature(const SignatureRule& rule, const HeaderOf& header_of, std::string_view body, int64_t now_s) {
  if (rule.scheme == SignatureScheme::none) return Status::ok();
  const Presented presented = read_headers(rule, header_of);
  if (presented.signatures.empty()) return Status::error("it bears no signature of the kind that was declared");
  if (presented.timestamp) {
    int64_t time_s = 0;
    const std::string_view text = *presented.timestamp;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), time_s);
    if (fault != std::errc() || end != text.data() + text.size()) return Status::error("its timestamp is none");
    if (time_s < now_s - rule.tolerance_s || time_s > now_s + rule.tolerance_s) {
      return Status::error("its timestamp is more than " + std::to_string(rule.tolerance_s) +
                           " s away from this machine's clock");
    }
  }
  const std::string text = presented.signed_text + std::string(body);
  bool fits = false;
  for (const std::string& secret : rule.secrets) {
    const auto key = rule.scheme == SignatureScheme::standard ? standard_key(secret) : std::optional(secret);
    if (!key) continue;
    const std::string expected = hmac_sha256(*key, text);
    for (const std::string& signature : presented.signatures) {
      fits = CRYPTO_memcmp(expected.data(), signature.data(), expected.size()) == 0 || fits;
    }
  }
  return fits ? Status::ok() : Status::error("its signature does not fit the secret");
}

}  // namespace omen
