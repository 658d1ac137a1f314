// Running service: a service in this process on a folder of its own, with its writer's thread; what is fed comes back
// with its outcome, what is asked with its answer.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "runtime/io/clock.h"
#include "runtime/log/snapshot_file.h"
#include "runtime/serve/service.h"
#include "tests/support/compile_rules.h"

namespace omen {

namespace fs = std::filesystem;

// A data folder, and the service on it. Alerts go to /dev/null: what matters is the outbox.
struct Running {
  std::string data;
  std::unique_ptr<Service> service;
  std::thread writer;
  Status ended = Status::ok();
  std::vector<std::string> said;
  Compile compile = compile_rules;
  int sink = -1;

  explicit Running(const char* name, const fs::path& below = fs::temp_directory_path())
      : data((below / name).string()) {
    fs::remove_all(data);
  }
  ~Running() {
    end();
    fs::remove_all(data);
  }
  void start(const RuleSet& rules, ServiceOptions options = {}) {
    options.data = data;
    options.delivery.standard_output = sink = ::open("/dev/null", O_WRONLY);
    options.say = [this](const std::string& line, bool) { said.push_back(line); };
    auto opened = Service::open(std::move(options), compile, rules);
    REQUIRE_MESSAGE(opened, opened.message());
    service = std::move(opened.value());
    writer = std::thread([this] { ended = service->run(); });
  }
  void end() {
    if (service == nullptr) return;
    service->stop();
    writer.join();
    CHECK_MESSAGE(ended, ended.message());
    service.reset();
    ::close(sink);
  }
  std::vector<EventOutcome> feed(const std::vector<std::string>& lines, int64_t arrival_us = 0) {
    std::promise<std::vector<EventOutcome>> promise;
    Batch batch;
    for (const std::string& line : lines) batch.events += line + '\n';
    batch.count = lines.size();
    batch.source = "test";
    batch.arrival_us = arrival_us > 0 ? arrival_us : wall_clock_us();
    batch.done = [&](std::span<const EventOutcome> outcomes) { promise.set_value({outcomes.begin(), outcomes.end()}); };
    REQUIRE(service->intake().offer(std::move(batch)) == Intake::Answer::taken);
    return promise.get_future().get();
  }
  template <typename Ask>
  auto ask(Ask ask) {
    std::promise<decltype(ask(*service))> promise;
    service->ask([&](Service& writer_service) { promise.set_value(ask(writer_service)); });
    return promise.get_future().get();
  }
  // Of all rows of the outbox, in its order.
  std::vector<Message> messages() {
    return ask([](Service& one) {
      RowFilter all;
      all.limit = 1'000'000;
      const auto rows = one.store().list(all);
      std::vector<Message> out;
      for (const OutboxRow& row : rows.value()) out.push_back(row.message);
      return out;
    });
  }
  // What the newest snapshot has, when the service has ended.
  std::string last_state() const {
    const auto written = load_snapshot(real_disk(), snapshot_folder(data), UINT64_MAX);
    REQUIRE(written);
    REQUIRE(written.value().snapshot);
    return written.value().snapshot->state;
  }
  std::vector<std::string> bodies() {
    return ask([](Service& one) {
      std::vector<std::string> out;
      const auto rows = one.store().list({});
      for (const OutboxRow& row : rows.value()) out.push_back(row.message.id + ' ' + row.message.body);
      return out;
    });
  }
  // The rows, as bodies, when nothing but the log and the tables is left.
  void forget_all_but_the_log() {
    fs::remove_all(data + "/snapshots");
    for (const char* name : {"/state.db", "/state.db-wal", "/state.db-shm"}) fs::remove(data + name);
  }
  std::vector<std::string> texts() {
    return ask([](Service& one) {
      std::vector<std::string> out;
      const auto rows = one.store().list({});
      for (const OutboxRow& row : rows.value()) out.push_back(row.message.text);
      return out;
    });
  }
  Result<std::vector<RuleChange>> change(const RuleSet& rules) {
    std::promise<Result<std::vector<RuleChange>>> promise;
    service->ask([&](Service& one) {
      one.change_rules(rules, [&](Result<std::vector<RuleChange>> done) { promise.set_value(std::move(done)); });
    });
    return promise.get_future().get();
  }
};

inline std::string event(const std::string& type, const std::string& user, int64_t second, const std::string& id = {}) {
  const int64_t at_us = wall_clock_us() / 1'000'000 + second;
  return "{\"type\":\"" + type + "\",\"ts\":" + std::to_string(at_us) + ",\"u\":\"" + user + "\"" +
         (id.empty() ? "" : ",\"id\":\"" + id + "\"") + "}";
}

}  // namespace omen
