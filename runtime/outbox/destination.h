// Destination: what a rule file says of one, ready to use: options by name, secrets still where they are kept.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/model/program.h"
#include "runtime/model/status.h"
#include "runtime/outbox/address_guard.h"
#include "runtime/outbox/message.h"
#include "runtime/outbox/request.h"

namespace omen {

class Destination {
 public:
  // Complains of options that cannot be: an address range that is none. The compiler has checked names and types.
  static Result<Destination> of(const DestinationProgram& program);

  const std::string& name() const { return name_; }
  const std::string& kind() const { return kind_; }
  // Webhook, slack, email: a request over the network.
  bool is_remote() const { return kind_ == "webhook" || kind_ == "slack" || kind_ == "email"; }
  const AddressGuard& guard() const { return guard_; }
  int64_t timeout_us() const { return timeout_us_; }
  uint32_t concurrency() const { return concurrency_; }
  int64_t interval_us() const { return interval_us_; }  // between two attempts at least; 0: as they come
  bool is_same(const DestinationProgram& program) const;

  // The value as it stands in the rule file: env("X") and file("X") as they are written; "" when it is not given.
  const std::string& plain(const std::string& option) const;
  // With secrets read; "" when the option is not given.
  Result<std::string> value(const std::string& option) const;
  Result<std::vector<std::string>> values(const std::string& option) const;
  // `headers.NAME` options, by NAME as written.
  std::vector<std::string> names_under(const std::string& prefix) const;

  // A remote one's request for the message, and what the reply means. The request's secrets are read now.
  Result<Request> request(const Message& message, int64_t now_us) const;
  Verdict verdict(const Reply& reply) const;
  // Everything that can be known before a message comes: secrets are there and in form.
  Status check() const;

 private:
  std::string name_, kind_;
  std::vector<std::pair<std::string, std::string>> options_;
  AddressGuard guard_;
  int64_t timeout_us_ = 15'000'000;
  uint32_t concurrency_ = 1;
  int64_t interval_us_ = 0;
};

// The kinds. The message's texts are data of strangers: escaped for where they go.
Result<Request> webhook_request(const Destination& destination, const Message& message, int64_t now_us);
Result<Request> slack_request(const Destination& destination, const Message& message);
Result<Request> mail_request(const Destination& destination, const Message& message);

// Whether a header may have it: no control characters.
bool is_header_text(std::string_view text);

}  // namespace omen
