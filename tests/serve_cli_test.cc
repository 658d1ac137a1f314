// omen serve as its operators have it: what was rejected is looked at and fed again, a replay hands over what is
// missing, a new certificate comes into use.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <thread>

#include "runtime/io/quarantine.h"
#include "tests/support/certificate.h"
#include "tests/support/program.h"
#include "tests/support/serving.h"

namespace omen {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// A running service with its data in `folder`.
class Served {
 public:
  explicit Served(const Folder& folder, std::vector<std::string> more = {}) : folder_(folder) {
    std::vector<std::string> arguments = {"serve", folder.path("rules.omen"), "--data", folder.path("data")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    omen_ = std::make_unique<Omen>(folder, arguments);
    for (int i = 0; i < 500 && !ask(get("/readyz")).starts_with("200"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  std::string ask(const std::string& request) const {
    Client client("unix:" + folder_.path("data/omen.sock"));
    if (!client.is_open()) return {};
    client.put(request);
    return client.answer();
  }
  void signal(int number) const { omen_->signal(number); }
  std::string errors() const { return omen_->errors(); }
  int stop() {
    omen_->signal(SIGTERM);
    return omen_->wait();
  }

 private:
  const Folder& folder_;
  std::unique_ptr<Omen> omen_;
};

Outcome run(const Folder& folder, std::vector<std::string> arguments) {
  const Folder own;  // standard error of the service stays
  arguments.insert(arguments.end(), {"--data", folder.path("data")});
  return run_omen(own, arguments);
}

// The certificate that a server shows, as text; empty when there is none.
std::string shown_certificate(const std::string& address) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1))));
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  std::string out;
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL* const tls = SSL_new(context);
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 && SSL_set_fd(tls, fd) == 1 &&
      SSL_connect(tls) == 1) {
    X509* const certificate = SSL_get1_peer_certificate(tls);
    unsigned char* bytes = nullptr;
    const int size = i2d_X509(certificate, &bytes);
    out.assign(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
    OPENSSL_free(bytes);
    X509_free(certificate);
  }
  SSL_free(tls);
  SSL_CTX_free(context);
  close(fd);
  return out;
}

}  // namespace

