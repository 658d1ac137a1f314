// Certificate: a self-signed one, made for a test.
#pragma once

#include <string>

namespace omen {

struct Certificate {
  std::string certificate_pem, key_pem;
};

enum class KeyKind : unsigned char { ec, rsa, short_rsa };

// For a host ("IP:127.0.0.1", "DNS:example.com"), valid from and until so many seconds from now.
Certificate make_certificate(const std::string& host, long from_s = -3600, long until_s = 3600,
                             KeyKind kind = KeyKind::ec);

}  // namespace omen
