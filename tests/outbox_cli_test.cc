// omen outbox as its users have it, on a service that runs: what is delivered again, and what is not.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

#include "runtime/io/clock.h"
#include "runtime/model/time.h"
#include "tests/support/program.h"

namespace omen {
namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// The lines of the file, once there are so many.
std::vector<std::string> delivered(const Folder& folder, const std::string& name, size_t count) {
  std::vector<std::string> lines;
  for (int round = 0; round < 1'000; ++round) {
    std::istringstream in(folder.read(name));
    lines.clear();
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    if (lines.size() >= count) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return lines;
}

std::string now() {
  std::string text;
  append_rfc3339(text, wall_clock_us());
  return text;
}

}  // namespace

TEST_CASE("omen outbox redrive: delivers again what was committed since a time, with the same ids and bodies") {
  const Folder folder;
  folder.write("r.omen", "destination crm = file { path: \"" + folder.path("crm.ndjson") +
                             "\" }\n"
                             "destination log = file { path: \"" +
                             folder.path("log.ndjson") +
                             "\" }\n"
                             "rule seen {\n  by u\n  match a\n  alert \"{u} was seen\" to crm, log\n}\n");
  Omen service(folder, {"serve", folder.path("r.omen"), "--data", folder.path("data"), "--follow", "-"});
  service.put("{\"type\":\"a\",\"u\":\"u1\"}\n");
  REQUIRE(delivered(folder, "crm.ndjson", 1).size() == 1);
  REQUIRE(delivered(folder, "log.ndjson", 1).size() == 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const std::string between = now();
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  service.put("{\"type\":\"a\",\"u\":\"u2\"}\n");
  const std::vector<std::string> first = delivered(folder, "crm.ndjson", 2);
  REQUIRE(first.size() == 2);
  REQUIRE(delivered(folder, "log.ndjson", 2).size() == 2);

  const Folder other;  // for what the client says
  const auto outbox = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "outbox");
    arguments.insert(arguments.end(), {"--data", folder.path("data")});
    return run_omen(other, arguments);
  };
  const auto wait_for = [&](const std::string& state, size_t count) {  // rows of the outbox
    for (int round = 0; round < 200; ++round) {
      const std::string rows = outbox({"list", "--state", state}).out;
      if (static_cast<size_t>(std::count(rows.begin(), rows.end(), '\n')) == count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  };
  CHECK(wait_for("delivered", 4));

  // Retry is for what has not arrived.
  CHECK(outbox({"retry", "--since", "1h"}).out == "{\"rows\":0}\n");
  const Outcome since = outbox({"redrive", "--destination", "crm", "--since", between});
  CHECK(since.exit_code == 0);
  CHECK(since.out == "{\"rows\":1}\n");
  std::vector<std::string> again = delivered(folder, "crm.ndjson", 3);
  REQUIRE(again.size() == 3);
  CHECK(again[2] == first[1]);
  CHECK(delivered(folder, "log.ndjson", 2).size() == 2);

  CHECK(outbox({"redrive", "--since", "1h"}).out == "{\"rows\":4}\n");
  again = delivered(folder, "crm.ndjson", 5);
  REQUIRE(again.size() == 5);
  CHECK(again[3] == first[0]);
  CHECK(again[4] == first[1]);
  CHECK(delivered(folder, "log.ndjson", 4).size() == 4);
  CHECK(wait_for("delivered", 4));
  CHECK(outbox({"redrive", "--since", "1h", "--rule", "another"}).out == "{\"rows\":0}\n");

  const Outcome nothing = outbox({"redrive"});
  CHECK(nothing.exit_code == 2);
  CHECK(has(nothing.errors, "say which rows"));
  const Outcome odd = outbox({"redrive", "--since", "yesterday"});
  CHECK(odd.exit_code == 1);
  CHECK(has(odd.errors, "2026-01-05T10:00:00Z"));
  service.signal(SIGTERM);
  CHECK(service.wait() == 0);
}

}  // namespace omen
