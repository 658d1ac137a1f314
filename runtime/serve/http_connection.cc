// One connection of HTTP: reads a request, has it answered, and the next.
//
//   handshake -> reading: head -> admission -> body -> handling -> sending -> reading …
//                                                                  sending -> lingering -> closed
//                                                                  sending -> streaming (alerts)
//
// A single timer looks at how long the phase may last yet; when it is over it looks again, for a body's time grows with
// what has come of it. What waits for the writer has no limit of time: its answer comes when the events are durable.
#include <fmt/format.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/status.hpp>

#include "runtime/serve/connection.h"
#include "runtime/serve/unpack.h"

namespace omen {
namespace {

constexpr size_t read_bytes = 16u << 10;
constexpr size_t lingered_bytes_max = 4u << 20;

template <typename Stream>
class HttpConnection final : public Connection, public std::enable_shared_from_this<HttpConnection<Stream>> {
 public:
  template <typename... StreamArguments>
  HttpConnection(std::shared_ptr<Shared> shared, Peer peer, StreamArguments&&... arguments)
      : shared_(std::move(shared)),
        limits_(shared_->limits),
        seat_(shared_),
        peer_(std::move(peer)),
        stream_(std::forward<StreamArguments>(arguments)...),
        timer_(stream_.get_executor()),
        reader_(limits_.http) {}
  ~HttpConnection() override { release_body(); }

