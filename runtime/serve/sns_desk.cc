#include "runtime/serve/sns_desk.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/io/clock.h"
#include "runtime/model/time.h"

namespace omen {
namespace {

int64_t now_s() { return wall_clock_us() / us_per_second; }

}  // namespace

SnsDesk::SnsDesk(const std::vector<std::string>& topics, Fetch fetch, Log log, Metrics& metrics)
    : topics_(topics.begin(), topics.end()),
      fetch_(std::move(fetch)),
      log_(std::move(log)),
      metrics_(metrics),
      fetched_(metrics.counter("omen_sns_certificates_fetched_total", "Certificates of SNS that were fetched")),
      dropped_(metrics.counter("omen_sns_certificates_dropped_total", "Certificates of SNS that made room for others")),
      confirmed_(metrics.counter("omen_sns_subscriptions_confirmed_total", "Subscriptions of SNS that were confirmed")),
      worker_([this] { run(); }) {}

SnsDesk::~SnsDesk() { stop(); }

void SnsDesk::stop() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  changed_.notify_all();
  if (worker_.joinable()) worker_.join();
}

void SnsDesk::take(std::string_view body, Done done) {
  auto read = read_sns(body);
  if (!read) return done(refuse(400, "malformed", read.message()));
  SnsMessage& message = read.value();
  if (!topics_.contains(message.topic)) {
    return done(refuse(403, "topic", "its topic is none of those that are configured"));
  }
  if (message.signature.empty()) return done(refuse(403, "signature", "it bears no signature"));
  if (!is_certificate_url(message.certificate_url)) {
    return done(refuse(403, "certificate_url", "its SigningCertURL is none of SNS's"));
  }
  std::optional<SnsCertificate> certificate;
  {
    const std::lock_guard lock(mutex_);
    if (message.is_notification()) certificate = known(message.certificate_url);
    if (!certificate && !is_over_ && waiting_.size() < sns_waiting_max) {
      waiting_.push_back({std::move(message), std::move(done)});
      changed_.notify_one();
      return;
    }
  }
  done(certificate ? judge(message, *certificate) : refuse(503, "full", "too many messages wait for a certificate"));
}

void SnsDesk::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_over_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    job.done(is_over_ ? refuse(503, "full", "the service is about to end") : decide(job.message));
    lock.lock();
  }
}

// With the certificate that the message names, be it fetched first.
SnsVerdict SnsDesk::decide(const SnsMessage& message) {
  {
    std::unique_lock lock(mutex_);
    const auto certificate = known(message.certificate_url);
    lock.unlock();
    if (certificate) return judge(message, *certificate);
  }
  const Reply reply = fetch_(message.certificate_url, is_over_);
  if (reply.status != 200 || !reply.error.empty()) return refuse_unfetched("a certificate of SNS", reply);
  const auto certificate = SnsCertificate::of(reply.body);
  if (!certificate) return refuse(403, "certificate", certificate.message());
  keep(message.certificate_url, certificate.value());
  return judge(message, certificate.value());
}

SnsVerdict SnsDesk::judge(const SnsMessage& message, const SnsCertificate& certificate) {
  const Status status = certificate.verify(message, now_s());
  if (!status) return refuse(403, "signature", status.message());
  if (message.is_notification()) return {204, {}, event_text(message)};
  if (message.type == "SubscriptionConfirmation") return confirm(message);
  log_(fmt::format("SNS: the subscription to {} has ended", message.topic));
  return {};
}

SnsVerdict SnsDesk::confirm(const SnsMessage& message) {
  if (!is_sns_url(message.subscribe_url)) return refuse(403, "subscribe_url", "its SubscribeURL is none of SNS's");
  const Reply reply = fetch_(message.subscribe_url, is_over_);
  if (reply.status != 200) return refuse_unfetched("what confirms a subscription of SNS", reply);
  confirmed_.add();
  log_(fmt::format("SNS: the subscription to {} is confirmed", message.topic));
  return {};
}

std::optional<SnsCertificate> SnsDesk::known(const std::string& url) {
  const auto found = certificates_.find(url);
  if (found == certificates_.end() || now_s() - found->second.fetched_s > sns_certificate_age_s_max) return {};
  return found->second.certificate;
}

void SnsDesk::keep(const std::string& url, const SnsCertificate& certificate) {
  fetched_.add();
  const std::lock_guard lock(mutex_);
  if (certificates_.size() >= sns_certificates_max && !certificates_.contains(url)) {
    certificates_.erase(
        std::ranges::min_element(certificates_, {}, [](const auto& one) { return one.second.fetched_s; }));
    dropped_.add();
  }
  certificates_[url] = {certificate, now_s()};
}

SnsVerdict SnsDesk::refuse(int status, const char* reason, std::string why) {
  metrics_.counter("omen_sns_refused_total", "Messages of SNS that were refused, by reason", {{"reason", reason}})
      .add();
  return {status, std::move(why), {}};
}

// The log learns why, once a minute; the sender does not, for it may say something of this network.
SnsVerdict SnsDesk::refuse_unfetched(const char* what, const Reply& reply) {
  if (now_s() - complained_s_ >= 60) {
    complained_s_ = now_s();
    log_(fmt::format("{} cannot be fetched: {}", what,
                     reply.error.empty() ? fmt::format("HTTP {}", reply.status) : reply.error));
  }
  return refuse(503, "not_fetched", fmt::format("{} cannot be fetched", what));
}

}  // namespace omen
