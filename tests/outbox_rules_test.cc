// Alerts out, the pure parts: when to try again, a destination's lane, addresses, signatures, mail.
#include <doctest/doctest.h>

#include "runtime/outbox/address_guard.h"
#include "runtime/outbox/lane.h"
#include "runtime/outbox/mail.h"
#include "runtime/outbox/retry.h"
#include "runtime/outbox/signature.h"

namespace omen {
namespace {

constexpr int64_t second = 1'000'000, hour = 3600 * second;

Attempt attempt_with(Verdict verdict, int64_t retry_after_us = 0) {
  Attempt attempt;
  attempt.verdict = verdict;
  attempt.retry_after_us = retry_after_us;
  return attempt;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("retry: what a reply means") {
  for (const int status : {200, 201, 204, 299}) CHECK(verdict_of_http(status) == Verdict::delivered);
  for (const int status : {408, 425, 429, 500, 502, 503, 504, 599, 0}) CHECK(verdict_of_http(status) == Verdict::retry);
  for (const int status : {301, 302, 307, 400, 401, 403, 404, 422, 101}) {
    CHECK(verdict_of_http(status) == Verdict::refused);
  }
  CHECK(verdict_of_http(410) == Verdict::hold);
  CHECK(verdict_of_slack(200, "ok") == Verdict::delivered);
  CHECK(verdict_of_slack(404, "no_service") == Verdict::hold);
  CHECK(verdict_of_slack(404, "channel_not_found") == Verdict::hold);
  CHECK(verdict_of_slack(410, "channel_is_archived") == Verdict::hold);
  CHECK(verdict_of_slack(403, "invalid_token") == Verdict::hold);
  CHECK(verdict_of_slack(400, "invalid_payload") == Verdict::dead);
  CHECK(verdict_of_slack(400, "no_text") == Verdict::dead);
  CHECK(verdict_of_slack(429, "") == Verdict::retry);
  CHECK(verdict_of_slack(500, "rollup_error") == Verdict::retry);
  CHECK(verdict_of_smtp(250) == Verdict::delivered);
  CHECK(verdict_of_smtp(451) == Verdict::retry);
  CHECK(verdict_of_smtp(550) == Verdict::refused);
}

TEST_CASE("retry: waits grow to twelve hours and end after three days") {
  const Attempt failed = attempt_with(Verdict::retry);
  CHECK(next_attempt_us(failed, 1, 0, 0, 0) == 5 * second / 2);
  CHECK(*next_attempt_us(failed, 1, 0, 0, 0.999999) < 5 * second);
  // The whole life of a message whose receiver is dead, with the longest waits.
  int64_t now = 0;
  uint32_t attempts = 0;
  std::vector<int64_t> waits;
  for (;;) {
    ++attempts;
    const auto next = next_attempt_us(failed, attempts, 0, now, 1);
    if (!next) break;
    waits.push_back((*next - now) / second);
    now = *next;
  }
  CHECK(waits ==
        std::vector<int64_t>{5, 30, 120, 300, 900, 1800, 3600, 7200, 14400, 28800, 43200, 43200, 43200, 43200});
  CHECK(now <= 72 * hour);
  CHECK(now > 48 * hour);
  // What was refused ends sooner, what is hopeless at once.
  CHECK(next_attempt_us(attempt_with(Verdict::refused), 4, 0, 0, 0.5).has_value());
  CHECK_FALSE(next_attempt_us(attempt_with(Verdict::refused), 5, 0, 0, 0.5).has_value());
  CHECK_FALSE(next_attempt_us(attempt_with(Verdict::dead), 1, 0, 0, 0.5).has_value());
}

TEST_CASE("retry: Retry-After is honoured up to an hour") {
  CHECK(next_attempt_us(attempt_with(Verdict::retry, 60 * second), 1, 0, 0, 0.5) == 60 * second);
  CHECK(next_attempt_us(attempt_with(Verdict::retry, 1 * second), 3, 0, 0, 0) == 60 * second);  // the longer of both
  CHECK(next_attempt_us(attempt_with(Verdict::retry, 24 * hour), 1, 0, 0, 0.5) == 1 * hour);
}

TEST_CASE("lane: concurrency, pace and order") {
  Lane lane(2, 0);
  for (int64_t number = 1; number <= 4; ++number) {
    Message message;
    message.number = number;
    lane.push(message);
  }
  CHECK(lane.ready_us().has_value());
  CHECK(lane.take(0)->number == 1);
  CHECK(lane.take(0)->number == 2);
  CHECK_FALSE(lane.take(0).has_value());
  CHECK_FALSE(lane.ready_us().has_value());
  lane.finish(attempt_with(Verdict::delivered), 1);
  CHECK(lane.take(1)->number == 3);
  CHECK(lane.active() == 2);
  CHECK(lane.drain().size() == 1);

  Lane paced(4, second);
  paced.push({});
  paced.push({});
  CHECK(paced.take(10 * second).has_value());
  CHECK_FALSE(paced.take(10 * second).has_value());
  CHECK(paced.ready_us() == 11 * second);
  CHECK(paced.take(11 * second).has_value());
}

TEST_CASE("lane: the breaker opens after five failures, and a probe closes it") {
  Lane lane(4, 0);
  for (int i = 0; i < 20; ++i) lane.push({});
  int64_t now = 0;
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(lane.is_open());
    REQUIRE(lane.take(now).has_value());
    lane.finish(attempt_with(Verdict::retry), now);
  }
  CHECK(lane.is_open());
  CHECK_FALSE(lane.take(now).has_value());
  CHECK(lane.ready_us() == 5 * second);
  // Half-open: one at a time. Each failure doubles the pause, up to five minutes.
  int64_t pause = 5 * second;
  for (int i = 0; i < 8; ++i) {
    now = *lane.ready_us();
    REQUIRE(lane.take(now).has_value());
    CHECK_FALSE(lane.take(now).has_value());
    lane.finish(attempt_with(Verdict::retry), now);
    pause = std::min(2 * pause, 300 * second);
    CHECK(*lane.ready_us() - now == pause);
  }
  now = *lane.ready_us();
  REQUIRE(lane.take(now).has_value());
  lane.finish(attempt_with(Verdict::refused), now);  // it answers: it is there
  CHECK_FALSE(lane.is_open());
  CHECK(lane.take(now).has_value());
  CHECK(lane.take(now).has_value());
}

TEST_CASE("lane: Retry-After leaves the whole destination alone") {
  Lane lane(4, 0);
  for (int i = 0; i < 3; ++i) lane.push({});
  REQUIRE(lane.take(0).has_value());
  lane.finish(attempt_with(Verdict::retry, 30 * second), 0);
  CHECK(lane.ready_us() == 30 * second);
  CHECK_FALSE(lane.take(29 * second).has_value());
  CHECK(lane.take(30 * second).has_value());
}

TEST_CASE("addresses: only public ones, unless allowed") {
  const AddressGuard guard;
  for (const char* address :
       {"8.8.8.8", "1.1.1.1", "93.184.215.14", "172.32.0.1", "172.15.255.255", "100.63.255.255", "100.128.0.1",
        "169.253.0.1", "192.167.1.1", "223.255.255.255", "11.0.0.1", "2606:4700::1111", "2a00:1450:4001::200e"}) {
    CHECK_MESSAGE(guard.denied(std::string(address)).empty(), address);
  }
  for (const char* address : {"127.0.0.1",
                              "127.255.255.254",
                              "0.0.0.0",
                              "0.1.2.3",
                              "10.0.0.1",
                              "10.255.255.255",
                              "172.16.0.1",
                              "172.31.255.255",
                              "192.168.0.1",
                              "192.168.255.255",
                              "169.254.169.254",
                              "169.254.0.1",
                              "100.64.0.1",
                              "100.127.255.255",
                              "192.0.0.8",
                              "192.0.2.1",
                              "198.18.0.1",
                              "198.19.255.255",
                              "198.51.100.7",
                              "203.0.113.9",
                              "224.0.0.1",
                              "239.255.255.255",
                              "240.0.0.1",
                              "255.255.255.255",
                              "192.88.99.1",
                              "::",
                              "::1",
                              "::ffff:127.0.0.1",
                              "::ffff:8.8.8.8",
                              "::ffff:a9fe:a9fe",
                              "::7f00:1",
                              "64:ff9b::7f00:1",
                              "64:ff9b::808:808",
                              "64:ff9b:1::1",
                              "100::1",
                              "2001::1",
                              "2001:db8::1",
                              "2002:7f00:1::",
                              "3fff::1",
                              "fc00::1",
                              "fd12:3456::1",
                              "fe80::1",
                              "fec0::1",
                              "ff02::1",
                              "fd00:ec2::254",
                              "4000::1",
                              "no address"}) {
    CHECK_MESSAGE(!guard.denied(std::string(address)).empty(), address);
  }
  const auto allowing = AddressGuard::allowing({"127.0.0.0/8", "fd00::/8", "10.1.2.3"});
  REQUIRE(allowing);
  CHECK(allowing.value().denied(std::string("127.0.0.1")).empty());
  CHECK(allowing.value().denied(std::string("::ffff:127.0.0.1")).empty());
  CHECK(allowing.value().denied(std::string("fd12::1")).empty());
  CHECK(allowing.value().denied(std::string("10.1.2.3")).empty());
  CHECK(allowing.value().denied(std::string("10.1.2.4")) == "private");
  CHECK(allowing.value().denied(std::string("::1")) == "loopback");
  for (const char* range :
       {"127.0.0.0/33", "::1/129", "10.0.0/8", "x", "", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-1"}) {
    CHECK_MESSAGE(!AddressGuard::allowing({range}), range);
  }
}

TEST_CASE("signature: the vector of Standard Webhooks, and two secrets during rotation") {
  const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
  const std::string body = R"({"test": 2432232314})";
  const std::string expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
  CHECK(webhook_signature({secret}, id, 1614265330, body).value() == expected);
  const std::string other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
  const auto both = webhook_signature({other, secret}, id, 1614265330, body);
  REQUIRE(both);
  CHECK(both.value().ends_with(" " + expected));
  for (const char* bad : {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS",
                          "whsec_%%%%9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ="}) {
    const auto refused = webhook_signature({bad}, id, 1, body);
    CHECK_FALSE(refused);
    CHECK((std::string(bad).size() < 8 || !has(refused.message(), std::string(bad).substr(6))));
  }
}

TEST_CASE("mail: text and HTML, headers that data cannot add to") {
  Message message;
  message.number = 7;
  message.id = "0123-0";
  message.alert = "0123";
  message.rule = "churn";
  message.severity = "critical";
  message.key = R"({"user_id":"<b>"})";
  message.text = "Grüße\r\nBcc: all@example.com <script>";
  message.created_us = 1767607200 * second;
  const auto mail = compose_mail(message, "Omen <omen@example.com>", {"a@example.com", "B <b@example.com>"});
  REQUIRE(mail);
  const std::string& text = mail.value();
  const size_t header_end = text.find("\r\n\r\n");
  const std::string header = text.substr(0, header_end);
  CHECK(has(header, "Date: Mon, 05 Jan 2026 10:00:00 +0000\r\n"));
  CHECK(has(header, "Message-ID: <0123-0.7@example.com>\r\n"));
  CHECK(has(header, "From: Omen <omen@example.com>\r\n"));
  CHECK(has(header, "To: a@example.com,\r\n B <b@example.com>\r\n"));
  CHECK(has(header, "Subject: =?UTF-8?B?"));
  CHECK_FALSE(has(header, "Bcc"));
  CHECK(has(text, "Content-Type: text/plain; charset=utf-8"));
  CHECK(has(text, "Content-Type: text/html; charset=utf-8"));
  CHECK(has(text, "Gr=C3=BC=C3=9Fe"));
  CHECK(has(text, "&lt;script&gt;"));
  CHECK_FALSE(has(text, "<script>\r\n</p>"));
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find("\r\n", begin);
    REQUIRE(end != std::string::npos);
    CHECK(end - begin <= 200);
    CHECK((begin == end || text[begin] != '.'));
    CHECK(text.substr(begin, end - begin).find('\n') == std::string::npos);
    begin = end + 2;
  }
  CHECK_FALSE(compose_mail(message, "a@example.com\r\nBcc: x@example.com", {"b@example.com"}));
  CHECK_FALSE(compose_mail(message, "a@example.com", {"b@example.com\nX: y"}));
  CHECK_FALSE(compose_mail(message, "a@example.com", {}));
  CHECK_FALSE(compose_mail(message, "nobody", {"b@example.com"}));
  CHECK(compose_mail(message, "a@example.com", {"b@example.com"}).value() ==
        compose_mail(message, "a@example.com", {"b@example.com"}).value());
}

}  // namespace omen
