// HTTP from end to end over real sockets, with a writer that only decodes: routes and roles, envelopes, slow and
// hostile clients, alert streams.
#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <set>

#include "runtime/serve/received.h"
#include "tests/support/program.h"
#include "tests/support/serving.h"

namespace omen {
namespace {

using namespace std::chrono_literals;

std::string packed(const std::string& text) {
  std::string out(text.size() + 100, '\0');
  z_stream stream = {};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

const std::string json_type = "Content-Type: application/json\r\n";

}  // namespace

TEST_CASE("http: events of Omen's own form, an outcome for each") {
  Serving serving;
  serving.start();
  CHECK(serving.ask(post("/v1/events", R"({"type":"a"})")) ==
        R"(200 {"accepted":1,"duplicates":0,"rejected":0,"sequence":1,"events":[{"sequence":1}]})");
  CHECK(serving.ask(post("/v1/events", "[{\"type\":\"b\"},\n {\"type\":\n\"c\"}]", json_type)) ==
        R"(200 {"accepted":2,"duplicates":0,"rejected":0,"sequence":3,"events":[{"sequence":2},{"sequence":3}]})");
  CHECK(
      serving.ask(post("/v1/events", "{\"type\":\"d\"}\r\n\n{\"type\":5}\nno json\n{\"type\":\"e\"}",
                       "Content-Type: application/x-ndjson\r\n")) ==
      R"(207 {"accepted":2,"duplicates":0,"rejected":2,"sequence":5,"events":[{"sequence":4},{"reason":"no_type","column":9},{"reason":"not_json","column":1},{"sequence":5}]})");
  CHECK(serving.ask(post("/v1/events", "[{\"type\":\"f\"},{]{\"x\":1}]", "Prefer: return=minimal\r\n"))
            .starts_with("207 {\"accepted\":1,"));
  CHECK(serving.ask(post("/v1/events", "{\"type\":\"g\"", json_type)) ==
        R"(400 {"accepted":0,"duplicates":0,"rejected":1,"events":[{"reason":"not_json","column":12}]})");
  CHECK(serving.ask(post("/v1/events", "")).starts_with("400 {\"error\":\"there is no event in it\""));
  CHECK(serving.ask(post("/v1/events", "type,user\nh,ann\n", "Content-Type: text/csv\r\n")).starts_with("200 "));
  CHECK(serving.ask(post("/v1/events", "x", "Content-Type: image/png\r\n")).starts_with("415 "));
  CHECK(
      serving.ask(post("/v1/events", packed("{\"type\":\"i\"}\n"), "Content-Encoding: gzip\r\n")).starts_with("200 "));
  CHECK(serving.ask(post("/v1/events", "x", "Content-Encoding: gzip\r\n")).starts_with("400 "));
  CHECK(serving.ask(post("/v1/events", "x", "Content-Encoding: br\r\n")).starts_with("415 "));
  const std::vector<std::string> lines = serving.writer->lines();
  REQUIRE(lines.size() == 8);
  CHECK(lines[2] == "{\"type\": \"c\"}");
  CHECK(lines[6] == R"({"type":"h","user":"ann"})");

  // An event beyond the limit is rejected, and those around it are not.
  const std::string large = "{\"type\":\"j\",\"x\":\"" + std::string(event_bytes_max, 'x') + "\"}";
  CHECK(
      serving.ask(post("/v1/events", "{\"type\":\"k\"}\n" + large + "\n{\"type\":\"l\"}")) ==
      R"(207 {"accepted":2,"duplicates":0,"rejected":1,"sequence":10,"events":[{"sequence":9},{"reason":"too_long","column":1048577},{"sequence":10}]})");
  CHECK(serving.writer->rejected().back() == "too_long@13");
}

TEST_CASE("http: a connection serves many requests, pipelined ones too, and in their order") {
  Serving serving;
  serving.start();
  Client client(serving.http());
  std::string requests;
  for (int i = 0; i < 50; ++i) requests += post("/v1/events", "{\"type\":\"a\"}");
  client.put(requests + get("/healthz", "Connection: close\r\n"));
  for (int i = 1; i <= 50; ++i) {
    CHECK(client.answer().ends_with("[{\"sequence\":" + std::to_string(i) + "}]}"));
  }
  CHECK(client.answer() == "200 ok");
  CHECK(client.head().find("Connection: close") != std::string::npos);
  CHECK(client.is_ended());
  Client other(serving.http());
  other.expect_head();
  other.put("HEAD /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  CHECK(other.answer() == "200");
  Client waiting(serving.http());  // as curl does with a large body
  waiting.put("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n");
  CHECK(waiting.until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  waiting.put("{\"type\":\"a\"}");
  CHECK(waiting.answer().starts_with("200 {\"accepted\":1"));
}

TEST_CASE("http: every route with every role") {
  Folder folder;
  const std::string path = folder.path("tokens");
  std::map<std::string, std::string> texts;
  for (const Role role : {Role::ingest, Role::read, Role::admin}) {
    auto text = add_token(path, std::string(name_of(role)), role, 0);
    REQUIRE(text.is_ok());
    texts[std::string(name_of(role))] = text.value();
  }
  Serving serving;
  REQUIRE(serving.tokens.load(path).is_ok());
  serving.context.hooks.push_back({"shop", "", {}, {}});
  serving.context.more_routes.push_back(
      {"POST", "/v1/rules", Role::admin, [](const auto& exchange) { exchange->reply(Response()); }});
  serving.context.more_routes.push_back(
      {"GET", "/v1/forgotten", Role::unstated, [](const auto& exchange) { exchange->reply(Response()); }});
  serving.start();
  const std::set<std::string> for_anyone = {"/healthz", "/readyz"};
  size_t routes = 0;
  for (const HttpRoute& route : serving.listeners->routes()) {
    std::string target = route.path;
    if (target.ends_with("*")) target.replace(target.size() - 1, 1, "shop");
    const auto ask = [&](const std::string& header) {
      return std::stoi(serving.ask(route.method + " " + target + " HTTP/1.1\r\nHost: localhost\r\n" + header +
                                   "Content-Length: 0\r\n\r\n"));
    };
    const auto is_let_in = [&](const std::string& token) {
      const int bearer = ask("Authorization: Bearer " + token + "\r\n");
      return bearer != 401 && bearer != 403;
    };
    CAPTURE(route.path);
    ++routes;
    if (route.path == "/v1/forgotten") {
      for (const auto& [name, text] : texts) CHECK_FALSE(is_let_in(text));
      CHECK(ask("") == 401);
      continue;
    }
    CHECK(route.role != Role::unstated);
    if (for_anyone.contains(route.path)) {
      CHECK(route.role == Role::anyone);
      CHECK(ask("") == 200);
      continue;
    }
    REQUIRE(route.role != Role::anyone);
    CHECK(ask("") == 401);
    CHECK(ask("Authorization: Bearer omen_" + std::string(64, '0') + "\r\n") == 401);
    CHECK(ask("Authorization: Bearer\r\n") == 401);
    CHECK(ask("Authorization: Basic !\r\n") == 401);
    CHECK(ask("Authorization: Digest x\r\n") == 401);
    CHECK(is_let_in(texts["admin"]));
    CHECK(is_let_in(texts["ingest"]) == (route.role == Role::ingest));
    CHECK(is_let_in(texts["read"]) == (route.role == Role::read));
    // What is let in has got an answer of its own.
    const int own = ask("Authorization: Bearer " + texts[std::string(name_of(route.role))] + "\r\n");
    CHECK((own == 200 || own == 204 || own == 400 || own == 404));
  }
  CHECK(routes >= 21);
  CHECK(serving.ask(get("/v1/nothing")).starts_with("404 "));
  CHECK(serving.ask(get("/v1/events")).starts_with("405 "));

  // Where senders put it elsewhere.
  std::string basic;
  const std::string event = R"({"type":"a"})";
  CHECK(serving.ask(post("/mp/collect?measurement_id=1&api_secret=" + texts["ingest"], R"({"events":[{"name":"a"}]})"))
            .starts_with("204"));
  CHECK(
      serving.ask(post("/mp/collect?api_secret=" + texts["read"], R"({"events":[{"name":"a"}]})")).starts_with("403"));
  CHECK(serving.ask(post("/v1/events?api_secret=" + texts["ingest"], event)).starts_with("401"));  // not there
  CHECK(serving.ask(post("/v1/track", R"({"event":"a","userId":"1","writeKey":")" + texts["ingest"] + "\"}")) ==
        R"(200 {"success":true})");
  CHECK(serving.writer->lines().back().find("writeKey") == std::string::npos);
  CHECK(serving.ask(post("/v1/track", R"({"event":"a","userId":"1","writeKey":")" + texts["read"] + "\"}"))
            .starts_with("403"));
  CHECK(serving.ask(post("/v1/track", R"({"event":"a","userId":"1","writeKey":"x"})")).starts_with("401"));
  CHECK(serving.ask("POST /v1/track HTTP/1.1\r\nHost: localhost\r\nContent-Length: 600000\r\n\r\n").starts_with("413"));

  // A token that is revoked is refused from the next look at the file on.
  const auto known = read_tokens(path);
  REQUIRE(known.is_ok());
  for (const AccessToken& token : known.value()) {
    if (token.role == Role::read) CHECK(revoke_token(path, token.id).is_ok());
  }
  CHECK(serving.tokens.refresh().is_ok());
  CHECK(serving.ask(get("/metrics", "Authorization: Bearer " + texts["read"] + "\r\n")).starts_with("401"));
  CHECK(serving.ask(get("/metrics", "Authorization: Bearer " + texts["admin"] + "\r\n")).starts_with("200"));
}

TEST_CASE("http: without tokens the loopback is for callers on this machine, and not for pages of a browser") {
  Serving serving;
  Folder folder;
  std::vector<ListenConfig> configs(2);
  configs[0].address = "127.0.0.1:0";
  configs[1].address = "unix:" + folder.path("sockets/http.sock");
  serving.context.more_routes.push_back(
      {"POST", "/v1/rules", Role::admin, [](const auto& exchange) { exchange->reply(Response()); }});
  serving.start(configs);
  const auto with_host = [&](const std::string& host, const std::string& more = {}) {
    return serving
        .ask("POST /v1/events HTTP/1.1\r\nHost: " + host + "\r\n" + more + "Content-Length: 12\r\n\r\n{\"type\":\"a\"}")
        .substr(0, 3);
  };
  CHECK(with_host("localhost:80") == "200");
  CHECK(with_host("127.0.0.1") == "200");
  CHECK(with_host("[::1]:9") == "200");
  CHECK(with_host("evil.example") == "403");  // a name that has been made to lead here
  CHECK(with_host("localhost.evil.example") == "403");
  CHECK(with_host("localhost", "Origin: https://evil.example\r\n") == "403");
  CHECK(with_host("localhost", "Origin: http://localhost:3000\r\n") == "200");
  CHECK(serving.ask(post("/v1/rules", "")).starts_with("401"));  // admin is for the Unix socket, or a token
  CHECK(serving.ask(get("/metrics")).starts_with("200"));
  Client local(serving.listeners->addresses()[1]);
  local.put(post("/v1/rules", ""));
  CHECK(local.answer() == "200");
  const auto mode = std::filesystem::status(folder.path("sockets/http.sock")).permissions();
  CHECK(mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  CHECK(std::filesystem::status(folder.path("sockets")).permissions() == std::filesystem::perms::owner_all);

  // It is somebody's: a second service does not take it away.
  Serving second;
  const auto started = Listeners::start({configs[1]}, second.context);
  CHECK_FALSE(started.is_ok());
  CHECK(started.message().ends_with("another process listens there"));
}

TEST_CASE("http: what can be reached from elsewhere needs tokens and TLS") {
  const auto problem = [](const std::string& address, bool has_tls, bool has_tokens) {
    ListenConfig config;
    config.address = address;
    if (has_tls) config.certificate_path = config.key_path = "x.pem";
    return validate(config, has_tokens).message();
  };
  for (const char* address : {"0.0.0.0:80", "[::]:80", "192.168.1.5:80", "[2001:db8::1]:80", "8.8.8.8:1"}) {
    CAPTURE(address);
    CHECK(problem(address, true, true).empty());
    CHECK(problem(address, false, true).find("needs TLS") != std::string::npos);
    CHECK(problem(address, true, false).find("needs a token (`omen token new") != std::string::npos);
    CHECK(problem(address, false, false).find("and TLS") != std::string::npos);
  }
  for (const char* address : {"127.0.0.1:80", "127.1.2.3:0", "[::1]:80", "localhost:80", "unix:/x"}) {
    CHECK(problem(address, false, false).empty());
  }
  for (const char* address : {"", "80", "x:80", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:8a", "unix:"}) {
    CHECK(problem(address, true, true).find("is no address") != std::string::npos);
  }
}

TEST_CASE("http: envelopes, each as its senders send it") {
  Serving serving;
  serving.start();
  const auto check = [&](const std::string& request, const std::string& answer, const std::string& event) {
    CAPTURE(request);
    const size_t before = serving.writer->lines().size();
    CHECK(serving.ask(request) == answer);
    const auto lines = serving.writer->lines();
    if (event.empty()) {
      CHECK(lines.size() == before);
    } else {
      CHECK(lines.size() > before);
      CHECK(lines.back() == event);
    }
  };
  // CloudEvents: structured, batched, binary; at their own path and at that of events.
  const std::string cloudevent = R"({"specversion":"1.0","type":"a.b","source":"/s","id":"1","data":{"x":1}})";
  const std::string as_event = R"({"type":"a.b","id":"/s 1","x":1,"ce":{"specversion":"1.0","source":"/s","id":"1"}})";
  for (const char* path : {"/v1/cloudevents", "/v1/events"}) {
    check(post(path, cloudevent, "Content-Type: application/CloudEvents+json; charset=utf-8\r\n"), "204", as_event);
    check(post(path, "[" + cloudevent + "]", "Content-Type: application/cloudevents-batch+json\r\n"), "204", as_event);
    check(
        post(path, R"({"x":1})",
             "Content-Type: application/json\r\nce-specversion: 1.0\r\nCE-Type: a.b\r\nce-source: /s\r\nce-id: "
             "%E2%82%AC\r\n"),
        "204",
        R"({"type":"a.b","id":"/s €","x":1,"ce":{"specversion":"1.0","source":"/s","id":"€","datacontenttype":"application/json"}})");
  }
  check(post("/v1/cloudevents", "[]", "Content-Type: application/cloudevents-batch+json\r\n"), "204", "");
  check(
      post("/v1/cloudevents", "hi",
           "Content-Type: text/plain\r\nce-specversion: 1.0\r\nce-type: a\r\nce-source: s\r\nce-id: 1\r\n"),
      "204",
      R"({"type":"a","id":"s 1","data":"hi","ce":{"specversion":"1.0","source":"s","id":"1","datacontenttype":"text/plain"}})");
  check(
      post("/v1/cloudevents", "\xff\x01",
           "Content-Type: image/x\r\nce-specversion: 1.0\r\nce-type: a\r\nce-source: s\r\nce-id: 1\r\n"),
      "204",
      R"({"type":"a","id":"s 1","data_base64":"/wE=","ce":{"specversion":"1.0","source":"s","id":"1","datacontenttype":"image/x"}})");
  CHECK(serving
            .ask(post(
                "/v1/cloudevents", "{},\"x\":1",
                "Content-Type: application/json\r\nce-specversion: 1.0\r\nce-type: a\r\nce-source: s\r\nce-id: 1\r\n"))
            .starts_with("400"));
  CHECK(serving.ask(post("/v1/cloudevents", "{}", "ce-specversion: 1.0\r\nce-type: a\r\nce-source: s\r\n"))
            .starts_with("400"));  // no id
  CHECK(
      serving.ask(post("/v1/cloudevents", "<a/>", "Content-Type: application/cloudevents+xml\r\n")).starts_with("415"));
  Client handshake(serving.http());
  handshake.put(
      "OPTIONS /v1/cloudevents HTTP/1.1\r\nHost: localhost\r\nWebHook-Request-Origin: "
      "eventemitter.example.com\r\n\r\n");
  CHECK(handshake.answer().starts_with("200"));
  CHECK(handshake.head().find("WebHook-Allowed-Origin: eventemitter.example.com\r\n") != std::string::npos);
  CHECK(handshake.head().find("WebHook-Allowed-Rate: *\r\n") != std::string::npos);

  // Segment: the path gives the type, the clock is put right.
  check(
      post(
          "/v1/track",
          R"({"event":"Order","userId":"7","messageId":"m","timestamp":"2026-01-05T10:00:00Z","sentAt":"2026-01-05T10:00:05Z","receivedAt":"2026-01-05T11:00:05Z"})"),
      R"(200 {"success":true})",
      R"({"type":"Order","ts":"2026-01-05T11:00:00Z","id":"m","user_id":"7","event":"Order","userId":"7","messageId":"m","timestamp":"2026-01-05T10:00:00Z","sentAt":"2026-01-05T10:00:05Z","receivedAt":"2026-01-05T11:00:05Z"})");
  check(
      post("/v1/identify",
           R"({"userId":"7","timestamp":"2026-01-05T10:00:00Z","originalTimestamp":"x","receivedAt":"y"})"),
      R"(200 {"success":true})",
      R"({"type":"identify","ts":"2026-01-05T10:00:00Z","user_id":"7","userId":"7","timestamp":"2026-01-05T10:00:00Z","originalTimestamp":"x","receivedAt":"y"})");
  CHECK(
      serving.ask(post(
          "/v1/batch",
          R"({"batch":[{"type":"track","event":"a","userId":"1"},{"type":"page","userId":"1"},{"type":"nonsense"}],"context":{"ip":"::1"}})")) ==
      R"(200 {"success":true})");
  CHECK(serving.writer->lines().back().find(R"("context":{"ip":"::1"}})") != std::string::npos);
  CHECK(serving.writer->lines().back().starts_with(R"({"type":"page",)"));
  CHECK(serving.ask(post("/v1/track", "{")).starts_with("400"));
  CHECK(serving.ask(post("/v1/track", "{}")).starts_with("400"));

  // Brokers. (base64 of {"type":"order","total":5}, and of the bytes ff 01)
  check(
      post(
          "/v1/pubsub",
          R"({"message":{"data":"eyJ0eXBlIjoib3JkZXIiLCJ0b3RhbCI6NX0=","messageId":"9","publishTime":"2026-01-05T10:00:00Z","attributes":{"a":"b"}},"subscription":"s"})"),
      "204",
      R"({"ts":"2026-01-05T10:00:00Z","id":"9","type":"order","total":5,"pubsub":{"attributes":{"a":"b"},"subscription":"s"}})");
  check(post("/v1/pubsub",
             R"({"message":{"data":"/wE=","messageId":"9","attributes":{"type":"raw"}},"subscription":"s"})"),
        "204",
        R"({"type":"raw","id":"9","data_base64":"/wE=","pubsub":{"attributes":{"type":"raw"},"subscription":"s"}})");
  check(post("/v1/pubsub", R"({"message":{"data":"?","messageId":"9"}})"), "204",
        "");  // in quarantine: not wanted again
  CHECK(serving.writer->rejected().back() == "bad_envelope@0");
  check(
      post(
          "/v1/eventbridge",
          R"({"version":"0","id":"e","detail-type":"Order Placed","source":"shop","time":"2026-01-05T10:00:00Z","detail":{"total":5,"id":6}})"),
      "204",
      R"({"type":"Order Placed","ts":"2026-01-05T10:00:00Z","id":"e","total":5,"aws":{"version":"0","source":"shop","detail":{"id":6}}})");
  check(
      post(
          "/v1/sns",
          R"({"Type":"Notification","MessageId":"n","TopicArn":"t","Message":"{\"type\":\"order\",\n\"x\":\"\\\"\"}","Timestamp":"2026-01-05T10:00:00Z"})",
          "x-amz-sns-message-type: Notification\r\nContent-Type: text/plain\r\n"),
      "204",
      "{\"ts\":\"2026-01-05T10:00:00Z\",\"id\":\"n\",\"type\":\"order\", \"x\":\"\\\"\",\"sns\":{\"topic\":\"t\"}}");
  check(post("/v1/sns", R"({"Type":"Notification","MessageId":"n","Message":"plain \"text\""})",
             "x-amz-sns-message-type: Notification\r\n"),
        "204", R"({"type":"sns.notification","id":"n","data":"plain \"text\"","sns":{}})");
  check(
      post(
          "/mp/collect?measurement_id=G-1",
          R"({"client_id":"c","timestamp_micros":1767607200000000,"user_properties":{"plan":{"value":"gold"}},"events":[{"name":"purchase","params":{"value":5}}]})"),
      "204",
      R"({"type":"purchase","ts":1767607200000000,"client_id":"c","user_properties":{"plan":"gold"},"params":{"value":5}})");
}

