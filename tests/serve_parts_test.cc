// The small parts of the service: tokens, signatures, webhooks, metrics, subscribers.
#include <doctest/doctest.h>

#include <ctime>
#include <map>

#include "compiler/compile.h"
#include "runtime/input/base64.h"
#include "runtime/io/quarantine.h"
#include "runtime/serve/hook_config.h"
#include "runtime/serve/signatures.h"
#include "tests/support/program.h"
#include "tests/support/serving.h"

namespace omen {
namespace {

Program compiled_rules(const std::string& rules) {
  Sources sources;
  sources.files.push_back({"rules.omen", rules});
  Compilation compilation = compile(sources);
  REQUIRE(compilation.program.has_value());
  return std::move(*compilation.program);
}

std::string hex_of(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) {
    char digits[3];
    snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += digits;
  }
  return out;
}
std::string base64_of(const std::string& bytes) {
  std::string out;
  append_base64(out, bytes);
  return out;
}

using Headers = std::map<std::string, std::string, std::less<>>;
Status verify(const SignatureRule& rule, const Headers& headers, std::string_view body, int64_t now_s) {
  return verify_signature(
      rule,
      [&](std::string_view name) {
        const auto at = headers.find(name);
        return at == headers.end() ? std::string_view() : std::string_view(at->second);
      },
      body, now_s);
}

}  // namespace

