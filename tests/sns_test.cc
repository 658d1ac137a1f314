// AWS SNS: whose messages are taken. Keys and certificates are made here, and nothing is fetched from anywhere: what a
// test gives stands for the network.
#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "runtime/core/json.h"
#include "runtime/io/clock.h"
#include "runtime/io/quarantine.h"
#include "runtime/serve/sns_desk.h"
#include "tests/support/certificate.h"
#include "tests/support/folder.h"
#include "tests/support/serving.h"

namespace omen {
namespace {

const std::string orders = "arn:aws:sns:us-east-1:123456789012:orders";
const std::string certificate_url =
    "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem";
const std::string subscribe_url =
    "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=" + orders + "&Token=2336412f37";

int64_t now_s() { return wall_clock_us() / 1'000'000; }

const Certificate& of_sns() {
  static const Certificate made = make_certificate("DNS:sns.amazonaws.com", -3600, 3600, KeyKind::rsa);
  return made;
}

std::string signature_of(const std::string& text, const EVP_MD* digest, const std::string& key_pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free_all)> in(BIO_new_mem_buf(key_pem.data(), -1), &BIO_free_all);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  REQUIRE(EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key.get()) == 1);
  REQUIRE(EVP_DigestSign(context.get(), nullptr, &size, bytes, text.size()) == 1);
  std::string raw(size, '\0'), out;
  REQUIRE(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(raw.data()), &size, bytes, text.size()) == 1);
  append_base64(out, raw);
  return out;
}

using SnsMembers = std::map<std::string, std::string>;

std::string body_of(const SnsMembers& members) {
  std::string out;
  for (const auto& [name, value] : members) {
    out += (out.empty() ? "{" : ",") + ('"' + name) + "\":";
    json::append_string(out, value);
  }
  return out + '}';
}

// Written out once more, from the documentation of AWS: "Message\nhello\nMessageId\n…".
std::string signed_text(const SnsMembers& members) {
  const bool is_notification = members.at("Type") == "Notification";
  std::string out;
  for (const auto& [name, value] : members) {
    const bool counts = name == "Message" || name == "MessageId" || name == "Timestamp" || name == "TopicArn" ||
                        name == "Type" ||
                        (is_notification ? name == "Subject" : name == "SubscribeURL" || name == "Token");
    if (counts) out += name + '\n' + value + '\n';
  }
  return out;
}

SnsMembers notification(const std::string& message = R"({"type":"order","total":5})") {
  return {{"Type", "Notification"},
          {"MessageId", "4d4dc071-ddbf-465d-bba8-08f81c89da64"},
          {"TopicArn", orders},
          {"Subject", "My subject"},
          {"Message", message},
          {"Timestamp", "2026-01-05T10:00:00.000Z"},
          {"UnsubscribeURL", "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe"}};
}

SnsMembers confirmation(const std::string& type = "SubscriptionConfirmation") {
  SnsMembers out = notification("You have chosen to subscribe to the topic.");
  out["Type"] = type;
  out["SubscribeURL"] = subscribe_url;
  out["Token"] = "2336412f37";
  out.erase("Subject");
  out.erase("UnsubscribeURL");
  return out;
}

SnsMembers with_signature(SnsMembers members, const std::string& version = "1", const Certificate& by = of_sns()) {
  members["Signature"] = signature_of(signed_text(members), version == "1" ? EVP_sha1() : EVP_sha256(), by.key_pem);
  members["SignatureVersion"] = version;
  members["SigningCertURL"] = certificate_url;
  return members;
}