TEST_CASE("http: SNS asks to confirm: without topics in the configuration the URL is shown, and not fetched") {
  Serving serving;
  serving.context.log = [&](const std::string& line) {
    const std::lock_guard lock(serving.log_mutex);
    serving.log.push_back(line);
  };
  serving.start();
  const std::string header = "x-amz-sns-message-type: SubscriptionConfirmation\r\n";
  const auto ask = [&](const std::string& url) {
    return serving.ask(post("/v1/sns", R"({"Type":"SubscriptionConfirmation","SubscribeURL":")" + url + "\"}", header))
        .substr(0, 3);
  };
  CHECK(ask("https://sns.example/?a=b&c=d") == "204");
  CHECK(ask("http://sns.example/") == "400");
  CHECK(ask("https://sns.example/\\n2026 forged line") == "400");
  const std::lock_guard lock(serving.log_mutex);
  REQUIRE(serving.log.size() == 1);
  CHECK(serving.log[0].ends_with("open https://sns.example/?a=b&c=d"));
  CHECK(serving.writer->lines().empty());
}

TEST_CASE("http: back-pressure reaches the sender, and what is not stored is not called stored") {
  Serving serving({}, {200, 3});
  serving.start();
  serving.writer->pause(true);
  std::this_thread::sleep_for(30ms);  // until it is out of take()
  const std::string request = post("/v1/events", "{\"type\":\"a\",\"x\":\"" + std::string(150, 'x') + "\"}");
  Client first(serving.http());
  first.put(request);
  while (serving.intake.counters().waiting_batches == 0) std::this_thread::sleep_for(1ms);
  Client second(serving.http());
  second.put(request);
  CHECK(second.answer().starts_with("429 "));
  CHECK(second.head().find("Retry-After: 1\r\n") != std::string::npos);
  CHECK(serving.metrics.text().find("\nomen_intake_refused_total 1\n") != std::string::npos);
  CHECK(serving.metrics.text().find("\nomen_intake_batches 1\n") != std::string::npos);
  serving.writer->pause(false);
  CHECK(first.answer().starts_with("200 "));
  second.put(request);  // the connection is as good as before
  CHECK(second.answer().starts_with("200 "));
  serving.writer->fail(true);
  second.put(request);
  CHECK(second.answer() ==
        R"(503 {"accepted":0,"duplicates":0,"rejected":0,"to_be_repeated":1,"events":[{"repeat":true}]})");
  CHECK(second.head().find("Retry-After: 5\r\n") != std::string::npos);
  second.put(post("/v1/track", R"({"event":"a","userId":"1"})"));
  CHECK(second.answer().starts_with("503 "));
  CHECK(serving.writer->lines().size() == 2);
}