  void start() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] { self->begin(); });
  }

  void stop() override {
    asio::post(stream_.get_executor(), [self = this->shared_from_this()] {
      if (self->phase_ == Phase::reading || self->phase_ == Phase::handshake) self->close();
      if (self->phase_ == Phase::streaming) self->close();
    });
  }

 private:
  enum class Phase : uint8_t { handshake, reading, handling, sending, lingering, streaming, closed };

  void begin() {
    enter(Phase::handshake);
    if constexpr (is_tls<Stream>) {
      stream_.async_handshake(asio::ssl::stream_base::server, [self = this->shared_from_this()](ErrorCode error) {
        if (error) return self->close();
        self->enter(Phase::reading);
        self->read();
      });
    } else {
      enter(Phase::reading);
      read();
    }
  }

  // --- time ---

  void enter(Phase phase) {
    if (phase_ == Phase::closed) return;
    phase_ = phase;
    since_ = Clock::now();
    watch();
  }

  // Until when the phase may last, as things stand.
  Clock::time_point deadline() const {
    switch (phase_) {
      case Phase::handshake:
        return since_ + limits_.head_time;
      case Phase::reading:
        if (reader_.state() == RequestReader::State::body) {
          return since_ + limits_.head_time + std::chrono::seconds(reader_.body_bytes() / limits_.body_bytes_per_s);
        }
        // A new connection is to say something; one that has been answered may rest.
        return since_ + (reader_.has_begun() || is_first_ ? limits_.head_time : limits_.idle_time);
      case Phase::sending:
        return since_ + limits_.idle_time + std::chrono::seconds(sent_bytes_ / limits_.body_bytes_per_s);
      case Phase::lingering:
        return since_ + limits_.linger_time;
      case Phase::handling:
      case Phase::streaming:
      case Phase::closed:
        break;
    }
    return Clock::time_point::max();
  }

  void watch() {
    const Clock::time_point until = deadline();
    timer_.cancel();
    if (until == Clock::time_point::max()) return;
    timer_.expires_at(until);
    timer_.async_wait([weak = this->weak_from_this()](ErrorCode error) {
      if (error) return;
      if (const auto self = weak.lock()) self->look_at_time();
    });
  }

  void look_at_time() {
    if (phase_ == Phase::closed) return;
    if (Clock::now() < deadline()) return watch();
    const bool is_body = reader_.state() == RequestReader::State::body;
    if (phase_ == Phase::reading && (is_body || (reader_.has_begun() && !is_tls<Stream>))) {
      shared_->closed(is_body ? "body_slow" : "head_slow").add();
      ErrorCode ignored;
      socket_of(stream_).cancel(ignored);  // the read that hangs
      return refuse(Response::error(408, "this came too slowly"));
    }
    shared_
        ->closed(phase_ == Phase::handshake ? "handshake_slow"
                 : phase_ == Phase::sending ? "not_read"
                 : reader_.has_begun()      ? "head_slow"
                                            : "idle")
        .add();
    close();
  }

  // --- reading ---

  void read() {
    stream_.async_read_some(asio::buffer(buffer_), [self = this->shared_from_this()](ErrorCode error, size_t size) {
      if (self->phase_ != Phase::reading) return;
      if (error) return self->close();  // the sender has gone
      const bool had_begun = self->reader_.has_begun();
      self->reader_.put({self->buffer_.data(), size});
      if (!had_begun) self->enter(Phase::reading);  // the time of the head begins with its first byte
      self->advance();
    });
  }

  // Goes on as far as what has come allows.
  void advance() {
    using State = RequestReader::State;
    if (reader_.state() == State::admission && !take_in()) return;
    if (!hold_body()) return;
    if (reader_.state() == State::failed) {
      shared_->closed("malformed").add();
      return refuse(Response::error(reader_.fault().status, reader_.fault().message));
    }
    if (reader_.state() == State::whole) return handle();
    read();
  }

  // By the head alone. False: it is refused, or goes on when the sender has been told to.
  bool take_in() {
    HttpRequest& request = reader_.request();
    if (shared_->is_stopping) {
      refuse(refuse_for_now("the service is about to end"));
      return false;
    }
    admission_ = admit(shared_->routes, request, peer_, shared_->context.tokens);
    if (admission_.refusal) {
      refuse(std::move(*admission_.refusal));
      return false;
    }
    const std::string_view coding = request.header("content-encoding");
    if (!coding.empty() && coding != "gzip" && coding != "identity") {
      Response response = Response::error(415, "no content coding but gzip is understood");
      response.headers.emplace_back("Accept-Encoding", "gzip");
      refuse(std::move(response));
      return false;
    }
    enter(Phase::reading);  // the body's time begins
    reader_.admit();
    if (request.expects_continue && reader_.state() == RequestReader::State::body) {
      static constexpr std::string_view leave = "HTTP/1.1 100 Continue\r\n\r\n";
      asio::async_write(stream_, asio::buffer(leave), [self = this->shared_from_this()](ErrorCode error, size_t) {
        if (error) return self->close();
        if (self->phase_ == Phase::reading) self->advance();
      });
      return false;  // goes on when the client has been told to
    }
    return true;
  }

  // Counts what has come of the body among those of all connections. False: there is no room.
  bool hold_body() {
    const size_t bytes = reader_.state() == RequestReader::State::body ? reader_.body_bytes() : 0;
    if (reader_.state() == RequestReader::State::body && admission_.is_open && bytes > open_body_bytes_max) {
      refuse(Response::error(413, "without a token in its head a request may have 512 KB"));
      return false;
    }
    if (bytes <= held_bytes_) return true;
    const size_t more = bytes - std::exchange(held_bytes_, bytes);
    if ((shared_->bodies_bytes += more) <= limits_.bodies_bytes) return true;
    shared_->closed("no_room_for_body").add();
    refuse(refuse_full());
    return false;
  }
  void release_body() { shared_->bodies_bytes -= std::exchange(held_bytes_, 0); }

  // --- handling ---

  void handle() {
    enter(Phase::handling);
    HttpRequest& request = reader_.request();
    is_head_ = request.method == "HEAD";
    closes_ = !request.keeps_alive;
    is_first_ = false;
    // Under overload most is refused: before anything is unpacked or parsed of it.
    const bool is_for_intake = admission_.route->role == Role::ingest && admission_.has_leave && !admission_.is_open;
    if (is_for_intake && !request.body.empty() && shared_->context.intake.refuses(request.body.size())) {
      return send(refuse_full());
    }
    if (request.header("content-encoding") == "gzip") {
      auto plain = unpack_gzip(request.body, admission_.is_open ? open_body_bytes_max : limits_.http.body_bytes);
      if (!plain) return send(Response::error(plain.message() == too_large_text ? 413 : 400, plain.message()));
      request.body = std::move(plain.value());
    }
    if (admission_.is_open) {
      if (auto refusal = admit_body(*admission_.route, request.body, shared_->context.tokens)) {
        return send(std::move(*refusal));
      }
    }
    const auto exchange = std::make_shared<Exchange>();
    exchange->request = std::move(request);
    exchange->peer = peer_;
    exchange->name = admission_.name;
    exchange->has_leave = admission_.has_leave;
    const auto self = this->shared_from_this();
    exchange->post = [self](std::function<void()> what) { asio::post(self->stream_.get_executor(), std::move(what)); };
    exchange->reply = [self](Response response) {
      asio::post(self->stream_.get_executor(), [self, response = std::move(response)]() mutable {
        if (self->phase_ == Phase::handling) self->send(std::move(response));
      });
    };
    admission_.route->handle(exchange);
  }

  // --- sending ---

  // Answers before the request was read to its end: what is still to come of it cannot be told from a next one.
  void refuse(Response response) {
    closes_ = true;
    is_head_ = reader_.state() != RequestReader::State::failed && reader_.request().method == "HEAD";
    is_cut_ = true;
    send(std::move(response));
  }

  void send(Response response) {
    release_body();
    closes_ = closes_ || response.closes || shared_->is_stopping;
    count(response.status);
    namespace http = boost::beast::http;
    out_ = fmt::format("HTTP/1.1 {} {}\r\n", response.status,
                       std::string(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status)))));
    for (const auto& [name, value] : response.headers) {
      const bool is_clean = value.find_first_of("\r\n") == value.npos;  // what comes from a request may not end a line
      if (is_clean) out_ += fmt::format("{}: {}\r\n", name, value);
    }
    if (response.is_stream && !is_head_) return begin_stream(response);
    const bool has_body = response.status != 204 && response.status != 304;
    if (has_body) {
      out_ += fmt::format("Content-Type: {}\r\nContent-Length: {}\r\n", response.content_type, response.body.size());
    }
    out_ += closes_ ? "Connection: close\r\n\r\n" : "\r\n";
    if (has_body && !is_head_) out_ += response.body;
    write([](HttpConnection& own) { own.sent(); });
  }

  void write(void (*then)(HttpConnection&)) {
    sent_bytes_ = out_.size();
    enter(Phase::sending);
    asio::async_write(stream_, asio::buffer(out_), [self = this->shared_from_this(), then](ErrorCode error, size_t) {
      if (error) return self->close();
      then(*self);
    });
  }

  void sent() {
    out_ = {};
    if (closes_) return is_cut_ ? linger() : close();
    enter(Phase::reading);
    reader_.next();
    if (reader_.has_begun()) enter(Phase::reading);
    advance();
  }

  void count(int status) {
    shared_->context.metrics
        .counter("omen_http_requests_total", "Requests that were answered, by status",
                 {{"status", std::to_string(status)}})
        .add();
  }

  // Reads on and drops it, for a while: closing with unread bytes would reset the connection, and the sender might
  // never see the answer.
  void linger() {
    if (phase_ != Phase::lingering) {
      enter(Phase::lingering);
      ErrorCode ignored;
      socket_of(stream_).shutdown(Socket::shutdown_send, ignored);
    }
    socket_of(stream_).async_read_some(asio::buffer(buffer_),
                                       [self = this->shared_from_this()](ErrorCode error, size_t size) {
                                         self->lingered_bytes_ += size;
                                         if (error || self->lingered_bytes_ > lingered_bytes_max) return self->close();
                                         self->linger();
                                       });
  }

  // --- streaming ---

  void begin_stream(const Response& response) {
    closes_ = true;
    // Whoever publishes only leaves word here.
    subscription_ = shared_->context.subscribers.subscribe([weak = this->weak_from_this()] {
      if (const auto self = weak.lock()) asio::post(self->stream_.get_executor(), [self] { self->stream_on(); });
    });
    if (subscription_ == nullptr) {
      Response refusal = refuse_for_now("there are too many subscribers");
      return send(std::move(refusal));
    }
    out_ += fmt::format("Content-Type: {}\r\nConnection: close\r\n\r\n: alerts follow\n\n", response.content_type);
    notice_end();
    write([](HttpConnection& own) { own.streamed(); });
  }

  void streamed() {
    enter(Phase::streaming);
    stream_on();
  }

  // Sends what has come; when there is nothing, waits for it, or for the time to say that the connection still lives.
  void stream_on() {
    if (phase_ != Phase::streaming) return;
    out_.clear();
    for (const SharedAlert& alert : subscription_->take()) {
      out_ += fmt::format("id: {}\nevent: alert\ndata: {}\n\n", alert->id, alert->json);
    }
    if (!out_.empty()) return write([](HttpConnection& own) { own.streamed(); });
    if (subscription_->is_over()) {
      if (subscription_->is_dropped()) shared_->closed("subscriber_slow").add();
      return close();
    }
    timer_.expires_after(limits_.heartbeat);
    timer_.async_wait([weak = this->weak_from_this()](ErrorCode error) {
      const auto self = weak.lock();
      if (error || self == nullptr || self->phase_ != Phase::streaming) return;
      self->out_ = ": still here\n\n";
      self->write([](HttpConnection& own) { own.streamed(); });
    });
  }

  // A subscriber says nothing any more; that it has gone shows as the end of what it sends.
  void notice_end() {
    stream_.async_read_some(asio::buffer(buffer_), [self = this->shared_from_this()](ErrorCode error, size_t) {
      if (error) return self->close();
      self->notice_end();
    });
  }

  void close() {
    if (phase_ == Phase::closed) return;
    phase_ = Phase::closed;
    subscription_.reset();
    release_body();
    timer_.cancel();
    ErrorCode ignored;
    socket_of(stream_).close(ignored);
  }

  const std::shared_ptr<Shared> shared_;
  const ListenLimits& limits_;
  const Seat seat_;
  const Peer peer_;
  Stream stream_;
  Timer timer_;
  RequestReader reader_;
  Admission admission_;
  Phase phase_ = Phase::handshake;
  Clock::time_point since_;
  bool is_first_ = true;
  bool closes_ = false, is_head_ = false, is_cut_ = false;
  size_t held_bytes_ = 0;
  size_t sent_bytes_ = 0, lingered_bytes_ = 0;
  std::shared_ptr<Subscription> subscription_;
  std::array<char, read_bytes> buffer_;
  std::string out_;
};

}  // namespace

std::shared_ptr<Connection> make_http_connection(Socket socket, asio::ssl::context* tls, std::shared_ptr<Shared> shared,
                                                 Peer peer) {
  if (tls == nullptr) {
    return std::make_shared<HttpConnection<Socket>>(std::move(shared), std::move(peer), std::move(socket));
  }
  return std::make_shared<HttpConnection<TlsStream>>(std::move(shared), std::move(peer), std::move(socket), *tls);
}

}  // namespace omen