// Empty: it is SNS's.
std::string fault_of(const SnsMembers& members, const Certificate& certificate = of_sns()) {
  const auto read = read_sns(body_of(members));
  if (!read) return read.message();
  const auto known = SnsCertificate::of(certificate.certificate_pem);
  return known ? known.value().verify(read.value(), now_s()).message() : known.message();
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// A desk, what stands for the network behind it, and what it has said.
struct Desk {
  explicit Desk(const std::vector<std::string>& topics = {orders})
      : desk(
            topics, [this](const std::string& url, const std::atomic<bool>& is_over) { return get(url, is_over); },
            [this](const std::string& line) {
              const std::lock_guard lock(mutex);
              log.push_back(line);
            },
            metrics) {}

  Reply get(const std::string& url, const std::atomic<bool>& is_over) {
    std::unique_lock lock(mutex);
    fetched.push_back(url);
    changed.notify_all();
    while (is_held && !is_over) changed.wait_for(lock, std::chrono::milliseconds(5));
    const auto found = documents.find(url);
    return found == documents.end() ? Reply{404, {}, false, 0, {}} : Reply{200, {}, false, 0, found->second};
  }

  void take(const std::string& body) {
    desk.take(body, [this](SnsVerdict verdict) {
      const std::lock_guard lock(mutex);
      verdicts.push_back(std::move(verdict));
      changed.notify_all();
    });
  }
  SnsVerdict ask(const SnsMembers& members) {
    const size_t before = verdicts.size();
    take(body_of(members));
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, std::chrono::seconds(5), [&] { return verdicts.size() > before; }));
    return verdicts.back();
  }
  uint64_t refused(const char* reason) {
    return metrics.counter("omen_sns_refused_total", "", {{"reason", reason}}).value();
  }
  uint64_t count(const char* name) { return metrics.counter(name, "").value(); }
  void hold(bool is) {
    const std::lock_guard lock(mutex);
    is_held = is;
    changed.notify_all();
  }

  Metrics metrics;
  std::mutex mutex;
  std::condition_variable changed;
  bool is_held = false;
  std::map<std::string, std::string> documents = {{certificate_url, of_sns().certificate_pem}};
  std::vector<std::string> fetched, log;
  std::vector<SnsVerdict> verdicts;
  SnsDesk desk;
};

}  // namespace

TEST_CASE("SNS: the canonical text is that of the documentation") {
  SnsMembers members = notification("My Test Message");
  members["Timestamp"] = "2019-01-31T04:37:04.321Z";
  members["TopicArn"] = "arn:aws:sns:us-east-2:123456789012:s4-MySNSTopic-1G1WEFCOXTC0P";
  const std::string end =
      "Timestamp\n2019-01-31T04:37:04.321Z\n"
      "TopicArn\narn:aws:sns:us-east-2:123456789012:s4-MySNSTopic-1G1WEFCOXTC0P\nType\nNotification\n";
  const std::string begin = "Message\nMy Test Message\nMessageId\n4d4dc071-ddbf-465d-bba8-08f81c89da64\n";
  const auto text_of = [](const std::string& body) {
    const auto read = read_sns(body);
    REQUIRE_MESSAGE(read.is_ok(), read.message());
    return canonical_text(read.value());
  };
  CHECK(text_of(body_of(members)) == begin + "Subject\nMy subject\n" + end);
  members.erase("Subject");
  CHECK(text_of(body_of(members)) == begin + end);
  std::string with_null = body_of(members);
  with_null.insert(1, R"("Subject":null,)");
  CHECK(text_of(with_null) == begin + end);
  CHECK(text_of(body_of(confirmation())) ==
        "Message\nYou have chosen to subscribe to the topic.\nMessageId\n4d4dc071-ddbf-465d-bba8-08f81c89da64\n"
        "SubscribeURL\n" +
            subscribe_url + "\nTimestamp\n2026-01-05T10:00:00.000Z\nToken\n2336412f37\nTopicArn\n" + orders +
            "\nType\nSubscriptionConfirmation\n");
}

TEST_CASE("SNS: what is no message, or could be read in two ways") {
  const std::string good = body_of(notification());
  CHECK(read_sns(good).is_ok());
  for (const std::string& body :
       std::vector<std::string>{"", "hello", "[]", "5", "[" + good + "]", good + good, good + "\n{\"type\":\"x\"}",
                                good.substr(0, good.size() - 1), "{}", "{\"Type\":\"Notification\"}",
                                "{\"a\":\"\xff\"}", "{" + std::string(sns_body_bytes_max, ' ') + "}"}) {
    CAPTURE(body.substr(0, 80));
    CHECK_FALSE(read_sns(body).is_ok());
  }
  for (const char* name : {"MessageId", "TopicArn", "Timestamp", "Subject", "Type"}) {
    CAPTURE(name);
    SnsMembers members = notification();
    members[name] += "\nTopicArn\n" + orders;
    CHECK_FALSE(read_sns(body_of(members)).is_ok());
    if (name == std::string("Subject")) continue;
    members.erase(name);
    CHECK_FALSE(read_sns(body_of(members)).is_ok());
  }
  for (const char* name : {"SubscribeURL", "Token"}) {
    SnsMembers members = confirmation();
    members.erase(name);
    CHECK_FALSE(read_sns(body_of(members)).is_ok());
  }
  SnsMembers other = notification();
  other["Type"] = "Other";
  CHECK_FALSE(read_sns(body_of(other)).is_ok());
  CHECK(read_sns(body_of(notification("several\nlines"))).is_ok());
}

