// A document of somebody else's, from a server on the loopback.
#include "runtime/outbox/fetch.h"

#include <doctest/doctest.h>

#include "tests/support/folder.h"
#include "tests/support/receiver.h"

namespace omen {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("fetch: a GET within the limits of every transfer") {
  const Folder folder;
  std::atomic<bool> is_over = false;
  const Certificate certificate = make_certificate("IP:127.0.0.1");
  folder.write("ca.pem", certificate.certificate_pem);
  FetchOptions options;
  options.user_agent = "omen/test";
  options.ca_path = folder.path("ca.pem");
  options.timeout_us = 300'000;
  using Way = Answer::Way;
  HttpReceiver receiver({{200, {}, "document"},
                         {302, {{"Location", "https://127.0.0.1/"}}, ""},
                         {200, {}, std::string(reply_bytes_max + 1, 'x')},
                         {200, {}, {}, Way::slow}},
                        certificate);
  CHECK(has(fetch(receiver.url(), options, is_over).error, "is not allowed (loopback)"));
  options.guard = std::move(AddressGuard::allowing({"127.0.0.0/8"}).value());
  Reply reply = fetch(receiver.url(), options, is_over);
  CHECK(reply.status == 200);
  CHECK(reply.error == "");
  CHECK(reply.body == "document");
  REQUIRE(receiver.received().size() == 1);
  CHECK(receiver.received()[0].body == "");
  CHECK_FALSE(receiver.received()[0].headers.contains("content-type"));
  CHECK(receiver.received()[0].headers.at("user-agent") == "omen/test");
  CHECK(fetch(receiver.url(), options, is_over).status == 302);
  CHECK(receiver.connections() == 2);
  CHECK(has(fetch(receiver.url(), options, is_over).error, "longer than 64 KB"));
  CHECK(fetch(receiver.url(), options, is_over).error == "no reply in time");
  options.timeout_us = 60'000'000;
  is_over = true;
  CHECK(has(fetch(receiver.url(), options, is_over).error, "the service ends"));
  is_over = false;
  options.ca_path.clear();
  CHECK(has(fetch(receiver.url(), options, is_over).error, "the certificate is not accepted"));
}

}  // namespace omen
