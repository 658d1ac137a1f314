// ListenConfig: where events may come in, and whether that is safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "runtime/model/status.h"
#include "runtime/serve/http_request.h"

namespace omen {

struct ListenConfig {
  enum class Protocol : uint8_t { http, lines };
  Protocol protocol = Protocol::http;
  std::string address;           // unix:PATH, ADDRESS:PORT, [ADDRESS]:PORT or localhost:PORT; port 0: a free one
  std::string certificate_path;  // PEM, with its chain; with key_path: TLS
  std::string key_path;
  uint32_t socket_mode = 0600;  // of a Unix socket; others than the service's own user may only send events by it
  bool has_acks = false;        // lines: acknowledge without being asked (lines.h)
};

struct ListenAddress {
  bool is_unix = false;
  std::string path;
  std::string host;  // numeric
  uint16_t port = 0;
  bool is_loopback = false;
};
Result<ListenAddress> parse_address(const std::string& address);

// Whether it may be opened: what can be reached from elsewhere needs tokens and TLS. The sentence says the remedy.
Status validate(const ListenConfig& config, bool has_tokens);

// Each beyond which a connection is closed is counted: omen_connections_closed_total, by its reason.
struct ListenLimits {
  HttpLimits http;
  size_t connections = 1024;                     // of all listeners: a further one is closed at once
  size_t bodies_bytes = 256u << 20;              // of all bodies that are being read: 503
  std::chrono::milliseconds head_time{10'000};   // for a whole head, a TLS handshake, a first line
  std::chrono::milliseconds idle_time{60'000};   // between requests or lines, and without progress in sending
  size_t body_bytes_per_s = 1024;                // slower than that, after head_time: 408
  std::chrono::milliseconds linger_time{1'000};  // what is still sent after a refusal is read so long, and dropped
  std::chrono::milliseconds heartbeat{15'000};   // of an alert stream without alerts
  size_t line_buffer_bytes = 1u << 20;  // of one connection: beyond it is not read until the writer has gone on
  size_t not_json_max = 10;             // bad lines in a row: it speaks another language
  size_t threads = 2;
  bool takes_short_turns = true;  // they may interrupt whoever has the core for long (io/turns)
};

}  // namespace omen