TEST_CASE("SNS: signatures of both versions, and what does not fit") {
  for (const char* version : {"1", "2"}) {
    CAPTURE(version);
    for (const SnsMembers& plain : {notification(), notification("a \"text\"\n\tof lines, ünïcödé \xF0\x9F\x98\x80"),
                                    confirmation(), confirmation("UnsubscribeConfirmation")}) {
      const SnsMembers members = with_signature(plain, version);
      CHECK(fault_of(members) == "");
      // Each member that counts, changed, away or (of a subject) come; a member that does not may be anything.
      for (const auto& [member, value] : plain) {
        const std::string name = member;
        CAPTURE(name);
        SnsMembers changed = members;
        changed[name] =
            name == "Type" ? value == "Notification" ? "UnsubscribeConfirmation" : "Notification" : value + "x";
        CHECK((fault_of(changed) == "") == (name == "UnsubscribeURL"));
      }
    }
    SnsMembers members = with_signature(notification(), version);
    members.erase("Subject");
    CHECK(fault_of(members) == "its signature does not fit");
    members = with_signature(confirmation(), version);
    members["Subject"] = "does not count here";
    CHECK(fault_of(members) == "");
  }
  SnsMembers members = with_signature(notification(), "1");
  members["SignatureVersion"] = "2";
  CHECK(fault_of(members) == "its signature does not fit");
  for (const char* version : {"", "0", "3", "01", "1.0"}) {
    members["SignatureVersion"] = version;
    CHECK(fault_of(members) == "its SignatureVersion is neither 1 nor 2");
  }
  members = with_signature(notification());
  const std::string signature = members["Signature"];
  for (const std::string& other : std::vector<std::string>{"", "!", "AAAA", signature.substr(4), signature + "AAAA"}) {
    members["Signature"] = other;
    CHECK(fault_of(members) != "");
  }
  const Certificate another = make_certificate("DNS:sns.amazonaws.com", -3600, 3600, KeyKind::rsa);
  CHECK(fault_of(with_signature(notification(), "1", another)) == "its signature does not fit");
}

TEST_CASE("SNS: certificates that do not count") {
  const auto fault_with = [](const Certificate& by) { return fault_of(with_signature(notification(), "2", by), by); };
  CHECK(fault_with(make_certificate("DNS:x", -7200, -3600, KeyKind::rsa)) ==
        "the certificate that it names is not valid now");
  CHECK(fault_with(make_certificate("DNS:x", 3600, 7200, KeyKind::rsa)) ==
        "the certificate that it names is not valid now");
  CHECK(has(fault_with(make_certificate("DNS:x", -3600, 3600, KeyKind::short_rsa)), "no RSA key of 2048 bits"));
  CHECK(has(fault_with(make_certificate("DNS:x")), "no RSA key"));
  CHECK(has(SnsCertificate::of("<html>").message(), "is no certificate"));
  CHECK(has(SnsCertificate::of("").message(), "is no certificate"));
  CHECK(has(SnsCertificate::of(of_sns().key_pem).message(), "is no certificate"));
}

