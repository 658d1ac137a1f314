#include "runtime/serve/listeners.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/ssl/context.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <future>
#include <list>
#include <mutex>
#include <thread>

#include "runtime/io/turns.h"
#include "runtime/serve/connection.h"

namespace omen {
namespace {

Status failed(const std::string& address, const char* what) {
  return Status::error(fmt::format("{}: {}: {}", address, what, std::strerror(errno)));
}

// A file descriptor that listens.
struct Ear {
  ListenConfig config;
  ListenAddress address;
  std::string shown;                        // with the port that it has
  std::shared_ptr<asio::ssl::context> tls;  // of new connections; guarded, for it is exchanged while others accept
  std::unique_ptr<asio::posix::stream_descriptor> descriptor;
};

// A socket that nobody answers any more is taken away; one that somebody does is his.
Status make_way(const std::string& path, const std::string& address) {
  struct stat found = {};
  if (lstat(path.c_str(), &found) != 0) return Status::ok();
  if (!S_ISSOCK(found.st_mode)) return Status::error(address + ": there is a file that is no socket");
  asio::io_context context;
  asio::local::stream_protocol::socket probe(context);
  ErrorCode error;
  probe.connect(asio::local::stream_protocol::endpoint(path), error);
  if (!error) return Status::error(address + ": another process listens there");
  return unlink(path.c_str()) == 0 ? Status::ok() : failed(address, "cannot be replaced");
}

Status open_unix(Ear& ear, int fd) {
  const std::string& path = ear.address.path;
  if (Status status = make_way(path, ear.config.address); !status) return status;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty() && mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return failed(folder.string(), "cannot be made");
  }
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  // Before bind(): at no moment does it stand there with more rights than meant.
  if (fchmod(fd, ear.config.socket_mode) != 0) return failed(ear.config.address, "cannot be opened");
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return failed(ear.config.address, "cannot be opened");
  }
  if (chmod(path.c_str(), ear.config.socket_mode) != 0) return failed(ear.config.address, "cannot be opened");
  ear.shown = ear.config.address;
  return Status::ok();
}

Status open_tcp(Ear& ear, int fd) {
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(ear.address.host), ear.address.port);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (endpoint.address().is_v6()) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) {
    return failed(ear.config.address, "cannot be opened");
  }
  asio::ip::tcp::endpoint bound;
  auto size = static_cast<socklen_t>(bound.capacity());
  if (getsockname(fd, bound.data(), &size) != 0) return failed(ear.config.address, "cannot be opened");
  ear.shown = endpoint.address().is_v6() ? fmt::format("[{}]:{}", ear.address.host, bound.port())
                                         : fmt::format("{}:{}", ear.address.host, bound.port());
  return Status::ok();
}

// Nothing for a listener without a certificate.
Result<std::shared_ptr<asio::ssl::context>> load_tls(const ListenConfig& config) {
  if (config.certificate_path.empty()) return std::shared_ptr<asio::ssl::context>();
  auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* const native = tls->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  ErrorCode error;
  tls->use_certificate_chain_file(config.certificate_path, error);
  if (error) return Status::error(config.certificate_path + " is no certificate: " + error.message());
  tls->use_private_key_file(config.key_path, asio::ssl::context::pem, error);
  if (error) return Status::error(config.key_path + " is not the certificate's key: " + error.message());
  return tls;
}

Rights rights_of(const Ear& ear, int fd, bool has_tokens) {
  if (ear.address.is_unix) {
    ucred peer = {};
    socklen_t size = sizeof peer;
    const bool is_known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
    return is_known && (peer.uid == geteuid() || peer.uid == 0) ? Rights{Role::admin} : Rights{Role::ingest};
  }
  // From this machine, as long as nobody has made a token.
  return ear.address.is_loopback && !has_tokens ? Rights{Role::ingest, Role::read} : Rights{};
}

}  // namespace