TEST_CASE("http: not ready, and the end") {
  Serving serving;
  std::atomic<bool> is_ready = false;
  serving.context.not_ready = [&] { return is_ready ? std::string() : "the log is read"; };
  serving.start();
  CHECK(serving.ask(get("/readyz")) == "503 the log is read");
  CHECK(serving.ask(post("/v1/events", "{\"type\":\"a\"}")).starts_with("503 {\"error\":\"the log is read\"}"));
  is_ready = true;
  CHECK(serving.ask(get("/readyz")) == "200 ready");
  // What is in hand is answered before the end; a connection at rest is closed.
  Client resting(serving.http()), busy(serving.http());
  busy.put("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\n{\"type\":\"a\"}");
  serving.writer->wait_for(1);
  serving.listeners->stop(2s);
  CHECK(busy.answer().starts_with("200 "));
  CHECK(busy.is_ended());
  CHECK(resting.is_ended());
  CHECK_FALSE(Client(serving.http()).is_open());
}

TEST_CASE("http: slow clients end, and a thousand of them leave a healthy one alone") {
  ListenLimits limits;
  limits.head_time = 300ms;
  limits.idle_time = 300ms;
  Serving serving(limits);
  serving.start();
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 1000; ++i) {
    slow.push_back(std::make_unique<Client>(serving.http()));
    if (i % 3 == 0) slow.back()->put("GET /heal");
    if (i % 3 == 1) slow.back()->put("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n{");
  }
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) CHECK(serving.ask(post("/v1/events", "{\"type\":\"a\"}")).starts_with("200"));
  CHECK(std::chrono::steady_clock::now() - begin < 2s);
  CHECK(slow[0]->answer().starts_with("408"));
  CHECK(slow[1]->answer().starts_with("408"));
  CHECK(slow[2]->is_ended());
  for (auto& client : slow) client->rest();
  CHECK(serving.closed("head_slow") >= 334);
  CHECK(serving.closed("body_slow") == 333);
  // One drop at a time does not help either.
  Client dripping(serving.http());
  const std::string head = "GET /healthz HTTP/1.1\r\n";
  bool is_ended = false;
  for (size_t i = 0; i < head.size() && !is_ended; ++i) {
    is_ended = !dripping.put(head.substr(i, 1));
    std::this_thread::sleep_for(30ms);
  }
  CHECK(dripping.answer().starts_with("408"));
  // A connection at rest.
  Client resting(serving.http());
  resting.put(get("/healthz"));
  CHECK(resting.answer() == "200 ok");
  CHECK(resting.is_ended());
  CHECK(serving.closed("idle") >= 1);
}

