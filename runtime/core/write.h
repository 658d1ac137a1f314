// Write: values as JSON (alerts, bodies, derived events) and as people read them (templates).
#pragma once

#include <cstddef>
#include <string>

#include "runtime/core/scratch.h"
#include "runtime/model/code.h"
#include "runtime/model/value.h"

namespace omen {

// Appends the value as JSON: missing is null, times and durations are strings, lists and objects stand as they are.
void append_json(std::string& out, const Value& value);
void append_json_list(std::string& out, const Value* values, size_t count);

// Appends the value as a template shows it: a list's elements joined by ", ", numbers in the format.
void append_shown(std::string& out, const Value& value, const NumberFormat& format, Scratch& scratch);

}  // namespace omen
