// Message: what one destination is to be told of one match; Attempt: what came of trying.
//
// A message is frozen when its match is committed: its body and its id are the same at every attempt, over restarts
// too. Secrets are no part of it.
#pragma once

#include <cstdint>
#include <string>

namespace omen {

struct Message {
  int64_t number = 0;       // of its row in the store, ascending; 0 before it has one
  std::string id;           // the idempotency key that receivers see: message_id()
  std::string alert;        // the match's identity (core/action.h): the alert's id
  std::string destination;  // its name; empty: standard output
  std::string rule, title, severity;
  std::string key;         // JSON object, as in the alert record; "{}" without `by`
  std::string text;        // the alert's text
  std::string body;        // the alert record, or the body of a `send` that has one
  bool is_record = true;   // which of the two
  int64_t end_us = 0;      // of the match: event time
  uint64_t sequence = 0;   // of the log: what completed the match
  int64_t created_us = 0;  // when it was committed: wall clock
  uint64_t bytes() const { return title.size() + text.size() + body.size(); }  // of what may be long
};

// Of the match's identity and the place of the action in its rule. Without dots (Standard Webhooks).
inline std::string message_id(const std::string& alert, size_t action) { return alert + '-' + std::to_string(action); }

// What a reply means (retry.h judges it).
enum class Verdict : uint8_t {
  delivered,
  retry,     // may work later: goes on for 72 hours
  refused,   // hardly works later: five tries, then dead
  dead,      // this message never works
  hold,      // nothing works at this destination until somebody has looked
  returned,  // was not tried
};

struct Attempt {
  int64_t number = 0;  // of the message
  std::string destination;
  Verdict verdict = Verdict::returned;
  int32_t status = 0;    // HTTP or SMTP reply code, exit status of a command; 0: none
  std::string error;     // a short reason without secrets; empty when delivered
  int64_t begun_us = 0;  // wall clock
  int64_t took_us = 0;
  int64_t retry_after_us = 0;  // as the receiver asks; 0: it does not
};

}  // namespace omen