TEST_CASE("http: too many connections, too much at once") {
  ListenLimits limits;
  limits.connections = 5;
  limits.bodies_bytes = 100'000;
  limits.linger_time = 50ms;
  Serving serving(limits);
  serving.start();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(std::make_unique<Client>(serving.http()));
    clients.back()->put(get("/healthz"));
    CHECK(clients.back()->answer() == "200 ok");
  }
  Client sixth(serving.http());
  CHECK(sixth.is_ended());
  CHECK(serving.closed("too_many") == 1);
  clients.pop_back();
  for (int i = 0; i < 200 && serving.closed("too_many") < 100; ++i) {  // its place is free, in a moment
    Client again(serving.http());
    again.put(get("/healthz"));
    if (again.answer() == "200 ok") break;
    REQUIRE(i < 199);
  }
  // Bodies that are being read have a limit together.
  const std::string half =
      "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n" + std::string(70'000, ' ');
  clients[0]->put(half);
  for (int i = 0; i < 5000; ++i) {
    if (serving.metrics.text().find("omen_request_bodies_bytes 70000\n") != std::string::npos) break;
    std::this_thread::sleep_for(1ms);
  }
  clients[1]->put(half);
  CHECK(clients[1]->answer().starts_with("429"));
  CHECK(serving.closed("no_room_for_body") == 1);
}