struct Listeners::Inside {
  std::shared_ptr<Shared> shared;
  asio::io_context context;
  std::list<Ear> ears;
  std::vector<std::string> addresses;
  std::vector<std::thread> threads;
  std::unique_ptr<Timer> sweep;
  std::mutex mutex;
  std::list<std::weak_ptr<Connection>> connections;
  std::atomic<int64_t> said_full_s = 0;

  Status open(Ear& ear) {
    auto tls = load_tls(ear.config);
    if (!tls) return Status::error(tls.message());
    ear.tls = std::move(tls.value());
    const int family = ear.address.is_unix                                   ? AF_UNIX
                       : ear.address.host.find(':') != ear.address.host.npos ? AF_INET6
                                                                             : AF_INET;
    const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return failed(ear.config.address, "cannot be opened");
    ear.descriptor = std::make_unique<asio::posix::stream_descriptor>(context, fd);  // closes it, too
    if (Status status = ear.address.is_unix ? open_unix(ear, fd) : open_tcp(ear, fd); !status) return status;
    if (::listen(fd, SOMAXCONN) != 0) return failed(ear.config.address, "cannot be opened");
    return Status::ok();
  }

  void listen(Ear& ear) {
    ear.descriptor->async_wait(asio::posix::stream_descriptor::wait_read, [this, &ear](ErrorCode error) {
      if (error || shared->is_stopping) return;
      // A few at a time, so that one listener does not keep a thread from the others.
      for (int i = 0; i < 16 && accept(ear); ++i) {
      }
      listen(ear);
    });
  }

  bool accept(Ear& ear) {
    const int fd = accept4(ear.descriptor->native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      // Out of descriptors: the next look comes with the next connection, or after this moment's rest.
      if (errno == EMFILE || errno == ENFILE) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      return false;
    }
    if (shared->connections >= shared->limits.connections) {
      shared->closed("too_many").add();
      close(fd);
      say_full();
      return true;
    }
    const bool is_http = ear.config.protocol == ListenConfig::Protocol::http;
    if (!ear.address.is_unix) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    Peer peer;
    peer.rights = rights_of(ear, fd, !shared->context.tokens.is_empty());
    peer.is_network = !ear.address.is_unix;
    peer.listener = ear.shown;
    const int family = ear.address.is_unix                               ? AF_UNIX
                       : ear.address.host.find(':') != std::string::npos ? AF_INET6
                                                                         : AF_INET;
    Socket socket(asio::make_strand(context), asio::generic::stream_protocol(family, 0), fd);
    std::shared_ptr<asio::ssl::context> tls;  // OpenSSL keeps what a connection needs of it
    {
      const std::lock_guard lock(mutex);
      tls = ear.tls;
    }
    const auto connection = is_http ? make_http_connection(std::move(socket), tls.get(), shared, std::move(peer))
                                    : make_line_connection(std::move(socket), tls.get(), shared, std::move(peer),
                                                           {ear.config.has_acks, ear.address.is_unix ? "unix" : "tcp"});
    {
      const std::lock_guard lock(mutex);
      connections.push_back(connection);
    }
    connection->start();
    return true;
  }

  Status reload_certificates() {
    std::string problems;
    for (Ear& ear : ears) {
      auto tls = load_tls(ear.config);
      if (!tls) {
        problems += (problems.empty() ? "" : "; ") + ear.shown + ": " + tls.message();
        continue;
      }
      const std::lock_guard lock(mutex);
      ear.tls = std::move(tls.value());
    }
    return problems.empty() ? Status::ok() : Status::error(problems);
  }

  void say_full() {
    const int64_t now_s = std::chrono::duration_cast<std::chrono::seconds>(Clock::now().time_since_epoch()).count();
    int64_t said = said_full_s;
    if (now_s - said < 60 || !said_full_s.compare_exchange_strong(said, now_s)) return;
    shared->context.log(
        fmt::format("there are {} connections: further ones are closed at once", shared->limits.connections));
  }

