#include "runtime/outbox/signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <optional>

namespace omen {
namespace {

constexpr std::string_view prefix = "whsec_";

// Nothing when it is no base64.
std::optional<std::string> decode_base64(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  const auto padding = static_cast<size_t>(std::count(text.end() - 2, text.end(), '='));
  out.resize(static_cast<size_t>(length) - padding);
  return out;
}

std::string encode_base64(const unsigned char* bytes, size_t size) {
  std::string out((size + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes, static_cast<int>(size));
  out.resize(static_cast<size_t>(length));
  return out;
}

}  // namespace

Result<std::string> webhook_signature(const std::vector<std::string>& secrets, std::string_view id, int64_t timestamp_s,
                                      std::string_view body) {
  const std::string signed_bytes = std::string(id) + '.' + std::to_string(timestamp_s) + '.' + std::string(body);
  std::string out;
  for (const std::string& secret : secrets) {
    std::optional<std::string> key;
    if (secret.starts_with(prefix)) key = decode_base64(std::string_view(secret).substr(prefix.size()));
    if (!key || key->size() < 24 || key->size() > 64) {
      return Status::error(
          "the secret is not `whsec_` and the base64 of 24 to 64 bytes: make one with "
          "`echo whsec_$(openssl rand -base64 32)`");
    }
    std::string& bytes = *key;
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    const bool is_made =
        HMAC(EVP_sha256(), bytes.data(), static_cast<int>(bytes.size()),
             reinterpret_cast<const unsigned char*>(signed_bytes.data()), signed_bytes.size(), hash, &size) != nullptr;
    OPENSSL_cleanse(bytes.data(), bytes.size());
    OMEN_ASSERT(is_made);
    out += (out.empty() ? "v1," : " v1,") + encode_base64(hash, size);
  }
  return out;
}

}  // namespace omen
