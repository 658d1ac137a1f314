#include "cli/replay_delivery.h"

#include <simdjson.h>

#include <cstdio>

#include "cli/control_client.h"
#include "cli/print.h"
#include "cli/verbs.h"
#include "runtime/serve/replayed.h"

namespace omen::cli {

void ReplayDelivery::add(Message message) {
  ++by_destination_[message.destination.empty() ? "standard output" : message.destination];
  bytes_ += message.body.size();
  append_replayed(lines_, message);
}

Status ReplayDelivery::send(const std::string& data) {
  if (lines_.empty()) return Status::ok();
  const auto reply = call_service(data, "POST", "/v1/replayed", lines_);
  lines_.clear();
  bytes_ = 0;
  if (!reply) return Status::error(reply.message());
  if (reply.value().status != 200) return Status::error("the service refuses: " + reply.value().body);
  simdjson::dom::parser parser;
  simdjson::dom::element json;
  uint64_t added = 0, known = 0;
  if (parser.parse(simdjson::padded_string(reply.value().body)).get(json) != simdjson::SUCCESS ||
      json["added"].get(added) != simdjson::SUCCESS || json["known"].get(known) != simdjson::SUCCESS) {
    return Status::error("the answer is not one of a service");
  }
  added_ += added;
  known_ += known;
  return Status::ok();
}

int ReplayDelivery::finish(const std::string& data, bool is_yes) {
  for (const auto& [destination, count] : by_destination_) {
    std::printf("%s for %s\n", plural(count, "message").c_str(), shown(destination).c_str());
  }
  if (!is_yes) {
    std::printf("nothing has been handed over; --yes does it, but for what the outbox has already\n");
    return exit_ok;
  }
  if (Status sent = send(data); !sent) {
    std::fprintf(stderr, "omen replay: %s\n", shown(sent.message()).c_str());
    return exit_failed;
  }
  std::printf("%s added to the outbox; %s there already and not delivered again\n", plural(added_, "message").c_str(),
              grouped(known_).c_str());
  return exit_ok;
}

}  // namespace omen::cli
