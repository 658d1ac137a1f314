// Stored: what tests put into a store, and how they open one.
#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>

#include "runtime/outbox/store.h"

namespace omen {

inline Message message_of(const std::string& alert, const std::string& destination, const std::string& rule = "r") {
  Message message;
  message.alert = alert;
  message.id = message_id(alert, 0);
  message.destination = destination;
  message.rule = rule;
  message.severity = "info";
  message.key = R"({"k":"1"})";
  message.text = "text of " + alert;
  message.body = R"({"id":")" + alert + R"("})";
  message.sequence = 5;
  message.created_us = 1000;
  return message;
}

inline Attempt attempt_of(int64_t number, Verdict verdict, int32_t status = 0, const std::string& error = "") {
  Attempt attempt;
  attempt.number = number;
  attempt.verdict = verdict;
  attempt.status = status;
  attempt.error = error;
  attempt.begun_us = 2000;
  attempt.took_us = 10;
  return attempt;
}

inline std::unique_ptr<Store> open_store(const std::string& path, const StoreOptions& options = {}) {
  auto store = Store::open(path, options);
  REQUIRE_MESSAGE(store.is_ok(), store.message());
  return std::move(store.value());
}

}  // namespace omen
