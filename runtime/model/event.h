// Event: one decoded event as the machine sees it.
//
// `fields` is indexed by FieldId of the program; only the entries listed in program.types[type].fields are set,
// the others hold whatever an earlier event left there. Nothing is owned: all views live as long as the batch.
#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/model/value.h"

namespace omen {

using TypeId = uint32_t;
inline constexpr TypeId type_unnamed = 0;  // a type that no rule names; only `*` steps see it

struct Event {
  int64_t time_us = 0;          // its place in the stream's time, never before the event ahead of it
  int64_t ts_us = 0;            // its own `ts`, for display
  uint64_t sequence = 0;        // orders everything, from 1: its place among all events that the machine sees
  uint64_t derived_so_far = 0;  // so many of those up to it are derived: the difference is its place in the stream
  TypeId type = type_unnamed;
  bool is_derived = false;     // made by the engine (core/derive): only steps that name its type see it
  bool is_broken = false;      // it does not keep to its declaration (core/validate)
  std::string_view type_name;  // as received
  std::string_view id;         // empty when it has none
  std::string_view raw;        // the JSON object as received
  const Value* fields = nullptr;
};

}  // namespace omen
