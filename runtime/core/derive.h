// Derive: events that the engine makes: what an `emit` says, and what `schema_violation` reports.
//
//   {"type":TYPE,"ts":TIME,"id":ID, then the members of the object}
//
// The event is put together as a line and decoded like a received one, so that rules read both alike: the same paths,
// the same limits. Its three members have their own names here whatever they are called in the input. Whoever has one
// gives it to Engine::step(), where it takes the place behind the newest event.
//
// INVARIANTS
//   1. Nothing is allocated when warm.
//   2. An event stays valid until the next one is made. Runs that take it keep a copy, as they do of all events.
//
// NOT HERE: which matches emit, and in what order (engine_emits.cc).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/core/decode.h"
#include "runtime/model/event.h"
#include "runtime/model/program.h"

namespace omen {

class Derive {
 public:
  explicit Derive(const Program& program) : decoder_(program, {}, Declared::nothing) {}

  // `object` is the JSON text of an object without the members type, ts and id. Nothing (nullptr) when the event would
  // break a limit on what is read: too long, too deep, too many members.
  const Event* make(std::string_view type, int64_t time_us, std::string_view id, std::string_view object);

 private:
  Decoder decoder_;
  std::string line_;
  Event event_;
};

}  // namespace omen