TEST_CASE("SNS: addresses that are its own, and those that only look so") {
  const std::string path = "/SimpleNotificationService-0123456789abcdefABCDEF.pem";
  for (const char* host : {"sns.us-east-1.amazonaws.com", "sns.us-gov-west-1.amazonaws.com",
                           "sns.cn-north-1.amazonaws.com.cn", "sns.abc.amazonaws.com"}) {
    CAPTURE(host);
    CHECK(is_sns_url("https://" + std::string(host) + "/?Action=ConfirmSubscription"));
    CHECK(is_certificate_url("https://" + std::string(host) + path));
  }
  for (const std::string& begin : std::vector<std::string>{"http://sns.us-east-1.amazonaws.com",
                                                           "HTTPS://sns.us-east-1.amazonaws.com",
                                                           "sns.us-east-1.amazonaws.com",
                                                           "https:/sns.us-east-1.amazonaws.com",
                                                           " https://sns.us-east-1.amazonaws.com",
                                                           "https://sns.us-east-1.amazonaws.com:443",
                                                           "https://sns.us-east-1.amazonaws.com:8443",
                                                           "https://sns.us-east-1.amazonaws.com@evil.example",
                                                           "https://evil.example@sns.us-east-1.amazonaws.com",
                                                           "https://a:b@sns.us-east-1.amazonaws.com",
                                                           "https://sns.us-east-1.amazonaws.com.evil.example",
                                                           "https://evil.example/sns.us-east-1.amazonaws.com",
                                                           "https://evil.example#sns.us-east-1.amazonaws.com",
                                                           "https://evil.example?.sns.us-east-1.amazonaws.com",
                                                           "https://evil.example\\sns.us-east-1.amazonaws.com",
                                                           "https://sns.us-east-1.amazonaws.com\\evil.example",
                                                           "https://sns.us-east-1.amazonaws.com.",
                                                           "https://sns.us-east-1.amazonaws.com.cn.cn",
                                                           "https://sns.us-east-1.amazonaws.comcn",
                                                           "https://sns.us-east-1.amazonaws.com.uk",
                                                           "https://sns.us-east-1.amazonaws%2ecom",
                                                           "https://sns.us-east-1.amazonaws.com\t",
                                                           "https://sns.us-east-1.amazonaws.com\n",
                                                           "https://sns.us-east-1.amazonaws.com\xe3\x80\x82",
                                                           "https://sns.us-east-1.evil.amazonaws.com",
                                                           "https://evil.sns.us-east-1.amazonaws.com",
                                                           "https://xsns.us-east-1.amazonaws.com",
                                                           "https://sns.s3.amazonaws.com",
                                                           "https://sns.s3-us-west-2.amazonaws.com",
                                                           "https://sns..amazonaws.com",
                                                           "https://sns.amazonaws.com",
                                                           "https://sns.us_east_1.amazonaws.com",
                                                           "https://sns.US-EAST-1.amazonaws.com",
                                                           "https://s3.us-east-1.amazonaws.com",
                                                           "https://sns-us-east-1-amazonaws.com",
                                                           "https://127.0.0.1",
                                                           "https://[::1]",
                                                           "https://",
                                                           "file://sns.us-east-1.amazonaws.com",
                                                           "//sns.us-east-1.amazonaws.com",
                                                           ""}) {
    CAPTURE(begin);
    CHECK_FALSE(is_sns_url(begin + "/"));
    CHECK_FALSE(is_certificate_url(begin + path));
  }
  const std::string host = "https://sns.us-east-1.amazonaws.com";
  for (const std::string& other : std::vector<std::string>{"", "?x=/a.pem", "#/a.pem", "/a b", std::string("/\0", 2),
                                                           "/" + std::string(2000, 'a')}) {
    CAPTURE(other);
    CHECK_FALSE(is_sns_url(host + other));
  }
  for (const std::string& other : std::vector<std::string>{
           "/", "/a.pem", "/?Action=GetTopicAttributes&x=.pem", path + "?x=.pem", path + "#.pem", path + ".txt",
           "/SimpleNotificationService-.pem", "/SimpleNotificationService-a/../b.pem",
           "/SimpleNotificationService-%61.pem", "/x/SimpleNotificationService-a.pem", "/SimpleNotificationService-.pe",
           "/simplenotificationservice-a.pem", "/SimpleNotificationService.pem"}) {
    CAPTURE(other);
    CHECK_FALSE(is_certificate_url(host + other));
  }
}

TEST_CASE("SNS: names of topics") {
  for (const char* good : {"arn:aws:sns:us-east-1:123456789012:orders", "arn:aws-cn:sns:cn-north-1:1:x.fifo"}) {
    CHECK(is_topic_arn(good));
  }
  for (const char* bad : {"", "orders", "arn:aws:sns:us-east-1:123456789012",
                          "arn:aws:sns:us-east-1:123456789012:", "arn:aws:sns::1:x", "arn:aws:sqs:us-east-1:1:x",
                          "arn:aws:sns:us-east-1:1:x:y", "arn:aws:sns:us-east-1:1:x y", "urn:aws:sns:us-east-1:1:x"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_topic_arn(bad));
  }
}

