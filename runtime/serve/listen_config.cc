#include "runtime/serve/listen_config.h"

#include <sys/un.h>

#include <boost/asio/ip/address.hpp>
#include <charconv>

namespace omen {
namespace {

Status is_none(const std::string& address) {
  return Status::error("`" + address +
                       "` is no address: write unix:PATH, 127.0.0.1:PORT, [::1]:PORT or localhost:PORT");
}

}  // namespace

Result<ListenAddress> parse_address(const std::string& address) {
  ListenAddress out;
  if (address.starts_with("unix:")) {
    out.is_unix = true;
    out.path = address.substr(5);
    if (out.path.empty()) return is_none(address);
    if (out.path.size() >= sizeof(sockaddr_un::sun_path)) {
      return Status::error("the path of a Unix socket has at most 107 bytes: " + out.path);
    }
    return out;
  }
  const size_t colon = address.rfind(':');
  if (colon == address.npos) return is_none(address);
  const char* const end = address.data() + address.size();
  const auto [behind, fault] = std::from_chars(address.data() + colon + 1, end, out.port);
  if (fault != std::errc() || behind != end) return is_none(address);
  out.host = address.substr(0, colon);
  if (out.host == "localhost") out.host = "127.0.0.1";
  if (out.host.starts_with('[') && out.host.ends_with(']')) out.host = out.host.substr(1, out.host.size() - 2);
  boost::system::error_code error;
  const auto parsed = boost::asio::ip::make_address(out.host, error);
  if (error) return is_none(address);
  out.is_loopback = parsed.is_loopback();
  return out;
}

Status validate(const ListenConfig& config, bool has_tokens) {
  const auto address = parse_address(config.address);
  if (!address) return Status::error(address.message());
  const bool has_tls = !config.certificate_path.empty() && !config.key_path.empty();
  if (config.certificate_path.empty() != config.key_path.empty()) {
    return Status::error(config.address + ": TLS needs both a certificate and its key");
  }
  if (address.value().is_unix) {
    return has_tls ? Status::error(config.address + ": a Unix socket has no TLS; leave certificate and key out")
                   : Status::ok();
  }
  if (address.value().is_loopback) return Status::ok();
  std::string lacks;
  if (!has_tokens) lacks = "a token (`omen token new --name NAME --role ingest`)";
  if (!has_tls) lacks += std::string(lacks.empty() ? "" : " and ") + "TLS (a certificate and its key)";
  if (lacks.empty()) return Status::ok();
  return Status::error(config.address + " can be reached from other machines and needs " + lacks +
                       "; or listen on 127.0.0.1 or a Unix socket, and let a proxy do it");
}

}  // namespace omen
