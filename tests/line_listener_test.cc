// Lines over TCP and Unix sockets, and files that are followed: framing, acknowledgements, back-pressure, bad input.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "runtime/serve/followed_file.h"
#include "runtime/serve/line_framing.h"
#include "tests/support/program.h"
#include "tests/support/serving.h"

namespace omen {
namespace {

using namespace std::chrono_literals;

FollowOptions following(const std::string& path, const std::string& position = {}) {
  FollowOptions options;
  options.path = path;
  options.position_path = position;
  options.look_interval = 5ms;
  options.retry_interval = 5ms;
  return options;
}

std::string event(int number) { return "{\"type\":\"e\",\"n\":" + std::to_string(number) + "}"; }

}  // namespace

TEST_CASE("lines: framing does not depend on how the bytes come") {
  const std::string too_long(event_bytes_max + 5, 'x');
  const std::string stream = "\xEF\xBB\xBF{\"a\":1}\r\n\n  \nb\n" + too_long + "\n\nc\n" + too_long + too_long + "\nd";
  for (const size_t step : {stream.size(), size_t{1'000'003}, size_t{4096}, size_t{77}}) {
    LineFraming framing;
    Received out;
    for (size_t at = 0; at < stream.size(); at += step) framing.put(std::string_view(stream).substr(at, step), out);
    CHECK(framing.has_part());
    CHECK(out.lines == "{\"a\":1}\r\nb\nc\n");
    CHECK(out.count == 3);
    REQUIRE(out.rejected.size() == 2);
    CHECK(out.rejected[0].reason == Reason::too_long);
    CHECK(out.rejected[0].place.line == 5);
    CHECK(out.rejected[0].place.offset == 18);
    CHECK(out.rejected[0].bytes == too_long.substr(0, 1024));
    CHECK(out.order == std::vector<uint32_t>{0, 1, Received::rejected_bit, 2, Received::rejected_bit | 1});
    framing.finish(out);
    CHECK(out.lines.ends_with("\nd\n"));
    CHECK_FALSE(framing.has_part());
  }
}

TEST_CASE("lines: the first line may say who it is") {
  CHECK(read_hello(R"({"omen":{"token":"t","ack":true}})")->token == "t");
  CHECK(read_hello(R"({"omen":{"token":"t","ack":true}})")->wants_acks);
  CHECK_FALSE(read_hello(R"( {"omen":{}} )")->wants_acks);
  for (const char* line :
       {"", "{}", "[]", R"({"type":"a","omen":{}})", R"({"omen":5})", R"({"omen":{},"type":"a"})", "{\"omen\""}) {
    CHECK_FALSE(read_hello(line));
  }
  CHECK(is_other_protocol("GET / HTTP/1.1"));
  CHECK(is_other_protocol("\x16\x03\x01"));
  CHECK_FALSE(is_other_protocol("{\"type\""));
}

TEST_CASE("lines: events and acknowledgements") {
  Serving serving;
  serving.start();
  Client silent(serving.lines());
  silent.put(event(1) + "\n" + event(2));
  CHECK(serving.writer->wait_for(1).size() == 1);
  silent.put("\n");
  CHECK(serving.writer->wait_for(2)[1] == event(2));

  Client client(serving.lines());
  client.put("{\"omen\":{\"ack\":true}}\n");
  CHECK(client.line() == "{\"ack\":0}\n");
  client.put(event(3) + "\n");
  CHECK(client.line() == "{\"ack\":1,\"sequence\":3}\n");
  client.put("\r\n{\"type\":5}\n" + event(4) + "\n");
  CHECK(client.line() == "{\"line\":2,\"reason\":\"no_type\",\"column\":9}\n");
  CHECK(client.line() == "{\"ack\":3,\"sequence\":4}\n");
  client.put("{\"type\":\"cut");  // it dies here
  client.end_sending();
  CHECK(client.rest().empty());
  CHECK(serving.writer->lines().size() == 4);
  CHECK(serving.metrics.counter("omen_lines_cut_total", "").value() == 1);

  // Many at once: each is acknowledged, and the last acknowledgement is for all.
  Client many(serving.lines());
  many.put("{\"omen\":{\"ack\":true}}\n");
  constexpr int count = 20'000;
  std::string all;
  for (int i = 0; i < count; ++i) all += event(i) + "\n";
  many.put(all);
  many.end_sending();
  const std::string acks = many.rest();
  CHECK(acks.ends_with("{\"ack\":20000,\"sequence\":20004}\n"));
  CHECK(serving.writer->lines().size() == count + 4);
  CHECK(serving.writer->lines().back() == event(count - 1));
}

TEST_CASE("lines: bad input costs what it is worth") {
  Serving serving;
  serving.start();
  // 50 MB without an end, then an event.
  Client large(serving.lines());
  large.put("{\"omen\":{\"ack\":true}}\n");
  const std::string megabyte(1u << 20, 'x');
  for (int i = 0; i < 50; ++i) REQUIRE(large.put(megabyte));
  large.put("\n" + event(1) + "\n");
  CHECK(large.line() == "{\"ack\":0}\n");
  CHECK(large.line() == "{\"line\":1,\"reason\":\"too_long\",\"column\":1048577}\n");
  std::string line = large.line();
  if (line == "{\"ack\":1}\n") line = large.line();
  CHECK(line == "{\"ack\":2,\"sequence\":1}\n");
  CHECK(serving.intake.counters().bytes_peak < (3u << 20));

  // Another language: ten lines of it, then no more. An event in between shows that it is not one.
  Client bad(serving.lines());
  for (int i = 0; i < 9; ++i) bad.put("no json\n");
  bad.put(event(2) + "\n");
  for (int i = 0; i < 9; ++i) bad.put("no json\n");
  bad.put(event(3) + "\n");
  CHECK(serving.writer->wait_for(3).size() == 3);
  Client binary(serving.lines());
  binary.put("\x01\x02\n\x03\n\x04\n\x05\n\x06\n\x07\n\x08\n\x0e\n\x0b\n\xff\n" + event(4) + "\n");
  CHECK(binary.rest().find("this port takes JSON") != std::string::npos);
  CHECK(serving.closed("not_json") == 1);
  Client tls(serving.lines());
  tls.put(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  CHECK(tls.rest().find("this port takes JSON") != std::string::npos);
  Client http(serving.lines());  // as a page could make a browser do
  http.put(post("/", event(5) + "\n"));
  CHECK(http.rest().find("this port takes JSON") != std::string::npos);
  CHECK(serving.closed("other_protocol") == 2);
  const std::vector<std::string> all = serving.writer->lines();
  CHECK(std::count(all.begin(), all.end(), event(5)) == 0);
}

TEST_CASE("lines: a token where one is needed") {
  Folder folder;
  auto text = add_token(folder.path("tokens"), "till", Role::ingest, 0);
  auto reader = add_token(folder.path("tokens"), "page", Role::read, 0);
  REQUIRE(text.is_ok());
  REQUIRE(reader.is_ok());
  ListenLimits limits;
  limits.head_time = 200ms;
  Serving serving(limits);
  REQUIRE(serving.tokens.load(folder.path("tokens")).is_ok());
  serving.start();
  const auto hello = [](const std::string& token) { return "{\"omen\":{\"token\":\"" + token + "\",\"ack\":true}}\n"; };
  for (const std::string& first : {event(1) + "\n", hello("x"), hello(reader.value()), std::string(5000, '{')}) {
    Client client(serving.lines());
    client.put(first + event(1) + "\n");
    CHECK(client.rest().find("this needs a token") != std::string::npos);
  }
  Client client(serving.lines());
  client.put(hello(text.value()) + event(2) + "\n");
  CHECK(client.line() == "{\"ack\":0}\n");
  CHECK(client.line() == "{\"ack\":1,\"sequence\":1}\n");
  Client quiet(serving.lines());  // says nothing
  CHECK(quiet.is_ended());
  CHECK(serving.closed("head_slow") == 1);
  client.put(event(3) + "\n");  // who has leave may be at rest as long as he likes
  CHECK(client.line() == "{\"ack\":2,\"sequence\":2}\n");
}

TEST_CASE("lines: a writer that is busy is felt by the sender, and memory stays flat") {
  ListenLimits limits;
  limits.line_buffer_bytes = 100'000;
  Serving serving(limits, {200'000, 100});
  serving.start();
  serving.writer->pause(true);
  std::this_thread::sleep_for(30ms);  // until it is out of take()
  Client client(serving.lines());
  std::atomic<size_t> sent = 0;
  constexpr int count = 100'000;
  std::thread sender([&] {
    std::string lines;
    for (int i = 0; i < count; ++i) {
      lines += event(i) + "\n";
      if (lines.size() < 10'000 && i + 1 < count) continue;
      client.put(lines);
      sent += lines.size();
      lines.clear();
    }
  });
  size_t before = 1;
  while (sent != before || sent == 0) {  // until it stands still
    before = sent;
    std::this_thread::sleep_for(60ms);
  }
  CHECK(serving.intake.counters().waiting_bytes <= 200'000);
  CHECK(serving.writer->lines().empty());
  serving.writer->pause(false);
  sender.join();
  CHECK(serving.writer->wait_for(count).size() == count);
  CHECK(serving.writer->lines().back() == event(count - 1));
  CHECK(serving.intake.counters().bytes_peak <= 400'000);
}

TEST_CASE("lines: what the service cannot store is not acknowledged") {
  Serving serving;
  serving.start();
  serving.writer->fail(true);
  Client client(serving.lines());
  client.put("{\"omen\":{\"ack\":true}}\n" + event(1) + "\n");
  const std::string answer = client.rest();
  CHECK(answer.starts_with("{\"ack\":0}\n"));
  CHECK(answer.find("\"sequence\"") == std::string::npos);
  CHECK(answer.find("send again what was not acknowledged") != std::string::npos);
}

TEST_CASE("lines: a line that does not end, and what is in hand at the end of the service") {
  ListenLimits limits;
  limits.idle_time = 100ms;
  Serving serving(limits);
  serving.start();
  Client slow(serving.lines()), resting(serving.lines());
  slow.put(event(1) + "\n{\"type\":");
  resting.put(event(2) + "\n");
  CHECK(slow.is_ended());
  CHECK(serving.closed("line_slow") == 1);
  resting.put(event(3) + "\n");
  CHECK(serving.writer->wait_for(3).size() == 3);
  serving.listeners->stop(1s);
  CHECK(resting.is_ended());
}

TEST_CASE("follow: a file as it grows, is rotated and is cut") {
  Folder folder;
  Intake intake;
  FakeWriter writer(intake);
  const std::string path = folder.path("events.ndjson"), position = folder.path("position");
  auto started = FollowedFile::start(intake, following(path, position));  // it is not there yet
  REQUIRE(started.is_ok());
  const auto append = [&](const std::string& text) { std::ofstream(path, std::ios::app | std::ios::binary) << text; };
  append(event(1) + "\n" + event(2).substr(0, 5));
  CHECK(writer.wait_for(1).size() == 1);
  append(event(2).substr(5) + "\n\nno json\n" + event(3) + "\n");
  CHECK(writer.wait_for(3)[1] == event(2));
  CHECK(writer.sources()[2] == path);

  // Rotation: the rest of the old one, even without its line end, then the new one.
  append(event(4));
  std::filesystem::rename(path, folder.path("events.1"));
  std::ofstream(folder.path("events.1"), std::ios::app) << event(5).substr(0, 0);
  append(event(6) + "\n");
  CHECK(writer.wait_for(5)[3] == event(4));
  CHECK(writer.lines()[4] == event(6));

  // Cut and begun again.
  std::ofstream(path, std::ios::trunc) << "";
  std::this_thread::sleep_for(30ms);
  append(event(7) + "\n");
  CHECK(writer.wait_for(6)[5] == event(7));

  // After a restart it goes on where it was.
  for (int i = 0;
       i < 1000 && folder.read("position").find(" " + std::to_string(event(7).size() + 1)) == std::string::npos; ++i) {
    std::this_thread::sleep_for(1ms);
  }
  started.value()->stop();
  append(event(8) + "\n");
  auto again = FollowedFile::start(intake, following(path, position));
  REQUIRE(again.is_ok());
  CHECK(writer.wait_for(7).size() == 7);
  CHECK(writer.lines()[6] == event(8));

  // What cannot be stored now is read again, in its order, until it can.
  writer.fail(true);
  append(event(9) + "\n" + event(10) + "\n");
  std::this_thread::sleep_for(40ms);
  CHECK(writer.lines().size() == 7);
  writer.fail(false);
  CHECK(writer.wait_for(9).size() == 9);
  CHECK(writer.lines()[8] == event(10));
  std::this_thread::sleep_for(20ms);
  CHECK(writer.lines().size() == 9);
  again.value()->stop();

  CHECK_FALSE(FollowedFile::start(intake, following(folder.path(""))).value()->is_over());
}

TEST_CASE("lines and http: nc and curl, where they are there") {
  Folder folder;
  Serving serving;
  std::vector<ListenConfig> configs(3);
  configs[0].address = "127.0.0.1:0";
  configs[1].address = "127.0.0.1:0";
  configs[1].protocol = ListenConfig::Protocol::lines;
  configs[2].address = "unix:" + folder.path("http.sock");
  serving.start(configs);
  const auto run = [&](const std::string& command) {
    return std::system((command + " >" + folder.path("out") + " 2>&1").c_str());
  };
  if (run("curl --version") == 0) {
    const std::string data = " -sS -d '{\"type\":\"from_curl\"}' ";
    CHECK(run("curl" + data + "http://" + serving.http() + "/v1/events") == 0);
    CHECK(folder.read("out").starts_with("{\"accepted\":1,"));
    CHECK(run("curl" + data + "--unix-socket " + folder.path("http.sock") + " http://localhost/v1/events") == 0);
    CHECK(folder.read("out").starts_with("{\"accepted\":1,"));
    std::string many;
    for (int i = 0; i < 100'000; ++i) many += event(i) + "\n";
    folder.write("many", many);
    CHECK(run("gzip -kf " + folder.path("many") +
              " && curl -sS -H 'Content-Encoding: gzip' -H 'Prefer: return=minimal' --data-binary @" +
              folder.path("many.gz") + " http://" + serving.http() + "/v1/events") == 0);
    CHECK(folder.read("out").starts_with("{\"accepted\":100000,"));
    CHECK(run("curl -sS --data-binary @" + folder.path("many") + " http://" + serving.http() + "/v1/events") ==
          0);  // Expect: 100-continue
    CHECK(serving.writer->lines().size() == 200'002);
  }
  if (run("nc -h") == 0) {
    const size_t before = serving.writer->lines().size();
    const std::string port = serving.lines().substr(serving.lines().rfind(':') + 1);
    CHECK(run("printf '{\"type\":\"from_nc\"}\\n' | nc -q 1 127.0.0.1 " + port) == 0);
    CHECK(serving.writer->wait_for(before + 1).back() == "{\"type\":\"from_nc\"}");
  }
}

TEST_CASE("tls: HTTP and lines by curl and openssl, 1.2 and later") {
  Folder folder;
  const auto run = [&](const std::string& command) {
    return std::system((command + " >" + folder.path("out") + " 2>" + folder.path("err")).c_str());
  };
  if (run("openssl version && curl --version") != 0) return;
  REQUIRE(
      run("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext "
          "subjectAltName=IP:127.0.0.1 -keyout " +
          folder.path("key.pem") + " -out " + folder.path("cert.pem")) == 0);
  auto token = add_token(folder.path("tokens"), "till", Role::ingest, 0);
  REQUIRE(token.is_ok());
  Serving serving;
  REQUIRE(serving.tokens.load(folder.path("tokens")).is_ok());
  std::vector<ListenConfig> configs(2);
  for (ListenConfig& config : configs) {
    config.address = "0.0.0.0:0";
    config.certificate_path = folder.path("cert.pem");
    config.key_path = folder.path("key.pem");
  }
  configs[1].protocol = ListenConfig::Protocol::lines;
  serving.start(configs);
  const std::string http = "127.0.0.1" + serving.http().substr(7), lines = "127.0.0.1" + serving.lines().substr(7);
  const std::string curl = "curl -m 5 -sS --cacert " + folder.path("cert.pem") + " -H 'Authorization: Bearer " +
                           token.value() + "' -d '{\"type\":\"a\"}' ";
  CHECK(run(curl + "https://" + http + "/v1/events") == 0);
  CHECK(folder.read("out").starts_with("{\"accepted\":1,"));
  CHECK(run(curl + "--tls-max 1.2 https://" + http + "/v1/events") == 0);
  CHECK(run(curl + "--tlsv1.0 --tls-max 1.1 --ciphers DEFAULT@SECLEVEL=0 https://" + http + "/v1/events") != 0);
  CHECK(run(curl + "http://" + http + "/v1/events") != 0);  // no plain text there
  folder.write("lines", "{\"omen\":{\"token\":\"" + token.value() + "\",\"ack\":true}}\n" + event(1) + "\n");
  // openssl reads on until it is told that this is all.
  std::thread client(
      [&] { run("timeout 10 openssl s_client -quiet -connect " + lines + " <" + folder.path("lines")); });
  const std::string expected = "{\"ack\":0}\n{\"ack\":1,\"sequence\":3}\n";
  for (int i = 0; i < 5000 && folder.read("out") != expected; ++i) std::this_thread::sleep_for(1ms);
  serving.listeners->stop(1s);
  client.join();
  CHECK(folder.read("out") == expected);
}

}  // namespace omen
