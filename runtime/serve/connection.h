// Connection: what HTTP and lines have in common: a stream of bytes, a timer, a place in the count of connections.
//
// Inside the listeners only: it brings Asio. Everything of one connection runs on its strand, one after the other.
#pragma once

#include <atomic>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/strand.hpp>
#include <memory>
#include <type_traits>

#include "runtime/serve/http_context.h"
#include "runtime/serve/listen_config.h"

namespace omen {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using Timer = asio::basic_waitable_timer<Clock>;
using Socket = asio::generic::stream_protocol::socket;
using TlsStream = asio::ssl::stream<Socket>;
using ErrorCode = boost::system::error_code;

// What the connections of all listeners share.
struct Shared {
  Shared(const HttpContext& of, const ListenLimits& up_to) : context(of), limits(up_to) {}
  HttpContext context;
  ListenLimits limits;
  std::vector<HttpRoute> routes;
  std::atomic<bool> is_stopping = false;
  std::atomic<size_t> connections = 0;
  std::atomic<size_t> bodies_bytes = 0;  // that are being read

  Counter& closed(const char* reason) {
    return context.metrics.counter("omen_connections_closed_total", "Connections that were closed for a reason of ours",
                                   {{"reason", reason}});
  }
};

class Connection {
 public:
  virtual ~Connection() = default;
  virtual void start() = 0;
  // Finishes what is in hand and closes. From any thread.
  virtual void stop() = 0;
};

// One in the count of connections, for as long as it lives.
class Seat {
 public:
  explicit Seat(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) { ++shared_->connections; }
  ~Seat() { --shared_->connections; }
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;

 private:
  std::shared_ptr<Shared> shared_;
};

// The socket below the stream.
inline Socket& socket_of(Socket& stream) { return stream; }
inline Socket& socket_of(TlsStream& stream) { return stream.next_layer(); }

template <typename Stream>
inline constexpr bool is_tls = std::is_same_v<Stream, TlsStream>;

struct LineOptions {
  bool has_acks = false;
  const char* source = "tcp";
};

std::shared_ptr<Connection> make_http_connection(Socket socket, asio::ssl::context* tls, std::shared_ptr<Shared> shared,
                                                 Peer peer);
std::shared_ptr<Connection> make_line_connection(Socket socket, asio::ssl::context* tls, std::shared_ptr<Shared> shared,
                                                 Peer peer, const LineOptions& options);

}  // namespace omen
