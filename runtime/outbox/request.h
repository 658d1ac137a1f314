// Request: one attempt at a remote destination, as the network part needs it, and its reply. Made and judged by the
// kinds (webhook.cc, slack.cc, mail.h), carried out by transfer.h.
//
// Holds secrets: it lives as long as the attempt and is never printed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace omen {

struct Request {
  enum class Protocol : uint8_t { http, smtp };
  enum class Tls : uint8_t { by_url, start, none };  // of SMTP: smtps by its URL, STARTTLS required, or none
  Protocol protocol = Protocol::http;
  bool is_get = false;               // HTTP: GET, without a body; else POST
  std::string url;                   // http, https; smtp, smtps
  std::vector<std::string> headers;  // "name: value", checked: no control characters
  std::string body;                  // or the whole mail
  int64_t timeout_us = 15'000'000;   // in all; connecting takes at most 5 s of them
  std::string ca_path;               // further authorities than the system's; empty: none
  std::string user, password;        // SMTP
  std::string from;
  std::vector<std::string> to;
  Tls tls = Tls::by_url;
};

inline constexpr size_t reply_bytes_max = 64 * 1024;
inline constexpr int64_t connect_timeout_us = 5'000'000;

struct Reply {
  int32_t status = 0;  // 0: there was none
  std::string error;   // why the transfer failed, without secrets; empty: it did not
  bool is_address_denied = false;
  int64_t retry_after_us = 0;
  std::string body;
};

}  // namespace omen