TEST_CASE("SNS: the desk takes what is signed, of topics that are configured") {
  Desk desk;
  const SnsMembers good = with_signature(notification());
  SnsVerdict verdict = desk.ask(good);
  CHECK(verdict.status == 204);
  CHECK(verdict.why == "");
  CHECK(
      verdict.event ==
      R"({"Type":"Notification","MessageId":"4d4dc071-ddbf-465d-bba8-08f81c89da64","TopicArn":")" + orders +
          R"(","Message":"{\"type\":\"order\",\"total\":5}","Timestamp":"2026-01-05T10:00:00.000Z","Subject":"My subject"})");
  CHECK(desk.ask(with_signature(notification(), "2")).status == 204);
  CHECK(desk.fetched == std::vector<std::string>{certificate_url});  // once
  CHECK(desk.count("omen_sns_certificates_fetched_total") == 1);

  SnsMembers other = notification();
  other["TopicArn"] = "arn:aws:sns:us-east-1:999999999999:orders";
  verdict = desk.ask(with_signature(other));
  CHECK(verdict.status == 403);
  CHECK(verdict.why == "its topic is none of those that are configured");
  CHECK(desk.ask(notification()).why == "it bears no signature");
  CHECK(desk.ask(notification()).status == 403);
  SnsMembers tampered = good;
  tampered["Message"] = R"({"type":"order","total":5000})";
  CHECK(desk.ask(tampered).status == 403);
  SnsMembers elsewhere = good;
  elsewhere["SigningCertURL"] = "https://evil.example/SimpleNotificationService-a.pem";
  CHECK(desk.ask(elsewhere).status == 403);
  CHECK(desk.ask({{"Type", "Notification"}}).status == 400);
  CHECK(desk.refused("topic") == 1);
  CHECK(desk.refused("signature") == 3);
  CHECK(desk.refused("certificate_url") == 1);
  CHECK(desk.refused("malformed") == 1);
  CHECK(desk.fetched.size() == 1);
  CHECK(desk.verdicts.back().event == "");
  // Of a member that is there twice, that counts which was verified.
  std::string twice = body_of(good);
  twice.insert(twice.size() - 1, R"(,"Message":"{\"type\":\"forged\"}","MessageId":"x")");
  desk.take(twice);
  CHECK(desk.verdicts.back().event == desk.verdicts.front().event);
}

TEST_CASE("SNS: certificates that cannot be had, or are of no use") {
  Desk desk;
  desk.documents.clear();
  SnsVerdict verdict = desk.ask(with_signature(notification()));
  CHECK(verdict.status == 503);
  CHECK(verdict.why == "a certificate of SNS cannot be fetched");
  CHECK(desk.ask(with_signature(notification())).status == 503);
  CHECK(desk.refused("not_fetched") == 2);
  CHECK(desk.log == std::vector<std::string>{"a certificate of SNS cannot be fetched: HTTP 404"});  // once a minute
  desk.documents[certificate_url] = "<html>";
  CHECK(desk.ask(with_signature(notification())).status == 403);
  CHECK(desk.refused("certificate") == 1);
  const Certificate expired = make_certificate("DNS:sns.amazonaws.com", -7200, -3600, KeyKind::rsa);
  desk.documents[certificate_url] = expired.certificate_pem;
  verdict = desk.ask(with_signature(notification(), "1", expired));
  CHECK(verdict.status == 403);
  CHECK(verdict.why == "the certificate that it names is not valid now");

  // Of many the oldest makes room.
  SnsMembers members = with_signature(notification());
  for (size_t i = 0; i < sns_certificates_max + 2; ++i) {
    members["SigningCertURL"] =
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-" + std::to_string(i) + ".pem";
    desk.documents[members["SigningCertURL"]] = of_sns().certificate_pem;
    CHECK(desk.ask(members).status == 204);
  }
  CHECK(desk.count("omen_sns_certificates_dropped_total") == 3);
  const size_t before = desk.fetched.size();
  CHECK(desk.ask(members).status == 204);
  CHECK(desk.fetched.size() == before);
}

