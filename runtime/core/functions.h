// Functions of section 5 of docs/language.md. A function of something missing is missing, and so is one of a value
// that it is not made for; exists, missing and coalesce are made for all.
#pragma once

#include <span>

#include "runtime/core/scratch.h"
#include "runtime/model/code.h"
#include "runtime/model/value.h"

namespace date {
class time_zone;
}

namespace omen {

Value call(Function function, std::span<const Value> arguments, Scratch& scratch);
// hour, weekday and date as the clocks of a zone show them.
Value call_in_zone(Function function, const Value& time, const date::time_zone& zone, Scratch& scratch);

}  // namespace omen
