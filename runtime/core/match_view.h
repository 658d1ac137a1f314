// Match view: all that actions read of a match. It points into the engine, and into `key`: good until the matches are
// cleared.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/core/captures.h"
#include "runtime/model/program.h"
#include "runtime/model/value.h"

namespace omen {

struct MatchView {
  RuleId rule = 0;
  std::span<const std::string_view> key;  // canonical texts; empty without `by`
  CaptureId captures = capture_none;
  int64_t start_us = 0;
  int64_t end_us = 0;
  bool at_deadline = false;                  // completed by an absence that has lasted, or by an evaluation
  bool resolves = false;                     // what was raised is over
  std::span<const Value> values = {};        // of the measures of its rule
  std::span<KeptEvent* const> history = {};  // of the key, when the rule asks for it
};

}  // namespace omen