TEST_CASE("SNS: subscriptions to topics that are configured are confirmed, by their signatures") {
  Desk desk;
  desk.documents[subscribe_url] = "<ConfirmSubscriptionResponse/>";
  CHECK(desk.ask(confirmation()).status == 403);
  SnsMembers other = confirmation();
  other["TopicArn"] = orders + "2";
  CHECK(desk.ask(with_signature(other)).status == 403);
  SnsMembers elsewhere = confirmation();  // no service that signs would say so
  elsewhere["SubscribeURL"] = "https://169.254.169.254/latest/meta-data";
  CHECK(desk.ask(with_signature(elsewhere)).why == "its SubscribeURL is none of SNS's");
  SnsMembers forged = with_signature(confirmation());
  forged["SubscribeURL"] += "&more";
  CHECK(desk.ask(forged).status == 403);
  CHECK(desk.fetched == std::vector<std::string>{certificate_url});
  CHECK(desk.count("omen_sns_subscriptions_confirmed_total") == 0);

  const SnsVerdict verdict = desk.ask(with_signature(confirmation(), "2"));
  CHECK(verdict.status == 204);
  CHECK(verdict.event == "");
  CHECK(desk.fetched.back() == subscribe_url);
  CHECK(desk.count("omen_sns_subscriptions_confirmed_total") == 1);
  CHECK(desk.log == std::vector<std::string>{"SNS: the subscription to " + orders + " is confirmed"});
  CHECK(desk.ask(with_signature(confirmation("UnsubscribeConfirmation"))).status == 204);
  CHECK(desk.fetched.size() == 2);  // that it has ended, it leaves so
  CHECK(desk.log.back() == "SNS: the subscription to " + orders + " has ended");

  desk.documents.erase(subscribe_url);
  CHECK(desk.ask(with_signature(confirmation())).status == 503);
  CHECK(desk.refused("subscribe_url") == 1);
  CHECK(desk.refused("not_fetched") == 1);
}

TEST_CASE("SNS: what waits for a certificate has a bound, holds up no other, and is answered at the end") {
  Desk desk;
  CHECK(desk.ask(with_signature(notification())).status == 204);
  desk.hold(true);
  SnsMembers unknown = with_signature(notification());
  unknown["SigningCertURL"] = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem";
  desk.take(body_of(unknown));
  {
    std::unique_lock lock(desk.mutex);  // until the worker has it in hand
    REQUIRE(desk.changed.wait_for(lock, std::chrono::seconds(5), [&] { return desk.fetched.size() == 2; }));
  }
  for (size_t i = 0; i < sns_waiting_max; ++i) desk.take(body_of(unknown));
  CHECK(desk.verdicts.size() == 1);
  desk.take(body_of(unknown));
  REQUIRE(desk.verdicts.size() == 2);
  CHECK(desk.verdicts.back().status == 503);
  CHECK(desk.refused("full") == 1);
  desk.take(body_of(with_signature(notification())));
  CHECK(desk.verdicts.back().status == 204);
  desk.desk.stop();
  CHECK(desk.verdicts.size() == 3 + 1 + sns_waiting_max);
  CHECK(desk.verdicts.back().status == 503);
  desk.take(body_of(unknown));
  CHECK(desk.verdicts.back().status == 503);
}

TEST_CASE("SNS: by HTTP, with its signature and a token") {
  Folder folder;
  auto token = add_token(folder.path("tokens"), "sns", Role::ingest, 0);
  REQUIRE(token.is_ok());
  Serving serving;
  Desk desk;
  REQUIRE(serving.tokens.load(folder.path("tokens")).is_ok());
  serving.context.sns = &desk.desk;
  serving.start();
  const std::string path = "/v1/sns?token=" + token.value();
  const std::string good = body_of(with_signature(notification()));
  for (int i = 0; i < 2; ++i)
    CHECK(serving.ask(post(path, good)) == "204");  // with a certificate to fetch, and without
  REQUIRE(serving.writer->lines().size() == 2);
  CHECK(
      serving.writer->lines()[1] ==
      R"({"ts":"2026-01-05T10:00:00.000Z","id":"4d4dc071-ddbf-465d-bba8-08f81c89da64","type":"order","total":5,"sns":{"topic":")" +
          orders + R"(","subject":"My subject"}})");
  CHECK(serving.ask(post("/v1/sns", good)).starts_with("401"));
  CHECK(serving.ask(post(path, body_of(notification()))) == R"(403 {"error":"it bears no signature"})");
  CHECK(serving.ask(post(path, body_of(notification()), "x-amz-sns-message-type: UnsubscribeConfirmation\r\n"))
            .starts_with("403"));
  CHECK(serving.ask(post(path, good + good)).starts_with("400"));
  desk.documents[subscribe_url] = "ok";
  CHECK(serving.ask(post(path, body_of(with_signature(confirmation())))) == "204");
  CHECK(desk.count("omen_sns_subscriptions_confirmed_total") == 1);
  desk.documents.clear();
  SnsMembers unknown = with_signature(notification());
  unknown["SigningCertURL"] = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem";
  Client client(serving.http());
  client.put(post(path, body_of(unknown)));
  CHECK(client.answer().starts_with("503 "));
  CHECK(client.head().find("Retry-After: 5\r\n") != std::string::npos);
  CHECK(serving.writer->lines().size() == 2);
}

}  // namespace omen
