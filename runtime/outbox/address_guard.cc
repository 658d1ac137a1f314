#include "runtime/outbox/address_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace omen {
namespace {

using Address = AddressGuard::Address;
using Range = AddressGuard::Range;

std::optional<Address> parse_address(const std::string& text) {
  Address out;
  if (inet_pton(AF_INET, text.c_str(), out.bytes.data()) == 1) return out;
  out.is_v6 = true;
  if (inet_pton(AF_INET6, text.c_str(), out.bytes.data()) == 1) return out;
  return std::nullopt;
}

std::optional<Range> parse_range(const std::string& text) {
  const size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  const int most = address->is_v6 ? 128 : 32;
  Range range{*address, most};
  if (slash != std::string::npos) {
    const char* const end = text.data() + text.size();
    const auto [stop, fault] = std::from_chars(text.data() + slash + 1, end, range.bits);
    if (fault != std::errc() || stop != end || range.bits < 0 || range.bits > most) return std::nullopt;
  }
  return range;
}

struct Special {
  const char* range;
  std::string_view what;
};
// https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry
constexpr Special special[] = {
    {"0.0.0.0/8", "this network"},
    {"10.0.0.0/8", "private"},
    {"100.64.0.0/10", "shared by carriers (CGNAT)"},
    {"127.0.0.0/8", "loopback"},
    {"169.254.0.0/16", "link-local, or a cloud's metadata"},
    {"172.16.0.0/12", "private"},
    {"192.0.0.0/24", "reserved"},
    {"192.0.2.0/24", "for documentation"},
    {"192.88.99.0/24", "reserved"},
    {"192.168.0.0/16", "private"},
    {"198.18.0.0/15", "for benchmarks"},
    {"198.51.100.0/24", "for documentation"},
    {"203.0.113.0/24", "for documentation"},
    {"224.0.0.0/4", "multicast"},
    {"255.255.255.255/32", "broadcast"},
    {"240.0.0.0/4", "reserved"},
    {"::/128", "unspecified"},
    {"::1/128", "loopback"},
    {"::/96", "IPv4-compatible"},
    {"::ffff:0:0/96", "IPv4-mapped"},
    {"64:ff9b::/96", "NAT64"},
    {"64:ff9b:1::/48", "NAT64"},
    {"2001:db8::/32", "for documentation"},
    {"2001::/23", "reserved (Teredo and others)"},
    {"2002::/16", "6to4"},
    {"3fff::/20", "for documentation"},
    {"fc00::/7", "unique-local"},
    {"fe80::/10", "link-local"},
    {"fec0::/10", "site-local"},
    {"ff00::/8", "multicast"},
};

const std::vector<std::pair<Range, std::string_view>>& special_ranges() {
  static const auto ranges = [] {
    std::vector<std::pair<Range, std::string_view>> out;
    for (const Special& one : special) out.emplace_back(parse_range(one.range).value(), one.what);
    return out;
  }();
  return ranges;
}

}  // namespace

bool AddressGuard::Range::holds(const Address& address) const {
  if (address.is_v6 != from.is_v6) return false;
  for (int bit = 0; bit < bits; bit += 8) {
    const auto at = static_cast<size_t>(bit / 8);
    const int left = std::min(8, bits - bit);
    const auto mask = static_cast<uint8_t>(0xFF << (8 - left));
    if ((address.bytes[at] & mask) != (from.bytes[at] & mask)) return false;
  }
  return true;
}

Result<AddressGuard> AddressGuard::allowing(const std::vector<std::string>& ranges) {
  AddressGuard guard;
  for (const std::string& text : ranges) {
    const auto range = parse_range(text);
    if (!range) return Status::error("`" + text + "` is no range of addresses: write 10.0.0.0/8 or fd00::/8");
    guard.allowed_.push_back(*range);
  }
  return guard;
}

std::string_view AddressGuard::denied(const Address& address) const {
  const auto is_allowed = [&](const Address& one) {
    return std::ranges::any_of(allowed_, [&](const Range& range) { return range.holds(one); });
  };
  if (is_allowed(address)) return {};
  if (address.is_v6) {
    static constexpr std::array<uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
    if (std::equal(mapped.begin(), mapped.end(), address.bytes.begin())) {
      Address inner;
      std::copy_n(address.bytes.begin() + 12, 4, inner.bytes.begin());
      return is_allowed(inner) ? std::string_view() : "IPv4-mapped";
    }
  }
  for (const auto& [range, what] : special_ranges()) {
    if (range.holds(address)) return what;
  }
  // Only 2000::/3 has been given to anybody.
  if (address.is_v6 && (address.bytes[0] & 0xE0) != 0x20) return "reserved";
  return {};
}

std::string_view AddressGuard::denied(const sockaddr& address) const {
  Address out;
  if (address.sa_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &address, sizeof in);
    std::memcpy(out.bytes.data(), &in.sin_addr, 4);
  } else if (address.sa_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, &address, sizeof in);
    out.is_v6 = true;
    std::memcpy(out.bytes.data(), &in.sin6_addr, 16);
  } else {
    return "no internet address";
  }
  return denied(out);
}

std::string_view AddressGuard::denied(const std::string& address) const {
  const auto parsed = parse_address(address);
  return parsed ? denied(*parsed) : "no address";
}

}  // namespace omen
