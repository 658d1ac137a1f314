// Delivery against receivers that answer in every way: what arrives, what is tried again, what is refused.
#include "runtime/outbox/delivery.h"

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "runtime/outbox/signature.h"
#include "tests/support/folder.h"
#include "tests/support/receiver.h"

namespace omen {
namespace {

namespace fs = std::filesystem;
using Options = std::vector<std::pair<std::string, std::string>>;

constexpr int64_t second = 1'000'000;

DestinationProgram destination(const std::string& name, const std::string& kind, Options options) {
  return {name, kind, std::move(options), {}};
}
DestinationProgram webhook(const std::string& url, Options more = {}) {
  more.insert(more.begin(), {{"url", url}, {"allow_cidr", "127.0.0.0/8"}});
  return destination("hook", "webhook", std::move(more));
}

Message message_to(const std::string& to, int64_t number = 1, const std::string& text = "hello") {
  Message message;
  message.number = number;
  message.destination = to;
  message.alert = "a" + std::to_string(number);
  message.id = message_id(message.alert, 0);
  message.rule = "r";
  message.title = "Title";
  message.severity = "info";
  message.key = R"({"user_id":"u1"})";
  message.text = text;
  message.body = R"({"id":")" + message.alert + R"("})";
  message.created_us = 1767607200 * second;
  message.end_us = 1767607200 * second;
  return message;
}

std::vector<Message> messages_to(const std::string& to, int64_t count, int64_t first = 1) {
  std::vector<Message> out;
  for (int64_t i = 0; i < count; ++i) out.push_back(message_to(to, first + i));
  return out;
}

std::vector<Attempt> deliver(Delivery& delivery, const std::vector<Message>& messages) {
  for (const Message& message : messages) CHECK(delivery.offer({message}) == 1);
  CHECK(delivery.flush(20 * second));
  return delivery.take_attempts();
}

// One message to one destination.
Attempt try_once(const DestinationProgram& to, DeliveryOptions options = {}, const std::string& text = "hello") {
  Delivery delivery(std::move(options));
  const Status set = delivery.set_destinations({to});
  REQUIRE_MESSAGE(set.is_ok(), set.message());
  CHECK(delivery.start());
  const auto attempts = deliver(delivery, {message_to(to.name, 1, text)});
  delivery.stop();
  REQUIRE(attempts.size() == 1);
  return attempts.front();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

TEST_CASE("delivery: a webhook as Standard Webhooks wants it") {
  HttpReceiver receiver({Answer{}});
  setenv("OMEN_TEST_NEW", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1);
  setenv("OMEN_TEST_OLD", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 1);
  setenv("OMEN_TEST_TOKEN", "Bearer 123", 1);
  setenv("http_proxy", "http://127.0.0.1:1/", 1);  // is ignored
  const Attempt attempt = try_once(webhook(receiver.url(), {{"secret", "env(\"OMEN_TEST_NEW\")"},
                                                            {"secret", "env(\"OMEN_TEST_OLD\")"},
                                                            {"headers.Authorization", "env(\"OMEN_TEST_TOKEN\")"}}));
  CHECK(attempt.verdict == Verdict::delivered);
  CHECK(attempt.status == 200);
  CHECK(attempt.error.empty());
  const auto received = receiver.received();
  REQUIRE(received.size() == 1);
  CHECK(received[0].target == "/hook");
  CHECK(received[0].body == R"({"id":"a1"})");
  const auto& headers = received[0].headers;
  CHECK(headers.at("webhook-id") == "a1-0");
  CHECK(headers.at("content-type") == "application/json");
  CHECK(headers.at("authorization") == "Bearer 123");
  CHECK(headers.at("user-agent").starts_with("omen/"));
  const int64_t timestamp = std::stoll(headers.at("webhook-timestamp"));
  const auto signature =
      webhook_signature({"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}, "a1-0",
                        timestamp, received[0].body);
  CHECK(headers.at("webhook-signature") == signature.value());
  for (const char* name : {"OMEN_TEST_NEW", "OMEN_TEST_OLD", "OMEN_TEST_TOKEN", "http_proxy"}) unsetenv(name);
}

TEST_CASE("delivery: a webhook's other bodies") {
  HttpReceiver receiver({Answer{}});
  CHECK(try_once(webhook(receiver.url(), {{"format", "standard"}})).verdict == Verdict::delivered);
  CHECK(try_once(webhook(receiver.url(), {{"format", "cloudevents"}})).verdict == Verdict::delivered);
  const auto received = receiver.received();
  CHECK(received[0].body == R"({"type":"r","timestamp":"2026-01-05T10:00:00Z","data":{"id":"a1"}})");
  CHECK(has(received[1].headers.at("content-type"), "application/cloudevents+json"));
  CHECK(received[1].body ==
        R"({"specversion":"1.0","id":"a1-0","source":"omen","type":"r","time":"2026-01-05T10:00:00Z",)"
        R"("datacontenttype":"application/json","data":{"id":"a1"}})");
}

TEST_CASE("delivery: replies and what they mean") {
  struct Case {
    Answer answer;
    Verdict verdict;
    int status;
    const char* error;
  };
  const Case cases[] = {
      {{204, {}, {}}, Verdict::delivered, 204, ""},
      {{500, {}, "secret echo"}, Verdict::retry, 500, "HTTP 500"},
      {{302, {{"Location", "http://169.254.169.254/"}}, {}}, Verdict::refused, 302, "redirects are not followed"},
      {{410, {}, {}}, Verdict::hold, 410, "HTTP 410"},
      {{404, {}, {}}, Verdict::refused, 404, "HTTP 404"},
      {{200, {}, {}, Answer::Way::endless}, Verdict::retry, 200, "longer than 64 KB"},
      {{200, {}, {}, Answer::Way::close}, Verdict::retry, 0, "closed without a reply"},
      {{200, {}, std::string(70'000, 'x')}, Verdict::retry, 200, "longer than 64 KB"},
      {{200, {}, std::string(60'000, 'x')}, Verdict::delivered, 200, ""},
  };
  for (const Case& one : cases) {
    HttpReceiver receiver({one.answer});
    const Attempt attempt = try_once(webhook(receiver.url()));
    INFO(one.answer.status << ' ' << attempt.error);
    CHECK(attempt.verdict == one.verdict);
    CHECK(attempt.status == one.status);
    CHECK(has(attempt.error, one.error));
    CHECK_FALSE(has(attempt.error, "secret"));
    CHECK(receiver.received().size() == 1);
  }
  HttpReceiver busy({Answer{429, {{"Retry-After", "7"}}, {}}});
  CHECK(try_once(webhook(busy.url())).retry_after_us == 7 * second);
  HttpReceiver slow({Answer{200, {}, {}, Answer::Way::slow}});
  const Attempt late = try_once(webhook(slow.url(), {{"timeout", "300000"}}));
  CHECK(late.verdict == Verdict::retry);
  CHECK(late.error == "no reply in time");
  CHECK(late.took_us >= 290'000);
  CHECK(late.took_us < 2 * second);
  uint16_t port = 0;
  { port = HttpReceiver({Answer{}}).port(); }
  const Attempt nobody = try_once(webhook("http://127.0.0.1:" + std::to_string(port) + "/"));
  CHECK(nobody.verdict == Verdict::retry);
  CHECK(has(nobody.error, "cannot connect"));
  CHECK(try_once(webhook("http://no-such-host.invalid/")).error == "the host's name does not resolve");
}

TEST_CASE("delivery: certificates are verified") {
  const Folder folder;
  const auto try_with = [&](const Certificate& certificate, bool is_known) {
    HttpReceiver receiver({Answer{}}, certificate);
    std::ofstream(folder.path("ca.pem")) << certificate.certificate_pem;
    Options more;
    if (is_known) more.emplace_back("ca", folder.path("ca.pem"));
    const Attempt attempt = try_once(webhook(receiver.url(), more));
    CHECK(receiver.received().size() == (attempt.verdict == Verdict::delivered));
    return attempt;
  };
  const Certificate good = make_certificate("IP:127.0.0.1");
  CHECK(try_with(good, true).verdict == Verdict::delivered);
  const Attempt unknown = try_with(good, false);
  CHECK(unknown.verdict == Verdict::retry);
  CHECK(has(unknown.error, "the certificate is not accepted: self"));
  CHECK(has(try_with(make_certificate("IP:127.0.0.1", -7200, -3600), true).error, "certificate has expired"));
  CHECK(try_with(make_certificate("DNS:example.com"), true).error ==
        "the certificate is not accepted: it is for another name");
}

TEST_CASE("delivery: no spelling of an address gets past the guard") {
  HttpReceiver receiver({Answer{}});
  const std::string port = ":" + std::to_string(receiver.port());
  // 60 spellings of places inside.
  const std::vector<std::string> hosts = {"127.0.0.1",
                                          "127.1",
                                          "127.0.1",
                                          "127.0.0.2",
                                          "127.255.255.255",
                                          "2130706433",
                                          "0x7f000001",
                                          "0x7f.0.0.1",
                                          "0x7F.0x0.0x0.0x1",
                                          "0177.0.0.1",
                                          "0177.0000.0000.0001",
                                          "017700000001",
                                          "127.0x1",
                                          "0x7f.1",
                                          "0",
                                          "0.0.0.0",
                                          "0x0",
                                          "00000000",
                                          "localhost",
                                          "LOCALHOST",
                                          "localhost.",
                                          "[::1]",
                                          "[0:0:0:0:0:0:0:1]",
                                          "[::]",
                                          "[0::1]",
                                          "[::ffff:127.0.0.1]",
                                          "[::ffff:7f00:1]",
                                          "[0:0:0:0:0:ffff:7f00:1]",
                                          "[::127.0.0.1]",
                                          "[64:ff9b::127.0.0.1]",
                                          "[64:ff9b::7f00:1]",
                                          "[64:ff9b:1::1]",
                                          "[2002:7f00:1::]",
                                          "169.254.169.254",
                                          "2852039166",
                                          "0xa9fea9fe",
                                          "0xA9.0xFE.0xA9.0xFE",
                                          "0251.0376.0251.0376",
                                          "[::ffff:169.254.169.254]",
                                          "[::ffff:a9fe:a9fe]",
                                          "[fd00:ec2::254]",
                                          "169.254.1.1",
                                          "10.0.0.1",
                                          "10.1",
                                          "167772161",
                                          "012.0.0.1",
                                          "192.168.0.1",
                                          "192.168.1",
                                          "3232235521",
                                          "172.16.0.1",
                                          "172.31.255.254",
                                          "100.64.0.1",
                                          "100.100.100.200",
                                          "224.0.0.1",
                                          "255.255.255.255",
                                          "240.0.0.1",
                                          "198.18.0.1",
                                          "192.0.2.1",
                                          "[fe80::1]",
                                          "[fc00::1]",
                                          "[ff02::1]",
                                          "user@127.0.0.1",
                                          "example.com@127.0.0.1",
                                          "127.0.0.1%2f"};
  CHECK(hosts.size() >= 60);
  Delivery delivery({});
  std::vector<DestinationProgram> destinations;
  std::vector<std::string> urls;
  for (const std::string& host : hosts) {
    urls.push_back("http://" + host + port + "/");
    destinations.push_back(
        destination("d" + std::to_string(urls.size()), "webhook", {{"url", urls.back()}, {"timeout", "3000000"}}));
  }
  REQUIRE(delivery.set_destinations(destinations));
  CHECK(delivery.start());
  std::vector<Message> messages;
  for (size_t i = 0; i < urls.size(); ++i) messages.push_back(message_to("d" + std::to_string(i + 1), int64_t(i)));
  size_t denied = 0;
  for (const Attempt& attempt : deliver(delivery, std::move(messages))) {
    INFO(urls[static_cast<size_t>(attempt.number)] << ": " << attempt.error);
    CHECK(attempt.verdict != Verdict::delivered);
    CHECK(attempt.status == 0);
    denied += has(attempt.error, "is not allowed");
  }
  CHECK(denied >= 55);  // the others are no addresses at all, or do not resolve here
  CHECK(receiver.connections() == 0);
}

TEST_CASE("delivery: a name that resolves to a place inside, the second time too") {
  HttpReceiver receiver({Answer{}});
  int asked = 0;
  DeliveryOptions options;
  options.resolve = [&](const std::string& host) -> std::vector<std::string> {
    CHECK(host == "rebinding.example");
    return {++asked == 1 ? "192.168.7.7" : "127.0.0.1"};
  };
  Delivery delivery(options);
  const std::string url = "http://rebinding.example:" + std::to_string(receiver.port()) + "/";
  REQUIRE(delivery.set_destinations({destination("hook", "webhook", {{"url", url}})}));
  CHECK(delivery.start());
  for (int i = 0; i < 2; ++i) {
    const auto attempts = deliver(delivery, {message_to("hook")});
    REQUIRE(attempts.size() == 1);
    CHECK(attempts[0].verdict == Verdict::refused);
    CHECK(has(attempts[0].error, i == 0 ? "192.168.7.7 is not allowed (private)" : "127.0.0.1 is not allowed"));
  }
  CHECK(asked == 2);
  CHECK(receiver.connections() == 0);
}

TEST_CASE("delivery: a connection that one destination may use is not another's") {
  HttpReceiver receiver({Answer{}});
  Delivery delivery({});
  REQUIRE(
      delivery.set_destinations({webhook(receiver.url()), destination("other", "webhook", {{"url", receiver.url()}})}));
  CHECK(delivery.start());
  CHECK(deliver(delivery, {message_to("hook")})[0].verdict == Verdict::delivered);
  CHECK(deliver(delivery, {message_to("other")})[0].verdict == Verdict::refused);
  CHECK(deliver(delivery, {message_to("hook")})[0].verdict == Verdict::delivered);
  CHECK(receiver.received().size() == 2);
  CHECK(receiver.connections() == 2);  // the one that it may not use is closed
}

TEST_CASE("delivery: a slow destination delays no other, and no stop") {
  HttpReceiver slow({Answer{200, {}, {}, Answer::Way::slow}}), quick({Answer{200, {}, {}, Answer::Way::reply, 20}});
  Delivery delivery({});
  DestinationProgram to_slow = webhook(slow.url()), to_quick = webhook(quick.url());
  to_slow.name = "slow";
  to_quick.name = "quick";
  REQUIRE(delivery.set_destinations({to_slow, to_quick}));
  CHECK(delivery.start());
  CHECK(delivery.offer(messages_to("slow", 600, 1000)) == 512);  // the cap
  CHECK(delivery.room("slow") == 0);
  const auto begun = std::chrono::steady_clock::now();
  CHECK(delivery.offer(messages_to("quick", 40)) == 40);
  std::vector<Attempt> attempts;
  while (attempts.size() < 40 && std::chrono::steady_clock::now() - begun < std::chrono::seconds(10)) {
    for (Attempt& attempt : delivery.take_attempts()) attempts.push_back(std::move(attempt));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  CHECK(attempts.size() == 40);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(3));
  CHECK(quick.most_at_a_time() <= 4);  // its concurrency
  CHECK(quick.most_at_a_time() >= 2);
  CHECK(slow.most_at_a_time() <= 4);
  const auto stopped = std::chrono::steady_clock::now();
  delivery.stop(200'000);
  CHECK(std::chrono::steady_clock::now() - stopped < std::chrono::seconds(2));
  attempts = delivery.take_attempts();
  CHECK(attempts.size() == 512);  // all come back, none is lost
  for (const Attempt& attempt : attempts) CHECK(attempt.verdict == Verdict::returned);
  CHECK(delivery.offer({message_to("quick")}) == 0);
}

TEST_CASE(
    "delivery: what is offered at once is taken from the first on, up to a count, or so many bytes and one more") {
  DeliveryOptions options;
  options.queue_max = 10;
  options.queue_bytes_max = 20'000;
  const auto offer = [&](Delivery& delivery, size_t count, size_t bytes) {
    std::vector<Message> messages;
    for (size_t i = 0; i < count; ++i) {
      messages.push_back(message_to("hook", static_cast<int64_t>(i + 1)));
      messages.back().body = std::string(bytes, 'x');
    }
    return delivery.offer(std::move(messages));
  };
  const auto numbers = [](Delivery& delivery) {  // nothing has begun
    CHECK(delivery.set_destinations({}));
    std::vector<int64_t> out;
    for (const Attempt& attempt : delivery.take_attempts()) out.push_back(attempt.number);
    return out;
  };
  Delivery delivery(options);
  REQUIRE(delivery.set_destinations({webhook("http://localhost/")}));
  CHECK(offer(delivery, 4, 10) == 4);
  CHECK(delivery.room("hook") == 6);
  CHECK(offer(delivery, 8, 10) == 6);
  CHECK(offer(delivery, 1, 10) == 0);
  CHECK(numbers(delivery) == std::vector<int64_t>{1, 2, 3, 4, 1, 2, 3, 4, 5, 6});
  REQUIRE(delivery.set_destinations({webhook("http://localhost/")}));
  CHECK(offer(delivery, 8, 9'000) == 3);
  CHECK(delivery.room("hook") == 0);
  CHECK(numbers(delivery) == std::vector<int64_t>{1, 2, 3});
  CHECK(offer(delivery, 1, 10) == 0);  // there is no such destination
}

TEST_CASE("delivery: the breaker leaves a dead receiver alone") {
  HttpReceiver dead({Answer{503, {}, {}}});
  Delivery delivery({});
  REQUIRE(delivery.set_destinations({webhook(dead.url(), {{"concurrency", "1"}})}));
  CHECK(delivery.start());
  CHECK(delivery.offer(messages_to("hook", 30)) == 30);
  CHECK_FALSE(delivery.flush(500'000));
  CHECK(dead.received().size() == 5);
  const auto report = delivery.report();
  CHECK(report[1].is_open);
  CHECK(report[1].failed == 5);
  CHECK(report[1].queued == 25);
  CHECK(report[1].last_error == "HTTP 503");
  // What is loaded anew begins anew, and gives back what waited.
  REQUIRE(delivery.set_destinations({}));
  CHECK(delivery.take_attempts().size() == 30);
  CHECK(delivery.room("hook") == 0);
}

TEST_CASE("delivery: what waits for a destination that is put on hold comes back") {
  HttpReceiver gone({Answer{410, {}, {}}});
  Delivery delivery({});
  REQUIRE(delivery.set_destinations({webhook(gone.url(), {{"concurrency", "1"}})}));
  CHECK(delivery.offer(messages_to("hook", 30)) == 30);
  CHECK(delivery.start());
  CHECK(delivery.flush(5'000'000));
  CHECK(gone.received().size() == 1);
  const std::vector<Attempt> attempts = delivery.take_attempts();
  REQUIRE(attempts.size() == 30);
  CHECK(attempts[0].verdict == Verdict::hold);
  for (size_t i = 1; i < attempts.size(); ++i) CHECK(attempts[i].verdict == Verdict::returned);
}

TEST_CASE("delivery: Slack") {
  HttpReceiver receiver({Answer{200, {}, "ok"}, {404, {}, "no_service"}, {400, {}, "invalid_payload"}});
  setenv("OMEN_TEST_SLACK", receiver.url().c_str(), 1);
  const DestinationProgram slack =
      destination("team", "slack", {{"url", "env(\"OMEN_TEST_SLACK\")"}, {"allow_cidr", "127.0.0.0/8"}});
  CHECK(try_once(slack, {}, "<!channel> a & b \"x\"\n" + std::string(5000, 'y')).verdict == Verdict::delivered);
  const Attempt gone = try_once(slack);
  CHECK(gone.verdict == Verdict::hold);
  CHECK(gone.error == "HTTP 404: no_service");
  CHECK(try_once(slack).verdict == Verdict::dead);
  const std::string body = receiver.received()[0].body;
  CHECK(has(body, R"("type":"mrkdwn")"));
  CHECK(has(body, "&lt;!channel&gt; a &amp; b \\\"x\\\""));
  CHECK_FALSE(has(body, "<!channel>"));
  CHECK(body.size() < 8000);
  CHECK(has(body, "yy…"));
  unsetenv("OMEN_TEST_SLACK");
}

TEST_CASE("delivery: e-mail") {
  const auto mail_to = [](const MailReceiver& receiver, Options more = {}) {
    more.insert(more.end(), {{"to", "a@example.com"},
                             {"to", "B <b@example.com>"},
                             {"from", "Omen <omen@example.com>"},
                             {"server", "127.0.0.1:" + std::to_string(receiver.port())},
                             {"allow_cidr", "127.0.0.0/8"}});
    return destination("mail", "email", std::move(more));
  };
  MailReceiver receiver(MailAnswers{});
  const Attempt sent = try_once(mail_to(receiver, {{"tls", "none"}}));
  CHECK(sent.verdict == Verdict::delivered);
  const std::string said = receiver.said();
  CHECK(has(said, "MAIL FROM:<omen@example.com>"));
  CHECK(has(said, "RCPT TO:<a@example.com>"));
  CHECK(has(said, "RCPT TO:<b@example.com>"));
  CHECK(has(said, "Subject: [info] hello\r\n"));
  CHECK(has(said, "\r\n--omen-a1-0--\r\n"));
  // The server offers no STARTTLS: nothing is sent, no password either.
  const Attempt plain = try_once(mail_to(receiver));
  CHECK(plain.verdict == Verdict::retry);
  CHECK(plain.error == "the server offers no STARTTLS");
  MailReceiver refusing(MailAnswers{{"RCPT", "550 no such user"}}), busy(MailAnswers{{"MAIL", "451 later"}});
  const Attempt refused = try_once(mail_to(refusing, {{"tls", "none"}}));
  CHECK(refused.verdict == Verdict::refused);
  CHECK(refused.status == 550);
  CHECK(try_once(mail_to(busy, {{"tls", "none"}})).verdict == Verdict::retry);
  DestinationProgram guarded = mail_to(receiver, {{"tls", "none"}});
  guarded.options.pop_back();
  const size_t before = receiver.said().size();
  CHECK(try_once(guarded).verdict == Verdict::refused);
  CHECK(receiver.said().size() == before);
}

TEST_CASE("delivery: files and standard output") {
  const Folder folder;
  const std::string path = folder.path("alerts.ndjson");
  Delivery delivery({});
  REQUIRE(delivery.set_destinations({destination("file", "file", {{"path", path}})}));
  CHECK(delivery.start());
  CHECK(deliver(delivery, {message_to("file", 1), message_to("file", 2)}).size() == 2);
  fs::rename(path, path + ".1");  // a rotation
  CHECK(deliver(delivery, {message_to("file", 3)})[0].verdict == Verdict::delivered);
  CHECK(read_file(path + ".1") == "{\"id\":\"a1\"}\n{\"id\":\"a2\"}\n");
  CHECK(read_file(path) == "{\"id\":\"a3\"}\n");
  const Attempt failed = try_once(destination("file", "file", {{"path", folder.path("no/such")}}));
  CHECK(failed.verdict == Verdict::retry);
  CHECK(has(failed.error, "cannot open"));

  int ends[2];
  REQUIRE(pipe(ends) == 0);
  DeliveryOptions options;
  options.standard_output = ends[1];
  options.rewrite = [](std::string& out, std::string_view record) { out += "<" + std::string(record) + ">\n"; };
  Delivery printing(options);
  CHECK(printing.start());
  CHECK(deliver(printing, {message_to("", 1)})[0].verdict == Verdict::delivered);
  char bytes[100];
  const ssize_t size = read(ends[0], bytes, sizeof bytes);
  CHECK(std::string(bytes, static_cast<size_t>(size)) == "<{\"id\":\"a1\"}>\n");
  // A reader that does not read does not hold up a stop.
  Message large = message_to("", 2);
  large.body = std::string(300'000, 'x');
  CHECK(printing.offer({large}) == 1);
  CHECK_FALSE(printing.flush(200'000));
  const auto begun = std::chrono::steady_clock::now();
  printing.stop(100'000);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(2));
  CHECK(printing.take_attempts().at(0).verdict == Verdict::returned);
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("delivery: a table of a database has each id once") {
  const Folder folder;
  const std::string path = folder.path("alerts.db");
  Delivery delivery({});
  REQUIRE(
      delivery.set_destinations({destination("db", "sqlite", {{"path", path}, {"table", "al\"erts; DROP TABLE x"}})}));
  CHECK(delivery.start());
  Message nasty = message_to("db", 2, "'); DROP TABLE x; --");
  for (const Attempt& attempt : deliver(delivery, {message_to("db", 1), nasty, message_to("db", 1)})) {
    INFO(attempt.error);
    CHECK(attempt.verdict == Verdict::delivered);
  }
  delivery.stop();
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  std::string rows;
  const auto take = [](void* out, int, char** values, char**) {
    *static_cast<std::string*>(out) += std::string(values[0]) + "|" + values[1] + "|" + values[2] + "\n";
    return 0;
  };
  CHECK(sqlite3_exec(database, "SELECT id, time, text FROM \"al\"\"erts; DROP TABLE x\"", take, &rows, nullptr) ==
        SQLITE_OK);
  CHECK(rows == "a1-0|2026-01-05T10:00:00Z|hello\na2-0|2026-01-05T10:00:00Z|'); DROP TABLE x; --\n");
  sqlite3_close(database);
}

TEST_CASE("delivery: commands are off until allowed, have no shell, no secrets and no time to waste") {
  const Folder folder;
  const auto command = [](std::vector<std::string> words, const char* timeout = "5000000") {
    Options options = {{"timeout", timeout}};
    for (std::string& word : words) options.emplace_back("command", std::move(word));
    return destination("run", "exec", std::move(options));
  };
  const std::string out = folder.path("out");
  CHECK(has(try_once(command({"/usr/bin/tee", out})).error, "--allow-exec"));
  CHECK_FALSE(fs::exists(out));
  DeliveryOptions allowed;
  allowed.allow_exec = true;
  CHECK(try_once(command({"/usr/bin/tee", out}), allowed).verdict == Verdict::delivered);
  CHECK(read_file(out) == R"({"id":"a1"})");
  CHECK(try_once(command({"/bin/true"}), allowed).verdict == Verdict::delivered);  // does not read
  CHECK(try_once(command({"/bin/false"}), allowed).verdict == Verdict::refused);
  CHECK(try_once(command({"/bin/sh", "-c", "exit 75"}), allowed).verdict == Verdict::retry);
  CHECK(try_once(command({"/no/such/program"}), allowed).verdict == Verdict::refused);
  setenv("OMEN_TEST_CANARY", "canary", 1);
  CHECK(try_once(command({"/bin/sh", "-c", "env > " + out}), allowed).verdict == Verdict::delivered);
  unsetenv("OMEN_TEST_CANARY");
  CHECK(has(read_file(out), "OMEN_ID=a1-0\n"));
  CHECK_FALSE(has(read_file(out), "canary"));
  // What hangs is ended, with what it has started.
  const std::string alive = folder.path("alive");
  const Attempt hung =
      try_once(command({"/bin/sh", "-c", "(sleep 1; echo x > " + alive + ") & sleep 30"}, "300000"), allowed);
  CHECK(hung.verdict == Verdict::retry);
  CHECK(has(hung.error, "did not end in time"));
  std::this_thread::sleep_for(std::chrono::milliseconds(1000));
  CHECK_FALSE(fs::exists(alive));
}

TEST_CASE("delivery: what is wrong with a destination is said when it is loaded") {
  Delivery delivery({});
  const auto complaint = [&](const DestinationProgram& one) { return delivery.set_destinations({one}).message(); };
  CHECK(complaint(webhook("env(\"OMEN_TEST_NOT_SET\")")) ==
        "destination hook: url: the environment variable OMEN_TEST_NOT_SET is not set");
  setenv("OMEN_TEST_URL", "ftp://canary.example/", 1);
  CHECK(has(complaint(webhook("env(\"OMEN_TEST_URL\")")), "neither http:// nor https://"));
  CHECK_FALSE(has(complaint(webhook("env(\"OMEN_TEST_URL\")")), "canary"));
  setenv("OMEN_TEST_URL", "canary", 1);
  const std::string bad = complaint(webhook("http://example.com/", {{"secret", "env(\"OMEN_TEST_URL\")"}}));
  CHECK(has(bad, "whsec_"));
  CHECK_FALSE(has(bad, "canary"));
  setenv("OMEN_TEST_URL", "a\r\nX: canary", 1);
  const std::string split = complaint(webhook("http://example.com/", {{"headers.A", "env(\"OMEN_TEST_URL\")"}}));
  CHECK(has(split, "control characters"));
  CHECK_FALSE(has(split, "canary"));
  unsetenv("OMEN_TEST_URL");
  CHECK(delivery.set_destinations({}));
}

}  // namespace omen