TEST_CASE("http: malformed requests are refused, and the connection ends") {
  Serving serving;
  serving.start();
  const std::string smuggled = post("/v1/events", "{\"type\":\"smuggled\"}");
  for (const std::string headers :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Content-Length: 5\r\nContent-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "X: a\r\n Content-Length: 5\r\n",
        "X: a\nContent-Length: 5\r\n"}) {
    CAPTURE(headers);
    Client client(serving.http());
    client.put("POST /v1/events HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n0\r\n\r\n" + smuggled);
    CHECK(client.answer()[0] == (headers.find("identity") != std::string::npos ? '5' : '4'));
    CHECK(client.head().find("Connection: close") != std::string::npos);
    CHECK(client.rest().empty());
  }
  CHECK(serving.writer->lines().empty());
  Client tls(serving.http());
  tls.put(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 15));
  CHECK(tls.answer().starts_with("400"));
  Client early(serving.http());  // refused by its head, while it still sends
  early.put("POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16000000\r\n\r\n");
  early.put(std::string(1'000'000, ' '));
  CHECK(early.answer().starts_with("404"));
  Client large(serving.http());
  large.put("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16777217\r\n\r\n");
  CHECK(large.answer().starts_with("413"));
  const std::string bomb = packed(std::string(17u << 20, ' '));
  CHECK(bomb.size() < 100'000);
  CHECK(serving.ask(post("/v1/events", bomb, "Content-Encoding: gzip\r\n")).starts_with("413"));
  // Little that stands for a lot.
  CHECK(serving.ask(post("/v1/events", "[" + std::string(1'000'000, ','))).starts_with("413"));
  std::string batch = "{\"batch\":[";
  for (int i = 0; i < 2000; ++i) batch += "{\"event\":\"a\"},";
  batch += "{\"event\":\"a\"}],\"context\":{\"x\":\"" + std::string(200'000, 'x') + "\"}}";
  CHECK(serving.ask(post("/v1/batch", batch)) == "200 {\"success\":true}");  // as far as it goes
  CHECK(serving.writer->lines().size() < 100);
  CHECK(serving.writer->rejected().back() == "too_long@0");
  CHECK(serving.ask(post("/v1/batch", "{\"batch\":[" + std::string(500'000, '1') + "]}")).starts_with("400"));
  std::string ones = "{\"batch\":[1";
  for (int i = 0; i < 20'000; ++i) ones += ",1";
  CHECK(serving.ask(post("/v1/batch", ones + "]}")).starts_with("413"));
  CHECK(serving.ask(get("/%2e%2e/etc/passwd")).starts_with("404"));
  CHECK(serving.ask(get("/healthz", "X: " + std::string(33'000, 'a') + "\r\n")).starts_with("431"));
  CHECK(serving.ask(get("/" + std::string(9'000, 'a'))).starts_with("414"));
}

TEST_CASE("http: alerts as they come, to all who listen") {
  ListenLimits limits;
  limits.heartbeat = 50ms;
  Serving serving(limits);
  serving.start();
  Client one(serving.http()), two(serving.http());
  for (Client* client : {&one, &two}) {
    client->put(get("/v1/alerts/stream"));
    CHECK(client->until("alerts follow\n\n").find("Content-Type: text/event-stream\r\n") != std::string::npos);
  }
  serving.subscribers.publish("x1", "{\"rule\":\"a\"}");
  for (Client* client : {&one, &two}) {
    std::string text = client->until("}\n\n");
    while (text.starts_with(": still here\n\n")) text.erase(0, 14);
    CHECK(text == "id: x1\nevent: alert\ndata: {\"rule\":\"a\"}\n\n");
  }
  CHECK(one.until("still here\n\n") == ": still here\n\n");
  one.end();
  for (int i = 0; i < 2000 && serving.subscribers.count() > 1; ++i) std::this_thread::sleep_for(1ms);
  CHECK(serving.subscribers.count() == 1);
  serving.subscribers.close();
  two.rest();
  CHECK(serving.ask(get("/v1/alerts/stream")).starts_with("503"));
}

}  // namespace omen