TEST_CASE("quarantine: beyond its bound the oldest lines go, and are counted") {
  const Folder folder;
  const std::string path = folder.path("bad");
  Quarantine quarantine;
  REQUIRE(quarantine.open(path, {2'000, true}));
  for (int i = 0; i < 40; ++i) {
    const std::string line = "line " + std::to_string(i);
    quarantine.add({Reason::not_json, {0, 0}, 1, line}, "test");
    REQUIRE(quarantine.flush());
    CHECK(std::filesystem::file_size(path) <= 1'000);
  }
  CHECK(std::filesystem::file_size(path + ".1") <= 1'000);
  CHECK(quarantine.given_up() > 1'000);
  CHECK(has(folder.read("bad"), "line 39"));
  CHECK(has(folder.read("bad"), "{\"at\":\"20"));
  CHECK_FALSE(has(folder.read("bad") + folder.read("bad.1"), "line 0\""));
}

TEST_CASE("serve: what was rejected is listed, shown, fed again and dropped") {
  const Folder folder;
  folder.write(
      "rules.omen",
      "event pay {\n  user: string\n  amount: number\n}\nrule r { by user match pay alert \"{pay.amount}\" }\n");
  Served served(folder);
  CHECK(served.ask(post("/v1/events", "{\"type\":\"pay\",\"user\":\"u1\",\"amount\":\"much\"}\n{\"typ\n"))
            .starts_with("400"));
  Outcome list = run(folder, {"quarantine", "list"});
  CHECK(list.exit_code == 0);
  CHECK(has(list.out, "schema_violation"));
  CHECK(has(list.errors, "2 entries: 1 not_json, 1 schema_violation"));
  list = run(folder, {"quarantine", "list", "--reason", "schema_violation", "--json"});
  CHECK(has(list.out, "\"violations\":[{\"field\":\"amount\""));
  const std::string id = list.out.substr(7, 16);
  CHECK(run(folder, {"quarantine", "show", id.substr(0, 8)}).out == list.out);
  CHECK(run(folder, {"quarantine", "show", "nothing"}).exit_code == 1);
  CHECK(run(folder, {"quarantine", "retry"}).exit_code == 2);  // of what?
  CHECK(has(run(folder, {"quarantine", "retry", id}).out, "1 fed again"));
  CHECK(has(run(folder, {"quarantine", "list"}).errors, "2 entries"));  // it is still what it was

  folder.write("rules.omen", "rule r { by user match pay alert \"{pay.amount}\" }\n");
  REQUIRE(run(folder, {"load", folder.path("rules.omen")}).exit_code == 0);
  CHECK(has(run(folder, {"quarantine", "retry", "--reason", "schema_violation"}).out,
            "1 fed again; 0 in quarantine now"));
  CHECK(has(served.ask(get("/v1/outbox")), "\"text\":\"much\""));
  CHECK(has(run(folder, {"quarantine", "drop", "--since", "1h"}).out, "1 entry dropped"));
  CHECK(has(run(folder, {"quarantine", "list"}).errors, "0 entries"));
  CHECK(served.ask(post("/v1/events", "{\"typ\n")).starts_with("400"));
  CHECK(served.stop() == 0);
  CHECK(run(folder, {"quarantine", "drop", "--all"}).exit_code == 3);  // nobody is there who writes
}

TEST_CASE("quarantine: lines that are equal are entries of their own, and keep their ids when the files move on") {
  const Folder folder;
  std::filesystem::create_directory(folder.path("data"));
  const std::string line =
      R"({"at":"2026-01-05T10:00:00Z","reason":"not_json","input":"http","line":0,"offset":0,"column":1,"text":"x"})";
  const auto ids = [&] {
    std::vector<std::string> out;
    const std::string listed = run(folder, {"quarantine", "list", "--json"}).out;
    for (size_t at = 0; (at = listed.find("{\"id\":\"", at)) != listed.npos; ++at)
      out.push_back(listed.substr(at + 7, 16));
    return out;
  };
  folder.write("data/quarantine.ndjson", line + '\n' + line + '\n' + line + '\n');
  const std::vector<std::string> all = ids();
  REQUIRE(all.size() == 3);
  CHECK(all[0] != all[1]);
  CHECK(all[1] != all[2]);
  CHECK(all[0] != all[2]);
  const std::string done = "{\"done\":\"" + all[1] + "\"}\n";
  const std::vector<std::string> rest = {all[0], all[2]};
  folder.write("data/quarantine.ndjson", line + '\n' + line + '\n' + line + '\n' + done);
  CHECK(ids() == rest);
  folder.write("data/quarantine.ndjson.1", line + '\n' + line + '\n' + line + '\n');
  folder.write("data/quarantine.ndjson", done);
  CHECK(ids() == rest);
}

TEST_CASE("serve: how far ahead an event may be is an option, and one day without it") {
  const auto in_hours = [](int hours) {
    const auto at = std::chrono::system_clock::now() + std::chrono::hours(hours);
    return "{\"type\":\"pay\",\"ts\":" +
           std::to_string(std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count()) + "}";
  };
  const Folder folder;
  folder.write("rules.omen", "rule r { match pay alert \"x\" }\n");
  {
    Served served(folder, {"--max-ahead", "30 days"});
    CHECK(has(served.ask(post("/v1/events", in_hours(20 * 24))), "\"accepted\":1"));
    CHECK(has(served.ask(post("/v1/events", in_hours(40 * 24))), "\"reason\":\"ahead\""));
    CHECK(served.stop() == 0);
  }
  Served served(folder);
  CHECK(has(served.ask(post("/v1/events", in_hours(23))), "\"accepted\":1"));
  CHECK(has(served.ask(post("/v1/events", in_hours(25))), "\"reason\":\"ahead\""));
  CHECK(served.stop() == 0);
}

TEST_CASE("serve: topics of SNS in the file of options, and what is no topic") {
  const Folder folder;
  folder.write("rules.omen", "rule r { match pay alert \"x\" }\n");
  folder.write(
      "omen.toml",
      "retain-for = \"30 days\"\n\n[sns]\ntopics = [\"arn:aws:sns:us-east-1:1:a\", \"arn:aws:sns:us-east-1:1:b\"]\n");
  const auto message = [](const std::string& topic) {
    return post("/v1/sns",
                R"({"Type":"Notification","MessageId":"n","Message":"m","Timestamp":"t","TopicArn":")" + topic + "\"}");
  };
  {
    Served served(folder, {"--config", folder.path("omen.toml")});
    CHECK(has(served.ask(message("arn:aws:sns:us-east-1:1:b")), "403 {\"error\":\"it bears no signature"));
    CHECK(has(served.ask(message("arn:aws:sns:us-east-1:1:c")), "403 {\"error\":\"its topic is none"));
    CHECK(has(served.ask(get("/metrics")), "omen_sns_refused_total{reason=\"topic\"} 1"));
    CHECK(served.stop() == 0);
  }
  {
    Served served(folder);
    CHECK(served.ask(message("any")) == "204");
    CHECK(served.stop() == 0);
  }
  for (const auto& [text, problem] : {std::pair{"[sns]\ntopics = \"orders\"\n", "`orders` is no topic of SNS"},
                                      std::pair{"[sns]\ntopics = []\n", "topics of [sns] names none"},
                                      std::pair{"[sns]\nqueue = 5\n", "there is no option `sns.queue`"},
                                      std::pair{"[sqs]\ntopics = 5\n", "there is no option `sqs.topics`"}}) {
    folder.write("omen.toml", text);
    const Outcome outcome = run(folder, {"serve", folder.path("rules.omen"), "--config", folder.path("omen.toml")});
    CHECK(outcome.exit_code == 2);
    CHECK(has(outcome.errors, problem));
  }
}

TEST_CASE("serve: a size or a count below 0 is refused, on the command line and in the file of options") {
  const Folder folder;
  folder.write("rules.omen", "rule r { match pay alert \"x\" }\n");
  for (const std::string name : {"reserve", "limit-max-runs"}) {
    CAPTURE(name);
    const std::string value = name == "reserve" ? "-5MB" : "-1";
    const std::string problem = fmt::format("--{}: it cannot be below 0, and `{}` is", name, value);
    const Outcome called = run(folder, {"serve", folder.path("rules.omen"), "--" + name, value});
    CHECK(called.exit_code == 2);
    CHECK(has(called.errors, problem));
    folder.write("omen.toml", fmt::format("{} = \"{}\"\n", name, value));
    const Outcome read = run(folder, {"serve", folder.path("rules.omen"), "--config", folder.path("omen.toml")});
    CHECK(read.exit_code == 2);
    CHECK(has(read.errors, "omen.toml: " + problem));
  }
}

TEST_CASE("serve: a replay hands over what is missing, when it is told to, and once") {
  const Folder folder;
  folder.write("rules.omen", "rule r { by user match pay alert \"{user} paid\" }\n");
  folder.write("more.omen", "rule more { by user match other alert \"{user} other\" }\n");
  Served served(folder);
  const auto texts = [&] {
    const std::string rows = served.ask(get("/v1/outbox"));
    size_t count = 0;
    for (size_t at = rows.find("\"text\":"); at != std::string::npos; at = rows.find("\"text\":", at + 1)) ++count;
    return count;
  };
  REQUIRE(served.ask(post("/v1/events", "{\"type\":\"pay\",\"user\":\"u1\"}\n{\"type\":\"other\",\"user\":\"u2\"}\n"))
              .starts_with("200"));
  CHECK(texts() == 1);
  const std::vector<std::string> replay = {"replay", "--rules", folder.path("rules.omen"), folder.path("more.omen")};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), replay.begin(), replay.end());
    return run(folder, more);
  };
  CHECK(has(with({}).errors, "2 alerts"));
  const Outcome dry = with({"--deliver"});
  CHECK(dry.exit_code == 0);
  CHECK(has(dry.out, "2 messages for standard output\nnothing has been handed over"));
  CHECK(texts() == 1);
  CHECK(has(with({"--deliver", "--yes"}).out, "1 message added to the outbox; 1 there already"));
  CHECK(texts() == 2);
  CHECK(has(with({"--deliver", "--yes"}).out, "0 messages added to the outbox; 2 there already"));
  CHECK(with({"--yes"}).exit_code == 2);

  folder.write("far.omen",
               "destination far = webhook { url: \"http://127.0.0.1:9/\", allow_cidr: \"127.0.0.0/8\" }\n"
               "rule far { by user match other alert \"x\" to far }\n");
  const Outcome unknown = run(folder, {"replay", "--rules", folder.path("far.omen"), "--deliver", "--yes"});
  CHECK(unknown.exit_code == 1);
  CHECK(has(unknown.errors, "no rule in force has the destination `far`"));
  CHECK(served.ask(post("/v1/replayed", "{\"id\":\"x\"}\n")).starts_with("400"));
  CHECK(texts() == 2);
  CHECK(served.stop() == 0);
  CHECK(with({"--deliver", "--yes"}).exit_code == 1);
}

TEST_CASE("listeners: a new certificate is used by new connections, and a broken one by none") {
  const Folder folder;
  const auto write = [&](const Certificate& made) {
    folder.write("cert.pem", made.certificate_pem);
    folder.write("key.pem", made.key_pem);
  };
  write(make_certificate("IP:127.0.0.1"));
  Serving serving;
  ListenConfig config;
  config.address = "127.0.0.1:0";
  config.certificate_path = folder.path("cert.pem");
  config.key_path = folder.path("key.pem");
  serving.start({config, config});
  const std::string before = shown_certificate(serving.http());
  REQUIRE_FALSE(before.empty());
  CHECK(shown_certificate(serving.http()) == before);
  write(make_certificate("IP:127.0.0.1"));
  CHECK(shown_certificate(serving.http()) == before);
  REQUIRE(serving.listeners->reload_certificates());
  const std::string after = shown_certificate(serving.http());
  CHECK_FALSE(after.empty());
  CHECK(after != before);
  folder.write("key.pem", make_certificate("IP:127.0.0.1").key_pem);  // of another one
  const Status other_key = serving.listeners->reload_certificates();
  REQUIRE_FALSE(other_key);
  CHECK(has(other_key.message(), "key.pem is not the certificate's key"));
  CHECK(shown_certificate(serving.http()) == after);
  folder.write("cert.pem", "nothing");
  CHECK_FALSE(serving.listeners->reload_certificates().is_ok());
  CHECK(shown_certificate(serving.http()) == after);
}

}  // namespace omen
