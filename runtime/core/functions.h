// Functions of section 5 of docs/language.md. A function of something missing is missing, and so is one of a value
// that it is not made for; exists, missing and coalesce are made for all.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "runtime/core/scratch.h"
#include "runtime/model/code.h"
#include "runtime/model/value.h"

namespace date {
class time_zone;
}

namespace omen {

// The time that a value is, as `ts` may be written: a time, RFC 3339 text, or a number since 1970.
std::optional<int64_t> time_of(const Value& value);

Value call(Function function, std::span<const Value> arguments, Scratch& scratch);
// hour, weekday and date as the clocks of a zone show them.
Value call_in_zone(Function function, const Value& time, const date::time_zone& zone, Scratch& scratch);

}  // namespace omen