TEST_CASE("tokens: made, shown once, two to a name, revoked") {
  Folder folder;
  const std::string path = folder.path("tokens");
  TokenStore store;
  CHECK(store.load(path).is_ok());  // no file: no tokens
  CHECK(store.is_empty());
  const auto first = add_token(path, "shop", Role::ingest, 1'767'607'200'000'000);
  REQUIRE(first.is_ok());
  CHECK(first.value().size() == 5 + 64);
  const auto second = add_token(path, "shop", Role::admin, 0);
  REQUIRE(second.is_ok());
  CHECK(first.value() != second.value());
  CHECK(add_token(path, "shop", Role::read, 0).message().find("revoke one of them first") != std::string::npos);
  CHECK_FALSE(add_token(path, "", Role::read, 0).is_ok());
  CHECK_FALSE(add_token(path, "a b", Role::read, 0).is_ok());

  const std::string file = folder.read("tokens");
  CHECK(file.find(first.value()) == std::string::npos);  // only its hash
  CHECK(file.find(sha256_hex(first.value())) != std::string::npos);
  CHECK(file.find(" ingest shop 2026-01-05T10:00:00Z ") != std::string::npos);
  CHECK(std::filesystem::status(path).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2

  CHECK(store.refresh().is_ok());
  CHECK(store.role_of(first.value()) == Role::ingest);
  CHECK(store.role_of(second.value()) == Role::admin);
  CHECK_FALSE(store.role_of(""));
  CHECK_FALSE(store.role_of(first.value() + " "));
  CHECK_FALSE(store.role_of(sha256_hex(first.value())));  // the file's content opens nothing

  CHECK(revoke_token(path, sha256_hex(first.value()).substr(0, 8)).is_ok());
  CHECK_FALSE(revoke_token(path, sha256_hex(first.value()).substr(0, 8)).is_ok());
  CHECK(store.refresh().is_ok());
  CHECK_FALSE(store.role_of(first.value()));
  CHECK(store.role_of(second.value()) == Role::admin);

  // A file that is no such leaves in force what was known.
  folder.write("tokens", "12345678 ingest shop 2026-01-05T10:00:00Z abc\n");
  const Status broken = store.refresh();
  CHECK(broken.message().find("tokens:1: this is no token") != std::string::npos);
  CHECK(store.role_of(second.value()) == Role::admin);
}

TEST_CASE("rights: what a role may") {
  for (const Role needed : {Role::ingest, Role::read, Role::admin}) {
    CHECK(Rights{Role::admin}.allow(needed));
    CHECK(Rights{Role::ingest}.allow(needed) == (needed == Role::ingest));
    CHECK(Rights{Role::read}.allow(needed) == (needed == Role::read));
    CHECK_FALSE(Rights{}.allow(needed));
  }
  CHECK(Rights{}.allow(Role::anyone));
  CHECK_FALSE(Rights{Role::admin}.allow(Role::unstated));
}

TEST_CASE("base64: decoding") {
  for (const std::string text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"})
    CHECK(decode_base64(base64_of(text)) == text);
  CHECK(decode_base64("Zg") == "f");
  for (const char* text : {"Z", "Zg=", "Zh==", "Zm9v=", "Zm 9v", "Zm9v\n", "====", "Zg==Zg==", "Zm9-"}) {
    CAPTURE(text);
    CHECK_FALSE(decode_base64(text));
  }
}

TEST_CASE("signatures: Standard Webhooks' own vector, and what does not fit") {
  SignatureRule rule{SignatureScheme::standard, {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, {}};
  CHECK(check_rule(rule).is_ok());
  const std::string body = R"({"test": 2432232314})";
  const int64_t now_s = 1614265330;
  const Headers good = {{"webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"},
                        {"webhook-timestamp", "1614265330"},
                        {"webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}};
  CHECK(verify(rule, good, body, now_s).is_ok());
  CHECK(verify(rule, good, body, now_s + 300).is_ok());
  CHECK_FALSE(verify(rule, good, body, now_s + 301).is_ok());
  CHECK_FALSE(verify(rule, good, body, now_s - 301).is_ok());
  CHECK_FALSE(verify(rule, good, body + " ", now_s).is_ok());
  CHECK_FALSE(verify(rule, {}, body, now_s).is_ok());
  for (const auto& [name, value] : Headers{{"webhook-id", "x"},
                                           {"webhook-timestamp", "1614265331"},
                                           {"webhook-timestamp", ""},
                                           {"webhook-signature", "v1,AAAM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
                                           {"webhook-signature", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
                                           {"webhook-signature", "v1,g0hM"}}) {
    Headers bad = good;
    bad[name] = value;
    CHECK_FALSE(verify(rule, bad, body, now_s).is_ok());
  }
  Headers several = good;  // while keys are exchanged, on their side and on ours
  several["webhook-signature"] = "v1,AAAM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= " + good.at("webhook-signature");
  CHECK(verify(rule, several, body, now_s).is_ok());
  rule.secrets.insert(rule.secrets.begin(), "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
  CHECK(verify(rule, good, body, now_s).is_ok());
  rule.secrets.pop_back();
  CHECK_FALSE(verify(rule, good, body, now_s).is_ok());
  rule.secrets = {"whsec_MfKQ"};
  CHECK(check_rule(rule).message().find("MfKQ") == std::string::npos);  // a secret is never shown
  CHECK_FALSE(check_rule(rule).is_ok());
}

TEST_CASE("signatures: GitHub, Shopify, Stripe, Slack") {
  // GitHub's documented vector.
  const SignatureRule github{SignatureScheme::github, {"It's a Secret to Everybody"}, {}};
  const Headers signed_by_github = {
      {"x-hub-signature-256", "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}};
  CHECK(verify(github, signed_by_github, "Hello, World!", 0).is_ok());
  CHECK_FALSE(verify(github, signed_by_github, "Hello, World?", 0).is_ok());
  // Slack's documented vector.
  const SignatureRule slack{SignatureScheme::slack, {"8f742231b10e8888abcd99yyyzzz85a5"}, {}};
  const std::string slack_body =
      "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
      "foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks."
      "slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
      "803a0bc887a14d10d2c447fce8b6703c";
  CHECK(verify(slack,
               {{"x-slack-request-timestamp", "1531420618"},
                {"x-slack-signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"}},
               slack_body, 1531420618)
            .is_ok());
  const SignatureRule shopify{SignatureScheme::shopify, {"s"}, "x-wc-webhook-signature"};
  CHECK(verify(shopify, {{"x-wc-webhook-signature", base64_of(hmac_sha256("s", "body"))}}, "body", 0).is_ok());
  CHECK_FALSE(verify(shopify, {{"x-shopify-hmac-sha256", base64_of(hmac_sha256("s", "body"))}}, "body", 0).is_ok());
  const SignatureRule stripe{SignatureScheme::stripe, {"s"}, {}};
  const std::string signature = hex_of(hmac_sha256("s", "100.body"));
  CHECK(verify(stripe, {{"stripe-signature", "t=100,v0=00,v1=" + signature}}, "body", 100).is_ok());
  CHECK_FALSE(verify(stripe, {{"stripe-signature", "t=101,v1=" + signature}}, "body", 100).is_ok());
  CHECK_FALSE(verify(stripe, {{"stripe-signature", "v1=" + signature}}, "body", 100).is_ok());
  CHECK_FALSE(check_rule({SignatureScheme::github, {}, {}}).is_ok());
}

TEST_CASE("hooks: a webhook of GitHub's kind becomes an event by a mapping") {
  Folder folder;
  REQUIRE(add_token(folder.path("tokens"), "x", Role::ingest, 0).is_ok());
  Serving serving;
  REQUIRE(serving.tokens.load(folder.path("tokens")).is_ok());  // so that a signature is all that opens
  const auto program = std::make_shared<const Program>(compiled_rules(R"(
mapping github {
  type: concat("github.", http.x_github_event),
  id:   http.x_github_delivery,
  who:  sender.login,
  *:    this
}
mapping form { type: kind, amount: number(amount) }
rule r { match x }
)"));
  serving.context.program = [&] { return program; };
  serving.context.hooks = {
      {"code", "github", {SignatureScheme::github, {"old", "new"}, {}}, {"X-GitHub-Event", "X-GitHub-Delivery"}},
      {"form", "form", {SignatureScheme::github, {"new"}, {}}, {}},
      {"open", "", {}, {}},
      {"lost", "nowhere", {SignatureScheme::github, {"new"}, {}}, {}}};
  serving.start();
  const auto send = [&](const std::string& hook, const std::string& body, const std::string& secret,
                        const std::string& headers = {}) {
    return serving.ask(post("/v1/hooks/" + hook, body,
                            headers + "X-Hub-Signature-256: sha256=" + hex_of(hmac_sha256(secret, body)) + "\r\n"));
  };
  const std::string github_headers = "X-GitHub-Event: push\r\nX-GitHub-Delivery: 7\r\n";
  CHECK(send("code", R"({"sender":{"login":"ann"}})", "new", github_headers) == "204");
  CHECK(serving.writer->lines().back().starts_with(R"({"type":"github.push","id":"7","who":"ann","http":{)"));
  CHECK(send("code", R"({"sender":{"login":"bob"}})", "old", github_headers) == "204");
  CHECK(send("code", R"({"sender":{}})", "other", github_headers).starts_with("401"));
  CHECK(serving.ask(post("/v1/hooks/code", "{}")).starts_with("401"));
  CHECK(serving.metrics.counter("omen_hook_signatures_refused_total", "").value() == 2);
  CHECK(send("form", "kind=order%20placed&amount=5.5&x=%C3%A9", "new",
             "Content-Type: application/x-www-form-urlencoded\r\n") == "204");
  CHECK(serving.writer->lines().back() == R"({"type":"order placed","amount":5.5})");
  CHECK(send("open", R"({"type":"a"})", "new").starts_with("401"));     // not signed: needs a token
  CHECK(send("unknown", R"({"type":"a"})", "new").starts_with("401"));  // and does not tell whether it is there
  CHECK(send("lost", R"({"type":"a"})", "new").starts_with("503"));
  CHECK(serving.writer->lines().size() == 3);
}

TEST_CASE("hooks: as an option says them") {
  Folder folder;
  folder.write("old", "o l d\n");
  const auto parse = [&](const std::string& words) {
    return parse_hook(
        words, [](const std::string& name) { return name == "NEW" ? std::optional<std::string>("n") : std::nullopt; });
  };
  const auto hook = parse("shop mapping=m signature=shopify secret=env:NEW secret=file:" + folder.path("old") +
                          " header=X-A header=X-B signature-header=X-C");
  REQUIRE_MESSAGE(hook.is_ok(), hook.message());
  CHECK(hook.value().name == "shop");
  CHECK(hook.value().mapping == "m");
  CHECK(hook.value().signature.scheme == SignatureScheme::shopify);
  CHECK(hook.value().signature.secrets == std::vector<std::string>{"n", "o l d"});
  CHECK(hook.value().signature.header == "X-C");
  CHECK(hook.value().headers == std::vector<std::string>{"X-A", "X-B"});
  CHECK(parse("open").is_ok());
  CHECK(parse("a secret=hunter2 signature=github").message().find("hunter2") == std::string::npos);
  for (const char* words :
       {"", "a/b", "a b", "a x=y", "a signature=x", "a signature=github", "a signature=github secret=env:X",
        "a secret=env:NEW", "a signature=github secret=file:/nowhere", "a header=",
        "a signature=standard secret=env:NEW", "a signature=github secret=env:NEW secret=env:NEW secret=env:NEW"}) {
    CAPTURE(words);
    CHECK_FALSE(parse(words).is_ok());
  }
}

TEST_CASE("metrics: Prometheus' text, each family once") {
  Metrics metrics;
  Counter& http = metrics.counter("omen_events_total", "Events that were accepted", {{"source", "http"}});
  metrics.counter("omen_events_total", "Events that were accepted", {{"source", "t\"c\\p\n"}}).add(2);
  CHECK(&http == &metrics.counter("omen_events_total", "", {{"source", "http"}}));
  http.add();
  metrics.gauge("omen_a", "Line\nfeed").set(-5);
  Histogram& histogram = metrics.histogram("omen_latency_seconds", "Time", {0.1, 1});
  for (const double value : {0.05, 0.1, 0.5, 7.0}) histogram.observe(value);
  metrics.add_source([](MetricsText& text) {
    text.counter("omen_events_total", "Events that were accepted", 9, {{"source", "file"}});
    text.gauge("omen_b", "B", 1.5);
  });
  CHECK(metrics.text() ==
        "# HELP omen_a Line\\nfeed\n# TYPE omen_a gauge\nomen_a -5\n"
        "# HELP omen_b B\n# TYPE omen_b gauge\nomen_b 1.5\n"
        "# HELP omen_events_total Events that were accepted\n# TYPE omen_events_total counter\n"
        "omen_events_total{source=\"http\"} 1\nomen_events_total{source=\"t\\\"c\\\\p\\n\"} "
        "2\nomen_events_total{source=\"file\"} 9\n"
        "# HELP omen_latency_seconds Time\n# TYPE omen_latency_seconds histogram\n"
        "omen_latency_seconds_bucket{le=\"0.1\"} 2\nomen_latency_seconds_bucket{le=\"1\"} "
        "3\nomen_latency_seconds_bucket{le=\"+Inf\"} 4\n"
        "omen_latency_seconds_sum 7.65\nomen_latency_seconds_count 4\n");
}

TEST_CASE("subscribers: a slow one is dropped, and delays nobody") {
  Subscribers subscribers({2, 3, 1000});
  int slow_calls = 0, fast_calls = 0;
  auto slow = subscribers.subscribe([&] { ++slow_calls; });
  auto fast = subscribers.subscribe([&] { ++fast_calls; });
  CHECK(subscribers.subscribe([] {}) == nullptr);  // too many
  for (int i = 0; i < 5; ++i) {
    subscribers.publish(std::to_string(i), "{}");
    CHECK(fast->take().size() == 1);
  }
  CHECK(fast_calls == 5);
  CHECK(slow_calls == 2);  // the first alert, and its end
  CHECK(slow->is_dropped());
  CHECK(slow->take().empty());
  CHECK(subscribers.dropped() == 1);
  CHECK(subscribers.count() == 1);
  subscribers.publish("5", std::string(2000, 'x'));  // larger than the limit, but alone
  CHECK(fast->take()[0]->json.size() == 2000);
  const auto alert = std::make_shared<const AlertText>(AlertText{"6", "{}"});
  const int calls_before = fast_calls;
  subscribers.publish(std::vector<SharedAlert>(3, alert));
  CHECK(fast_calls == calls_before + 1);  // one word for all of them
  CHECK(fast->take().size() == 3);
  subscribers.publish(std::vector<SharedAlert>(4, alert));  // more than there is room for
  CHECK(fast->is_dropped());
  fast.reset();
  CHECK(subscribers.count() == 0);
  subscribers.publish("6", "{}");
  subscribers.close();
  CHECK(subscribers.subscribe([] {}) == nullptr);
}

}  // namespace omen