  // Once a second: tokens that were revoked, connections that have gone.
  void sweep_on() {
    sweep->expires_after(std::chrono::seconds(1));
    sweep->async_wait([this](ErrorCode error) {
      if (error) return;
      if (Status status = shared->context.tokens.refresh(); !status) shared->context.log(status.message());
      {
        const std::lock_guard lock(mutex);
        connections.remove_if([](const auto& each) { return each.expired(); });
      }
      sweep_on();
    });
  }

  void stop(std::chrono::milliseconds patience) {
    if (threads.empty()) return;
    shared->is_stopping = true;
    std::promise<void> deaf;
    asio::post(context, [&] {
      for (Ear& ear : ears) {
        ErrorCode ignored;
        ear.descriptor->close(ignored);
        if (ear.address.is_unix) unlink(ear.address.path.c_str());
      }
      deaf.set_value();
    });
    deaf.get_future().wait();
    {
      const std::lock_guard lock(mutex);
      for (const auto& each : connections) {
        if (const auto connection = each.lock()) connection->stop();
      }
    }
    const auto end = Clock::now() + patience;
    while (shared->connections > 0 && Clock::now() < end) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    context.stop();
    for (std::thread& thread : threads) thread.join();
    threads.clear();
  }
};

Listeners::Listeners(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Listeners::~Listeners() { inside_->stop(std::chrono::milliseconds(0)); }

Result<std::unique_ptr<Listeners>> Listeners::start(const std::vector<ListenConfig>& configs,
                                                    const HttpContext& context, const ListenLimits& limits) {
  auto inside = std::make_unique<Inside>();
  inside->shared = std::make_shared<Shared>(context, limits);
  Shared& shared = *inside->shared;
  shared.routes = make_routes(shared.context);
  for (const HookConfig& hook : context.hooks) {
    if (Status status = check_rule(hook.signature); !status) {
      return Status::error("hook `" + hook.name + "`: " + status.message());
    }
  }
  for (const ListenConfig& config : configs) {
    if (Status status = validate(config, !context.tokens.is_empty()); !status) return status;
    inside->ears.push_back({config, parse_address(config.address).value(), {}, nullptr, nullptr});
    if (Status status = inside->open(inside->ears.back()); !status) return status;
    inside->addresses.push_back(inside->ears.back().shown);
  }
  context.metrics.add_source([weak = std::weak_ptr(inside->shared)](MetricsText& text) {
    const auto own = weak.lock();
    if (own == nullptr) return;
    text.gauge("omen_connections", "Connections that are open", static_cast<double>(own->connections));
    text.gauge("omen_request_bodies_bytes", "Bytes of bodies that are being read",
               static_cast<double>(own->bodies_bytes));
    const IntakeCounters intake = own->context.intake.counters();
    text.gauge("omen_intake_bytes", "Bytes of events that wait for the disk",
               static_cast<double>(intake.waiting_bytes));
    text.gauge("omen_intake_batches", "Batches that wait for the disk", static_cast<double>(intake.waiting_batches));
    text.counter("omen_intake_refused_total", "Batches for which there was no room: the sender was told, or waits",
                 intake.refused);
  });
  for (Ear& ear : inside->ears) inside->listen(ear);
  inside->sweep = std::make_unique<Timer>(inside->context);
  inside->sweep_on();
  for (size_t i = 0; i < limits.threads; ++i) {
    inside->threads.emplace_back([own = inside.get()] {
      if (own->shared->limits.takes_short_turns) take_short_turns();
      own->context.run();
    });
  }
  return std::unique_ptr<Listeners>(new Listeners(std::move(inside)));
}

const std::vector<std::string>& Listeners::addresses() const { return inside_->addresses; }
const std::vector<HttpRoute>& Listeners::routes() const { return inside_->shared->routes; }
Status Listeners::reload_certificates() { return inside_->reload_certificates(); }
void Listeners::stop(std::chrono::milliseconds patience) { inside_->stop(patience); }

}  // namespace omen
