#include "tests/support/receiver.h"

#include <algorithm>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <list>
#include <mutex>
#include <thread>

namespace omen {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;

// Accepts until it is stopped; each connection is served by a thread of its own.
class Listener {
 public:
  virtual ~Listener() = default;
  uint16_t port() const { return port_; }
  size_t connections() const { return connections_; }

 protected:
  Listener() : acceptor_(context_, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)) {
    port_ = acceptor_.local_endpoint().port();
  }
  void start() {
    thread_ = std::thread([this] {
      while (!is_over_) {
        auto socket = std::make_shared<tcp::socket>(context_);
        boost::system::error_code error;
        acceptor_.accept(*socket, error);
        if (error || is_over_) return;
        ++connections_;
        const std::lock_guard lock(mutex_);
        sockets_.push_back(socket);
        workers_.emplace_back([this, socket] {
          boost::system::error_code ignored;
          serve(*socket);
          socket->shutdown(tcp::socket::shutdown_both, ignored);
        });
      }
    });
  }
  void stop() {
    is_over_ = true;
    {  // wakes accept()
      boost::system::error_code ignored;
      tcp::socket last(context_);
      last.connect(tcp::endpoint(asio::ip::make_address("127.0.0.1"), port_), ignored);
    }
    thread_.join();
    {
      const std::lock_guard lock(mutex_);
      boost::system::error_code ignored;
      for (const auto& socket : sockets_) socket->shutdown(tcp::socket::shutdown_both, ignored);
    }
    for (std::thread& worker : workers_) worker.join();
  }
  void wait(int milliseconds) const {
    for (int i = 0; i < milliseconds && !is_over_; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  virtual void serve(tcp::socket& socket) = 0;

  asio::io_context context_;
  mutable std::mutex mutex_;
  std::atomic<bool> is_over_ = false;

 private:
  tcp::acceptor acceptor_;
  uint16_t port_ = 0;
  std::atomic<size_t> connections_ = 0;
  std::thread thread_;
  std::list<std::thread> workers_;
  std::vector<std::shared_ptr<tcp::socket>> sockets_;
};

}  // namespace

class HttpReceiver::Impl : public Listener {
 public:
  Impl(std::vector<Answer> answers, const std::optional<Certificate>& certificate) : answers_(std::move(answers)) {
    if (certificate) {
      tls_.emplace(asio::ssl::context::tls_server);
      tls_->use_certificate(asio::buffer(certificate->certificate_pem), asio::ssl::context::pem);
      tls_->use_private_key(asio::buffer(certificate->key_pem), asio::ssl::context::pem);
    }
    start();
  }
  ~Impl() override { stop(); }

  bool has_tls() const { return tls_.has_value(); }
  std::vector<SeenRequest> received() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }
  size_t most() const { return most_; }

 private:
  void serve(tcp::socket& socket) override {
    if (!tls_) return serve_stream(socket);
    asio::ssl::stream<tcp::socket&> stream(socket, *tls_);
    boost::system::error_code error;
    stream.handshake(asio::ssl::stream_base::server, error);
    if (!error) serve_stream(stream);
  }

  template <typename Stream>
  void serve_stream(Stream& socket) {
    beast::flat_buffer buffer;
    for (;;) {
      http::request<http::string_body> request;
      boost::system::error_code error;
      http::read(socket, buffer, request, error);
      if (error) return;
      most_ = std::max<size_t>(most_, ++active_);
      const bool goes_on = answer(socket, take(request));
      --active_;
      if (!goes_on) return;
    }
  }

  Answer take(const http::request<http::string_body>& request) {
    SeenRequest received;
    received.target = std::string(request.target());
    received.body = request.body();
    for (const auto& field : request) {
      std::string name(field.name_string());
      std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
      received.headers[name] = std::string(field.value());
    }
    const std::lock_guard lock(mutex_);
    received_.push_back(std::move(received));
    return answers_[std::min(received_.size(), answers_.size()) - 1];
  }

  template <typename Stream>
  bool answer(Stream& socket, const Answer& answer) {
    boost::system::error_code error;
    wait(answer.delay_ms);
    if (answer.way == Answer::Way::close) return false;
    if (answer.way == Answer::Way::slow) {
      wait(60'000);
      return false;
    }
    if (answer.way == Answer::Way::endless) {
      asio::write(socket, asio::buffer(std::string("HTTP/1.1 200 OK\r\n\r\n")), error);
      const std::string piece(4096, 'x');
      while (!error && !is_over_) asio::write(socket, asio::buffer(piece), error);
      return false;
    }
    http::response<http::string_body> response(http::int_to_status(static_cast<unsigned>(answer.status)), 11);
    response.result(static_cast<unsigned>(answer.status));
    for (const auto& [name, value] : answer.headers) response.set(name, value);
    response.body() = answer.body;
    response.prepare_payload();
    http::write(socket, response, error);
    return !error;
  }

  const std::vector<Answer> answers_;
  std::optional<asio::ssl::context> tls_;
  std::vector<SeenRequest> received_;
  std::atomic<size_t> active_ = 0, most_ = 0;
};

HttpReceiver::HttpReceiver(std::vector<Answer> answers, std::optional<Certificate> certificate)
    : impl_(std::make_unique<Impl>(std::move(answers), certificate)) {}
HttpReceiver::~HttpReceiver() = default;
uint16_t HttpReceiver::port() const { return impl_->port(); }
std::string HttpReceiver::url() const {
  return (impl_->has_tls() ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(port()) + "/hook";
}
std::vector<SeenRequest> HttpReceiver::received() const { return impl_->received(); }
size_t HttpReceiver::connections() const { return impl_->connections(); }
size_t HttpReceiver::most_at_a_time() const { return impl_->most(); }

class MailReceiver::Impl : public Listener {
 public:
  explicit Impl(std::map<std::string, std::string> answers) : answers_(std::move(answers)) { start(); }
  ~Impl() override { stop(); }

  std::string said() const {
    const std::lock_guard lock(mutex_);
    return said_;
  }

 private:
  void serve(tcp::socket& socket) override {
    boost::system::error_code error;
    std::string buffer;
    say(socket, "220 test");
    bool is_mail = false;
    while (!error) {
      const size_t size = asio::read_until(socket, asio::dynamic_buffer(buffer), "\r\n", error);
      if (error) return;
      const std::string line = buffer.substr(0, size);
      buffer.erase(0, size);
      {
        const std::lock_guard lock(mutex_);
        said_ += line;
      }
      if (is_mail && line != ".\r\n") continue;
      const std::string word = is_mail ? "." : line.substr(0, line.find_first_of(" \r"));
      is_mail = false;
      const auto found = answers_.find(word);
      const std::string answer = found != answers_.end() ? found->second
                                 : word == "DATA"        ? "354 go on"
                                 : word == "EHLO"        ? "250-test\r\n250 AUTH PLAIN"
                                                         : "250 ok";
      is_mail = word == "DATA" && answer.starts_with("354");
      say(socket, answer);
      if (word == "QUIT") return;
    }
  }
  static void say(tcp::socket& socket, const std::string& line) {
    boost::system::error_code ignored;
    asio::write(socket, asio::buffer(line + "\r\n"), ignored);
  }

  const std::map<std::string, std::string> answers_;
  std::string said_;
};

MailReceiver::MailReceiver(std::map<std::string, std::string> answers)
    : impl_(std::make_unique<Impl>(std::move(answers))) {}
MailReceiver::~MailReceiver() = default;
uint16_t MailReceiver::port() const { return impl_->port(); }
std::string MailReceiver::said() const { return impl_->said(); }

}  // namespace omen
