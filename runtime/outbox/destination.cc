#include "runtime/outbox/destination.h"

#include <algorithm>
#include <cstdlib>

#include "runtime/io/option.h"
#include "runtime/outbox/retry.h"

namespace omen {
namespace {

constexpr int64_t us_per_minute = 60'000'000;

}  // namespace

Result<Destination> Destination::of(const DestinationProgram& program) {
  Destination out;
  out.name_ = program.name;
  out.kind_ = program.kind;
  out.options_ = program.options;
  if (out.kind_ == "webhook") out.concurrency_ = 4;
  if (out.kind_ == "slack") out.interval_us_ = 1'000'000;  // Slack's own limit
  const std::string &timeout = out.plain("timeout"), &concurrency = out.plain("concurrency"),
                    &per_minute = out.plain("max_per_minute");
  if (!timeout.empty()) out.timeout_us_ = std::strtoll(timeout.c_str(), nullptr, 10);
  if (!concurrency.empty()) {
    out.concurrency_ = static_cast<uint32_t>(std::clamp(std::strtol(concurrency.c_str(), nullptr, 10), 1l, 64l));
  }
  if (!per_minute.empty()) {
    const int64_t count = std::max(1ll, std::strtoll(per_minute.c_str(), nullptr, 10));
    out.interval_us_ = std::max(out.interval_us_, us_per_minute / count);
  }
  auto ranges = out.values("allow_cidr");
  if (!ranges) return Status::error("destination " + out.name_ + ": " + ranges.message());
  auto guard = AddressGuard::allowing(ranges.value());
  if (!guard) return Status::error("destination " + out.name_ + ": allow_cidr: " + guard.message());
  out.guard_ = std::move(guard.value());
  return out;
}

bool Destination::is_same(const DestinationProgram& program) const {
  return name_ == program.name && kind_ == program.kind && options_ == program.options;
}

const std::string& Destination::plain(const std::string& option) const {
  static const std::string none;
  const auto found = std::ranges::find(options_, option, &std::pair<std::string, std::string>::first);
  return found == options_.end() ? none : found->second;
}

Result<std::string> Destination::value(const std::string& option) const { return option_value(plain(option)); }

Result<std::vector<std::string>> Destination::values(const std::string& option) const {
  std::vector<std::string> out;
  for (const auto& [name, text] : options_) {
    if (name != option) continue;
    auto value = option_value(text);
    if (!value) return Status::error(value.message());
    out.push_back(std::move(value.value()));
  }
  return out;
}

std::vector<std::string> Destination::names_under(const std::string& prefix) const {
  std::vector<std::string> out;
  for (const auto& [name, _] : options_) {
    if (name.starts_with(prefix)) out.push_back(name.substr(prefix.size()));
  }
  return out;
}

Result<Request> Destination::request(const Message& message, int64_t now_us) const {
  auto made = kind_ == "webhook" ? webhook_request(*this, message, now_us)
              : kind_ == "slack" ? slack_request(*this, message)
                                 : mail_request(*this, message);
  if (!made) return made;
  Request& request = made.value();
  request.timeout_us = timeout_us_;
  request.ca_path = plain("ca");
  if (std::ranges::any_of(request.url, [](unsigned char c) { return c <= ' ' || c == 0x7F; })) {
    return Status::error("the address has blanks or control characters");
  }
  return made;
}

Verdict Destination::verdict(const Reply& reply) const {
  if (reply.is_address_denied) return Verdict::refused;
  if (!reply.error.empty() && reply.status < 400) return Verdict::retry;
  if (kind_ == "email" && reply.error.empty()) return Verdict::delivered;
  if (kind_ == "slack") return verdict_of_slack(reply.status, reply.body);
  return kind_ == "email" ? verdict_of_smtp(reply.status) : verdict_of_http(reply.status);
}

Status Destination::check() const {
  for (const auto& [name, text] : options_) {
    const auto value = option_value(text);
    if (!value) return Status::error("destination " + name_ + ": " + name + ": " + value.message());
  }
  if (!is_remote()) return Status::ok();
  Message probe;
  probe.key = probe.body = "{}";
  const auto made = request(probe, 0);
  return made ? Status::ok() : Status::error("destination " + name_ + ": " + made.message());
}

bool is_header_text(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c >= ' ' && c != 0x7F; });
}

}  // namespace omen
