// AddressGuard: to which addresses a destination may connect. Rules come from many hands, and a receiver's name may
// resolve to anything; so the address itself is asked about, after DNS and before every connection (server-side request
// forgery, OWASP).
//
// Denied is whatever is not a public unicast address (IANA's registries of special-purpose addresses), unless a
// destination's `allow_cidr` has it. An IPv4 address inside an IPv6 one (::ffff:0:0/96) is allowed where the IPv4
// address is named in allow_cidr, and else denied whatever it is.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/status.h"

struct sockaddr;

namespace omen {

class AddressGuard {
 public:
  AddressGuard() = default;
  // Each "10.0.0.0/8", "::1/128", or a single address.
  static Result<AddressGuard> allowing(const std::vector<std::string>& ranges);

  // What kind of address it is that is denied ("loopback"); empty: it may be connected to.
  std::string_view denied(const sockaddr& address) const;
  // The same of its text; "no address" when it is none.
  std::string_view denied(const std::string& address) const;

  struct Address {
    bool is_v6 = false;
    std::array<uint8_t, 16> bytes{};  // of an IPv4 address the first four
  };
  struct Range {
    Address from;
    int bits = 0;
    bool holds(const Address& address) const;
  };

 private:
  std::string_view denied(const Address& address) const;
  std::vector<Range> allowed_;
};

}  // namespace omen
